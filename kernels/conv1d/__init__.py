"""Convolution of sequences (N, L, C) with filters (R, C / groups, K)."""

from .. import _check as check
from .. import _window as window
from .._dispatch import Faces
from ..conv import check_filters
from ..matmul import check_saved_result

_faces = Faces(__name__)


def conv1d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, out=None):
    """One-dimensional convolution (cross-correlation), y = f(x * w + b), f None, "relu", "sigmoid" or "tanh".

    x (N, L, C), w (R, C / groups, K), b (K,) or None -> y (N, P, K), float32 or float64, with
    P = (L + left + right - (R - 1) dilation - 1) // stride + 1. `padding` is an integer, a pair (left, right), "valid",
    "same", or "causal": all on the left, so that an output sees no later input. Without input channels y is f(b).
    Raises TypeError or ValueError for other dtypes, orders and sizes, before anything is computed.

    >>> import numpy as np
    >>> conv1d_forward(np.arange(4.0).reshape(1, 4, 1), np.ones((2, 1, 1)), padding="causal")[0, :, 0]
    array([0., 1., 3., 5.])
    """
    op = "conv1d_forward"
    P = _check_convolution(op, x, w, b, stride, padding, dilation, groups, activation)
    if out is not None:
        check.out(op, out, (x.shape[0], P, w.shape[2]), x, x=x, w=w, b=b)
    return _faces(x).conv1d_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups, activation=activation, out=out
    )


def conv1d_backward(
    dy, x, w, b=None, y=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, need_dx=True
):
    """Gradients of `conv1d_forward` to x, w and b.

    dy (N, P, K), x, w, b and options as in the forward; y, the forward's result, where there is an activation.
    Returns dx (N, L, C), or None if `need_dx` is false, dw (R, C / groups, K), db (K,) or None if b is None.
    """
    op = "conv1d_backward"
    P = _check_convolution(op, x, w, b, stride, padding, dilation, groups, activation)
    check.floats(op, 3, x=x, dy=dy)
    if dy.shape != (x.shape[0], P, w.shape[2]):
        check.shape(op, "dy", dy, (x.shape[0], P, w.shape[2]), ("x", x))
    if activation is not None:
        check_saved_result(op, y, dy, activation)
    return _faces(x).conv1d_backward(
        dy,
        x,
        w,
        b,
        y,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        activation=activation,
        need_dx=need_dx,
    )


def _check_convolution(op, x, w, b, stride, padding, dilation, groups, activation):
    """The output's P."""
    check_filters(op, 3, x, w, b, groups, activation)
    check.whole(op, "stride", stride, 1)
    check.whole(op, "dilation", dilation, 1)
    return window.resolve_1d(op, x.shape[1], w.shape[0], stride, padding, dilation)[0]
