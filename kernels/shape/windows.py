"""Borders of arrays: pad puts them on, crop takes them off; each is the other's gradient."""

from functools import lru_cache

import numpy as np

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__package__)


def pad_forward(x, *, width, value=0.0, out=None):
    """x with `value` around it.

    x (...) float32 or float64; width: a pair (before, after) of numbers for each axis -> y, along every axis larger by
    before + after. Raises TypeError or ValueError for other dtypes and orders and for other widths.

    >>> import numpy as np
    >>> pad_forward(np.array([[1.0, 2.0]]), width=((1, 0), (0, 2)), value=7)
    array([[7., 7., 7., 7.],
           [1., 2., 7., 7.]])
    """
    op = "pad_forward"
    check.floats(op, x=x)
    check.real(op, "value", value)
    width, more = _check_width(op, "x", x, width)
    check.out(op, out, tuple(map(int.__add__, x.shape, more)), x)
    return _faces(x).pad_forward(x, width=width, value=value, out=out)


def pad_backward(dy, *, width, out=None):
    """Gradient of `pad_forward`: dy without what was around x. Raises as `crop_forward`, which does the same."""
    op = "pad_backward"
    dy = np.asarray(dy) if isinstance(dy, np.generic) else dy
    check.floats(op, dy=dy)
    width, shape = _check_crop(op, "dy", dy, width)
    check.out(op, out, shape, dy)
    return _faces(dy).pad_backward(dy, width=width, out=out)


def crop_forward(x, *, width, out=None):
    """x without its borders.

    x (...) float32 or float64; width: a pair (before, after) of numbers for each axis, of what is left out there -> y.
    Raises TypeError or ValueError for other dtypes and orders, and for widths that are more than x has.

    >>> import numpy as np
    >>> crop_forward(np.arange(8.0).reshape(2, 4), width=((1, 0), (0, 2)))
    array([[4., 5.]])
    """
    op = "crop_forward"
    check.floats(op, x=x)
    width, shape = _check_crop(op, "x", x, width)
    check.out(op, out, shape, x)
    return _faces(x).crop_forward(x, width=width, out=out)


def crop_backward(dy, *, width, out=None):
    """Gradient of `crop_forward`: dy with zeros around it; dy, width -> dx."""
    op = "crop_backward"
    dy = np.asarray(dy) if isinstance(dy, np.generic) else dy
    check.floats(op, dy=dy)
    width, more = _check_width(op, "dy", dy, width)
    check.out(op, out, tuple(map(int.__add__, dy.shape, more)), dy)
    return _faces(dy).crop_backward(dy, width=width, out=out)


def _check_width(op, name, x, width):
    """(width as a tuple of pairs, their sums)."""
    try:
        return _widths(op, name, x.ndim, width)
    except TypeError:  # lists are no keys of a cache; whatever else was wrong fails again
        return _widths.__wrapped__(op, name, x.ndim, width)


@lru_cache(maxsize=1024)
def _widths(op, name, ndim, width):
    sequence = (tuple, list)
    if not (isinstance(width, sequence) and len(width) == ndim and all(isinstance(w, sequence) for w in width)):
        raise TypeError(_wrong_width(op, name, ndim, width))
    if any(len(pair) != 2 for pair in width):
        raise TypeError(_wrong_width(op, name, ndim, width))
    for pair in width:
        for one in pair:
            check.whole(op, "width", one)
    width = tuple((int(before), int(after)) for before, after in width)
    return width, tuple(map(sum, width))


def _wrong_width(op, name, ndim, width):
    return f"{op}: width is {width!r}, expected a pair (before, after) for each of the {ndim} axes of {name}"


def _check_crop(op, name, x, width):
    """(width as a tuple of pairs, the shape that is left)."""
    width, less = _check_width(op, name, x, width)
    shape = tuple(map(int.__sub__, x.shape, less))
    if shape and min(shape) < 0:
        axis = shape.index(min(shape))
        raise ValueError(
            f"{op}: width is {width}, which takes {less[axis]} from axis {axis}, expected at most {x.shape[axis]} "
            f"because {name} is {tuple(x.shape)}"
        )
    return width, shape
