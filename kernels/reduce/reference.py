"""Reductions in NumPy, as their formulas read.

x, dx (...)    y, dy, argmax, of the other axes' sizes
"""

import numpy as np


def sum_forward(x, *, axis=None, keepdims=False):
    return np.asarray(x.sum(_tuple(axis), keepdims=keepdims))


def sum_backward(dy, *, input_shape, axis=None, keepdims=False):
    axis = tuple(range(len(input_shape))) if axis is None else _tuple(axis)
    return np.broadcast_to(dy if keepdims else np.expand_dims(dy, axis), input_shape).copy()


def mean_forward(x, *, axis=None, keepdims=False):
    return np.asarray(sum_forward(x, axis=axis, keepdims=keepdims) / x.dtype.type(_count(x.shape, axis)))


def mean_backward(dy, *, input_shape, axis=None, keepdims=False):
    share = dy / dy.dtype.type(_count(input_shape, axis))
    return sum_backward(share, input_shape=input_shape, axis=axis, keepdims=keepdims)


def max_forward(x, *, axis=-1):
    argmax = np.asarray(x.argmax(axis))
    return np.take_along_axis(x, np.expand_dims(argmax, axis), axis).squeeze(axis), argmax


def max_backward(dy, argmax, *, input_shape, axis=-1):
    dx = np.zeros(input_shape, dy.dtype)
    np.put_along_axis(dx, np.expand_dims(argmax, axis), np.expand_dims(dy, axis), axis)
    return dx


def argmax_forward(x, *, axis=-1):
    return np.asarray(x.argmax(axis))


def top_k_forward(x, *, k, axis=-1):
    """Sorted in ascending order from behind, so that what is equal ends up in its order."""
    axis %= x.ndim
    order = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    indices = np.take(order, range(k), axis)
    return np.take_along_axis(x, indices, axis), indices


def top_k_backward(dy, indices, *, input_shape, axis=-1):
    dx = np.zeros(input_shape, dy.dtype)
    np.put_along_axis(dx, indices, dy, axis)
    return dx


def cumsum_forward(x, *, axis=-1):
    return np.cumsum(x, axis)


def cumsum_backward(dy, *, axis=-1):
    return np.flip(np.cumsum(np.flip(dy, axis), axis), axis).copy()


def _tuple(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _count(shape, axis):
    """How many elements are added."""
    axes = range(len(shape)) if axis is None else (axis if isinstance(axis, (tuple, list)) else (axis,))
    return np.prod([shape[a] for a in axes], dtype=int)
