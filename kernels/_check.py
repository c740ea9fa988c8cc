"""The only place that words an error about shape, dtype, order or range.

A message names the op, the argument, what came, what was expected and why, and the remedy. The checks run before
anything is allocated or written. Their good case is a few attribute look-ups; sentences are made only on failure.
"""

import math
import numbers

import numpy as np

from . import _check_device as _device
from ._names import nearest

_ndarray = np.ndarray
_FLOATS = "fd"
_FLOAT_DTYPES = {np.dtype(np.float32), np.dtype(np.float64)}
_INTEGERS = "bhilqBHILQ"
_REALS = {float, int, np.float32, np.float64}  # most that come; to ask numbers.Real takes a third of a microsecond
_BUFFER = "pass an array in C order, such as np.empty(shape, dtype)"


def floats(op, ndim=None, /, **arrays):
    """Arrays of one float dtype in C order, of rank `ndim` if given; the first one leads."""
    dtype = None
    for x in arrays.values():
        if x.__class__ is not _ndarray or not x.flags.c_contiguous or (ndim is not None and x.ndim != ndim):
            break
        kind = x.dtype
        if kind is not dtype:
            if dtype is not None or kind not in _FLOAT_DTYPES:
                break
            dtype = kind
    else:
        return
    _explain_floats(op, ndim, arrays)


def alike(op, ndim=None, /, **arrays):
    """What `floats` asks, and that all arrays have the shape of the first: what most gradients come with."""
    dtype = None
    for x in arrays.values():
        if x.__class__ is not _ndarray or not x.flags.c_contiguous:
            break
        if dtype is None:
            dtype, shape = x.dtype, x.shape
            if dtype not in _FLOAT_DTYPES or (ndim is not None and len(shape) != ndim):
                break
        elif x.dtype is not dtype or x.shape != shape:
            break
    else:
        return
    floats(op, ndim, **arrays)
    same_shape(op, **arrays)


def _explain_floats(op, ndim, arrays):
    if any(_device.on_device(x) for x in arrays.values()):
        return _device.floats(op, ndim, arrays)
    leader = None
    for name, x in arrays.items():
        if not (x.__class__ is np.ndarray and x.dtype.char in _FLOATS and x.dtype.isnative and x.flags.c_contiguous):
            _explain_array(op, name, x, "float32 or float64")
        if ndim is not None and x.ndim != ndim:
            rank(op, name, x, ndim)
        if leader is None:
            leader, leader_name = x.dtype, name
        elif x.dtype != leader:
            raise TypeError(
                f"{op}: {name} is {x.dtype}, expected {leader} because {leader_name} is {leader}; "
                f"convert it with {name}.astype(np.{leader})"
            )


def matrices(op, names, a, b):
    """Two arrays of one float dtype and two axes at least, whose rows may lie apart but are whole in themselves."""
    if (
        a.__class__ is _ndarray is b.__class__
        and a.dtype is b.dtype
        and a.dtype in _FLOAT_DTYPES
        and a.ndim > 1 < b.ndim
        and (a.flags.c_contiguous or _has_rows(a))
        and (b.flags.c_contiguous or _has_rows(b))
    ):
        return
    arrays = dict(zip(names, (a, b)))
    for name, x in arrays.items():
        if (isinstance(x, _ndarray) or _device.on_device(x)) and x.ndim < 2:
            raise ValueError(f"{op}: {name} has {x.ndim} axes (shape {_shape_of(x)}), expected at least 2")
    _explain_floats(op, None, arrays)


def _has_rows(x):
    """Whether the elements of every row are neighbours, and no axis runs backwards or falls between elements."""
    last, size = x.strides[-1], x.itemsize
    return (last == size or x.shape[-1] <= 1) and min(x.strides) >= 0 and not any(step % size for step in x.strides)


def broadcast(op, one, other, a, b):
    """The shape to which two lists of leading axes broadcast."""
    try:
        return np.broadcast_shapes(tuple(one), tuple(other))
    except ValueError:
        raise ValueError(
            f"{op}: the leading axes of a {_shape_of(a)} and b {_shape_of(b)} do not broadcast; "
            "each pair must be equal or 1"
        ) from None


