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
_OPTIONAL = ("velocity", "v_hat", "mean")
_ndarray = np.ndarray


def placed(op, names, *columns):
    """(face, columns): where the first array lies. Those on a device are checked, and lists of them are lists."""
    first = columns[0]
    if first.__class__ in _LISTS and first:
        first = first[0]
    if first.__class__ is not _ndarray and on_device(first):
        columns = expected(op, names, columns)
    return _faces(first), columns


def options(op, learning_rate, weight_decay, treatment):
    """The options that every step has."""
    check.number(op, "learning_rate", learning_rate, 0)
    check.number(op, "weight_decay", weight_decay, 0)
    if treatment is not None and treatment.__class__ is not Treatment:
        raise TypeError(f"{op}: treatment is {treatment!r}, expected a tw.kernels.Treatment or None")


def expected(op, names, columns):
    """The columns by their names, arrays or lists of them, checked; lists as lists. All lie where the first one does.

    The second column, a gradient, is only read; columns that are None are not there. Raises TypeError or ValueError.
    """
    given = {name: x for name, x in zip(names, columns) if x is not None or name not in _OPTIONAL}
    gradient = names[1] if len(names) > 1 else names[0]
    changed = [name for name in given if name != gradient] or [gradient]
    first = columns[0]
    lists = first.__class__ in _LISTS and given[gradient].__class__ in _LISTS
    if not lists or (len(given) == 1 and first and isinstance(first[0], numbers.Number)):
        check.in_place(op, given[gradient], gradient, **{name: given[name] for name in changed})
        return columns
    check.columns(op, **given)
    if not first:
        raise ValueError(f"{op}: {names[0]} is an empty list, expected at least one array")
    for i, x in enumerate(first):
        arrays = {f"{name}[{i}]": given[name][i] for name in changed}
        check.in_place(op, given[gradient][i], f"{gradient}[{i}]", **arrays)
        if x.__class__ is not first[0].__class__:
            check.one_device(op, **{f"{names[0]}[0]": first[0], f"{names[0]}[{i}]": x})
    return tuple(None if x is None else list(x) for x in columns)
