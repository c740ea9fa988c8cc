"""Losses on the CPU.

y, t, dy (...), read as flat arrays, or (M, N) with classes; sparse t (M,)    p = clip(y), q = y / sum_N(y)

mse                       (y - t)^2                                         dy = 2 (y - t) share
binary_crossentropy       -t log p - (1 - t) log(1 - p)                     dy = (p - t) / (p (1 - p)) share
  from logits             max(y, 0) - y t + log(1 + e**-|y|)                dy = (sigmoid(y) - t) share
categorical_crossentropy  -sum_N(t log clip(q))                             dy = (sum_N(g q) - g) / sum_N(y) share
                                                                            g = t / q, 0 where q was clipped
  from logits             -sum_N(t (z - log sum_N(e**z))), z = y - max_N y  dy = (softmax(y) sum_N(t) - t) share
sparse                    t is one where n is the label, else 0

The loss is the mean over all elements, or over the M rows; share is dloss over their number. Sums are float64: within a
task in an order that the shape alone decides, then over the tasks in turn, so the bits do not depend on threads.
"""

import math

import numpy as np

from .._cpu.elementwise import CHUNK, binary
from .._cpu.jit import inner, kernel
from .._cpu.memory import empty_like
from .._cpu.threads import spread
from .._cpu.vecmath import constant, exp, in_order, log, log1p, order, sigmoid

ROWS_OF = 1 << 12  # elements of the rows of a task: 16 KB of float32, two arrays of which fit into a first-level cache

_LOW, _HIGH = constant(1e-7), constant(1 - 1e-7)
_ZERO, _ONE, _TWO = constant(0.0), constant(1.0), constant(2.0)

_element = inner(forceinline=True)  # left alone, LLVM calls what has two logarithms, and no loop vectorises


def mse_forward(y, t):
    return y.dtype.type(_mse(y.reshape(-1), t.reshape(-1)))


def mse_backward(dloss, y, t):
    return _mse_gradient(y, t, _share(dloss, y.size))


def binary_crossentropy_forward(y, t, *, from_logits=False):
    mean = _binary_from_logits if from_logits else _binary
    return y.dtype.type(mean(y.reshape(-1), t.reshape(-1)))


def binary_crossentropy_backward(dloss, y, t, *, from_logits=False):
    gradient = _binary_from_logits_gradient if from_logits else _binary_gradient
    return gradient(y, t, _share(dloss, y.size))


def categorical_crossentropy_forward(y, t, *, from_logits=False):
    return y.dtype.type((_categorical_from_logits if from_logits else _categorical)(y, t))


def categorical_crossentropy_backward(dloss, y, t, *, from_logits=False):
    dy = empty_like(y)
    (_categorical_from_logits_gradient if from_logits else _categorical_gradient)(y, t, _share(dloss, len(y)), dy)
    return dy


def sparse_categorical_crossentropy_forward(y, t, *, from_logits=False):
    return y.dtype.type((_sparse_from_logits if from_logits else _sparse)(y, t))


def sparse_categorical_crossentropy_backward(dloss, y, t, *, from_logits=False):
    dy = empty_like(y)
    (_sparse_from_logits_gradient if from_logits else _sparse_gradient)(y, t, _share(dloss, len(y)), dy)
    return dy


def _share(dloss, count):
    return float(dloss) / max(1, count)


@kernel
def first_misfit(t, classes):
    """The first place of t (M,) that holds no label in [0, classes), or -1."""
    misfit = False
    for m in range(np.uint64(t.size)):  # goes through to the end, because a loop with an exit would not vectorise
        misfit |= np.uint64(t[m]) >= np.uint64(classes)  # a negative label becomes a huge one
    if misfit:
        for m in range(t.size):
            if np.uint64(t[m]) >= np.uint64(classes):
                return m
    return -1


