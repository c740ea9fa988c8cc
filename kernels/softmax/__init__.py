"""Softmax: numbers along an axis become probabilities; their logarithms, and the logarithm of what they are divided by.

    softmax      y = e**(x - max x) / sum e**(x - max x)
    log_softmax  y = x - logsumexp(x)
    logsumexp    y = max x + log sum e**(x - max x)

The maximum is taken away so that nothing overflows; it cancels. A NaN or +inf makes its whole row NaN, and so does a
row of -inf alone; -inf among finite numbers gives 0. What a mask hides gives 0 whatever it is, and a row of which
nothing finite is seen gives 0 altogether, not NaN. Of -inf alone logsumexp is -inf, with gradients of 0.
"""

import numpy as np

from .. import _check as check
from .._check_device import on_device
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
    axis = _check_forward("softmax_forward", x, axis, out)
    return _faces(x).softmax_forward(x, axis=axis, out=out)


def softmax_backward(dy, y, *, axis=-1, out=None):
    """Gradient of `softmax_forward` from its result: dx = y * (dy - sum(y * dy)), the sum along `axis`.

    dy (..., N, ...), y (..., N, ...) -> dx (..., N, ...). `out` may be dy itself.
    """
    axis = _check_backward("softmax_backward", dy, y, axis, out)
    return _faces(y).softmax_backward(dy, y, axis=axis, out=out)


def masked_softmax_forward(x, mask, *, axis=-1, out=None):
    """Softmax along `axis` of what a mask lets be seen, 0 elsewhere; 0 in all of a row of which nothing is seen.

    x (..., N, ...), float32 or float64; mask, bool, broadcast to x's shape, True where x is seen -> y (..., N, ...).
    `out` may be x itself. Raises TypeError or ValueError for other dtypes and orders, a mask that does not broadcast,
    or an axis that x does not have. Along another axis than the last it takes two passes more.

    >>> import numpy as np
    >>> masked_softmax_forward(np.zeros((2, 3)), np.array([True, False, True]))
    array([[0.5, 0. , 0.5],
           [0.5, 0. , 0.5]])
    """
    op = "masked_softmax_forward"
    axis = _check_forward(op, x, axis, out)
    if mask.__class__ is np.ndarray or not on_device(mask):
        check.booleans(op, "mask", mask)
        check.broadcasts(op, "mask", mask, x.shape)
    return _faces(x).masked_softmax_forward(x, mask, axis=axis, out=out)


def masked_softmax_backward(dy, y, *, axis=-1, out=None):
    """Gradient of `masked_softmax_forward` from its result, which is 0 where the mask hides: that of `softmax_forward`.

    dy (..., N, ...), y (..., N, ...) -> dx (..., N, ...). `out` may be dy itself.
    """
    axis = _check_backward("masked_softmax_backward", dy, y, axis, out)
    return _faces(y).masked_softmax_backward(dy, y, axis=axis, out=out)


def causal_softmax_forward(x, *, out=None):
    """Softmax of every row of (..., T, S), of which row t sees the columns up to t + S - T: the last one sees all.

    x (..., T, S), float32 or float64 -> y (..., T, S), 0 where nothing is seen. `out` may be x itself. Raises TypeError
    or ValueError for another dtype or order, or fewer than two axes.

    >>> import numpy as np
    >>> causal_softmax_forward(np.zeros((2, 2)))
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    _check_forward("causal_softmax_forward", x, -1, out)
    check.at_least("causal_softmax_forward", "x", x, 2)
    return _faces(x).causal_softmax_forward(x, out=out)


def causal_softmax_backward(dy, y, *, out=None):
    """Gradient of `causal_softmax_forward` from its result, which is 0 where nothing is seen: that of softmax.

    dy (..., T, S), y (..., T, S) -> dx (..., T, S). `out` may be dy itself.
    """
    _check_backward("causal_softmax_backward", dy, y, -1, out)
    return _faces(y).causal_softmax_backward(dy, y, out=out)


def log_softmax_forward(x, *, axis=-1, out=None):
    """Logarithm of softmax along `axis`, without the rounding of small probabilities to 0.

    x (..., N, ...) -> y (..., N, ...), float32 or float64. `out` may be x itself. Errors as in `softmax_forward`.

    >>> import numpy as np
    >>> log_softmax_forward(np.array([[0.0, 1000.0]]))
    array([[-1000.,     0.]])
    """
    axis = _check_forward("log_softmax_forward", x, axis, out)
    return _faces(x).log_softmax_forward(x, axis=axis, out=out)


def log_softmax_backward(dy, y, *, axis=-1, out=None):
    """Gradient of `log_softmax_forward` from its result: dx = dy - e**y * sum(dy), the sum along `axis`.

    dy (..., N, ...), y (..., N, ...) -> dx (..., N, ...). `out` may be dy itself.
    """
    axis = _check_backward("log_softmax_backward", dy, y, axis, out)
    return _faces(y).log_softmax_backward(dy, y, axis=axis, out=out)


def logsumexp_forward(x, *, axis=-1, out=None):
    """log sum e**x along `axis`, without a number that overflows.

    x (..., N, ...) -> y, x's shape without that axis, float32 or float64. Errors as in `softmax_forward`.

    >>> import numpy as np
    >>> logsumexp_forward(np.array([[1000.0, 1000.0]])) - 1000
    array([0.69314718])
    """
    check.floats("logsumexp_forward", x=x)
    axis = check.axis("logsumexp_forward", axis, "x", x)
    check.out("logsumexp_forward", out, x.shape[:axis] + x.shape[axis + 1 :], x, x=x)
    return _faces(x).logsumexp_forward(x, axis=axis, out=out)


def logsumexp_backward(dy, x, y, *, axis=-1, out=None):
    """Gradient of `logsumexp_forward` from x and its result: dx = dy * e**(x - y).

    dy, y, x's shape without the axis, numbers of NumPy's where x has but one; x (..., N, ...) -> dx (..., N, ...).
    `out` may be x itself.
    """
    op = "logsumexp_backward"
    dy, y = (np.asarray(a) if isinstance(a, np.generic) else a for a in (dy, y))
    check.floats(op, x=x, dy=dy, y=y)
    axis = check.axis(op, axis, "x", x)
    expected = x.shape[:axis] + x.shape[axis + 1 :]
    check.shape(op, "dy", dy, expected, ("x", x))
    check.shape(op, "y", y, expected, ("x", x))
    check.out(op, out, x.shape, x)
    return _faces(x).logsumexp_backward(dy, x, y, axis=axis, out=out)


def _check_forward(op, x, axis, out):
    """The axis, counted from the first."""
    check.floats(op, x=x)
    axis = check.axis(op, axis, "x", x)
    check.out(op, out, x.shape, x)
    return axis


def _check_backward(op, dy, y, axis, out):
    check.alike(op, y=y, dy=dy)
    axis = check.axis(op, axis, "y", y)
    check.out(op, out, y.shape, y)
    return axis
