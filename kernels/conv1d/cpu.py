"""Convolution of sequences on the CPU: as images of height 1, by `conv/cpu.py`, nothing copied.

x, dx (N, L, C)    w, dw (R, C / groups, K)    b, db (K,)    y, dy, dz (N, P, K)

y[n, p, k]  = f(sum_rc x[n, p stride + r dilation - left, c] w[r, c, k] + b[k])
dz          = dy f'(z)
dx[n, l, c] = sum_rk dz[n, p, k] w[r, c, k]    over all p stride + r dilation - left = l
dw[r, c, k] = sum_np x[n, p stride + r dilation - left, c] dz[n, p, k]        db[k] = sum_np dz[n, p, k]

van den Oord et al. 2016, WaveNet, arXiv:1609.03499, section 2.1 (causal and dilated convolution).
"""

from .. import _window as window
from ..conv.cpu import conv2d_backward, conv2d_forward


def conv1d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, out=None):
    options = _in_two_dimensions(x, w, stride, padding, dilation)
    buffer = None if out is None else _image(out)
    y = conv2d_forward(_image(x), w[None], b, groups=groups, activation=activation, out=buffer, **options)
    return _sequence(y) if out is None else out


def conv1d_backward(
    dy, x, w, b=None, y=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, need_dx=True
):
    options = _in_two_dimensions(x, w, stride, padding, dilation)
    y = None if y is None else _image(y)
    dx, dw, db = conv2d_backward(
        _image(dy), _image(x), w[None], b, y, groups=groups, activation=activation, need_dx=need_dx, **options
    )
    return _sequence(dx) if need_dx else None, dw[0], db


def _in_two_dimensions(x, w, stride, padding, dilation):
    pads = window.resolve_1d("conv1d", x.shape[1], w.shape[0], stride, padding, dilation)[1]
    return {"stride": (1, int(stride)), "padding": (0, 0, *pads), "dilation": (1, int(dilation))}


def _image(x):
    """(N, 1, L, C) of (N, L, C)."""
    N, L, C = x.shape
    return x.reshape(N, 1, L, C)


def _sequence(x):
    """(N, L, C) of (N, 1, L, C)."""
    N, _, L, C = x.shape
    return x.reshape(N, L, C)
