"""Pooling: the largest or the average value of every window that slides over an image.

Windows on sequences stand in sequences.py, those that cut an image into a number of parts, or are all of it, in
adaptive.py.
"""

from .. import _check as check
from .._dispatch import Faces
from .._window import pooling
from .adaptive import (  # noqa: F401
    adaptive_average_pool2d_backward,
    adaptive_average_pool2d_forward,
    adaptive_max_pool2d_backward,
    adaptive_max_pool2d_forward,
    global_average_pool1d_backward,
    global_average_pool1d_forward,
    global_average_pool2d_backward,
    global_average_pool2d_forward,
    global_max_pool1d_backward,
    global_max_pool1d_forward,
    global_max_pool2d_backward,
    global_max_pool2d_forward,
)
from .places import check_places, place_dtype  # noqa: F401
from .sequences import (  # noqa: F401
    average_pool1d_backward,
    average_pool1d_forward,
    max_pool1d_backward,
    max_pool1d_forward,
)

_faces = Faces(__name__)


def max_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    """Largest value of every window, and its place in the window.

    x (N, H, W, C) -> y (N, P, Q, C), argmax (N, P, Q, C). Window (R, S) and stride are a number or a pair; the stride
    is the window unless it is given. Padding is "valid", "same" or numbers less than the window; it never holds the
    largest value. Place (r, s) of a window has the number r * S + s, as uint8 where a window has at most 256 places,
    else as int32; of equal values the first counts, and a NaN counts as the largest, as in NumPy.
    Raises TypeError or ValueError for other dtypes, ranks and orders, and for a window that does not fit.

    >>> import numpy as np
    >>> x = np.array([[1.0, 5.0], [7.0, 3.0]]).reshape(1, 2, 2, 1)
    >>> y, argmax = max_pool2d_forward(x)
    >>> y.item(), argmax.item()
    (7.0, 2)
    """
    op = "max_pool2d_forward"
    check.floats(op, 4, x=x)
    pooling(op, x.shape[1:3], window, stride, padding)
    return _faces(x).max_pool2d_forward(x, window=window, stride=stride, padding=padding)


def max_pool2d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    """Gradient of `max_pool2d_forward`: every dy goes to the place that held the largest value.

    dy, argmax (N, P, Q, C) -> dx of `input_shape` (N, H, W, C). Where windows overlap, gradients are added in the order
    of the windows. Raises TypeError or ValueError for arrays that do not match.

    >>> import numpy as np
    >>> dy, argmax = np.array([[[[0.5]]]]), np.array([[[[2]]]], np.uint8)
    >>> max_pool2d_backward(dy, argmax, input_shape=(1, 2, 2, 1))[0, :, :, 0]
    array([[0. , 0. ],
           [0.5, 0. ]])
    """
    op = "max_pool2d_backward"
    places = _check_backward(op, dy, input_shape, window, stride, padding)
    check_places(op, dy, argmax, places)
    return _faces(dy).max_pool2d_backward(
        dy, argmax, input_shape=input_shape, window=window, stride=stride, padding=padding
    )


def average_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    """Average of every window, over the places that are inside the image, as in Keras.

    x (N, H, W, C) -> y (N, P, Q, C). Window, stride, padding and errors as in `max_pool2d_forward`.

    >>> import numpy as np
    >>> x = np.array([[1.0, 5.0], [7.0, 3.0]]).reshape(1, 2, 2, 1)
    >>> average_pool2d_forward(x).item()
    4.0
    """
    op = "average_pool2d_forward"
    check.floats(op, 4, x=x)
    pooling(op, x.shape[1:3], window, stride, padding)
    return _faces(x).average_pool2d_forward(x, window=window, stride=stride, padding=padding)


def average_pool2d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    """Gradient of `average_pool2d_forward`: every dy is shared out evenly over its window.

    dy (N, P, Q, C) -> dx of `input_shape` (N, H, W, C). Raises TypeError or ValueError for shapes that do not match.

    >>> import numpy as np
    >>> average_pool2d_backward(np.array([[[[2.0]]]]), input_shape=(1, 2, 2, 1))[0, :, :, 0]
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    _check_backward("average_pool2d_backward", dy, input_shape, window, stride, padding)
    return _faces(dy).average_pool2d_backward(
        dy, input_shape=input_shape, window=window, stride=stride, padding=padding
    )


def _check_backward(op, dy, input_shape, window, stride, padding):
    """Check dy against the shape that the forward gives; the places of a window."""
    check.floats(op, 4, dy=dy)
    check.sizes(op, "input_shape", input_shape, 4)
    N, H, W, C = input_shape
    (R, S), _, (P, Q), _ = pooling(op, (H, W), window, stride, padding)
    check.shape(op, "dy", dy, (N, P, Q, C), ("input_shape", input_shape))
    return R * S
