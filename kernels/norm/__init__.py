"""Normalisation: rows of numbers get mean 0 and variance 1, then a scale and a shift of each column.

    xhat = (x - mean) rstd    rstd = 1 / sqrt(var + epsilon)    y = xhat gamma + beta

Mean and variance (of the population, divided by the number of elements) are those of the last axis: layer
normalisation, Ba, Kiros, Hinton 2016, arXiv:1607.06450, equations 3 and 4. The variance is the mean of (x - mean)^2, so
that a large mean costs no more digits than it has to. A NaN or an infinity makes its whole row NaN.
"""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)


def layer_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, out=None):
    """Layer normalisation over the last axis, and what its gradient needs: each row's mean and 1 / sqrt(var + epsilon).

    x (..., N), gamma, beta (N,) or None, float32 or float64 -> y (..., N), mean (...), rstd (...). The default epsilon
    is Keras's. `out` takes y and may be x itself. Raises TypeError or ValueError for other dtypes, shapes and orders,
    an axis without elements, and a negative epsilon.

    >>> import numpy as np
    >>> y, mean, rstd = layer_norm_forward(np.array([[1.0, 3.0], [5.0, 5.0]]), np.array([2.0, 2.0]), epsilon=0.5625)
    >>> y
    array([[-1.6,  1.6],
           [ 0. ,  0. ]])
    >>> mean
    array([2., 5.])
    """
    op = "layer_norm_forward"
    _check_rows(op, x, gamma, beta)
    check.number(op, "epsilon", epsilon, 0)
    check.out(op, out, x.shape, x)
    return _faces(x).layer_norm_forward(x, gamma, beta, epsilon=epsilon, out=out)


def layer_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd):
    """Gradient of `layer_norm_forward`, from its `mean` and `rstd`.

    dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy gamma, the means over the last axis; dgamma = sum(dy xhat),
    dbeta = sum(dy) over all rows. dy, x (..., N), mean, rstd (...) -> dx (..., N), dgamma, dbeta (N,) or None where
    gamma or beta is; of beta nothing else is used.
    """
    op = "layer_norm_backward"
    _check_rows(op, x, gamma, beta)
    check.floats(op, None, x=x, dy=dy, mean=mean, rstd=rstd)
    check.same_shape(op, x=x, dy=dy)
    for name, saved in (("mean", mean), ("rstd", rstd)):
        check.shape(op, name, saved, x.shape[:-1], ("x", x))
    return _faces(x).layer_norm_backward(dy, x, gamma, beta, mean=mean, rstd=rstd)


def _check_rows(op, x, gamma, beta):
    if gamma is None and beta is None:
        check.floats(op, None, x=x)
    elif gamma is not None and beta is not None:
        check.floats(op, None, x=x, gamma=gamma, beta=beta)
    else:
        check.floats(op, None, x=x, **({"beta": beta} if gamma is None else {"gamma": gamma}))
    if not x.ndim:
        check.axis(op, -1, "x", x)
    *_, N = x.shape
    check.whole(op, "the size of x's last axis", N, 1)
    if gamma is not None:
        check.shape(op, "gamma", gamma, (N,), ("x", x))
    if beta is not None:
        check.shape(op, "beta", beta, (N,), ("x", x))
