"""Pooling on the CPU: tables of windows for the kernels of _cpu/pooling.py, which say how they compute.

x, dx (N, H, W, C)    y, dy, argmax (N, P, Q, C)    sequences (N, L, C) are images of one row

max      y = x[argmax]                 dx = the sum of the dy whose argmax is here
average  y = sum(x inside) / count     dx = the sum of the dy / count whose window covers this place

Sliding windows have R x S places, numbered in the window; adaptive ones, of which a global one is the only one, cut the
image into P x Q parts, and their places are numbered in the image.
"""

from functools import lru_cache

import numpy as np

from .._cpu.memory import empty
from .._cpu.pooling import average_windows, average_windows_gradient, max_windows, max_windows_gradient
from .._window import pooling, resolve_1d
from . import place_dtype


def max_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    return _max(x, *_sliding("max_pool2d_forward", x.shape, window, stride, padding))


def max_pool2d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    tables = _sliding("max_pool2d_backward", input_shape, window, stride, padding)
    return _max_gradient(dy, argmax, input_shape, *tables)


def average_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    return _average(x, *_sliding("average_pool2d_forward", x.shape, window, stride, padding))


def average_pool2d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    return _average_gradient(
        dy, input_shape, *_sliding("average_pool2d_backward", input_shape, window, stride, padding)
    )


def max_pool1d_forward(x, *, window=2, stride=None, padding="valid"):
    y, argmax = _max(x[:, None], *_along("max_pool1d_forward", x.shape, window, stride, padding))
    return y[:, 0], argmax[:, 0]


def max_pool1d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    tables = _along("max_pool1d_backward", input_shape, window, stride, padding)
    return _max_gradient(dy[:, None], argmax[:, None], _image(input_shape), *tables)[:, 0]


def average_pool1d_forward(x, *, window=2, stride=None, padding="valid"):
    return _average(x[:, None], *_along("average_pool1d_forward", x.shape, window, stride, padding))[:, 0]


def average_pool1d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    tables = _along("average_pool1d_backward", input_shape, window, stride, padding)
    return _average_gradient(dy[:, None], _image(input_shape), *tables)[:, 0]


def adaptive_max_pool2d_forward(x, *, size):
    return _max(x, *_adaptive(x.shape[1:3], size))


def adaptive_max_pool2d_backward(dy, argmax, *, input_shape):
    return _max_gradient(dy, argmax, input_shape, *_adaptive(input_shape[1:3], dy.shape[1:3]))


def adaptive_average_pool2d_forward(x, *, size):
    return _average(x, *_adaptive(x.shape[1:3], size))


def adaptive_average_pool2d_backward(dy, *, input_shape):
    return _average_gradient(dy, input_shape, *_adaptive(input_shape[1:3], dy.shape[1:3]))


def global_max_pool2d_forward(x):
    y, argmax = _max(x, *_adaptive(x.shape[1:3], 1))
    return y[:, 0, 0], argmax[:, 0, 0]


def global_max_pool2d_backward(dy, argmax, *, input_shape):
    return _max_gradient(dy[:, None, None], argmax[:, None, None], input_shape, *_adaptive(input_shape[1:3], 1))


def global_average_pool2d_forward(x):
    return _average(x, *_adaptive(x.shape[1:3], 1))[:, 0, 0]


def global_average_pool2d_backward(dy, *, input_shape):
    return _average_gradient(dy[:, None, None], input_shape, *_adaptive(input_shape[1:3], 1))


def global_max_pool1d_forward(x):
    return global_max_pool2d_forward(x[:, None])


def global_max_pool1d_backward(dy, argmax, *, input_shape):
    return global_max_pool2d_backward(dy, argmax, input_shape=_image(input_shape))[:, 0]


def global_average_pool1d_forward(x):
    return global_average_pool2d_forward(x[:, None])


def global_average_pool1d_backward(dy, *, input_shape):
    return global_average_pool2d_backward(dy, input_shape=_image(input_shape))[:, 0]


def _image(shape):
    N, L, C = shape
    return N, 1, L, C


def _max(x, down, across, width, places):
    shape = (x.shape[0], len(down[0]), len(across[0]), x.shape[3])
    y, argmax = empty(shape, x.dtype), empty(shape, place_dtype(places))
    max_windows(x, down[0], across[0], width, y, argmax)
    return y, argmax


def _max_gradient(dy, argmax, input_shape, down, across, width, places):
    dx = empty(input_shape, dy.dtype)
    max_windows_gradient(dy, argmax, down[0], across[0], down[1], across[1], width, dx)
    return dx


def _average(x, down, across, width, places):
    y = empty((x.shape[0], len(down[0]), len(across[0]), x.shape[3]), x.dtype)
    average_windows(x, down[0], across[0], y)
    return y


def _average_gradient(dy, input_shape, down, across, width, places):
    dx = empty(input_shape, dy.dtype)
    average_windows_gradient(dy, down[0], across[0], down[1], across[1], dx)
    return dx


def _sliding(op, shape, window, stride, padding):
    """(tables down, tables across, width of numbering, places of a window) of windows on images (N, H, W, C)."""
    (R, S), (down, right), (P, Q), pads = pooling(op, shape[1:3], window, stride, padding)
    return _slide(shape[1], R, down, pads[0], P), _slide(shape[2], S, right, pads[2], Q), S, R * S


def _along(op, shape, window, stride, padding):
    """The same for sequences (N, L, C)."""
    stride = window if stride is None else stride
    Q, (left, _) = resolve_1d(op, shape[1], window, stride, padding)
    return _slide(1, 1, 1, 0, 1), _slide(shape[1], window, stride, left, Q), window, window


def _adaptive(image, size):
    """The same for windows that cut images into `size` parts; any number is larger than a byte, as far as dtypes go."""
    (H, W), (P, Q) = image, (size, size) if size.__class__ is int else size
    return _cut(H, P), _cut(W, Q), W, 1 << 31


@lru_cache(maxsize=256)
def _slide(size, span, step, before, count):
    """Tables of `count` windows of a span, the first of which begins so many places before the image."""
    bases = np.arange(count) * step - before
    return _tables(size, np.maximum(bases, 0), np.minimum(bases + span, size), bases)


@lru_cache(maxsize=256)
def _cut(size, count):
    """Window p of adaptive pooling goes from floor(p size / count) to ceil((p + 1) size / count)."""
    p = np.arange(count)
    return _tables(size, p * size // count, -(-(p + 1) * size // count), np.zeros(count, np.int64))


def _tables(size, starts, ends, bases):
    """(windows, covering)."""
    windows = np.ascontiguousarray(np.stack([starts, ends, bases], -1))
    places = np.arange(size)
    first, last = np.searchsorted(ends, places, "right"), np.searchsorted(starts, places, "right")
    changes = np.append(np.flatnonzero((np.diff(first) != 0) | (np.diff(last) != 0)) + 1, size)
    alike = changes[np.searchsorted(changes, places, "right")] - places
    return windows, np.ascontiguousarray(np.stack([first, last, alike], -1))
