"""Transposed convolution in NumPy: tap (r, s) joins input (h, w) to the output (h stride + r dilation - top, w …).

What the taps meet is laid side by side, zeros where that is nothing, and multiplied at once.
"""

import numpy as np


def conv2d_transpose_forward(
    x, w, b=None, *, stride=1, padding=0, output_padding=None, dilation=1, groups=1, activation=None, out=None
):
    size, taps = _taps(x.shape, w.shape, stride, padding, output_padding, dilation)
    met = np.zeros((x.shape[0], *size, *w.shape[:2], x.shape[3]), x.dtype)
    for r, s, inputs, outputs in taps:
        met[outputs][..., r, s, :] = x[inputs]
    channels = _channels(x.shape[3], w.shape[2] * groups, groups)
    parts = [np.tensordot(met[..., c], w[..., c], axes=((3, 4, 5), (0, 1, 3))) for c, _ in channels]
    z = np.concatenate(parts, axis=3)
    if b is not None:
        z = z + b
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "sigmoid":
        return (1 + np.tanh(z / 2)) / 2
    if activation == "tanh":
        return np.tanh(z)
    return z


def conv2d_transpose_backward(
    dy,
    x,
    w,
    b=None,
    y=None,
    *,
    stride=1,
    padding=0,
    output_padding=None,
    dilation=1,
    groups=1,
    activation=None,
    need_dx=True,
):
    if activation == "relu":
        dy = np.where(y > 0, dy, np.zeros_like(dy))
    elif activation == "sigmoid":
        dy = dy * y * (1 - y)
    elif activation == "tanh":
        dy = dy * (1 - y * y)
    channels = list(_channels(x.shape[3], dy.shape[3], groups))
    met = np.zeros((*x.shape[:3], *w.shape[:2], dy.shape[3]), x.dtype)
    dw = np.zeros_like(w)
    for r, s, inputs, outputs in _taps(x.shape, w.shape, stride, padding, output_padding, dilation)[1]:
        met[inputs][..., r, s, :] = dy[outputs]
        for c, k in channels:
            dw[r, s, :, c] = np.tensordot(dy[outputs][..., k], x[inputs][..., c], axes=((0, 1, 2), (0, 1, 2)))
    parts = [np.tensordot(met[..., k], w[..., c], axes=3) for c, k in channels]
    return np.concatenate(parts, axis=3) if need_dx else None, dw, None if b is None else dy.sum((0, 1, 2))


def _taps(image, filters, stride, padding, output_padding, dilation):
    """((P, Q), [(r, s, a slice of x, a slice of y)]) of the taps that join anything."""
    lines = []
    for axis, (size, taps) in enumerate(zip(image[1:3], filters[:2])):
        options = (_pair(option)[axis] for option in (stride, dilation))
        more = None if output_padding is None else _pair(output_padding)[axis]
        lines.append(_line(size, taps, *options, _both_ends(padding, axis), more))
    (P, rows), (Q, columns) = lines
    everything = slice(None)
    return (P, Q), [(r, s, (everything, h, w), (everything, p, q)) for r, h, p in rows for s, w, q in columns]


def _line(size, taps, stride, dilation, padding, more):
    """(the number of outputs, [(tap, slice of inputs, slice of outputs)]) along one axis."""
    span = (taps - 1) * dilation + 1
    full = (size - 1) * stride + span
    if padding == "same":
        outputs = size * stride if more is None else (size - 1) * stride + span % 2 + more
        before = max(full - outputs, 0) // 2
    elif padding == "valid":
        before, outputs = 0, full + (max(stride - span, 0) if more is None else more)
    else:
        before, outputs = padding[0], full - sum(padding) + (more or 0)
    joined = []
    for tap in range(taps):
        inside = [h for h in range(size) if 0 <= h * stride + tap * dilation - before < outputs]
        if inside:
            first, last = (h * stride + tap * dilation - before for h in (inside[0], inside[-1]))
            joined.append((tap, slice(inside[0], inside[-1] + 1), slice(first, last + 1, stride)))
    return outputs, joined


def _both_ends(padding, axis):
    """ "same", "valid", or the padding before and after."""
    if isinstance(padding, str):
        return padding
    if not isinstance(padding, int) and len(padding) == 4:
        return tuple(padding[2 * axis : 2 * axis + 2])
    return (_pair(padding)[axis],) * 2


def _channels(C, K, groups):
    """The input and output channels of every group."""
    for g in range(groups):
        yield slice(g * C // groups, (g + 1) * C // groups), slice(g * K // groups, (g + 1) * K // groups)


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)
