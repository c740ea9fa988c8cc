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
    width, shape = _check_width(op, "x", x, width, 1)
    check.out(op, out, shape, x, x=x)
    return _faces(x).pad_forward(x, width=width, value=value, out=out)


def pad_backward(dy, *, width, out=None):
    """Gradient of `pad_forward`: dy without what was around x. Raises as `crop_forward`, which does the same."""
    op = "pad_backward"
    dy = np.asarray(dy) if isinstance(dy, np.generic) else dy
    check.floats(op, dy=dy)
    width, shape = _check_width(op, "dy", dy, width, -1)
    check.out(op, out, shape, dy, dy=dy)
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
    width, shape = _check_width(op, "x", x, width, -1)
    check.out(op, out, shape, x, x=x)
    return _faces(x).crop_forward(x, width=width, out=out)


def crop_backward(dy, *, width, out=None):
    """Gradient of `crop_forward`: dy with zeros around it; dy, width -> dx."""
    op = "crop_backward"
    dy = np.asarray(dy) if isinstance(dy, np.generic) else dy
    check.floats(op, dy=dy)
    width, shape = _check_width(op, "dy", dy, width, 1)
    check.out(op, out, shape, dy, dy=dy)
    return _faces(dy).crop_backward(dy, width=width, out=out)


def _check_width(op, name, x, width, sign):
    """(width as a tuple of pairs, x's shape with (sign 1) or without (-1) these borders)."""
    try:
        return _checked(op, name, x.shape, width, sign)
    except TypeError:  # lists are no keys of a cache; whatever else was wrong fails again
        return _checked.__wrapped__(op, name, tuple(x.shape), width, sign)


@lru_cache(maxsize=1024)
def _checked(op, name, shape, width, sign):
    pairs = isinstance(width, (tuple, list)) and all(isinstance(w, (tuple, list)) and len(w) == 2 for w in width)
    if not pairs or len(width) != len(shape):
        raise TypeError(
            f"{op}: width is {width!r}, expected a pair (before, after) for each of the {len(shape)} axes of {name}"
        )
    for pair in width:
        for one in pair:
            check.whole(op, "width", one)
    width = tuple((int(before), int(after)) for before, after in width)
    new = tuple(n + sign * sum(pair) for n, pair in zip(shape, width))
    for axis, (n, less) in enumerate(zip(shape, new)):
        if less < 0:
            raise ValueError(
                f"{op}: width is {width}, which takes {n - less} from axis {axis}, expected at most {n} because "
                f"{name} is {shape}"
            )
    return width, new
