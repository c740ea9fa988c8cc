"""Reductions along axes: sum, mean, largest value and its place, the k largest, running sum.

An axis is counted from either end; `axis=None` of a sum or a mean is all axes, a tuple several. Sums are made in parts
that the shape alone decides, and added in float64: bits do not depend on threads, and a long sum is as good as a short
one.
"""

import numpy as np

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)


def sum_forward(x, *, axis=None, keepdims=False):
    """Sum over an axis, several, or all.

    x (...) float32 or float64 -> y of the other axes' sizes, with ones in their place if `keepdims`. The sum of nothing
    is 0. Raises TypeError or ValueError for other dtypes and orders, and for axes that x does not have, or has twice.

    >>> import numpy as np
    >>> sum_forward(np.arange(6.0).reshape(2, 3), axis=0)
    array([3., 5., 7.])
    """
    op = "sum_forward"
    check.floats(op, x=x)
    return _faces(x).sum_forward(x, axis=_axes(op, axis, "x", x), keepdims=keepdims)


def sum_backward(dy, *, input_shape, axis=None, keepdims=False):
    """Gradient of `sum_forward`: every dy goes to all that it is the sum of; dy -> dx of `input_shape`."""
    op = "sum_backward"
    dy = _array(dy)
    axes = _check_backward(op, dy, input_shape, axis, keepdims)
    return _faces(dy).sum_backward(dy, input_shape=input_shape, axis=axes, keepdims=keepdims)


def mean_forward(x, *, axis=None, keepdims=False):
    """Mean over an axis, several, or all; of nothing it is NaN. Axes, result and errors as in `sum_forward`.

    >>> import numpy as np
    >>> mean_forward(np.arange(6.0).reshape(2, 3), axis=(0, 1), keepdims=True)
    array([[2.5]])
    """
    op = "mean_forward"
    check.floats(op, x=x)
    return _faces(x).mean_forward(x, axis=_axes(op, axis, "x", x), keepdims=keepdims)


def mean_backward(dy, *, input_shape, axis=None, keepdims=False):
    """Gradient of `mean_forward`: every dy is shared out evenly; dy -> dx of `input_shape`."""
    op = "mean_backward"
    dy = _array(dy)
    axes = _check_backward(op, dy, input_shape, axis, keepdims)
    return _faces(dy).mean_backward(dy, input_shape=input_shape, axis=axes, keepdims=keepdims)


def max_forward(x, *, axis=-1):
    """Largest value along an axis, and its place.

    x (..., N, ...) -> y (..., ...), argmax of the same shape, int64. Of equal values the first counts, and a NaN counts
    as the largest, as in NumPy. Raises TypeError or ValueError for an axis that x does not have, or without elements.

    >>> import numpy as np
    >>> max_forward(np.array([[1.0, 3.0], [5.0, 2.0]]))
    (array([3., 5.]), array([1, 0]))
    """
    axis = _check_axis("max_forward", x, axis)
    return _faces(x).max_forward(x, axis=axis)


def max_backward(dy, argmax, *, input_shape, axis=-1):
    """Gradient of `max_forward`: every dy goes to the place that held the largest value; dy, argmax -> dx."""
    op = "max_backward"
    dy = _array(dy)
    check.floats(op, dy=dy)
    check.sizes(op, "input_shape", input_shape, dy.ndim + 1)
    axis = check.axis_of_shape(op, axis, "input_shape", input_shape)
    check.shape(op, "dy", dy, input_shape[:axis] + input_shape[axis + 1 :], ("input_shape", input_shape))
    check.integers(op, "argmax", argmax)
    check.same_shape(op, dy=dy, argmax=argmax)
    return _faces(dy).max_backward(dy, argmax, input_shape=input_shape, axis=axis)


def argmax_forward(x, *, axis=-1):
    """Place of the largest value along an axis, int64, as `max_forward` finds it. There is no gradient.

    >>> import numpy as np
    >>> argmax_forward(np.array([[1.0, 3.0], [5.0, 2.0]]), axis=0)
    array([1, 0])
    """
    axis = _check_axis("argmax_forward", x, axis)
    return _faces(x).argmax_forward(x, axis=axis)


