"""Arithmetic with broadcasting, and what moves elements without changing them.

These are concatenate, split, transpose, gather, and pad and crop, which stand in windows.py.
"""

import numpy as np

from .. import _check as check
from .._dispatch import Faces
from .windows import crop_backward, crop_forward, pad_backward, pad_forward  # noqa: F401

_faces = Faces(__name__)


def add_forward(a, b, *, out=None):
    """Sum of two arrays, element by element: y = a + b, their axes broadcast as in NumPy.

    a (...), b (...) of one dtype, float32 or float64 -> y of the shape to which they broadcast. Raises TypeError or
    ValueError for other dtypes and orders, and for shapes that do not broadcast.

    >>> import numpy as np
    >>> add_forward(np.array([[1.0], [2.0]]), np.array([10.0, 20.0]))
    array([[11., 21.],
           [12., 22.]])
    """
    op = "add_forward"
    check.floats(op, a=a, b=b)
    check.out(op, out, _broadcast(op, a, b), a, **_elsewhere(out, a=a, b=b))
    return _faces(a).add_forward(a, b, out=out)


def add_backward(dy, a, b):
    """Gradients of `add_forward`: da and db are dy, summed over the axes along which a or b was repeated.

    dy (...), a, b as in the forward, of which only the shapes are used -> da, db of their shapes, which are no views.
    """
    dy = _check_gradient("add_backward", dy, a, b)
    return _faces(a).add_backward(dy, a, b)


def multiply_forward(a, b, *, out=None):
    """Product of two arrays, element by element: y = a b. Shapes and errors as in `add_forward`.

    >>> import numpy as np
    >>> multiply_forward(np.array([[1.0], [2.0]]), np.array([10.0, 20.0]))
    array([[10., 20.],
           [20., 40.]])
    """
    op = "multiply_forward"
    check.floats(op, a=a, b=b)
    check.out(op, out, _broadcast(op, a, b), a, **_elsewhere(out, a=a, b=b))
    return _faces(a).multiply_forward(a, b, out=out)


def multiply_backward(dy, a, b):
    """Gradients of `multiply_forward`: da = dy b and db = dy a, summed over the axes along which a or b was repeated.

    dy (...), a, b as in the forward -> da, db of their shapes.
    """
    dy = _check_gradient("multiply_backward", dy, a, b)
    return _faces(a).multiply_backward(dy, a, b)


def concatenate_forward(arrays, *, axis=-1, out=None):
    """Arrays one behind the other along an axis.

    arrays: a list of one or more, of one dtype, and of one shape but for the axis -> y. Raises TypeError or ValueError.

    >>> import numpy as np
    >>> concatenate_forward([np.array([1.0, 2.0]), np.array([3.0])])
    array([1., 2., 3.])
    """
    op = "concatenate_forward"
    if arrays.__class__ not in (list, tuple) or not arrays:
        raise TypeError(f"{op}: arrays is {type(arrays).__name__}, expected a list of one array or more")
    names = {f"arrays[{i}]": x for i, x in enumerate(arrays)}
    check.floats(op, **names)
    first = arrays[0]
    axis = check.axis(op, axis, "arrays[0]", first)
    expected = (*first.shape[:axis], "any", *first.shape[axis + 1 :])
    for name, x in names.items():
        check.shape(op, name, x, expected, ("arrays[0]", first))
    shape = (*first.shape[:axis], sum(x.shape[axis] for x in arrays), *first.shape[axis + 1 :])
    check.out(op, out, shape, first, **names)
    return _faces(first).concatenate_forward(arrays, axis=axis, out=out)


def concatenate_backward(dy, *, sizes, axis=-1):
    """Gradients of `concatenate_forward`: the parts of dy, of `sizes` along the axis; a list of fresh arrays."""
    op = "concatenate_backward"
    axis = _check_split(op, "dy", dy, sizes, axis)
    return _faces(dy).concatenate_backward(dy, sizes=sizes, axis=axis)


def split_forward(x, *, sizes, axis=-1):
    """Parts of an array along an axis, of the given sizes, which add up to that of x; a list of fresh arrays.

    >>> import numpy as np
    >>> split_forward(np.array([1.0, 2.0, 3.0]), sizes=(2, 1))
    [array([1., 2.]), array([3.])]
    """
    op = "split_forward"
    axis = _check_split(op, "x", x, sizes, axis)
    return _faces(x).split_forward(x, sizes=sizes, axis=axis)


def split_backward(dys, *, axis=-1, out=None):
    """Gradient of `split_forward`: the gradients of the parts one behind the other."""
    return concatenate_forward(dys, axis=axis, out=out)


