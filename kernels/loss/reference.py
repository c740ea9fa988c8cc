"""Losses in NumPy, as their formulas read.

y, t, dy (...) or, with classes, (M, N); sparse t (M,)    loss, dloss numbers

A loss is a mean, over all elements or over the M rows; the mean of nothing is 0. Probabilities are clipped to
[EPSILON, 1 - EPSILON] (so that the gradient is 0 outside), those of classes after each row was divided by its sum, as
in Keras.
"""

import numpy as np

EPSILON = 1e-7


def mse_forward(y, t):
    return _mean((y - t) ** 2)


def mse_backward(dloss, y, t):
    return dloss / max(1, y.size) * 2 * (y - t)


def binary_crossentropy_forward(y, t, *, from_logits=False):
    if from_logits:  # -t log s(y) - (1 - t) log(1 - s(y)), s the sigmoid, without a number that overflows
        return _mean(np.maximum(y, 0) - y * t + np.log1p(np.exp(-np.abs(y))))
    p, _ = _clip(y)
    return _mean(-t * np.log(p) - (1 - t) * np.log(1 - p))


def binary_crossentropy_backward(dloss, y, t, *, from_logits=False):
    share = dloss / max(1, y.size)
    if from_logits:
        e = np.exp(-np.abs(y))
        return share * (np.where(y < 0, e, 1) / (1 + e) - t)
    p, outside = _clip(y)
    return share * np.where(outside, np.zeros_like(y), (p - t) / (p * (1 - p)))


def categorical_crossentropy_forward(y, t, *, from_logits=False):
    log_p = _log_softmax(y) if from_logits else np.log(_clip(_divided_by_sum(y))[0])
    return _mean(-(t * log_p).sum(1))


def categorical_crossentropy_backward(dloss, y, t, *, from_logits=False):
    share = dloss / max(1, len(y))
    if from_logits:
        return share * (np.exp(_log_softmax(y)) * t.sum(1, keepdims=True) - t)
    q = _divided_by_sum(y)
    p, outside = _clip(q)
    slope = np.where(outside, np.zeros_like(y), t / p)
    return share * ((slope * q).sum(1, keepdims=True) - slope) / y.sum(1, keepdims=True)


def sparse_categorical_crossentropy_forward(y, t, *, from_logits=False):
    log_p = _log_softmax(y) if from_logits else np.log(_clip(_divided_by_sum(y))[0])
    return _mean(-log_p[np.arange(len(t)), t])


def sparse_categorical_crossentropy_backward(dloss, y, t, *, from_logits=False):
    share, at_label = dloss / max(1, len(y)), (np.arange(len(t)), t)
    if from_logits:
        dy = np.exp(_log_softmax(y))
        dy[at_label] -= 1
        return share * dy
    q = _divided_by_sum(y)[at_label]
    p, outside = _clip(q)
    slope = np.where(outside, np.zeros_like(q), 1 / p)
    dy = np.repeat((slope * q)[:, None], y.shape[1], 1)
    dy[at_label] -= slope
    return share * dy / y.sum(1, keepdims=True)


def _mean(losses):
    return losses.dtype.type(losses.sum() / max(1, losses.size))


def _clip(y):
    """y within [EPSILON, 1 - EPSILON], and where it was outside; NaN is neither."""
    low, high = y.dtype.type(EPSILON), y.dtype.type(1 - EPSILON)
    return np.clip(y, low, high), (y < low) | (y > high)


def _divided_by_sum(y):
    return y / y.sum(1, keepdims=True)


def _log_softmax(y):
    z = y - y.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))
