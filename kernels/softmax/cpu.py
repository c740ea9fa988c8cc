"""Softmax on the CPU.

x, y, dy, dx (M, N, R), N along the axis, M and R the products of the sizes before and after it; read as flat arrays

softmax       y = e / sum_N(e)    e = e**z, z = x - max_N x    dx = y (dy - sum_N(y dy))
log_softmax   y = z - log sum_N(e)                             dx = dy - e**y sum_N(dy)
logsumexp     y = max_N x + log sum_N(e)                       dx = dy e**(x - y)          in logsumexp.py

R == 1: a task owns whole rows, about CHUNK elements of them, and keeps them in memory of its own, from which they are
stored past the caches where the result is large. Its pass of exponentials runs over all rows at once, so that short
rows make full vectors too. R > 1: columns.py. What a mask hides is -inf in z; a row that has nothing else is 0.

Sums are float64, in an order that the shape alone decides. `out` may be an input: a task has read its elements before
it writes them. The maximum skips NaN, which comes back with the sum.
"""

import math
from functools import lru_cache

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import empty_like
from .._cpu.streaming import fence, stream, streams
from .._cpu.threads import spread
from .._cpu.vecmath import constant, exp_below, in_order, order
from .columns import columns, columns_gradient, exponentials
from .logsumexp import logsumexp_backward, logsumexp_forward  # noqa: F401

CHUNK = 1 << 12  # elements of a task: 2**11 to 2**13 gave the same times
FEW = 1 << 16  # elements of an array whose mask's places are kept for the next call
WHOLE = 16  # so many rows begin where a vector does, whatever their length
WORK = 8  # an element costs as much as this many additions

SOFTMAX, LOG = range(2)

_MINUS_INFINITY = constant(-math.inf)
_NO_MASK, _NO_PLACES = np.empty(0, bool), np.empty(0, np.int64)


def softmax_forward(x, *, axis=-1, out=None):
    return _forward(x, axis, out, SOFTMAX)


def softmax_backward(dy, y, *, axis=-1, out=None):
    return _backward(dy, y, axis, out, SOFTMAX)


def log_softmax_forward(x, *, axis=-1, out=None):
    return _forward(x, axis, out, LOG)


def log_softmax_backward(dy, y, *, axis=-1, out=None):
    return _backward(dy, y, axis, out, LOG)


def masked_softmax_forward(x, mask, *, axis=-1, out=None):
    y = empty_like(x) if out is None else out
    M, N, R = split(x.shape, axis)
    if R == 1:
        places, step = _places(mask.shape, x.shape, axis % x.ndim)
        _rows(x.ravel(), M, N, y.ravel(), SOFTMAX, mask.ravel(), places, step, 0, True)
    else:
        hidden = np.broadcast_to(~mask, x.shape)
        if y is not x:
            np.copyto(y, x)
        np.copyto(y, -np.inf, where=hidden)
        columns(y.ravel(), M, N, R, y.ravel(), False, True)
    return y


def masked_softmax_backward(dy, y, *, axis=-1, out=None):
    return _backward(dy, y, axis, out, SOFTMAX)


def causal_softmax_forward(x, *, out=None):
    y = empty_like(x) if out is None else out
    M, N, _ = split(x.shape, -1)
    _rows(x.ravel(), M, N, y.ravel(), SOFTMAX, _NO_MASK, _NO_PLACES, 0, x.shape[-2], True)
    return y


def causal_softmax_backward(dy, y, *, out=None):
    return _backward(dy, y, -1, out, SOFTMAX)


def _forward(x, axis, out, kind):
    y = empty_like(x) if out is None else out
    M, N, R = split(x.shape, axis)
    if R == 1:
        _rows(x.ravel(), M, N, y.ravel(), kind, _NO_MASK, _NO_PLACES, 0, 0, False)
    else:
        columns(x.ravel(), M, N, R, y.ravel(), kind == LOG, False)
    return y


def _backward(dy, y, axis, out, kind):
    dx = empty_like(dy) if out is None else out
    M, N, R = split(y.shape, axis)
    if R == 1:
        _rows_gradient(dy.ravel(), y.ravel(), M, N, dx.ravel(), kind)
    else:
        columns_gradient(dy.ravel(), y.ravel(), M, N, R, dx.ravel(), kind == LOG)
    return dx


def split(shape, axis):
    """(M, N, R) of an array's shape."""
    axis %= len(shape)
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _places(mask, shape, axis):
    """(where in a mask, read flat, each row begins, how far apart the places of its elements are), by its shape."""
    find = _few_places if math.prod(shape) < FEW else _few_places.__wrapped__
    return find(mask, shape, axis)


@lru_cache(maxsize=64)
def _few_places(mask, shape, axis):
    strides = np.broadcast_to(np.empty(mask, bool), shape).strides
    places = np.zeros((), np.int64)
    for size, stride in zip(shape[:axis], strides):
        places = places[..., None] + np.arange(size) * stride
    return places.reshape(-1), strides[axis]