def top_k_forward(x, *, k, axis=-1):
    """The k largest values along an axis, in descending order, and their places.

    x (..., N, ...) float32 or float64, k from 1 to N -> values, indices (..., k, ...), these int64. Of equal values the
    one with the lower index comes first; a NaN counts as the largest, as in NumPy's sort, and -0 equals 0. Raises
    TypeError or ValueError for other dtypes and orders, for an axis that x does not have, and for another k.

    >>> import numpy as np
    >>> top_k_forward(np.array([[1.0, 3.0, 2.0, 3.0]]), k=3)
    (array([[3., 3., 2.]]), array([[1, 3, 2]]))
    """
    op = "top_k_forward"
    check.floats(op, x=x)
    axis = check.axis(op, axis, "x", x)
    check.whole(op, "k", k, 1)
    if k > x.shape[axis]:
        raise ValueError(f"{op}: k is {k}, expected at most {x.shape[axis]}, the size of x's axis {axis}")
    return _faces(x).top_k_forward(x, k=k, axis=axis)


def top_k_backward(dy, indices, *, input_shape, axis=-1):
    """Gradient of `top_k_forward` to x, from that of the values: dx is dy at the indices, and else 0.

    dy, indices (..., k, ...) -> dx of `input_shape` (..., N, ...). Indices are integers from 0 to N - 1, along the axis
    all different, as the forward's are. Raises TypeError or ValueError for others and for shapes that do not match.
    """
    op = "top_k_backward"
    check.floats(op, dy=dy)
    check.integers(op, "indices", indices)
    check.same_shape(op, dy=dy, indices=indices)
    check.sizes(op, "input_shape", input_shape, dy.ndim)
    axis = check.axis_of_shape(op, axis, "input_shape", input_shape)
    expected = (*input_shape[:axis], "k", *input_shape[axis + 1 :])
    check.shape(op, "dy", dy, expected, ("input_shape", input_shape))
    misfit = _faces(dy).first_misfit(indices, input_shape[axis], None)
    if misfit >= 0:
        check.index(op, "indices", indices, misfit, input_shape[axis], ("input_shape", input_shape))
    return _faces(dy).top_k_backward(dy, indices, input_shape=input_shape, axis=axis)


def cumsum_forward(x, *, axis=-1):
    """Running sum along an axis: y[n] = x[0] + … + x[n], added in float64.

    x (..., N, ...) -> y of its shape. Raises TypeError or ValueError for an axis that x does not have.

    >>> import numpy as np
    >>> cumsum_forward(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    """
    check.floats("cumsum_forward", x=x)
    axis = check.axis("cumsum_forward", axis, "x", x)
    return _faces(x).cumsum_forward(x, axis=axis)


def cumsum_backward(dy, *, axis=-1):
    """Gradient of `cumsum_forward`, the running sum from the end: dx[n] = dy[n] + … + dy[N - 1]."""
    check.floats("cumsum_backward", dy=dy)
    axis = check.axis("cumsum_backward", axis, "dy", dy)
    return _faces(dy).cumsum_backward(dy, axis=axis)


def _array(dy):
    """A NumPy number, such as the gradient of a sum of all, as an array without axes."""
    return np.asarray(dy) if isinstance(dy, np.generic) else dy


def _check_axis(op, x, axis):
    check.floats(op, x=x)
    axis = check.axis(op, axis, "x", x)
    check.whole(op, f"the size of x's axis {axis}", x.shape[axis], 1)
    return axis


def _axes(op, axis, name, x):
    """The axes in ascending order, counted from the first."""
    if axis is None:
        return tuple(range(x.ndim))
    axes = sorted(check.axis(op, one, name, x) for one in (axis if axis.__class__ in (tuple, list) else (axis,)))
    if len(set(axes)) < len(axes):
        raise ValueError(f"{op}: axis is {axis}, expected every axis at most once")
    return tuple(axes)


def _check_backward(op, dy, input_shape, axis, keepdims):
    check.floats(op, dy=dy)
    if not isinstance(input_shape, tuple):
        raise TypeError(f"{op}: input_shape is {input_shape!r}, expected a tuple of integers")
    check.sizes(op, "input_shape", input_shape, len(input_shape))
    ndim = len(input_shape)
    if axis is None:
        axes = tuple(range(ndim))
    else:
        axes = axis if axis.__class__ in (tuple, list) else (axis,)
        axes = tuple(sorted(check.axis_of_shape(op, one, "input_shape", input_shape) for one in axes))
    kept = (1 if a in axes else size for a, size in enumerate(input_shape) if keepdims or a not in axes)
    check.shape(op, "dy", dy, tuple(kept), ("input_shape", input_shape))
    return axes
