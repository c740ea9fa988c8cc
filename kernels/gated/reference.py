"""Gated activations in NumPy, as their formulas read. Where a formula would overflow, its argument is limited first."""

import numpy as np

FAR = 800  # e**-FAR is 0 in float64 too


def silu_forward(x, *, out=None):
    return np.maximum(x, -FAR) * sigmoid(x)


def silu_backward(dy, x, *, out=None):
    return dy * silu_slope(x)


def hard_swish_forward(x, *, out=None):
    return np.maximum(x, -3) * (np.clip(x + 3, 0, 6) / 6)


def hard_swish_backward(dy, x, *, out=None):
    return dy * np.where(x <= -3, 0, np.where(x >= 3, 1, np.clip(x, -3, 3) / 3 + 1 / 2)).astype(x.dtype)


def mish_forward(x, *, out=None):
    return np.maximum(x, -FAR) * np.tanh(softplus(x))


def mish_backward(dy, x, *, out=None):
    t = np.tanh(softplus(x))
    return dy * (t + np.clip(x, -FAR, FAR) * (1 - t * t) * sigmoid(x))


def glu_forward(x, *, out=None):
    a, b = np.split(x, 2, axis=-1)
    return a * sigmoid(b)


def glu_backward(dy, x, *, out=None):
    a, b = np.split(x, 2, axis=-1)
    s = sigmoid(b)
    return np.concatenate((dy * s, dy * a * s * (1 - s)), axis=-1)


def swiglu_forward(x, *, out=None):
    a, b = np.split(x, 2, axis=-1)
    return silu_forward(a) * b


def swiglu_backward(dy, x, *, out=None):
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate((dy * b * silu_slope(a), dy * silu_forward(a)), axis=-1)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def silu_slope(x):
    s = sigmoid(x)
    return s * (1 + np.clip(x, -FAR, FAR) * (1 - s))
