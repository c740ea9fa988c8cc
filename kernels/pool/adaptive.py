"""Pooling to a given size, and to one value: windows that cut an image into so many parts, or are all of it.

Window p of P along an axis of H places goes from floor(p H / P) to ceil((p + 1) H / P), as in PyTorch; with more
windows than places they share places.
"""

from .. import _check as check
from .._dispatch import Faces
from .._window import pair
from .places import check_places

_faces = Faces(__package__)


def adaptive_max_pool2d_forward(x, *, size):
    """Largest value of every window of an image that is cut into `size` (P, Q) windows, and its place.

    x (N, H, W, C) -> y (N, P, Q, C), argmax (N, P, Q, C) as int32, numbered h * W + w in the image; of equal values the
    first, and a NaN counts as the largest. `size` is a number or a pair. Raises TypeError or ValueError.

    >>> import numpy as np
    >>> y, argmax = adaptive_max_pool2d_forward(np.arange(6.0).reshape(1, 2, 3, 1), size=(1, 2))
    >>> y.ravel(), argmax.ravel()
    (array([4., 5.]), array([4, 5], dtype=int32))
    """
    op = "adaptive_max_pool2d_forward"
    _check_input(op, x, 4)
    return _faces(x).adaptive_max_pool2d_forward(x, size=pair(op, "size", size))


def adaptive_max_pool2d_backward(dy, argmax, *, input_shape):
    """Gradient of `adaptive_max_pool2d_forward`: dy, argmax (N, P, Q, C) -> dx of `input_shape` (N, H, W, C)."""
    op = "adaptive_max_pool2d_backward"
    _check_backward(op, dy, input_shape)
    check_places(op, dy, argmax, None)
    return _faces(dy).adaptive_max_pool2d_backward(dy, argmax, input_shape=input_shape)


def adaptive_average_pool2d_forward(x, *, size):
    """Average of every window of an image that is cut into `size` (P, Q) windows.

    x (N, H, W, C) -> y (N, P, Q, C). `size` is a number or a pair. Raises TypeError or ValueError.

    >>> import numpy as np
    >>> adaptive_average_pool2d_forward(np.arange(6.0).reshape(1, 2, 3, 1), size=(1, 2)).ravel()
    array([2., 3.])
    """
    op = "adaptive_average_pool2d_forward"
    _check_input(op, x, 4)
    return _faces(x).adaptive_average_pool2d_forward(x, size=pair(op, "size", size))


def adaptive_average_pool2d_backward(dy, *, input_shape):
    """Gradient of `adaptive_average_pool2d_forward`: dy (N, P, Q, C) -> dx of `input_shape` (N, H, W, C)."""
    _check_backward("adaptive_average_pool2d_backward", dy, input_shape)
    return _faces(dy).adaptive_average_pool2d_backward(dy, input_shape=input_shape)


def global_max_pool2d_forward(x):
    """Largest value of every channel of an image, and its place.

    x (N, H, W, C) -> y (N, C), argmax (N, C) as int32, numbered h * W + w; of equal values the first, and a NaN
    counts as the largest. Raises TypeError or ValueError for other dtypes and ranks and for images without elements.

    >>> import numpy as np
    >>> y, argmax = global_max_pool2d_forward(np.array([1.0, 5.0, 7.0, 3.0]).reshape(1, 2, 2, 1))
    >>> y.item(), argmax.item()
    (7.0, 2)
    """
    _check_input("global_max_pool2d_forward", x, 4)
    return _faces(x).global_max_pool2d_forward(x)


def global_max_pool2d_backward(dy, argmax, *, input_shape):
    """Gradient of `global_max_pool2d_forward`: dy, argmax (N, C) -> dx of `input_shape` (N, H, W, C)."""
    op = "global_max_pool2d_backward"
    _check_global(op, dy, input_shape, 4)
    check_places(op, dy, argmax, None)
    return _faces(dy).global_max_pool2d_backward(dy, argmax, input_shape=input_shape)


