"""Batch normalisation in training and inference, and its running statistics.

The training forward is a function of its arguments alone: it returns the batch's statistics, and `batch_norm_update`
moves the running ones, once a step, whoever holds them. Changed inside of the forward, they would move again whenever
it is called again, as it is where activations are computed anew for the gradient.
"""

import math

from .. import _check as check
from ._shared import NONE, channels, faces, gradient, options


def batch_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    """Batch normalisation in training: mean and variance of every channel over all axes but the last.

    x (..., C), gamma, beta (C,) or None, float32 or float64 -> y (..., C), mean, rstd, variance (C,), of which rstd =
    1 / sqrt(variance + epsilon). The gradient needs mean and rstd, `batch_norm_update` mean and variance, which is the
    population's as in Keras. `activation` is None or "relu". `out` takes y and may be x itself. Raises TypeError or
    ValueError for other dtypes, shapes and orders, channels without elements, and a negative epsilon. Ioffe, Szegedy
    2015, arXiv:1502.03167, algorithm 1.

    >>> import numpy as np
    >>> y, mean, rstd, variance = batch_norm_forward(np.array([[1.0, 5.0], [3.0, 5.0]]), epsilon=0.5625)
    >>> y
    array([[-0.8,  0. ],
           [ 0.8,  0. ]])
    >>> mean, variance
    (array([2., 5.]), array([1., 0.]))
    """
    op = "batch_norm_forward"
    _check_batch(op, x, gamma, beta)
    options(op, x, epsilon, activation, out)
    return faces(x).batch_norm_forward(x, gamma, beta, epsilon=epsilon, activation=activation, out=out)


def batch_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, activation=None):
    """Gradient of `batch_norm_forward`, from its `mean` and `rstd`.

    dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dz gamma, dz = dy or, after relu, dy where xhat gamma + beta >
    0, else 0; means over all axes but the last. dgamma = sum(dz xhat), dbeta = sum(dz). dy, x (..., C), mean, rstd (C,)
    -> dx (..., C), dgamma, dbeta (C,) or None where gamma or beta is.
    """
    op = "batch_norm_backward"
    _check_batch(op, x, gamma, beta, {"dy": dy, "mean": mean, "rstd": rstd})
    gradient(op, x, activation, dy, x.shape[-1:], mean=mean, rstd=rstd)
    return faces(x).batch_norm_backward(dy, x, gamma, beta, mean=mean, rstd=rstd, activation=activation)


def batch_norm_update(running_mean, running_var, mean, variance, *, momentum=0.99):
    """A step of batch normalisation's running statistics, in place: running = running momentum + batch (1 - momentum).

    running_mean, running_var, mean, variance (C,), the last two from `batch_norm_forward`. The formula and the default
    are Keras's. Raises TypeError or ValueError for other dtypes, shapes and orders, arrays that cannot be written, and
    a momentum outside of [0, 1].

    >>> import numpy as np
    >>> running_mean, running_var = np.array([0.0]), np.array([1.0])
    >>> batch_norm_update(running_mean, running_var, np.array([4.0]), np.array([3.0]), momentum=0.75)
    >>> running_mean, running_var
    (array([1.]), array([1.5]))
    """
    op = "batch_norm_update"
    check.alike(op, mean=mean, variance=variance)
    check.in_place(op, mean, "mean", running_mean=running_mean, running_var=running_var)
    check.number(op, "momentum", momentum, 0, 1)
    faces(mean).batch_norm_update(running_mean, running_var, mean, variance, momentum=momentum)


def batch_norm_inference_forward(x, mean, variance, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    """Batch normalisation in inference, with statistics that are given, such as the running ones.

    x (..., C), mean, variance (C,), gamma, beta (C,) or None -> y (..., C); the rest as in `batch_norm_forward`.

    >>> import numpy as np
    >>> batch_norm_inference_forward(np.array([[1.0], [5.0]]), np.array([3.0]), np.array([4.0]), epsilon=0.0)
    array([[-1.],
           [ 1.]])
    """
    op = "batch_norm_inference_forward"
    channels(op, x, gamma, beta, mean=mean, variance=variance)
    options(op, x, epsilon, activation, out)
    return faces(x).batch_norm_inference_forward(
        x, mean, variance, gamma, beta, epsilon=epsilon, activation=activation, out=out
    )


def batch_norm_inference_backward(dy, x, mean, variance, gamma=None, beta=None, *, epsilon=1e-3, activation=None):
    """Gradient of `batch_norm_inference_forward`, in which the statistics are constants: dx = rstd gamma dz.

    dgamma = sum(dz xhat), dbeta = sum(dz) with dz of `batch_norm_backward`. -> dx (..., C), dgamma, dbeta (C,) or None
    where gamma or beta is.
    """
    op = "batch_norm_inference_backward"
    channels(op, x, gamma, beta, others={"dy": dy}, mean=mean, variance=variance)
    gradient(op, x, activation, dy)
    check.number(op, "epsilon", epsilon, 0)
    return faces(x).batch_norm_inference_backward(
        dy, x, mean, variance, gamma, beta, epsilon=epsilon, activation=activation
    )


def _check_batch(op, x, gamma, beta, others=NONE):
    channels(op, x, gamma, beta, 1, others)
    check.whole(op, "the number of elements of each of x's channels", math.prod(x.shape[:-1]), 1)
