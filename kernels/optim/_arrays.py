"""The arrays of a step, or lists of them: who checks them, and what is wrong with them.

On the CPU the code that reads where arrays lie checks them as well (kernels/_cpu/lists.py); for the sentence about
those that are not as they should be, and for arrays on a device, they are looked at here.
"""

import numbers

import numpy as np

from .. import _check as check
from .._check_device import on_device
from .._dispatch import Faces
from ._treatment import Treatment

_faces = Faces(__package__)
_LISTS = (list, tuple)


def placed(op, **columns):
    """(face, the columns): where the first array lies. Arrays on a device are checked, and lists of them are lists."""
    first = next(iter(columns.values()))
    if first.__class__ in _LISTS and first:
        first = first[0]
    if first.__class__ is not np.ndarray and on_device(first):
        there = expected(op, {name: x for name, x in columns.items() if x is not None})
        columns.update(there)
    return _faces(first), columns.values()


def options(op, learning_rate, weight_decay, treatment):
    """The options that every step has."""
    check.number(op, "learning_rate", learning_rate, 0)
    check.number(op, "weight_decay", weight_decay, 0)
    if treatment is not None and treatment.__class__ is not Treatment:
        raise TypeError(f"{op}: treatment is {treatment!r}, expected a tw.kernels.Treatment or None")


def expected(op, columns):
    """The columns {name: array or list}, checked, lists as lists. All lie where the first one does.

    `dw` is read only, unless it stands alone. Raises TypeError or ValueError.
    """
    names = list(columns)
    first = columns[names[0]]
    gradient = "dw" if "dw" in columns else names[-1]
    changed = [name for name in names if name != gradient] or names
    lists = first.__class__ in _LISTS and columns[gradient].__class__ in _LISTS
    if not lists or (len(names) == 1 and first and isinstance(first[0], numbers.Number)):
        check.in_place(op, columns[gradient], gradient, **{name: columns[name] for name in changed})
        return columns
    check.columns(op, **columns)
    if not first:
        raise ValueError(f"{op}: {names[0]} is an empty list, expected at least one array")
    for i, x in enumerate(first):
        arrays = {f"{name}[{i}]": columns[name][i] for name in changed}
        check.in_place(op, columns[gradient][i], f"{gradient}[{i}]", **arrays)
        if x.__class__ is not first[0].__class__:
            check.one_device(op, **{f"{names[0]}[0]": first[0], f"{names[0]}[{i}]": x})
    return {name: list(column) for name, column in columns.items()}
