"""Normalisation in NumPy, as its formulas read.

x, y, dx, dy (..., N) or (N, ..., C)    gamma, beta, dgamma, dbeta (N,) or (C,)    G groups

y  = f(xhat gamma + beta)                    xhat = (x - mean) rstd    rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)
dx = rstd (g - mean(g) - xhat mean(g xhat))  g = dz gamma              dz = dy f'(xhat gamma + beta)
dgamma = sum(dz xhat)    dbeta = sum(dz)

Means are over

layer_norm     the last axis; mean, rstd (...)                   Ba, Kiros, Hinton 2016, arXiv:1607.06450
rms_norm       the last axis, with 0 for mean(x) and mean(g)     Zhang, Sennrich 2019, arXiv:1910.07467
batch_norm     all axes but the last; mean, rstd (C,)            Ioffe, Szegedy 2015, arXiv:1502.03167
group_norm     a sample's C / G channels; mean, rstd (N, G)      Wu, He 2018, arXiv:1803.08494
instance_norm  a sample's channel; mean, rstd (N, C)             Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022

and sums over all axes but the last. With mean and variance given, dx = rstd g.
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


def rms_norm_forward(x, gamma=None, *, epsilon=1e-6, out=None):
    rstd = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon)
    y = x * rstd
    return y if gamma is None else y * gamma, rstd[..., 0]


def rms_norm_backward(dy, x, gamma=None, *, rstd):
    xhat = x * rstd[..., None]
    g = dy if gamma is None else dy * gamma
    dx = rstd[..., None] * (g - xhat * (g * xhat).mean(-1, keepdims=True))
    return dx, None if gamma is None else (dy * xhat).sum(tuple(range(x.ndim - 1)))


def batch_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    rows = tuple(range(x.ndim - 1))
    mean = x.mean(rows)
    variance = ((x - mean) ** 2).mean(rows)
    rstd = 1 / np.sqrt(variance + epsilon)
    return _activate(_scale((x - mean) * rstd, gamma, beta), activation), mean, rstd, variance


def batch_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, activation=None):
    rows = tuple(range(x.ndim - 1))
    xhat = (x - mean) * rstd
    dz = _before_activation(dy, _scale(xhat, gamma, beta), activation)
    g = dz if gamma is None else dz * gamma
    dx = rstd * (g - g.mean(rows) - xhat * (g * xhat).mean(rows))
    return dx, *_sums(dz, xhat, gamma, beta)


def batch_norm_update(running_mean, running_var, mean, variance, *, momentum=0.99):
    running_mean[...] = running_mean * momentum + mean * (1 - momentum)
    running_var[...] = running_var * momentum + variance * (1 - momentum)


def batch_norm_inference_forward(x, mean, variance, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    rstd = 1 / np.sqrt(variance + epsilon)
    return _activate(_scale((x - mean) * rstd, gamma, beta), activation)


def batch_norm_inference_backward(dy, x, mean, variance, gamma=None, beta=None, *, epsilon=1e-3, activation=None):
    rstd = 1 / np.sqrt(variance + epsilon)
    xhat = (x - mean) * rstd
    dz = _before_activation(dy, _scale(xhat, gamma, beta), activation)
    return rstd * (dz if gamma is None else dz * gamma), *_sums(dz, xhat, gamma, beta)


def group_norm_forward(x, gamma=None, beta=None, *, groups, epsilon=1e-3, activation=None, out=None):
    parts = _parts(x, groups)
    mean = parts.mean((1, 3), keepdims=True)
    rstd = 1 / np.sqrt(((parts - mean) ** 2).mean((1, 3), keepdims=True) + epsilon)
    xhat = ((parts - mean) * rstd).reshape(x.shape)
    return _activate(_scale(xhat, gamma, beta), activation), mean[:, 0, :, 0], rstd[:, 0, :, 0]


def group_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, groups, activation=None):
    mean, rstd = mean[:, None, :, None], rstd[:, None, :, None]
    xhat = (_parts(x, groups) - mean) * rstd
    flat = xhat.reshape(x.shape)
    dz = _before_activation(dy, _scale(flat, gamma, beta), activation)
    g = _parts(dz if gamma is None else dz * gamma, groups)
    dx = rstd * (g - g.mean((1, 3), keepdims=True) - xhat * (g * xhat).mean((1, 3), keepdims=True))
    return dx.reshape(x.shape), *_sums(dz, flat, gamma, beta)


def instance_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    groups = x.shape[-1]
    return group_norm_forward(x, gamma, beta, groups=groups, epsilon=epsilon, activation=activation)


def instance_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, activation=None):
    return group_norm_backward(dy, x, gamma, beta, mean=mean, rstd=rstd, groups=x.shape[-1], activation=activation)


def _parts(x, groups):
    """x as (samples, positions, groups, channels of a group)."""
    positions, channels = int(np.prod(x.shape[1:-1])), x.shape[-1]
    return x.reshape(len(x), positions, groups, channels // groups if groups else 1)


def _scale(xhat, gamma, beta):
    y = xhat if gamma is None else xhat * gamma
    return y if beta is None else y + beta


def _activate(z, activation):
    return np.maximum(z, 0) if activation == "relu" else z


def _before_activation(dy, z, activation):
    return np.where(z > 0, dy, np.zeros_like(dy)) if activation == "relu" else dy


def _sums(dz, xhat, gamma, beta):
    rows = tuple(range(dz.ndim - 1))
    return None if gamma is None else (dz * xhat).sum(rows), None if beta is None else dz.sum(rows)