def integers(op, name, x, ndim=None, beside=None):
    """An integer array in C order, where the array of `beside`, (name, array), lies."""
    if not (x.__class__ is np.ndarray and x.dtype.char in _INTEGERS and x.dtype.isnative and x.flags.c_contiguous):
        if _device.on_device(x) or (beside is not None and _device.on_device(beside[1])):
            return _device.integers(op, name, x, ndim, beside)
        _explain_array(op, name, x, "an integer dtype")
    elif beside is not None and beside[1].__class__ is not _ndarray and _device.on_device(beside[1]):
        _device.integers(op, name, x, ndim, beside)
    if ndim is not None and x.ndim != ndim:
        rank(op, name, x, ndim)


def dtype(op, name, x):
    """The dtype of an array, as NumPy's, whichever library made it."""
    return x.dtype if x.__class__ is _ndarray else _device.dtype(op, name, x)


def rank(op, name, x, ndim):
    """x has `ndim` axes."""
    if x.ndim != ndim:
        raise ValueError(f"{op}: {name} has {x.ndim} axes (shape {_shape_of(x)}), expected {ndim}")


def at_least(op, name, x, ndim):
    """x has `ndim` axes or more."""
    if x.ndim < ndim:
        raise ValueError(f"{op}: {name} has {x.ndim} axes (shape {_shape_of(x)}), expected at least {ndim}")


def axis(op, value, name, x):
    """One of the axes of x, counted from either end; returned counted from the first."""
    if value.__class__ is not int:
        whole(op, "axis", value, -math.inf)
    if not -x.ndim <= value < x.ndim:
        if x.ndim == 0:
            raise ValueError(f"{op}: {name} has 0 axes (shape ()), expected at least 1")
        axes = f"{x.ndim} axes" if x.ndim > 1 else "1 axis"
        raise ValueError(f"{op}: axis is {value}, expected {-x.ndim} to {x.ndim - 1} because {name} has {axes}")
    return int(value) % x.ndim


def axis_of_shape(op, value, name, shape):
    """One of the axes of an array of this shape; returned counted from the first."""
    whole(op, "axis", value, -math.inf)
    ndim = len(shape)
    if not -ndim <= value < ndim:
        axes = f"{ndim} axes" if ndim > 1 else "1 axis"
        raise ValueError(f"{op}: axis is {value}, expected {-ndim} to {ndim - 1} because {name} has {axes}")
    return int(value) % ndim


def shape(op, name, x, expected, because=None):
    """x has the `expected` shape, in which a letter stands for any size; `because` is (name, array or shape)."""
    actual = x.shape
    if actual == expected:
        return
    if len(actual) != len(expected) or any(type(e) is not str and a != e for a, e in zip(actual, expected)):
        wanted = ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "")
        why = f" because {because[0]} is {_shape_of(because[1])}" if because else ""
        raise ValueError(f"{op}: {name} has shape {tuple(actual)}, expected ({wanted}){why}")


def _shape_of(x):
    """The shape of an array, or a shape; PyTorch's as a plain tuple."""
    x = getattr(x, "shape", x)
    return tuple(x) if isinstance(x, tuple) else x


def same_shape(op, /, **arrays):
    """All arrays have the shape of the first."""
    leader = None
    for name, x in arrays.items():
        if leader is None:
            leader = name, x
        elif x.shape != leader[1].shape:
            shape(op, name, x, leader[1].shape, leader)


def out(op, given, expected, like, /, **read):
    """The caller's buffer for a result of shape `expected` and dtype of `like`, apart from `read`; None is allowed."""
    if given is not None:
        floats(op, None, out=given)
        on_cpu = given.__class__ is _ndarray and like.__class__ is _ndarray
        if not on_cpu:
            _device.out(op, given, like)
        elif given.dtype != like.dtype:
            raise TypeError(f"{op}: out is {given.dtype}, expected {like.dtype}, the dtype of the inputs")
        shape(op, "out", given, expected)
        if on_cpu:
            _device.host_out(op, given, read)