@kernel
def _rows(x, M, N, y, kind, mask, places, step, T, hides):
    rows = _rows_of_a_task(N)
    arguments = (x, M, N, rows, y, kind, mask, places, step, T, hides)
    spread(_rows_task, -(-M // rows), WORK * x.size // 10, arguments)


@inner
def _rows_of_a_task(N):
    rows = max(1, CHUNK // max(1, N))
    return rows // WHOLE * WHOLE if rows > WHOLE else rows


@inner
def _rows_task(task, x, M, N, rows, y, kind, mask, places, step, T, hides):
    """Rows task * rows and on."""
    first = task * rows * N
    size = min((task + 1) * rows, M) * N - first
    if size <= 0:
        return
    z = np.empty(size, x.dtype)
    if hides:
        for row in range(0, size, N):
            _hide(x, first + row, N, z, row, mask, places, step, T)
        for row in range(0, size, N):
            _shift(z, row, N, z, row, hides)
    else:
        for row in range(0, size, N):
            _shift(x, first + row, N, z, row, hides)
    if kind == SOFTMAX:
        exponentials(z, size, x, first + size)
        for row in range(np.uint64(0), np.uint64(size), np.uint64(N)):
            total = _sum(z, row, N)
            scale = z.dtype.type(1 / total if total != 0 or not hides else 0.0)
            for i in range(row, row + np.uint64(N)):
                z[i] *= scale
    else:
        e = np.empty(size, x.dtype)
        for i in range(np.uint64(size)):
            e[i] = z[i]
        exponentials(e, size, x, first + size)
        for row in range(np.uint64(0), np.uint64(size), np.uint64(N)):
            log_total = z.dtype.type(math.log(_sum(e, row, N)))
            for i in range(row, row + np.uint64(N)):
                z[i] -= log_total
    _put(z, y, first, size)


@inner
def _hide(x, start, N, z, row, mask, places, step, T):
    """z = x where the mask, or the order of columns, lets it be seen; else -inf."""
    low = _MINUS_INFINITY(x[start])
    if T:
        seen = min(max(start // N % T + N - T + 1, 0), N)
        for n in range(np.uint64(N)):
            z[np.uint64(row) + n] = x[np.uint64(start) + n] if n < np.uint64(seen) else low
    elif step:
        place = np.uint64(places[start // N])
        for n in range(np.uint64(N)):
            z[np.uint64(row) + n] = x[np.uint64(start) + n] if mask[place + n] else low
    else:
        seen_whole = mask[places[start // N]]
        for n in range(np.uint64(N)):
            z[np.uint64(row) + n] = x[np.uint64(start) + n] if seen_whole else low


@inner
def _shift(x, start, N, z, row, hides):
    """z = x - max_N x; of a row that is hidden altogether z = -inf."""
    k = order(_MINUS_INFINITY(x[start]))
    for i in range(np.uint64(start), np.uint64(start + N)):
        k = max(k, order(x[i]))
    largest = in_order(k, x[start])
    if hides and largest == _MINUS_INFINITY(largest):
        largest = x.dtype.type(0)
    for n in range(np.uint64(N)):
        z[np.uint64(row) + n] = x[np.uint64(start) + n] - largest


@inner
def _sum(e, row, N):
    total = 0.0
    for i in range(row, row + np.uint64(N)):
        total += np.float64(e[i])
    return total


@inner
def _put(z, y, first, size):
    """y[first : first + size] = z, past the caches if y is large and that starts on a vector's boundary."""
    if streams(y) and first * y.itemsize % VECTOR_BYTES == 0:
        stream(z, y, first, size)
        fence()
    else:
        for i in range(np.uint64(size)):
            y[np.uint64(first) + i] = z[i]


@kernel
def _rows_gradient(dy, y, M, N, dx, kind):
    rows = _rows_of_a_task(N)
    spread(_rows_gradient_task, -(-M // rows), y.size // 4, (dy, y, M, N, rows, dx, kind))


@inner
def _rows_gradient_task(task, dy, y, M, N, rows, dx, kind):
    """Rows task * rows and on."""
    first = task * rows * N
    size = min((task + 1) * rows, M) * N - first
    if size <= 0:
        return
    z = np.empty(size, y.dtype)
    if kind == SOFTMAX:
        for row in range(np.uint64(0), np.uint64(size), np.uint64(N)):
            start, total = np.uint64(first) + row, 0.0
            for n in range(np.uint64(N)):
                total += np.float64(y[start + n] * dy[start + n])
            mean = y.dtype.type(total)  # of dy, with the probabilities y
            for n in range(np.uint64(N)):
                z[row + n] = y[start + n] * (dy[start + n] - mean)
    else:
        for i in range(np.uint64(size)):
            z[i] = exp_below(y[np.uint64(first) + i])
        for row in range(np.uint64(0), np.uint64(size), np.uint64(N)):
            start = np.uint64(first) + row
            total = y.dtype.type(_sum(dy, start, N))
            for n in range(np.uint64(N)):
                z[row + n] = dy[start + n] - z[row + n] * total
    _put(z, dx, first, size)
