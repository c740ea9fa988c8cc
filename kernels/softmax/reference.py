"""Softmax and what goes with it in NumPy, as the formulas read."""

import numpy as np


def softmax_forward(x, *, axis=-1, out=None):
    e = np.exp(x - np.max(x, axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis, keepdims=True)


def softmax_backward(dy, y, *, axis=-1, out=None):
    return y * (dy - np.sum(y * dy, axis, keepdims=True))


def masked_softmax_forward(x, mask, *, axis=-1, out=None):
    x = np.where(mask, x, -np.inf).astype(x.dtype)
    e = np.exp(x - _finite(np.max(x, axis, keepdims=True, initial=-np.inf)))
    total = np.sum(e, axis, keepdims=True)
    return e / np.where(total == 0, np.ones_like(total), total)


def masked_softmax_backward(dy, y, *, axis=-1, out=None):
    return softmax_backward(dy, y, axis=axis)


def causal_softmax_forward(x, *, out=None):
    return masked_softmax_forward(x, _seen(*x.shape[-2:]))


def causal_softmax_backward(dy, y, *, out=None):
    return softmax_backward(dy, y)


def log_softmax_forward(x, *, axis=-1, out=None):
    z = x - np.max(x, axis, keepdims=True, initial=-np.inf)
    return z - np.log(np.sum(np.exp(z), axis, keepdims=True))


def log_softmax_backward(dy, y, *, axis=-1, out=None):
    return dy - np.exp(y) * np.sum(dy, axis, keepdims=True)


def logsumexp_forward(x, *, axis=-1, out=None):
    largest = _finite(np.max(x, axis, keepdims=True, initial=-np.inf))
    total = np.sum(np.exp(x - largest), axis, keepdims=True)
    with np.errstate(divide="ignore"):
        return (np.log(total) + largest).squeeze(axis)


def logsumexp_backward(dy, x, y, *, axis=-1, out=None):
    return np.expand_dims(dy, axis) * np.exp(x - _finite(np.expand_dims(y, axis)))


def _finite(largest):
    """0 in place of -inf, so that a row of -inf alone has e**-inf = 0 everywhere."""
    return np.where(largest == -np.inf, np.zeros_like(largest), largest)


def _seen(T, S):
    """Row t of T sees the columns up to t + S - T: the last row sees all."""
    return np.tri(T, S, S - T, dtype=bool)
