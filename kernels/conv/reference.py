"""Convolution in NumPy: a view of all patches, and one product with the filter."""

import numpy as np


def conv2d_forward(
    x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, algorithm="auto", out=None
):
    pads = _pads(x.shape, w.shape, stride, padding, dilation)
    z = _correlate(_patches(_padded(x, pads), w.shape, stride, dilation), w, groups)
    if b is not None:
        z = z + b
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "sigmoid":
        return (1 + np.tanh(z / 2)) / 2
    if activation == "tanh":
        return np.tanh(z)
    return z


def conv2d_backward(
    dy,
    x,
    w,
    b=None,
    y=None,
    *,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    activation=None,
    algorithm="auto",
    need_dx=True,
):
    if activation == "relu":
        dy = np.where(y > 0, dy, np.zeros_like(dy))
    elif activation == "sigmoid":
        dy = dy * y * (1 - y)
    elif activation == "tanh":
        dy = dy * (1 - y * y)
    pads = _pads(x.shape, w.shape, stride, padding, dilation)
    patches = _patches(_padded(x, pads), w.shape, stride, dilation)
    dw = np.concatenate(
        [
            np.tensordot(patches[..., c], dy[..., k], axes=((0, 1, 2), (0, 1, 2)))
            for c, k in _channels(x.shape[3], w.shape[3], groups)
        ],
        axis=3,
    )
    db = None if b is None else dy.sum((0, 1, 2))
    return _input_gradient(dy, x, w, pads, stride, dilation, groups) if need_dx else None, dw, db


def _input_gradient(dy, x, w, pads, stride, dilation, groups):
    """The correlation of dy, its elements `stride` apart, with the reversed filter."""
    (N, H, W, C), (R, S, _, K) = x.shape, w.shape
    (sh, sw), (dh, dw) = _pair(stride), _pair(dilation)
    wide = np.zeros((N, H + pads[0] + pads[1] + (R - 1) * dh, W + pads[2] + pads[3] + (S - 1) * dw, K), dy.dtype)
    P, Q = dy.shape[1:3]
    wide[:, (R - 1) * dh :, (S - 1) * dw :][:, : (P - 1) * sh + 1 : sh, : (Q - 1) * sw + 1 : sw] = dy
    reverse = np.concatenate([w[::-1, ::-1, :, k].transpose(0, 1, 3, 2) for _, k in _channels(C, K, groups)], axis=3)
    dx = _correlate(_patches(wide, w.shape, 1, dilation), reverse, groups)
    return np.ascontiguousarray(dx[:, pads[0] : pads[0] + H, pads[2] : pads[2] + W])


def _patches(x, filters, stride, dilation):
    """A view (N, P, Q, R, S, C) of the padded images x."""
    (R, S), (sh, sw), (dh, dw) = filters[:2], _pair(stride), _pair(dilation)
    windows = np.lib.stride_tricks.sliding_window_view(x, ((R - 1) * dh + 1, (S - 1) * dw + 1), axis=(1, 2))
    return windows[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)


def _correlate(patches, w, groups):
    products = [
        np.tensordot(patches[..., c], w[..., k], axes=3) for c, k in _channels(patches.shape[5], w.shape[3], groups)
    ]
    return np.concatenate(products, axis=3)


def _channels(C, K, groups):
    """The input and output channels of every group."""
    for g in range(groups):
        yield slice(g * C // groups, (g + 1) * C // groups), slice(g * K // groups, (g + 1) * K // groups)


def _padded(x, pads):
    return np.pad(x, ((0, 0), pads[:2], pads[2:], (0, 0)))


def _pads(image, filters, stride, padding, dilation):
    """(top, bottom, left, right)."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        pads = []
        for size, window, step, dil in zip(image[1:3], filters[:2], _pair(stride), _pair(dilation)):
            total = max((-(-size // step) - 1) * step + (window - 1) * dil + 1 - size, 0)
            pads += [total // 2, total - total // 2]
        return tuple(pads)
    if not isinstance(padding, int) and len(padding) == 4:
        return tuple(padding)
    vertical, horizontal = _pair(padding)
    return vertical, vertical, horizontal, horizontal


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)
