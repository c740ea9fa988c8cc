"""Normalisation in NumPy, as its formulas read.

x, y, dx, dy (..., N)    gamma, beta, dgamma, dbeta (N,)    mean, rstd (...)

y  = xhat gamma + beta                       xhat = (x - mean) rstd    rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)
dx = rstd (g - mean(g) - xhat mean(g xhat))  g = dy gamma
dgamma = sum(dy xhat)    dbeta = sum(dy)

Means are over the last axis, sums over all others. Ba, Kiros, Hinton 2016, arXiv:1607.06450.
"""

import numpy as np


def layer_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, out=None):
    mean = x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + epsilon)
    y = (x - mean) * rstd
    if gamma is not None:
        y = y * gamma
    if beta is not None:
        y = y + beta
    return y, mean[..., 0], rstd[..., 0]


def layer_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd):
    mean, rstd = mean[..., None], rstd[..., None]
    xhat = (x - mean) * rstd
    g = dy if gamma is None else dy * gamma
    dx = rstd * (g - g.mean(-1, keepdims=True) - xhat * (g * xhat).mean(-1, keepdims=True))
    rows = tuple(range(x.ndim - 1))
    dgamma = None if gamma is None else (dy * xhat).sum(rows)
    dbeta = None if beta is None else dy.sum(rows)
    return dx, dgamma, dbeta