def _mean_over_elements(f):
    """The mean of f(y, t) for all elements of two flat arrays."""

    @inner
    def task(chunk, y, t, sums):
        total = 0.0
        for i in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, y.size))):
            total += np.float64(f(y[i], t[i]))
        sums[chunk] = total

    def loop(y, t):
        sums = np.empty(-(-y.size // CHUNK))
        spread(task, sums.size, y.size, (y, t, sums))
        return _mean(sums, y.size)

    return _named(loop, f)


def _mean_over_rows(f):
    """The mean of f(y, t, m) for all rows m of y (M, N)."""

    @inner
    def task(group, y, t, sums):
        first, end = _rows(group, y)
        total = 0.0
        for m in range(first, end):
            total += np.float64(f(y, t, np.uint64(m)))
        sums[group] = total

    def loop(y, t):
        sums = np.empty(_groups(y))
        spread(task, sums.size, 2 * y.size, (y, t, sums))
        return _mean(sums, y.shape[0])

    return _named(loop, f)


def _over_rows(f):
    """f(y, t, m, share, dy) for all rows m of dy (M, N), each of which is written by that call alone."""

    @inner
    def task(group, y, t, share, dy):
        first, end = _rows(group, y)
        for m in range(first, end):
            f(y, t, np.uint64(m), share, dy)

    def loop(y, t, share, dy):
        spread(task, _groups(y), 2 * y.size, (y, t, y.dtype.type(share), dy))

    return _named(loop, f)


def _named(loop, f):
    loop.__module__, loop.__qualname__ = f.py_func.__module__, f.py_func.__qualname__
    return kernel(loop)


@inner
def _groups(y):
    M, N = y.shape
    return -(-M // max(1, ROWS_OF // N))


@inner
def _rows(group, y):
    """The rows [first, end) of a group."""
    M, N = y.shape
    rows = max(1, ROWS_OF // N)
    return group * rows, min((group + 1) * rows, M)


@inner
def _mean(sums, count):
    total = 0.0
    for i in range(sums.size):
        total += sums[i]
    return total / max(1, count)


@_mean_over_elements
@_element
def _mse(y, t):
    return (y - t) * (y - t)


@binary
@_element
def _mse_gradient(y, t, share):
    return share * _TWO(y) * (y - t)


@_mean_over_elements
@_element
def _binary(y, t):
    p = _clip(y)
    return -t * log(p) - (_ONE(y) - t) * log(_ONE(y) - p)


@binary
@_element
def _binary_gradient(y, t, share):
    p = _clip(y)
    return share * (_ZERO(y) if _outside(y) else (p - t) / (p * (_ONE(y) - p)))


@_mean_over_elements
@_element
def _binary_from_logits(y, t):
    return (y if y > _ZERO(y) else _ZERO(y)) - y * t + log1p(exp(-abs(y)))


@binary
@_element
def _binary_from_logits_gradient(y, t, share):
    return share * (sigmoid(y) - t)


@inner
def _clip(y):
    y = _LOW(y) if y < _LOW(y) else y  # comparisons with NaN are false: NaN stays
    return _HIGH(y) if y > _HIGH(y) else y


@inner
def _outside(y):
    return y < _LOW(y) or y > _HIGH(y)


@inner
def _sum(y, m):
    """The sum of row m."""
    total = 0.0
    for n in range(np.uint64(y.shape[1])):
        total += np.float64(y[m, n])
    return y.dtype.type(total)


@inner
def _largest(y, m):
    """The largest of row m; NaN is skipped and comes back with the sum of exponentials."""
    k = order(y[m, np.uint64(0)])
    for n in range(np.uint64(y.shape[1])):
        k = max(k, order(y[m, n]))
    return in_order(k, y[m, np.uint64(0)])


@inner
def _log_sum_exp(y, m, largest):
    """log sum_N(e**(y - largest)) of row m."""
    total = 0.0
    for n in range(np.uint64(y.shape[1])):
        total += np.float64(exp(y[m, n] - largest))
    return y.dtype.type(math.log(total))


@_mean_over_rows
@inner
def _categorical(y, t, m):
    divisor, total = _sum(y, m), 0.0
    for n in range(np.uint64(y.shape[1])):
        total -= np.float64(t[m, n] * log(_clip(y[m, n] / divisor)))
    return total


@_over_rows
@inner
def _categorical_gradient(y, t, m, share, dy):
    divisor, total = _sum(y, m), 0.0
    for n in range(np.uint64(y.shape[1])):
        q = y[m, n] / divisor
        g = _ZERO(q) if _outside(q) else t[m, n] / q
        total += np.float64(g * q)
        dy[m, n] = g
    total = y.dtype.type(total)
    for n in range(np.uint64(y.shape[1])):
        dy[m, n] = share * (total - dy[m, n]) / divisor


@_mean_over_rows
@inner
def _categorical_from_logits(y, t, m):
    largest = _largest(y, m)
    log_sum, total = _log_sum_exp(y, m, largest), 0.0
    for n in range(np.uint64(y.shape[1])):
        total -= np.float64(t[m, n] * (y[m, n] - largest - log_sum))
    return total


@_over_rows
@inner
def _categorical_from_logits_gradient(y, t, m, share, dy):
    factor = _sum(t, m) / _exponentials(y, m, dy)
    for n in range(np.uint64(y.shape[1])):
        dy[m, n] = share * (dy[m, n] * factor - t[m, n])


@inner
def _exponentials(y, m, e):
    """e = e**(y - max_N y) of row m, and their sum."""
    largest, total = _largest(y, m), 0.0
    for n in range(np.uint64(y.shape[1])):
        e[m, n] = exp(y[m, n] - largest)
        total += np.float64(e[m, n])
    return y.dtype.type(total)


@_mean_over_rows
@inner
def _sparse(y, t, m):
    return -log(_clip(y[m, np.uint64(t[m])] / _sum(y, m)))


@_over_rows
@inner
def _sparse_gradient(y, t, m, share, dy):
    divisor, label = _sum(y, m), np.uint64(t[m])
    q = y[m, label] / divisor
    g = _ZERO(q) if _outside(q) else _ONE(q) / q
    elsewhere = share * (g * q) / divisor
    for n in range(np.uint64(y.shape[1])):
        dy[m, n] = elsewhere
    dy[m, label] = share * (g * q - g) / divisor


@_mean_over_rows
@inner
def _sparse_from_logits(y, t, m):
    largest = _largest(y, m)
    return _log_sum_exp(y, m, largest) - (y[m, np.uint64(t[m])] - largest)


@_over_rows
@inner
def _sparse_from_logits_gradient(y, t, m, share, dy):
    label, factor = np.uint64(t[m]), _ONE(y[m, np.uint64(0)]) / _exponentials(y, m, dy)
    at_label = share * (dy[m, label] * factor - _ONE(factor))
    for n in range(np.uint64(y.shape[1])):
        dy[m, n] *= share * factor
    dy[m, label] = at_label
