"""Transposed convolution of images (N, H, W, C) with filters (R, S, K / groups, C): a convolution's input gradient."""

from .. import _check as check
from .. import _window as window
from .._dispatch import Faces
from ..conv import check_taps
from ..matmul import FUSED, check_saved_result

_faces = Faces(__name__)


def conv2d_transpose_forward(
    x, w, b=None, *, stride=1, padding=0, output_padding=None, dilation=1, groups=1, activation=None, out=None
):
    """Transposed two-dimensional convolution, y = f(z + b), f None, "relu", "sigmoid" or "tanh".

    z is what `conv2d_backward` gives as dx for x as its dy: the filters w are those of a convolution from K to C
    channels. x (N, H, W, C), w (R, S, K / groups, C), b (K,) or None -> y (N, P, Q, K), float32 or float64, with
    P = (H - 1) stride + (R - 1) dilation + 1 - top - bottom + output_padding, output_padding (an integer or a pair)
    less than the stride. `padding` is an integer, a pair, four integers (top, bottom, left, right), "valid" or "same".

    Sizes for the two words are Keras's: with "same" P = H stride, or (H - 1) stride + span % 2 + output_padding if that
    is given, where span = (R - 1) dilation + 1; with "valid" an output_padding of None is max(stride - span, 0), with
    numbers it is 0. Without input channels y is f(b). Raises TypeError or ValueError for other dtypes, orders and
    sizes, before anything is computed.

    >>> import numpy as np
    >>> conv2d_transpose_forward(np.ones((1, 2, 2, 1)), np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    op = "conv2d_transpose_forward"
    shape = _check_transpose(op, x, w, b, stride, padding, output_padding, dilation, groups, activation)
    if out is not None:
        check.out(op, out, shape, x, x=x, w=w, b=b)
    return _faces(x).conv2d_transpose_forward(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        activation=activation,
        out=out,
    )


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
    """Gradients of `conv2d_transpose_forward` to x, w and b.

    dy (N, P, Q, K), x, w, b and options as in the forward; y, the forward's result, where there is an activation.
    Returns dx (N, H, W, C), or None if `need_dx` is false, dw (R, S, K / groups, C), db (K,) or None if b is None.
    """
    op = "conv2d_transpose_backward"
    shape = _check_transpose(op, x, w, b, stride, padding, output_padding, dilation, groups, activation)
    check.floats(op, 4, x=x, dy=dy)
    if dy.shape != shape:
        check.shape(op, "dy", dy, shape, ("x", x))
    if activation is not None:
        check_saved_result(op, y, dy, activation)
    return _faces(x).conv2d_transpose_backward(
        dy,
        x,
        w,
        b,
        y,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        activation=activation,
        need_dx=need_dx,
    )


def _check_transpose(op, x, w, b, stride, padding, output_padding, dilation, groups, activation):
    """The output's shape."""
    check.floats(op, 4, x=x, w=w)
    check.whole(op, "groups", groups, 1)
    C = x.shape[3]
    if C % groups:
        raise ValueError(f"{op}: groups is {groups}, expected a divisor of the {C} channels of x")
    if w.shape[3] != C:
        check.shape(op, "w", w, ("R", "S", "K / groups", C), ("x", x))
    check_taps(op, w)
    K = w.shape[2] * groups
    if b is not None:
        check.floats(op, None, x=x, b=b)
        if b.shape != (K,):
            check.shape(op, "b", b, (K,), ("w", w))
    if activation not in FUSED:
        check.choice(op, "activation", activation, FUSED)
    stride, dilation = window.pair(op, "stride", stride), window.pair(op, "dilation", dilation)
    size = window.transposed(op, x.shape[1:3], w.shape[:2], stride, padding, output_padding, dilation)[0]
    return x.shape[0], *size, K
