"""Softmax: numbers along an axis become probabilities.

    y = e**(x - max x) / sum e**(x - max x)

The maximum is taken away so that nothing overflows; it cancels. A NaN or +inf makes its whole row NaN, and so does a
row of -inf alone; -inf among finite numbers gives 0.
"""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)


def softmax_forward(x, *, axis=-1, out=None):
    """Softmax along `axis`.

    x (..., N, ...) -> y (..., N, ...), float32 or float64. `out` may be x itself. Raises TypeError or ValueError for
    another dtype or order, or an axis that x does not have.

    >>> import numpy as np
    >>> softmax_forward(np.array([[0.0, 0.0], [0.0, 1000.0]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    check.floats("softmax_forward", x=x)
    axis = check.axis("softmax_forward", axis, "x", x)
    check.out("softmax_forward", out, x.shape, x)
    return _faces(x).softmax_forward(x, axis=axis, out=out)


def softmax_backward(dy, y, *, axis=-1, out=None):
    """Gradient of `softmax_forward` from its result: dx = y * (dy - sum(y * dy)), the sum along `axis`.

    dy (..., N, ...), y (..., N, ...) -> dx (..., N, ...). `out` may be dy itself.
    """
    check.floats("softmax_backward", y=y, dy=dy)
    check.same_shape("softmax_backward", y=y, dy=dy)
    axis = check.axis("softmax_backward", axis, "y", y)
    check.out("softmax_backward", out, y.shape, y)
    return _faces(y).softmax_backward(dy, y, axis=axis, out=out)
