"""Targets of losses: checked and converted once, at the door, with messages that say what a loss takes."""

import numpy as np

from ..layers._door import as_array

SUM_TOLERANCE = 1e-3  # of a row of shares, which may be float16 or rounded to a few digits
_SAMPLES = {"target": "output", "validation_data[1]": "validation_data[0]"}  # what goes with a target, else x


def shares(target, output, op, name, loss="categorical_crossentropy"):
    """The target as rows of shares that sum to 1, one for every row of the output."""
    expect_classes(output, op, loss)
    if output.ndim > 2:
        expect_a_place_each(np.shape(target), output, output.ndim, op, name)
    if np.ndim(target) == 1:
        raise ValueError(
            f"{op}: {name} has shape {np.shape(target)}, expected (N, {output.shape[-1]}), a number a class; for "
            f"labels use sparse_categorical_crossentropy, or make them np.eye({output.shape[-1]})[{name}]"
        )
    t = numbers(target, output, op, name, 0, 1, "as a class's share")
    sums = t.sum(-1)
    if (wrong := np.argwhere(abs(sums - 1) > SUM_TOLERANCE)).size:
        row = wrong[0].tolist()
        raise ValueError(
            f"{op}: {name}{row} = {t[tuple(row)].tolist()} sums to {sums[tuple(row)]:.6g}, expected 1 because a "
            f"row holds the classes' shares; for several classes at once use binary_crossentropy"
        )
    return t


def class_labels(target, output, op, name, ignored=None):
    """The target as labels, one for every row of the output."""
    expect_classes(output, op, "sparse_categorical_crossentropy")
    t = as_array(op, name, target)
    axes = output.ndim - 1
    if axes > 1:
        column = t.shape[1:] == (1,) != output.shape[1:-1]
        expect_a_place_each(t.shape[:-1] if column else t.shape, output, axes, op, name)
    if t.ndim == axes + 1 and t.shape[-1] == 1:
        t = t.reshape(t.shape[:-1])
    if t.ndim != axes or t.shape[1:] != output.shape[1:-1]:
        remedy = "; for one-hot rows use categorical_crossentropy" if t.shape[1:] == output.shape[1:] else ""
        wanted = ", ".join(["N", *map(str, output.shape[1:-1])]) + ("," if axes == 1 else "")
        raise ValueError(f"{op}: {name} has shape {t.shape}, expected ({wanted}), a label for every row{remedy}")
    return labels(t, output.shape[-1], op, name, ignored)


def numbers(target, output, op, name, low, high, why=""):
    """The target as an array of the output's dtype and shape (but for the batch axis), all from low to high."""
    given = t = as_array(op, name, target, output.dtype)
    if t.ndim == output.ndim - 1 and output.shape[-1] == 1:
        t = t[..., None]
    if t.ndim != output.ndim or t.shape[1:] != output.shape[1:]:
        wanted = ", ".join(["N", *map(str, output.shape[1:])]) + ("," if output.ndim == 1 else "")
        raise ValueError(
            f"{op}: {name} has shape {t.shape}, expected ({wanted}) because that is the model's output"
            f"{_remedy(given, output, name) if 'binary' in why else ''}"
        )
    expect_within(low, high, given, op, name, why)  # whose message counts the axes as the caller does
    return t


def _remedy(t, output, name):
    """What to do where a binary cross-entropy meets labels, or one column one-hot rows."""
    columns = output.shape[-1]
    if t.ndim == output.ndim - 1 or t.shape[1:] == (1,):
        one = ", or for two classes one column, Dense(1, 'sigmoid')" if columns == 2 else ""
        return f"; for labels of {columns} classes the loss is sparse_categorical_crossentropy{one}"
    if t.ndim == output.ndim and columns == 1:
        second = f"pass {name}[:, 1], or " if t.shape[-1] == 2 else ""
        return f"; for one-hot rows {second}take Dense({t.shape[-1]}, 'softmax') and categorical_crossentropy"
    return ""


def labels(t, classes, op, name, ignored=None):
    """Labels as int64, all from 0 to classes - 1, or the one that is ignored."""
    if t.dtype.kind == "f":
        expect_finite(t, op, name)
        if (t != np.floor(t)).any():
            raise ValueError(f"{op}: {name} holds {t[t != np.floor(t)][0]}, expected whole numbers, a class each")
    known = t if ignored is None else t[t != ignored]
    if known.size and (known.min() < 0 or known.max() >= classes):
        bad = known[(known < 0) | (known >= classes)][0]
        remedy = "labels count from 0" if bad >= 0 else "give every class a number from 0 on"
        raise ValueError(
            f"{op}: {name} holds the label {bad}, expected 0 to {classes - 1} because the model's output has "
            f"{classes} classes; {remedy}"
        )
    return np.ascontiguousarray(t, np.int64)


def expect_within(low, high, t, op, name, why):
    """All of t is from low to high; NaN is nowhere."""
    if t.size and not (t.min() >= low and t.max() <= high):
        expect_finite(t, op, name)
        bad = t[(t < low) | (t > high)][0]
        raise ValueError(f"{op}: {name} holds {bad}, expected numbers from {low} to {high} {why}")


def expect_classes(output, op, loss):
    if output.ndim < 2 or output.shape[-1] < 2:
        raise ValueError(
            f"{op}: the model's output has shape (N, {', '.join(map(str, output.shape[1:]))}), expected (N, C) with a "
            f"column for each of at least 2 classes because the loss is {loss}; for one column use binary_crossentropy"
        )


def expect_a_place_each(shape, output, axes, op, name):
    """One target a sample wants one row of classes a sample; more axes of output are mostly a forgotten Flatten."""
    if len(shape) < axes and len(shape) <= 2:
        sizes = ", ".join(map(str, output.shape[1:]))
        raise ValueError(
            f"{op}: the model's output has shape (N, {sizes}), expected (N, C) because {name} has shape {shape}; "
            f"put Flatten(), or pooling down to one place and Flatten(), before the Dense of the classes"
        )


def expect_finite(t, op, name):
    where = np.argwhere(~np.isfinite(t))
    if len(where):
        first = tuple(int(i) for i in where[0])
        x = _SAMPLES.get(name, "x")
        rows = f".reshape(len({name}), -1).all(1)" if t.ndim > 1 else ""
        raise ValueError(
            f"{op}: {name} holds {len(where)} values that are NaN or infinite, the first is {name}{list(first)} = "
            f"{t[first]}; leave those samples out of both: keep = np.isfinite({name}){rows}; {x}[keep], {name}[keep]"
        )
