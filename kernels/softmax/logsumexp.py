"""The logarithm of a sum of exponentials on the CPU.

x, dx (M, N, R), N along the axis    y, dy (M, R); read as flat arrays

y  = max_N x + log sum_N e**(x - max_N x)
dx = dy e**(x - y)

Where the maximum is -inf it is taken as 0, so that a row of -inf alone gives -inf, and no gradient. R == 1: a task owns
whole rows; R > 1: columns as in columns.py. Sums are float64, in an order that the shape alone decides.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty, empty_like
from .._cpu.threads import spread
from .._cpu.vecmath import constant, exp, exp_below, in_order, order
from .columns import CHUNK, cut, exponentials, find_largest, mine

_ZERO, _MINUS_INFINITY = constant(0.0), constant(-math.inf)


def logsumexp_forward(x, *, axis=-1, out=None):
    axis %= x.ndim
    y = empty(x.shape[:axis] + x.shape[axis + 1 :], x.dtype) if out is None else out
    M, N, R = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    _forward(x.ravel(), M, N, R, y.ravel())
    return y


def logsumexp_backward(dy, x, y, *, axis=-1, out=None):
    axis %= x.ndim
    dx = empty_like(x) if out is None else out
    M, N, R = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    _backward(dy.ravel(), x.ravel(), y.ravel(), M, N, R, dx.ravel())
    return dx


@kernel
def _forward(x, M, N, R, y):
    if R == 1:
        rows = max(1, CHUNK // max(1, N))
        spread(_rows_task, -(-M // rows), x.size // 2, (x, M, N, rows, y))
    else:
        blocks, group = cut(N, R)
        spread(_columns_task, -(-M // group) * blocks, x.size // 2, (x, M, N, R, blocks, group, y))


@inner
def _rows_task(task, x, M, N, rows, y):
    first, end = task * rows, min((task + 1) * rows, M)
    e, largest = np.empty((end - first) * N, x.dtype), np.empty(end - first, x.dtype)
    for m in range(first, end):
        start, k = np.uint64(m * N), order(x.dtype.type(-np.inf))
        for n in range(np.uint64(N)):
            k = max(k, order(x[start + n]))
        top = _finite(in_order(k, x.dtype.type(0)))
        largest[m - first] = top
        for n in range(np.uint64(N)):
            e[np.uint64((m - first) * N) + n] = x[start + n] - top
    exponentials(e, e.size, x, end * N)
    for m in range(end - first):
        total = 0.0
        for i in range(np.uint64(m * N), np.uint64((m + 1) * N)):
            total += np.float64(e[i])
        y[first + m] = largest[m] + math.log(total)


@inner(forceinline=True)
def _finite(largest):
    return _ZERO(largest) if largest == _MINUS_INFINITY(largest) else largest


@inner
def _columns_task(task, x, M, N, R, blocks, group, y):
    first, end, left, width = mine(task, M, R, blocks, group)
    largest, total = np.empty(width, x.dtype), np.empty(width, np.float64)
    for m in range(first, end):
        find_largest(x, m, N, R, left, width, largest)
        for j in range(width):
            largest[j] = 0 if largest[j] == -np.inf else largest[j]
        total[:] = 0
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                total[j] += np.float64(exp_below(x[start + j] - largest[j]))
        for j in range(width):
            y[np.uint64(m * R + left) + j] = largest[j] + math.log(total[j])


@kernel
def _backward(dy, x, y, M, N, R, dx):
    """A task owns the N R elements of several m."""
    group = max(1, CHUNK // max(1, N * R))
    spread(_backward_task, -(-M // group), x.size // 4, (dy, x, y, M, N, R, group, dx))


@inner
def _backward_task(task, dy, x, y, M, N, R, group, dx):
    for m in range(task * group, min((task + 1) * group, M)):
        if R == 1:
            top, slope = _finite(y[m]), dy[m]
            for i in range(np.uint64(m * N), np.uint64((m + 1) * N)):
                dx[i] = slope * exp(x[i] - top)
        else:
            for n in range(N):
                start, row = np.uint64((m * N + n) * R), np.uint64(m * R)
                for j in range(np.uint64(R)):
                    dx[start + j] = dy[row + j] * exp(x[start + j] - _finite(y[row + j]))
