"""Pooling in NumPy, as its formulas read.

x (N, H, W, C)    y, argmax (N, P, Q, C)    window R, S    a window's places are numbered r * S + s

A window that reaches beyond the image is filled up with places that are not `inside`: none of them is ever the
largest, none counts in an average.
"""

import numpy as np


def max_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    places, inside = _windows(x, window, stride, padding)
    argmax = np.where(inside, places, -np.inf).argmax(-1)
    first = inside.argmax(-1)  # if all that is inside is -inf, a place outside was found: it has the same value
    found_inside = np.take_along_axis(np.broadcast_to(inside, places.shape), argmax[..., None], -1)[..., 0]
    argmax = np.where(found_inside, argmax, first)
    y = np.take_along_axis(places, argmax[..., None], -1)[..., 0]
    return y, argmax.astype(np.uint8 if places.shape[-1] <= 256 else np.int32)


def max_pool2d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    dx = np.zeros(input_shape, dy.dtype)
    places, _ = _windows(np.arange(dx.size).reshape(input_shape), window, stride, padding)
    source = np.take_along_axis(places, argmax[..., None].astype(np.int64), -1)[..., 0]
    np.add.at(dx.reshape(-1), source, dy)
    return dx


def average_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    places, inside = _windows(x, window, stride, padding)
    return np.where(inside, places, 0).sum(-1, dtype=x.dtype) / inside.sum(-1).astype(x.dtype)


def average_pool2d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    dx = np.zeros(input_shape, dy.dtype)
    places, inside = _windows(np.arange(dx.size).reshape(input_shape), window, stride, padding)
    share = (dy / inside.sum(-1).astype(dy.dtype))[..., None]
    inside = np.broadcast_to(inside, places.shape)
    np.add.at(dx.reshape(-1), places[inside], np.broadcast_to(share, places.shape)[inside])
    return dx


def _windows(x, window, stride, padding):
    """Every window's places (N, P, Q, C, R * S), and which of them are inside the image (1, P, Q, 1, R * S)."""
    R, S = _pair(window)
    down, right = _pair(window if stride is None else stride)
    pads = _pads(x.shape[1:3], (R, S), (down, right), padding)

    def cut(image):
        padded = np.pad(image, ((0, 0), pads[:2], pads[2:], (0, 0)))
        places = np.lib.stride_tricks.sliding_window_view(padded, (R, S), (1, 2))[:, ::down, ::right]
        return places.reshape(*places.shape[:4], R * S)

    return cut(x), cut(np.ones((1, *x.shape[1:3], 1), bool))


def _pads(size, window, stride, padding):
    """(top, bottom, left, right)."""
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding == "same":  # ceil(size / stride) windows, the odd row at the bottom
        totals = [max((-(-n // s) - 1) * s + w - n, 0) for n, w, s in zip(size, window, stride)]
        return tuple(part for total in totals for part in (total // 2, total - total // 2))
    if np.size(padding) == 4:
        return tuple(padding)
    return tuple(np.repeat(_pair(padding), 2))


def _pair(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)