def global_average_pool2d_forward(x):
    """Average of every channel of an image: x (N, H, W, C) -> y (N, C). Raises as `global_max_pool2d_forward`.

    >>> import numpy as np
    >>> global_average_pool2d_forward(np.array([1.0, 5.0, 7.0, 3.0]).reshape(1, 2, 2, 1)).item()
    4.0
    """
    _check_input("global_average_pool2d_forward", x, 4)
    return _faces(x).global_average_pool2d_forward(x)


def global_average_pool2d_backward(dy, *, input_shape):
    """Gradient of `global_average_pool2d_forward`, shared out evenly: dy (N, C) -> dx of `input_shape` (N, H, W, C)."""
    _check_global("global_average_pool2d_backward", dy, input_shape, 4)
    return _faces(dy).global_average_pool2d_backward(dy, input_shape=input_shape)


def global_max_pool1d_forward(x):
    """Largest value of every channel of a sequence, and its place.

    x (N, L, C) -> y (N, C), argmax (N, C) as int32, the place in the sequence; of equal values the first, and a
    NaN counts as the largest. Raises TypeError or ValueError for other dtypes and ranks and for sequences without
    elements.

    >>> import numpy as np
    >>> y, argmax = global_max_pool1d_forward(np.array([1.0, 5.0, 7.0, 3.0]).reshape(1, 4, 1))
    >>> y.item(), argmax.item()
    (7.0, 2)
    """
    _check_input("global_max_pool1d_forward", x, 3)
    return _faces(x).global_max_pool1d_forward(x)


def global_max_pool1d_backward(dy, argmax, *, input_shape):
    """Gradient of `global_max_pool1d_forward`: dy, argmax (N, C) -> dx of `input_shape` (N, L, C)."""
    op = "global_max_pool1d_backward"
    _check_global(op, dy, input_shape, 3)
    check_places(op, dy, argmax, None)
    return _faces(dy).global_max_pool1d_backward(dy, argmax, input_shape=input_shape)


def global_average_pool1d_forward(x):
    """Average of every channel of a sequence: x (N, L, C) -> y (N, C). Raises as `global_max_pool1d_forward`.

    >>> import numpy as np
    >>> global_average_pool1d_forward(np.array([1.0, 5.0, 7.0, 3.0]).reshape(1, 4, 1)).item()
    4.0
    """
    _check_input("global_average_pool1d_forward", x, 3)
    return _faces(x).global_average_pool1d_forward(x)


def global_average_pool1d_backward(dy, *, input_shape):
    """Gradient of `global_average_pool1d_forward`, shared out evenly: dy (N, C) -> dx of `input_shape` (N, L, C)."""
    _check_global("global_average_pool1d_backward", dy, input_shape, 3)
    return _faces(dy).global_average_pool1d_backward(dy, input_shape=input_shape)


def _check_input(op, x, ndim):
    check.floats(op, ndim, x=x)
    _check_places(op, x.shape)


def _check_places(op, shape):
    if 0 in shape[1:-1]:
        what = "images" if len(shape) == 4 else "sequences"
        raise ValueError(
            f"{op}: the {what} have size {tuple(shape[1:-1])}, expected at least one place along each axis"
        )


def _check_backward(op, dy, input_shape):
    check.floats(op, 4, dy=dy)
    check.sizes(op, "input_shape", input_shape, 4)
    _check_places(op, input_shape)
    N, _, _, C = input_shape
    check.shape(op, "dy", dy, (N, "P", "Q", C), ("input_shape", input_shape))
    _check_places(op, dy.shape)


def _check_global(op, dy, input_shape, ndim):
    check.floats(op, 2, dy=dy)
    check.sizes(op, "input_shape", input_shape, ndim)
    _check_places(op, input_shape)
    check.shape(op, "dy", dy, (input_shape[0], input_shape[-1]), ("input_shape", input_shape))
