"""Pooling of sequences: the largest or the average value of every window that slides along one."""

from .. import _check as check
from .._dispatch import Faces
from .._window import resolve_1d
from .places import check_places

_faces = Faces(__package__)


def max_pool1d_forward(x, *, window=2, stride=None, padding="valid"):
    """Largest value of every window of a sequence, and its place in the window.

    x (N, L, C) -> y (N, P, C), argmax (N, P, C). Window and stride are numbers; the stride is the window unless it is
    given. Padding is "valid", "same", "causal", a number or a pair (left, right) less than the window; it never holds
    the largest value. Places, NaN and equal values as in `max_pool2d_forward`. Raises TypeError or ValueError.

    >>> import numpy as np
    >>> y, argmax = max_pool1d_forward(np.array([1.0, 5.0, 7.0, 3.0]).reshape(1, 4, 1))
    >>> y.ravel(), argmax.ravel()
    (array([5., 7.]), array([1, 0], dtype=uint8))
    """
    op = "max_pool1d_forward"
    check.floats(op, 3, x=x)
    _windows(op, x.shape[1], window, stride, padding)
    return _faces(x).max_pool1d_forward(x, window=window, stride=stride, padding=padding)


def max_pool1d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    """Gradient of `max_pool1d_forward`: every dy goes to the place that held the largest value.

    dy, argmax (N, P, C) -> dx of `input_shape` (N, L, C). Where windows overlap, gradients are added in their order.
    """
    op = "max_pool1d_backward"
    _check_backward(op, dy, input_shape, window, stride, padding)
    check_places(op, dy, argmax, window)
    return _faces(dy).max_pool1d_backward(
        dy, argmax, input_shape=input_shape, window=window, stride=stride, padding=padding
    )


def average_pool1d_forward(x, *, window=2, stride=None, padding="valid"):
    """Average of every window of a sequence, over the places that are inside it.

    x (N, L, C) -> y (N, P, C). Window, stride, padding and errors as in `max_pool1d_forward`.

    >>> import numpy as np
    >>> average_pool1d_forward(np.array([1.0, 5.0, 7.0, 3.0]).reshape(1, 4, 1)).ravel()
    array([3., 5.])
    """
    op = "average_pool1d_forward"
    check.floats(op, 3, x=x)
    _windows(op, x.shape[1], window, stride, padding)
    return _faces(x).average_pool1d_forward(x, window=window, stride=stride, padding=padding)


def average_pool1d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    """Gradient of `average_pool1d_forward`: every dy is shared out evenly over its window.

    dy (N, P, C) -> dx of `input_shape` (N, L, C).
    """
    _check_backward("average_pool1d_backward", dy, input_shape, window, stride, padding)
    return _faces(dy).average_pool1d_backward(
        dy, input_shape=input_shape, window=window, stride=stride, padding=padding
    )


def _windows(op, length, window, stride, padding):
    """How many windows there are."""
    if length == 0:
        raise ValueError(f"{op}: the sequences have no elements, expected at least one")
    check.whole(op, "window", window, 1)
    if stride is not None:
        check.whole(op, "stride", stride, 1)
    count, pads = resolve_1d(op, length, window, window if stride is None else stride, padding)
    if max(pads) >= window:
        raise ValueError(
            f"{op}: padding is {padding!r}, expected less than the window {window} on both sides "
            f"because a window outside the sequence holds no value"
        )
    return count


def _check_backward(op, dy, input_shape, window, stride, padding):
    check.floats(op, 3, dy=dy)
    check.sizes(op, "input_shape", input_shape, 3)
    N, L, C = input_shape
    P = _windows(op, L, window, stride, padding)
    check.shape(op, "dy", dy, (N, P, C), ("input_shape", input_shape))