def transpose_forward(x, *, axes=None, out=None):
    """x with its axes in another order, as a fresh array in C order.

    axes: where each axis of the result comes from, each axis once; None turns the order round. Raises TypeError or
    ValueError.

    >>> import numpy as np
    >>> transpose_forward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 3.],
           [2., 4.]])
    """
    op = "transpose_forward"
    check.floats(op, x=x)
    axes = _check_axes(op, "x", x, axes)
    check.out(op, out, tuple(x.shape[a] for a in axes), x, x=x)
    return _faces(x).transpose_forward(x, axes=axes, out=out)


def transpose_backward(dy, *, axes=None, out=None):
    """Gradient of `transpose_forward`: dy with its axes back in their places."""
    op = "transpose_backward"
    check.floats(op, dy=dy)
    axes = _check_axes(op, "dy", dy, axes)
    back = tuple(axes.index(a) for a in range(dy.ndim))
    check.out(op, out, tuple(dy.shape[a] for a in back), dy, dy=dy)
    return _faces(dy).transpose_backward(dy, axes=axes, out=out)


def gather_forward(x, indices, *, axis=0, out=None):
    """Slices of x along an axis, by number: for axis 0, y[...] = x[indices[...]].

    x (M..., N, R...) float32 or float64, indices (K...) integers from 0 to N - 1 -> y (M..., K..., R...), as
    `np.take`. Raises TypeError for other dtypes, ValueError for other orders, for an axis that x does not have and for
    an index that is negative or beyond the axis, before anything is written.

    >>> import numpy as np
    >>> gather_forward(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([2, 0]), axis=1)
    array([[3., 1.],
           [6., 4.]])
    """
    op = "gather_forward"
    check.floats(op, x=x)
    check.integers(op, "indices", indices)
    axis = check.axis(op, axis, "x", x)
    check.out(op, out, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x, x=x, indices=indices)
    _check_indices(op, indices, x.shape[axis], ("x", x))
    return _faces(x).gather_forward(x, indices, axis=axis, out=out)


def gather_backward(dy, indices, *, input_shape, axis=0):
    """Gradient of `gather_forward`: every slice of dx is the sum of those of dy that were taken from it.

    dy (M..., K..., R...), indices (K...) -> dx of `input_shape` (M..., N, R...), with 0 where nothing was taken. Sums
    are in the order of the indices. Raises as the forward.
    """
    op = "gather_backward"
    dy = np.asarray(dy) if isinstance(dy, np.generic) else dy
    check.floats(op, dy=dy)
    check.integers(op, "indices", indices)
    check.sizes(op, "input_shape", input_shape, dy.ndim - indices.ndim + 1)
    axis = check.axis_of_shape(op, axis, "input_shape", input_shape)
    expected = (*input_shape[:axis], *indices.shape, *input_shape[axis + 1 :])
    check.shape(op, "dy", dy, expected, ("input_shape", input_shape))
    _check_indices(op, indices, input_shape[axis], ("input_shape", input_shape))
    return _faces(dy).gather_backward(dy, indices, input_shape=input_shape, axis=axis)


def _elsewhere(out, **operands):
    """The operands that do not lie just where the result goes."""
    if out is None:
        return {}
    return {name: x for name, x in operands.items() if x.shape != out.shape or not _same_place(x, out)}


def _same_place(x, out):
    return isinstance(x, np.ndarray) and isinstance(out, np.ndarray) and x.ctypes.data == out.ctypes.data


def _broadcast(op, a, b):
    if a.shape == b.shape:
        return a.shape
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(
            f"{op}: the axes of a {a.shape} and b {b.shape} do not broadcast; each pair must be equal or 1"
        ) from None


def _check_gradient(op, dy, a, b):
    """dy, as an array where it is a NumPy number."""
    dy = np.asarray(dy) if isinstance(dy, np.generic) else dy
    check.floats(op, a=a, b=b, dy=dy)
    check.shape(op, "dy", dy, _broadcast(op, a, b))
    return dy


def _check_split(op, name, x, sizes, axis):
    check.floats(op, **{name: x})
    axis = check.axis(op, axis, name, x)
    check.sizes(op, "sizes", sizes, len(sizes) if isinstance(sizes, tuple) else 1)
    if sum(sizes) != x.shape[axis]:
        raise ValueError(f"{op}: sizes are {sizes}, expected to add up to {x.shape[axis]} because {name} is {x.shape}")
    return axis


def _check_axes(op, name, x, axes):
    """The axes counted from the first."""
    if axes is None:
        return tuple(range(x.ndim))[::-1]
    if not isinstance(axes, (tuple, list)) or len(axes) != x.ndim:
        raise ValueError(f"{op}: axes is {axes!r}, expected each of the {x.ndim} axes of {name} once")
    found = tuple(check.axis(op, axis, name, x) for axis in axes)
    if len(set(found)) < len(found):
        raise ValueError(f"{op}: axes is {axes!r}, expected each of the {x.ndim} axes of {name} once")
    return found


def _check_indices(op, indices, size, because):
    misfit = _faces(indices).first_misfit(indices, size)
    if misfit >= 0:
        check.index(op, "indices", indices, misfit, size, because)
