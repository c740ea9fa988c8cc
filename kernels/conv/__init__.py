"""Convolution of images (N, H, W, C) with filters (R, S, C / groups, K)."""

from .. import _check as check
from .. import _window as window
from .._dispatch import Faces
from ..matmul import FUSED, check_bias, check_saved_result

_faces = Faces(__name__)


ALGORITHMS = ("auto", "direct", "winograd")


def conv2d_forward(
    x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, algorithm="auto", out=None
):
    """Two-dimensional convolution (cross-correlation), y = f(x * w + b), f None, "relu", "sigmoid" or "tanh".

    x (N, H, W, C), w (R, S, C / groups, K), b (K,) or None -> y (N, P, Q, K), float32 or float64, with
    P = (H + top + bottom - (R - 1) dilation - 1) // stride + 1. `stride` and `dilation` are an integer or a pair,
    `padding` is an integer, a pair, four integers (top, bottom, left, right), "valid" or "same". `algorithm` is
    "direct", "winograd" (3 x 3 filters of stride 1 without dilation or groups; others go directly all the same), or
    "auto", the cheaper one. "auto" stays within 8 times the direct sum's error, "winograd" by name reached 13 times it
    with less than 16 channels or 4 rows of outputs. By Winograd's way an infinite input makes its whole 4 x 4 square of
    outputs NaN. Without input channels y is f(b). Raises TypeError or ValueError for other dtypes, orders and sizes,
    before anything is computed.

    >>> import numpy as np
    >>> conv2d_forward(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[4., 4.],
           [4., 4.]])
    """
    op = "conv2d_forward"
    P, Q = _check_convolution(op, x, w, b, stride, padding, dilation, groups, activation, algorithm)
    if out is not None:
        check.out(op, out, (x.shape[0], P, Q, w.shape[3]), x, x=x, w=w, b=b)
    return _faces(x).conv2d_forward(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        activation=activation,
        algorithm=algorithm,
        out=out,
    )


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
    """Gradients of `conv2d_forward` to x, w and b.

    dy (N, P, Q, K), x, w, b and options as in the forward; y, the forward's result, where there is an activation.
    Returns dx (N, H, W, C), or None if `need_dx` is false, dw (R, S, C / groups, K), db (K,) or None if b is None.
    """
    op = "conv2d_backward"
    P, Q = _check_convolution(op, x, w, b, stride, padding, dilation, groups, activation, algorithm)
    check.floats(op, 4, x=x, dy=dy)
    if dy.shape != (x.shape[0], P, Q, w.shape[3]):
        check.shape(op, "dy", dy, (x.shape[0], P, Q, w.shape[3]), ("x", x))
    if activation is not None:
        check_saved_result(op, y, dy, activation)
    return _faces(x).conv2d_backward(
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
        algorithm=algorithm,
        need_dx=need_dx,
    )


def check_filters(op, ndim, x, w, b, groups, activation):
    """Images or sequences x (N, …, C) of so many axes, filters w (R, …, C / groups, K), b (K,) or None."""
    check.floats(op, ndim, x=x, w=w)
    check.whole(op, "groups", groups, 1)
    *_, inputs, K = w.shape
    C = x.shape[-1]
    if C % groups or K % groups:
        name, size = ("x", C) if C % groups else ("w", K)
        raise ValueError(f"{op}: groups is {groups}, expected a divisor of the {size} channels of {name}")
    if inputs * groups != C:
        check.shape(op, "w", w, (*"RS"[: ndim - 2], C // groups, "K"), ("x", x))
    check_taps(op, w)
    if b is not None:
        check.floats(op, None, x=x, b=b)
    check_bias(op, b, w)
    if activation not in FUSED:
        check.choice(op, "activation", activation, FUSED)


def check_taps(op, w):
    """At least one of them; there may be no channels."""
    if 0 in w.shape[:-2]:
        raise ValueError(f"{op}: w has shape {w.shape}, expected at least one tap")


def _check_convolution(op, x, w, b, stride, padding, dilation, groups, activation, algorithm):
    """The output's (P, Q)."""
    check_filters(op, 4, x, w, b, groups, activation)
    if algorithm not in ALGORITHMS:
        check.choice(op, "algorithm", algorithm, ALGORITHMS)
    stride, dilation = window.pair(op, "stride", stride), window.pair(op, "dilation", dilation)
    return window.resolve(op, x.shape[1:3], w.shape[:2], stride, padding, dilation)[0]
