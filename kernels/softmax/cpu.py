"""Softmax on the CPU.

x, y, dy, dx (M, N, R), N along the axis, M and R the products of the sizes before and after it; read as flat arrays

y  = e / sum_N(e)    e = e**(x - max_N x)
dx = y (dy - sum_N(y dy))

R == 1: a task owns whole rows, about CHUNK elements of them.
R > 1: a task owns a block of columns, or all columns of several m; every pass runs along R.
Both go over their elements in short passes while these lie in the cache. The pass of exponentials runs over all rows
of the task at once where they are one piece of memory, so that short rows make full vectors too.

Sums are float64, in an order that the shape alone decides. `out` may be an input: a pass reads an element before it
writes it. The maximum skips NaN, which comes back with the sum.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty_like
from .._cpu.threads import spread
from .._cpu.vecmath import constant, exp, in_order, order

CHUNK = 1 << 12  # elements of a task: 2**11 to 2**13 gave the same times
COLUMNS = 256  # columns of a task, if R is larger: 128 took a quarter longer, 512 the same
WORK = 8  # an element costs as much as this many additions

_MINUS_INFINITY = constant(-math.inf)


def softmax_forward(x, *, axis=-1, out=None):
    y = empty_like(x) if out is None else out
    M, N, R = _split(x.shape, axis)
    if R == 1:
        _rows(x.reshape(-1), M, N, y.reshape(-1))
    else:
        _columns(x.reshape(-1), M, N, R, y.reshape(-1))
    return y


def softmax_backward(dy, y, *, axis=-1, out=None):
    dx = empty_like(dy) if out is None else out
    M, N, R = _split(y.shape, axis)
    if R == 1:
        _rows_gradient(dy.reshape(-1), y.reshape(-1), M, N, dx.reshape(-1))
    else:
        _columns_gradient(dy.reshape(-1), y.reshape(-1), M, N, R, dx.reshape(-1))
    return dx


def _split(shape, axis):
    axis %= len(shape)
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


@kernel
def _rows(x, M, N, y):
    rows = max(1, CHUNK // max(1, N))
    spread(_rows_task, -(-M // rows), WORK * x.size, (x, M, N, rows, y))


@inner
def _rows_task(task, x, M, N, rows, y):
    """Rows task * rows and on."""
    first, end = task * rows * N, min((task + 1) * rows, M) * N
    if first == end:
        return
    for row in range(first, end, N):
        k = order(_MINUS_INFINITY(x[row]))
        for i in range(np.uint64(row), np.uint64(row + N)):
            k = max(k, order(x[i]))
        largest = in_order(k, x[row])
        for i in range(np.uint64(row), np.uint64(row + N)):
            y[i] = x[i] - largest
    for i in range(np.uint64(first), np.uint64(end)):
        y[i] = exp(y[i])
    for row in range(first, end, N):
        total = 0.0
        for i in range(np.uint64(row), np.uint64(row + N)):
            total += y[i]
        scale = y.dtype.type(1 / total)
        for i in range(np.uint64(row), np.uint64(row + N)):
            y[i] *= scale


@kernel
def _rows_gradient(dy, y, M, N, dx):
    rows = max(1, CHUNK // max(1, N))
    spread(_rows_gradient_task, -(-M // rows), 2 * y.size, (dy, y, M, N, rows, dx))


@inner
def _rows_gradient_task(task, dy, y, M, N, rows, dx):
    """Rows task * rows and on."""
    for row in range(task * rows, min((task + 1) * rows, M)):
        total = 0.0
        for i in range(np.uint64(row * N), np.uint64((row + 1) * N)):
            total += y[i] * dy[i]
        mean = y.dtype.type(total)  # of dy, with the probabilities y
        for i in range(np.uint64(row * N), np.uint64((row + 1) * N)):
            dx[i] = y[i] * (dy[i] - mean)


@kernel
def _columns(x, M, N, R, y):
    blocks, group = _cut(N, R)
    spread(_columns_task, -(-M // group) * blocks, WORK * x.size, (x, M, N, R, blocks, group, y))


@kernel
def _columns_gradient(dy, y, M, N, R, dx):
    blocks, group = _cut(N, R)
    spread(_columns_gradient_task, -(-M // group) * blocks, 2 * y.size, (dy, y, M, N, R, blocks, group, dx))


@inner
def _cut(N, R):
    """(column blocks of an m, how many m a task owns)."""
    return max(1, -(-R // COLUMNS)), max(1, CHUNK // max(1, N * R))


@inner
def _mine(task, M, R, blocks, group):
    """The m [first, end) and the columns [left, left + width) of a task."""
    first, left = task // blocks * group, task % blocks * COLUMNS
    return first, min(first + group, M), left, np.uint64(min(COLUMNS, R - left))


@inner
def _columns_task(task, x, M, N, R, blocks, group, y):
    first, end, left, width = _mine(task, M, R, blocks, group)
    largest, total = np.empty(width, x.dtype), np.empty(width, np.float64)
    for m in range(first, end):
        largest[:] = -np.inf
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                largest[j] = x[start + j] if x[start + j] > largest[j] else largest[j]
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                y[start + j] = x[start + j] - largest[j]
    rows = (end - first) * N
    pieces, length = (1, rows * R) if blocks == 1 else (rows, width)  # all columns: the rows are one piece
    for piece in range(pieces):
        start = np.uint64((first * N + piece) * R + left)
        for i in range(start, start + np.uint64(length)):
            y[i] = exp(y[i])
    for m in range(first, end):
        total[:] = 0
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                total[j] += y[start + j]
        scale = largest  # its place; the maxima are used up
        for j in range(width):
            scale[j] = 1 / total[j]
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                y[start + j] *= scale[j]


@inner
def _columns_gradient_task(task, dy, y, M, N, R, blocks, group, dx):
    first, end, left, width = _mine(task, M, R, blocks, group)
    total, mean = np.empty(width, np.float64), np.empty(width, y.dtype)
    for m in range(first, end):
        total[:] = 0
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                total[j] += y[start + j] * dy[start + j]
        for j in range(width):
            mean[j] = total[j]
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                dx[start + j] = y[start + j] * (dy[start + j] - mean[j])