def needed(op, name, x, because, remedy):
    """An array that is optional in general is there."""
    if x is None:
        raise TypeError(f"{op}: {name} is None, expected an array because {because}; {remedy}")


def in_place(op, dw, name="dw", /, **changed):
    """A gradient, by its name, and the arrays that a step changes: of one float dtype and shape, in C order, writeable.

    A model's step makes this check once a parameter, so that its good case is a loop of its own.
    """
    if dw.__class__ is np.ndarray and dw.dtype.char in _FLOATS and dw.dtype.isnative and dw.flags.c_contiguous:
        dtype, shape = dw.dtype, dw.shape
        for x in changed.values():
            if x.__class__ is not np.ndarray or x.dtype is not dtype or x.shape != shape or not x.flags.carray:
                break
        else:
            return
    arrays = {**changed, name: dw}
    floats(op, None, **arrays)
    same_shape(op, **arrays)
    for name, x in changed.items():
        if x.__class__ is not _ndarray:
            _device.writeable(op, name, x)
        elif not x.flags.writeable:
            raise ValueError(f"{op}: {name} is read-only; pass a writeable array, such as {name}.copy()")


def columns(op, /, **given):
    """Lists or tuples of as many arrays each, of which the first is one."""
    leader = next(iter(given))
    count = len(given[leader])
    for name, x in given.items():
        if x.__class__ not in (list, tuple):
            kind = "one array" if isinstance(x, _ndarray) or _device.on_device(x) else _device.kind(x)
            raise TypeError(f"{op}: {name} is {kind}, expected a list of arrays because {leader} is one")
        if len(x) != count:
            raise ValueError(f"{op}: {name} has {len(x)} arrays, expected {count} because {leader} has {count}")


def one_device(op, /, **arrays):
    """All arrays lie on a device, or none of them does."""
    there = [_device.on_device(x) for x in arrays.values()]
    if any(there) and not all(there):
        _device.floats(op, None, arrays)


def real(op, name, value):
    """A real number; NaN and infinity are such."""
    if value.__class__ not in _REALS and (not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_))):
        raise TypeError(f"{op}: {name} is {value!r}, expected a number")


def number(op, name, value, low=-math.inf, high=math.inf):
    """A real number in [low, high]."""
    if value.__class__ is float and low <= value <= high:
        return
    real(op, name, value)
    if not low <= value <= high:
        raise ValueError(f"{op}: {name} is {value}, expected a number from {low} to {high}")


def positive(op, name, value):
    """A real number above 0."""
    if value.__class__ is float and value > 0:
        return
    real(op, name, value)
    if not value > 0:
        raise ValueError(f"{op}: {name} is {value}, expected a number above 0")


def fraction(op, name, value):
    """A real number in [0, 1)."""
    if value.__class__ is float and 0 <= value < 1:
        return
    number(op, name, value)
    if not 0 <= value < 1:
        raise ValueError(f"{op}: {name} is {value}, expected a number from 0 to below 1")


def whole(op, name, value, low=0):
    """An integer of at least `low`."""
    if value.__class__ is int and value >= low:
        return
    if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{op}: {name} is {value!r}, expected an integer")
    if value < low:
        raise ValueError(f"{op}: {name} is {value}, expected at least {low}")


def word(op, name, value):
    """An integer that fits into 64 bits without a sign."""
    whole(op, name, value)
    if value >= 1 << 64:
        raise ValueError(f"{op}: {name} is {value}, expected less than 2**64")


def multiple(op, name, value, factor, why):
    """A size is a multiple of another, `why` says of which; 0 has no multiple but 0."""
    if value % factor if factor else value:
        raise ValueError(f"{op}: {name} is {value}, expected a multiple of {factor}, {why}")


def booleans(op, name, x):
    """A NumPy array of bool in C order."""
    if x.__class__ is not _ndarray:
        raise TypeError(f"{op}: {name} is {_device.kind(x)}, expected a NumPy array of bool")
    if x.dtype.char != "?":
        raise TypeError(f"{op}: {name} is {x.dtype}, expected bool; convert it with {name}.astype(bool)")
    if not x.flags.c_contiguous:
        _explain_order(op, name, x)


