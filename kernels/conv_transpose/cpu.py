"""Transposed convolution on the CPU: `conv/cpu.py` with the roles of image and result exchanged.

x, dx (N, H, W, C)    w, dw (R, S, K / groups, C)    b, db (K,)    y, dy, dz (N, P, Q, K)

y[n, p, q, k]  = f(sum_rsc x[n, h, w, c] w[r, s, k, c] + b[k])    over all h stride + r dilation - top = p, q likewise
dz             = dy f'(z)
dx[n, h, w, c] = sum_rsk dz[n, h stride + r dilation - top, w stride + s dilation - left, k] w[r, s, k, c]
dw[r, s, k, c] = sum_nhw dz[n, h stride + r dilation - top, …, k] x[n, h, w, c]        db[k] = sum_npq dz[n, p, q, k]

Dumoulin, Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285, chapter 4.
"""

from functools import lru_cache

from .. import _window as window
from .._cpu.bias import NONE, activation_code, linear_gradient
from .._cpu.memory import empty
from ..conv.cpu import (
    convolve,
    filter_gradient,
    forward_view,
    gradients_without_channels,
    input_gradient,
    without_channels,
)


def conv2d_transpose_forward(
    x, w, b=None, *, stride=1, padding=0, output_padding=None, dilation=1, groups=1, activation=None, out=None
):
    view = _view_of_result(x, w, stride, padding, output_padding, dilation, groups)
    y = empty((x.shape[0], view.H, view.W, view.C), x.dtype) if out is None else out
    if w.size == 0:
        return without_channels(b, activation, y)
    input_gradient(x, view, w, b, activation_code(activation), "auto", y)
    return y


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
    if w.size == 0:
        return gradients_without_channels(dy, x, w, b, y, activation, need_dx)
    dz, db = linear_gradient(dy, y, activation, b)
    view = _view_of_result(x, w, stride, padding, output_padding, dilation, groups)
    dw = filter_gradient(dz, view, x, w.shape, "auto")
    dx = None
    if need_dx:
        dx = empty(x.shape, x.dtype)
        convolve(dz, view, w, None, NONE, "auto", dx)
    return dx, dw, db


def _view_of_result(x, w, stride, padding, output_padding, dilation, groups):
    """The result as the image of the convolution that makes x of it; what it is given has been checked."""
    try:
        return _view(x.shape, w.shape, stride, padding, output_padding, dilation, groups)
    except TypeError:  # lists are no keys of a cache
        return _view.__wrapped__(x.shape, w.shape, stride, padding, output_padding, dilation, groups)


@lru_cache(maxsize=1024)
def _view(shape, filters, stride, padding, output_padding, dilation, groups):
    op = "conv2d_transpose"
    stride, dilation = window.pair(op, "stride", stride), window.pair(op, "dilation", dilation)
    size, pads = window.transposed(op, shape[1:3], filters[:2], stride, padding, output_padding, dilation)
    return forward_view((shape[0], *size, filters[2] * groups), filters, stride, pads, dilation, groups)
