"""Group normalisation, and instance normalisation, in which every channel is a group."""

import math

from .. import _check as check
from ._shared import NONE, channels, faces, gradient, options


def group_norm_forward(x, gamma=None, beta=None, *, groups, epsilon=1e-3, activation=None, out=None):
    """Group normalisation: mean and variance of neighbouring channels together, over all positions of a sample.

    x (N, ..., C), gamma, beta (C,) or None, float32 or float64 -> y (N, ..., C), and for the gradient mean and rstd =
    1 / sqrt(var + epsilon), (N, groups). `groups` divides C; the default epsilon is Keras's. `activation` is None or
    "relu". `out` takes y and may be x itself. Raises TypeError or ValueError for other dtypes, shapes and orders,
    groups without elements, and a negative epsilon. Wu, He 2018, arXiv:1803.08494.

    >>> import numpy as np
    >>> y, mean, rstd = group_norm_forward(np.array([[1.0, 3.0, 5.0, 5.0]]), groups=2, epsilon=0.5625)
    >>> y
    array([[-0.8,  0.8,  0. ,  0. ]])
    >>> mean
    array([[2., 5.]])
    """
    op = "group_norm_forward"
    _check_groups(op, x, gamma, beta, groups)
    options(op, x, epsilon, activation, out)
    return faces(x).group_norm_forward(x, gamma, beta, groups=groups, epsilon=epsilon, activation=activation, out=out)


def group_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, groups, activation=None):
    """Gradient of `group_norm_forward`, from its `mean` and `rstd`.

    dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dz gamma, dz = dy or, after relu, dy where xhat gamma + beta >
    0, else 0; means over a group. dgamma = sum(dz xhat), dbeta = sum(dz) over all axes but the last. dy, x (N, ..., C),
    mean, rstd (N, groups) -> dx (N, ..., C), dgamma, dbeta (C,) or None where gamma or beta is.
    """
    op = "group_norm_backward"
    _check_groups(op, x, gamma, beta, groups, {"dy": dy, "mean": mean, "rstd": rstd})
    gradient(op, x, activation, dy, (x.shape[0], groups), mean=mean, rstd=rstd)
    return faces(x).group_norm_backward(dy, x, gamma, beta, mean=mean, rstd=rstd, groups=groups, activation=activation)


def instance_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    """Instance normalisation: mean and variance of every channel of every sample over its positions.

    x (N, ..., C), gamma, beta (C,) or None -> y (N, ..., C), mean, rstd (N, C); the rest as in `group_norm_forward`.
    Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022.

    >>> import numpy as np
    >>> y, mean, rstd = instance_norm_forward(np.array([[[1.0], [3.0]]]), epsilon=0.5625)
    >>> y
    array([[[-0.8],
            [ 0.8]]])
    """
    op = "instance_norm_forward"
    _check_instances(op, x, gamma, beta)
    options(op, x, epsilon, activation, out)
    return faces(x).instance_norm_forward(x, gamma, beta, epsilon=epsilon, activation=activation, out=out)


def instance_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, activation=None):
    """Gradient of `instance_norm_forward`, from its `mean` and `rstd`, (N, C): `group_norm_backward` with C groups."""
    op = "instance_norm_backward"
    _check_instances(op, x, gamma, beta, {"dy": dy, "mean": mean, "rstd": rstd})
    gradient(op, x, activation, dy, (x.shape[0], x.shape[-1]), mean=mean, rstd=rstd)
    return faces(x).instance_norm_backward(dy, x, gamma, beta, mean=mean, rstd=rstd, activation=activation)


def _check_groups(op, x, gamma, beta, groups, others=NONE):
    _check_instances(op, x, gamma, beta, others)
    check.whole(op, "groups", groups, 1)
    if x.shape[-1] % groups:
        raise ValueError(f"{op}: groups is {groups}, expected a divisor of {x.shape[-1]} because x is {tuple(x.shape)}")
    check.whole(op, "the size of x's last axis", x.shape[-1], 1)


def _check_instances(op, x, gamma, beta, others=NONE):
    channels(op, x, gamma, beta, 2, others)
    check.whole(op, "the number of x's positions", math.prod(x.shape[1:-1]), 1)