def broadcasts(op, name, x, expected):
    """x broadcasts to the `expected` shape."""
    pairs = zip(reversed(x.shape), reversed(expected))
    if x.shape != expected and (len(x.shape) > len(expected) or any(n not in (1, size) for n, size in pairs)):
        raise ValueError(f"{op}: {name} has shape {_shape_of(x)}, expected one that broadcasts to {expected}")


def spread_over(op, name, x, expected):
    """x has the `expected` shape, or 1 in place of any size but the last."""
    if (
        len(x.shape) != len(expected)
        or x.shape[-1] != expected[-1]
        or any(actual not in (1, size) for actual, size in zip(x.shape, expected))
    ):
        wanted = ", ".join([*(f"{size} or 1" for size in expected[:-1]), str(expected[-1])])
        raise ValueError(f"{op}: {name} has shape {_shape_of(x)}, expected ({wanted})")


def label(op, name, labels, place, y):
    """The error for labels[place], which is no column of y."""
    raise ValueError(
        f"{op}: {name} holds {int(labels[place])} at position {place}, expected labels from 0 to {y.shape[1] - 1} "
        f"because y is {_shape_of(y)}"
    )


def index(op, name, x, place, size, because):
    """The error for the element of x at a place of its flat order, which is no number below `size`."""
    where = tuple(int(i) for i in np.unravel_index(place, x.shape))
    where = where[0] if len(where) == 1 else where
    expected = f"0 to {size - 1}" if size else "nothing"
    raise ValueError(
        f"{op}: {name} holds {int(x.flat[place])} at position {where}, expected {expected} "
        f"because {because[0]} is {_shape_of(because[1])}"
    )


def offset(op, name, x, place, because):
    """The error for x[place], with which the places of x do not ascend from 0 to the size of `because`."""
    raise ValueError(
        f"{op}: {name} holds {int(x[place])} at position {place}, expected ascending places from 0 to "
        f"{because[1].size} because {because[0]} is {_shape_of(because[1])}"
    )


def sizes(op, name, value, count):
    """A tuple of `count` sizes of an array."""
    if not isinstance(value, tuple) or len(value) != count:
        raise TypeError(f"{op}: {name} is {value!r}, expected a tuple of {count} integers")
    for size in value:
        whole(op, name, size)


def choice(op, name, value, choices):
    """One of `choices`; the message names the nearest ones."""
    if value not in choices:
        known = ", ".join(repr(c) for c in choices)
        raise ValueError(f"{op}: {name} is {value!r}, expected one of {known}{nearest(value, choices)}")


def _explain_array(op, name, x, kinds):
    if not isinstance(x, np.ndarray):
        remedy = f"; make one with np.asarray({name})"
        if name == "out":
            remedy = f"; {_BUFFER}"
        elif x is None or isinstance(x, (str, bytes)):  # of which np.asarray makes nothing that would do
            remedy = f" of {kinds}"
        raise TypeError(f"{op}: {name} is {_device.kind(x)}, expected a NumPy array{remedy}")
    wanted = _INTEGERS if "integer" in kinds else _FLOATS
    if x.dtype.char not in wanted:
        target = "np.int64" if wanted is _INTEGERS else "np.float32"
        raise TypeError(f"{op}: {name} is {x.dtype}, expected {kinds}; convert it with {name}.astype({target})")
    if not x.dtype.isnative:
        raise TypeError(f"{op}: {name} is in foreign byte order; convert it with {name}.astype({name}.dtype.name)")
    if not x.flags.c_contiguous:
        _explain_order(op, name, x)
    if type(x) is not np.ndarray:
        raise TypeError(f"{op}: {name} is a {type(x).__name__}, expected a plain array; use np.asarray({name})")


def _explain_order(op, name, x):
    remedy = _BUFFER if name == "out" else f"copy it with np.ascontiguousarray({name})"
    raise ValueError(
        f"{op}: {name} has shape {x.shape} and strides {x.strides}, expected C order because kernels make no "
        f"silent copies; {remedy}"
    )
