"""Tables in text: numbers separated by commas, and a column of labels."""

import csv
import io
from typing import NamedTuple

import numpy as np

from ...kernels import _check as check
from ...kernels._names import nearest
from .files import damaged, read_utf8

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})


class Table(NamedTuple):
    """What `read_csv` found.

    x        numbers (N, D)
    y        labels (N,), int64, or numbers; None without a label column
    columns  the names of x's columns
    classes  the words that the labels stand for, in order; None where the file had numbers
    """

    x: np.ndarray
    y: np.ndarray | None
    columns: list
    classes: list | None


def read_csv(path, label=None, header=True, delimiter=",", missing="error", dtype=np.float32, encoding="utf-8"):
    """Read a table of numbers, and a column of labels: a `Table` of x, y, columns and classes.

    label      the name of the label column, or its place, which may count from the end; None: there is none
    header     whether the first line has the columns' names; without it they are "0", "1", ...
    delimiter  what stands between two values
    missing    what to do where a value is missing (empty, NA, NaN, null, None, ?, -): "error", "drop" the line, or
               a number to put there, such as math.nan
    dtype      of x

    Labels of whole numbers become int64, other numbers float64, and words int64, numbers of the sorted classes. Raises
    ValueError, which names file, line and column, for values that are missing or no finite numbers, and for lines of
    another length.
    """
    op = "read_csv"
    if missing not in ("error", "drop"):
        check.real(op, "missing", missing)
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ValueError(f"{op}: delimiter is {delimiter!r}, expected one character")
    names, lines = _lines(op, path, header, delimiter, encoding)
    place = None if label is None else _place(op, path, label, names)
    columns = [name for i, name in enumerate(names) if i != place]
    rows, labels = [], []
    for number, row in lines:
        values = [value.strip() for value in row]
        gaps = [i for i, value in enumerate(values) if value.lower() in MISSING]
        if gaps and (missing == "error" or missing != "drop" and place in gaps):
            raise damaged(op, path, _missing(number, names[gaps[0]], gaps[0] == place))
        if gaps and missing == "drop":
            continue
        if place is not None:
            labels.append((number, values.pop(place)))
        rows.append(_numbers(op, path, number, columns, values, missing))
    if not rows:
        raise damaged(op, path, "every line misses a value, nothing is left")
    y, classes = (None, None) if place is None else _classes(labels)
    return Table(np.array(rows, dtype).reshape(len(rows), len(columns)), y, columns, classes)


def _lines(op, path, header, delimiter, encoding):
    """The columns' names, and (line number, values) of all lines that are not blank, all of one length."""
    text = read_utf8(op, path, encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, begin = [], 1
    try:
        for row in reader:
            if row:
                lines.append((begin, row))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise damaged(op, path, f"line {begin} is no line of a table ({error})") from None
    if not lines:
        raise damaged(op, path, "there is no line in it that is not blank")
    length = len(lines[0][1])
    names = [name.strip() for name in lines.pop(0)[1]] if header else [str(i) for i in range(length)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise damaged(op, path, f"two columns are named {min(twice)!r}; is there a header?")
    if not lines:
        raise damaged(op, path, "there is a header and nothing below it")
    for number, row in lines:
        if len(row) != length:
            raise damaged(op, path, f"line {number} has {len(row)} values, expected {length} as in the first line")
    return names, lines


def _place(op, path, label, names):
    if isinstance(label, str):
        if label not in names:
            raise damaged(op, path, f"it has no column {label!r}{nearest(label, names)}")
        return names.index(label)
    check.whole(op, "label", label, -len(names))
    if label >= len(names):
        raise ValueError(f"{op}: label is {label}, expected {-len(names)} to {len(names) - 1}, a column of {path}")
    return label % len(names)


def _numbers(op, path, line, columns, values, missing):
    try:
        numbers = [float(value) for value in values]
        if all(map(_plain, numbers, values)):
            return numbers
    except ValueError:
        pass
    numbers = []
    for name, value in zip(columns, values):
        if value.lower() in MISSING:
            numbers.append(missing)
            continue
        try:
            number = float(value)
        except ValueError:
            number = np.nan
        if not _plain(number, value):
            raise damaged(
                op, path, f"line {line}, column {name!r} holds {value[:40]!r}, expected a finite number; "
                f"is it the label column, or a header?"
            )  # fmt: skip
        numbers.append(number)
    return numbers


def _plain(number, value):
    return -np.inf < number < np.inf and "_" not in value


def _missing(line, name, is_label):
    remedy = 'missing="drop" leaves such lines out'
    what = "has no label" if is_label else "has no value"
    return f"line {line}, column {name!r} {what}; {remedy}{'' if is_label else ', a number is put in their place'}"


def _classes(labels):
    """Labels as numbers, and their words if they are words."""
    words = [word for _, word in labels]
    try:
        numbers = np.array([float(word) for word in words])
        plain = all(map(_plain, numbers, words))
    except ValueError:
        plain = False
    if plain:
        whole = (numbers == np.floor(numbers)).all() and np.abs(numbers).max() < 1 << 53
        return (numbers.astype(np.int64) if whole else numbers), None
    classes, y = np.unique(words, return_inverse=True)
    return y.astype(np.int64), classes.tolist()
