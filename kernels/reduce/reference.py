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
