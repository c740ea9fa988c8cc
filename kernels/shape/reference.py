"""Broadcasting arithmetic and moves in NumPy, as their formulas read."""

import numpy as np


def add_forward(a, b, *, out=None):
    return np.asarray(a + b)


def add_backward(dy, a, b):
    return _unbroadcast(dy, a.shape), _unbroadcast(dy, b.shape)


def multiply_forward(a, b, *, out=None):
    return np.asarray(a * b)


def multiply_backward(dy, a, b):
    return _unbroadcast(dy * b, a.shape), _unbroadcast(dy * a, b.shape)


def concatenate_forward(arrays, *, axis=-1, out=None):
    return np.concatenate(arrays, axis)


def concatenate_backward(dy, *, sizes, axis=-1):
    return split_forward(dy, sizes=sizes, axis=axis)


def split_forward(x, *, sizes, axis=-1):
    return [part.copy() for part in np.split(x, np.cumsum(sizes)[:-1], axis)] if sizes else []


def split_backward(dys, *, axis=-1, out=None):
    return np.concatenate(dys, axis)


def transpose_forward(x, *, axes=None, out=None):
    return x.transpose(axes).copy()


def transpose_backward(dy, *, axes=None, out=None):
    return dy.transpose(np.argsort(range(dy.ndim)[::-1] if axes is None else [a % dy.ndim for a in axes])).copy()


def pad_forward(x, *, width, value=0.0, out=None):
    return np.pad(x, width, constant_values=value) if x.ndim else np.array(x)


def pad_backward(dy, *, width, out=None):
    return crop_forward(dy, width=width)


def crop_forward(x, *, width, out=None):
    return np.array(x[tuple(slice(before, n - after) for n, (before, after) in zip(x.shape, width))])


def crop_backward(dy, *, width, out=None):
    return pad_forward(dy, width=width)


def gather_forward(x, indices, *, axis=0, out=None):
    return np.asarray(np.take(x, indices, axis))


def gather_backward(dy, indices, *, input_shape, axis=0):
    axis %= len(input_shape)
    dx = np.zeros(input_shape, dy.dtype)
    behind = range(axis, axis + indices.ndim)
    np.add.at(np.moveaxis(dx, axis, 0), indices, np.moveaxis(dy, behind, range(indices.ndim)))
    return dx


def _unbroadcast(gradient, shape):
    """The sum over the axes along which an array of `shape` was repeated."""
    padded = (1,) * (np.ndim(gradient) - len(shape)) + shape
    axes = tuple(axis for axis, (have, want) in enumerate(zip(np.shape(gradient), padded)) if have != want)
    return np.sum(gradient, axes, keepdims=True).reshape(shape)
