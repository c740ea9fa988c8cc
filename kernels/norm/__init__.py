"""Normalisation: numbers get mean 0 and variance 1, then a scale and a shift of each channel, on the last axis.

    xhat = (x - mean) rstd    rstd = 1 / sqrt(var + epsilon)    y = f(xhat gamma + beta)

Mean and variance (of the population, divided by the number of elements) are those of

    layer_norm     the last axis                         Ba, Kiros, Hinton 2016, arXiv:1607.06450, equations 3 and 4
    rms_norm       the last axis, its mean taken as 0    Zhang, Sennrich 2019, arXiv:1910.07467, equation 4
    batch_norm     all axes but the last                 Ioffe, Szegedy 2015, arXiv:1502.03167, algorithm 1
    group_norm     a group of channels of each sample    Wu, He 2018, arXiv:1803.08494, equation 7
    instance_norm  each channel of each sample           Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022, equation 4

The variance is the mean of (x - mean)^2, so that a large mean costs no more digits than it has to. A NaN or an infinity
makes NaN of all that share its statistics. The last three take a following relu with them, which saves a pass over
memory each way; their backward computes anew what relu saw, so that nobody need keep y.
"""

from .. import _check as check
from ._shared import faces as _faces
from .batch import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference_backward,
    batch_norm_inference_forward,
    batch_norm_update,
)
from .group import group_norm_backward, group_norm_forward, instance_norm_backward, instance_norm_forward

__all__ = [
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_inference_backward",
    "batch_norm_inference_forward",
    "batch_norm_update",
    "group_norm_backward",
    "group_norm_forward",
    "instance_norm_backward",
    "instance_norm_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "rms_norm_backward",
    "rms_norm_forward",
]


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
    if out is not None:
        check.out(op, out, x.shape, x)
    return _faces(x).layer_norm_forward(x, gamma, beta, epsilon=epsilon, out=out)


def layer_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd):
    """Gradient of `layer_norm_forward`, from its `mean` and `rstd`.

    dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy gamma, the means over the last axis; dgamma = sum(dy xhat),
    dbeta = sum(dy) over all rows. dy, x (..., N), mean, rstd (...) -> dx (..., N), dgamma, dbeta (N,) or None where
    gamma or beta is; of beta nothing else is used.
    """
    op = "layer_norm_backward"
    _check_rows(op, x, gamma, beta, dy=dy, mean=mean, rstd=rstd)
    _check_gradient(op, x, dy, mean=mean, rstd=rstd)
    return _faces(x).layer_norm_backward(dy, x, gamma, beta, mean=mean, rstd=rstd)


def rms_norm_forward(x, gamma=None, *, epsilon=1e-6, out=None):
    """Division by the root of the mean square over the last axis, and what its gradient needs: 1 / sqrt(ms + epsilon).

    x (..., N), gamma (N,) or None, float32 or float64 -> y (..., N), rstd (...). The default epsilon is Keras's. `out`
    takes y and may be x itself. Raises TypeError or ValueError for other dtypes, shapes and orders, an axis without
    elements, and a negative epsilon.

    >>> import numpy as np
    >>> y, rstd = rms_norm_forward(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([1.0, 2.0]), epsilon=3.5)
    >>> y
    array([[0.75, 2.  ],
           [0.  , 0.  ]])
    """
    op = "rms_norm_forward"
    _check_rows(op, x, gamma, None)
    check.number(op, "epsilon", epsilon, 0)
    if out is not None:
        check.out(op, out, x.shape, x)
    return _faces(x).rms_norm_forward(x, gamma, epsilon=epsilon, out=out)


def rms_norm_backward(dy, x, gamma=None, *, rstd):
    """Gradient of `rms_norm_forward`, from its `rstd`.

    dx = rstd (g - xhat mean(g xhat)) with g = dy gamma and xhat = x rstd, the mean over the last axis; dgamma = sum(dy
    xhat) over all rows. dy, x (..., N), rstd (...) -> dx (..., N), dgamma (N,) or None where gamma is.
    """
    op = "rms_norm_backward"
    _check_rows(op, x, gamma, None, dy=dy, rstd=rstd)
    _check_gradient(op, x, dy, rstd=rstd)
    return _faces(x).rms_norm_backward(dy, x, gamma, rstd=rstd)


def _check_rows(op, x, gamma, beta, **others):
    arrays = {"x": x}
    if gamma is not None:
        arrays["gamma"] = gamma
    if beta is not None:
        arrays["beta"] = beta
    check.floats(op, None, **arrays, **others)
    if not x.ndim:
        check.axis(op, -1, "x", x)
    N = x.shape[-1]
    check.whole(op, "the size of x's last axis", N, 1)
    for name, row in (("gamma", gamma), ("beta", beta)):
        if row is not None and row.shape != (N,):
            check.shape(op, name, row, (N,), ("x", x))


def _check_gradient(op, x, dy, **saved):
    """dy like x, and a number of each row saved; their dtypes have been checked."""
    shape = x.shape
    if dy.shape != shape:
        check.shape(op, "dy", dy, shape, ("x", x))
    for name, row in saved.items():
        if row.shape != shape[:-1]:
            check.shape(op, name, row, shape[:-1], ("x", x))
