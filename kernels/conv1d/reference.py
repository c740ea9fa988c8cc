"""Convolution of sequences in NumPy: tap r joins output p to the input p stride + r dilation - left.

What the taps meet is laid side by side, zeros for the padding, and multiplied at once.
"""

import numpy as np


def conv1d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, out=None):
    P, left = _place(x.shape[1], w.shape[0], stride, padding, dilation)
    met = np.zeros((x.shape[0], P, w.shape[0], x.shape[2]), x.dtype)
    for r, inputs, outputs in _taps(x.shape[1], P, w.shape[0], stride, left, dilation):
        met[:, outputs, r] = x[:, inputs]
    channels = _channels(x.shape[2], w.shape[2], groups)
    z = np.concatenate([np.tensordot(met[..., c], w[..., k], axes=2) for c, k in channels], axis=2)
    if b is not None:
        z = z + b
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "sigmoid":
        return (1 + np.tanh(z / 2)) / 2
    if activation == "tanh":
        return np.tanh(z)
    return z


def conv1d_backward(
    dy, x, w, b=None, y=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, need_dx=True
):
    if activation == "relu":
        dy = np.where(y > 0, dy, np.zeros_like(dy))
    elif activation == "sigmoid":
        dy = dy * y * (1 - y)
    elif activation == "tanh":
        dy = dy * (1 - y * y)
    P, left = _place(x.shape[1], w.shape[0], stride, padding, dilation)
    channels = list(_channels(x.shape[2], w.shape[2], groups))
    met = np.zeros((*x.shape[:2], w.shape[0], w.shape[2]), x.dtype)
    dw = np.zeros_like(w)
    for r, inputs, outputs in _taps(x.shape[1], P, w.shape[0], stride, left, dilation):
        met[:, inputs, r] = dy[:, outputs]
        for c, k in channels:
            dw[r, :, k] = np.tensordot(x[:, inputs, c], dy[:, outputs, k], axes=((0, 1), (0, 1)))
    parts = [np.tensordot(met[..., k], w[..., k], axes=((2, 3), (0, 2))) for _, k in channels]
    return np.concatenate(parts, axis=2) if need_dx else None, dw, None if b is None else dy.sum((0, 1))


def _place(L, R, stride, padding, dilation):
    """(the number of outputs, left padding)."""
    span = (R - 1) * dilation + 1
    if padding == "same":
        P = -(-L // stride)
        return P, max((P - 1) * stride + span - L, 0) // 2
    if padding == "causal":
        left, right = span - 1, 0
    elif padding == "valid":
        left, right = 0, 0
    else:
        left, right = (padding, padding) if isinstance(padding, int) else padding
    return (L + left + right - span) // stride + 1, left


def _taps(L, P, R, stride, left, dilation):
    """(tap, its inputs, its outputs) without those that would lie in the padding."""
    for r in range(R):
        outputs = [p for p in range(P) if 0 <= p * stride + r * dilation - left < L]
        if outputs:
            first, last = outputs[0], outputs[-1]
            start = first * stride + r * dilation - left
            yield r, slice(start, start + (last - first) * stride + 1, stride), slice(first, last + 1)


def _channels(C, K, groups):
    """The input and output channels of every group."""
    for g in range(groups):
        yield slice(g * C // groups, (g + 1) * C // groups), slice(g * K // groups, (g + 1) * K // groups)
