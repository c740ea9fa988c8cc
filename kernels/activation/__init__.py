"""Activations: y = f(x) for every element of an array of any shape."""
from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)


def relu_forward(x, *, out=None):
    """Rectified linear unit, y = max(x, 0).

    x (...) -> y (...), float32 or float64. Raises TypeError or ValueError for another dtype or order.

    >>> import numpy as np
    >>> relu_forward(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    check.floats("relu_forward", x=x)
    check.out("relu_forward", out, x.shape, x)
    return _faces(x).relu_forward(x, out=out)


def relu_backward(dy, y, *, out=None):
    """Gradient of `relu_forward` from its result: dx = dy where y > 0, else 0.

    dy (...), y (...) -> dx (...).
    """
    check.floats("relu_backward", y=y, dy=dy)
    check.same_shape("relu_backward", y=y, dy=dy)
    check.out("relu_backward", out, y.shape, y)
    return _faces(y).relu_backward(dy, y, out=out)
