"""Pooling in NumPy, as its formulas read.

x (N, H, W, C)    y, argmax (N, P, Q, C)    window R, S    a window's places are numbered r * S + s

A window that reaches beyond the image is filled up with places that are not `inside`: none of them is ever the
largest, none counts in an average.

Sequences (N, L, C) are images of one row. Adaptive windows go from floor(p H / P) to ceil((p + 1) H / P), and their
places are numbered h * W + w in the image; a global window is the only one.
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


def max_pool1d_forward(x, *, window=2, stride=None, padding="valid"):
    y, argmax = max_pool2d_forward(x[:, None], **_along(window, stride, padding))
    return y[:, 0], argmax[:, 0]


def max_pool1d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    options = _along(window, stride, padding)
    return max_pool2d_backward(dy[:, None], argmax[:, None], input_shape=_image(input_shape), **options)[:, 0]


def average_pool1d_forward(x, *, window=2, stride=None, padding="valid"):
    return average_pool2d_forward(x[:, None], **_along(window, stride, padding))[:, 0]


def average_pool1d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    options = _along(window, stride, padding)
    return average_pool2d_backward(dy[:, None], input_shape=_image(input_shape), **options)[:, 0]


def adaptive_max_pool2d_forward(x, *, size):
    N, H, W, C = x.shape
    y = np.empty((N, *_pair(size), C), x.dtype)
    argmax = np.empty(y.shape, np.int32)
    for p, q, rows, columns in _parts((H, W), size):
        values = x[:, rows, columns]
        values = values.reshape(N, values.shape[1] * values.shape[2], C)
        place = values.argmax(1) if N * C else np.zeros((N, C), int)
        y[:, p, q] = np.take_along_axis(values, place[:, None], 1)[:, 0]
        argmax[:, p, q] = np.arange(H * W).reshape(H, W)[rows, columns].reshape(-1)[place]
    return y, argmax


def adaptive_max_pool2d_backward(dy, argmax, *, input_shape):
    N, H, W, C = input_shape
    dx = np.zeros((N, H * W, C), dy.dtype)
    n, _, _, c = np.indices(dy.shape, sparse=True)
    np.add.at(dx, (n, argmax, c), dy)
    return dx.reshape(input_shape)


def adaptive_average_pool2d_forward(x, *, size):
    y = np.empty((len(x), *_pair(size), x.shape[3]), x.dtype)
    for p, q, rows, columns in _parts(x.shape[1:3], size):
        y[:, p, q] = x[:, rows, columns].mean((1, 2))
    return y


def adaptive_average_pool2d_backward(dy, *, input_shape):
    dx = np.zeros(input_shape, dy.dtype)
    for p, q, rows, columns in _parts(input_shape[1:3], dy.shape[1:3]):
        window = dx[:, rows, columns]
        window += dy[:, p : p + 1, q : q + 1] / dy.dtype.type(window.shape[1] * window.shape[2])
    return dx


def global_max_pool2d_forward(x):
    y, argmax = adaptive_max_pool2d_forward(x, size=1)
    return y[:, 0, 0], argmax[:, 0, 0]


def global_max_pool2d_backward(dy, argmax, *, input_shape):
    return adaptive_max_pool2d_backward(dy[:, None, None], argmax[:, None, None], input_shape=input_shape)


def global_average_pool2d_forward(x):
    return x.mean((1, 2))


def global_average_pool2d_backward(dy, *, input_shape):
    return adaptive_average_pool2d_backward(dy[:, None, None], input_shape=input_shape)


def global_max_pool1d_forward(x):
    return global_max_pool2d_forward(x[:, None])


def global_max_pool1d_backward(dy, argmax, *, input_shape):
    return global_max_pool2d_backward(dy, argmax, input_shape=_image(input_shape))[:, 0]


def global_average_pool1d_forward(x):
    return x.mean(1)


def global_average_pool1d_backward(dy, *, input_shape):
    return global_average_pool2d_backward(dy, input_shape=_image(input_shape))[:, 0]


def _image(shape):
    N, L, C = shape
    return N, 1, L, C


def _along(window, stride, padding):
    """Options of windows on images of one row."""
    if padding == "causal":
        padding = (window - 1, 0)
    if not isinstance(padding, str):
        padding = (0, 0, *_pair(padding))
    return {"window": (1, window), "stride": (1, window if stride is None else stride), "padding": padding}


def _parts(image, size):
    """(p, q, rows, columns) of every adaptive window."""
    cuts = [[slice(i * n // k, -(-(i + 1) * n // k)) for i in range(k)] for n, k in zip(image, _pair(size))]
    for p, rows in enumerate(cuts[0]):
        for q, columns in enumerate(cuts[1]):
            yield p, q, rows, columns


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
