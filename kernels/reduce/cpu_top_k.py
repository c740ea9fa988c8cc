"""The k largest along an axis on the CPU.

x, dx (M, N, R), N along the axis; values, indices, dy (M, K, R)

What is found is kept in a heap of K with the worst at its root: the smallest value, of equal ones the last (Williams
1964, Algorithm 232; Floyd 1964, Algorithm 245). At the end the worst are taken off one by one.

Most elements are not even looked at one by one. Of a row (R = 1), the largest of every BLOCK are found first, as vector
code. K blocks hold a value at least as large as the K-th largest of these, and what is smaller than it is not wanted.
Of columns, a row of up to COLUMNS is compared at once with the roots of their heaps. A task owns whole m, or columns
of one m.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty
from .._cpu.threads import spread
from .._cpu.vecmath import in_order, order

CHUNK = 1 << 14  # elements of a task
BLOCK = 32
COLUMNS = 32


def top_k_forward(x, *, k, axis=-1):
    shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
    values, indices = empty(shape, x.dtype), empty(shape, np.dtype(np.int64))
    _find(x.reshape(-1), *_split(x.shape, axis), k, values.reshape(-1), indices.reshape(-1))
    return values, indices


def top_k_backward(dy, indices, *, input_shape, axis=-1):
    dx = empty(input_shape, dy.dtype)
    indices = indices if indices.dtype == np.int64 else indices.astype(np.int64)
    _put(dy.reshape(-1), indices.reshape(-1), *_split(input_shape, axis), dx.reshape(-1))
    return dx


def _split(shape, axis):
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


@kernel
def _find(x, M, N, R, k, values, indices):
    width = max(1, min(R, COLUMNS))
    blocks = -(-R // width)
    group = max(1, CHUNK // max(1, N * width)) if blocks == 1 else 1
    spread(_find_rows, -(-M // group) * blocks, x.size, (x, M, N, R, k, blocks, group, width, values, indices))


@inner
def _find_rows(task, x, M, N, R, k, blocks, group, width, values, indices):
    first, left = task // blocks * group, task % blocks * width
    columns = min(width, R - left)
    best, places = np.empty(columns * k, x.dtype), np.empty(columns * k, np.int64)
    most = np.empty(-(-N // BLOCK) if R == 1 else 0, x.dtype)
    roots = np.empty(columns if R > 1 else 0, x.dtype)
    for m in range(first, min(first + group, M)):
        if R == 1:
            _of_row(x, m * N, N, k, most, best, places)
        else:
            _of_columns(x, m * N * R + left, N, R, k, columns, roots, best, places)
        for column in range(columns):
            base = column * k
            for j in range(k - 1, -1, -1):
                to = (m * k + j) * R + left + column
                values[to], indices[to] = best[base], places[base]
                _sink(best, places, base, 0, j, best[base + j], places[base + j])


@inner
def _of_row(x, start, N, k, most, best, places):
    unordered = _largest(x, start, N, most)
    least = x[start]
    bounded = not unordered and most.size > k  # NaN is in no order: then all is looked at
    if bounded:
        for b in range(most.size):
            _offer(best, places, 0, k, b, b, most[b])
        least = best[0]
    count = 0
    for b in range(most.size):
        if bounded and most[b] < least:
            continue
        for n in range(b * BLOCK, min((b + 1) * BLOCK, N)):
            if not bounded or x[start + n] >= least:
                _offer(best, places, 0, k, count, n, x[start + n])
                count += 1


@inner
def _largest(x, start, N, most):
    """most[b]: the largest of a block, if there is no NaN; whether there is one."""
    unordered = False
    for b in range(most.size):
        first, end = np.uint64(start + b * BLOCK), np.uint64(start + min((b + 1) * BLOCK, N))
        largest = order(x[first])
        for i in range(first, end):
            largest = max(largest, order(x[i]))
            unordered |= x[i] != x[i]
        most[b] = in_order(largest, x[first])
    return unordered


@inner
def _of_columns(x, start, N, R, k, columns, roots, best, places):
    """The heap of a column is at column * k."""
    for n in range(N):
        row = np.uint64(start + n * R)
        if n >= k:
            better = False
            for j in range(np.uint64(columns)):
                better |= (not x[row + j] <= roots[j]) and roots[j] == roots[j]
            if not better:
                continue
        for j in range(columns):
            _offer(best, places, j * k, k, n, n, x[row + np.uint64(j)])
            roots[j] = best[j * k]


@inner
def _offer(best, places, base, k, count, place, value):
    """Take one more, after `count` others, that comes behind them."""
    if count < k:
        best[base + count], places[base + count] = value, place
        if count == k - 1:
            for i in range(k // 2 - 1, -1, -1):
                _sink(best, places, base, i, k, best[base + i], places[base + i])
    elif _above(value, best[base]):
        _sink(best, places, base, 0, k, value, place)


@inner
def _sink(best, places, base, i, size, value, place):
    """Put one in at i, where there was another, into the heap of `size`."""
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        worse = base + child
        if child + 1 < size and _behind(best[worse + 1], places[worse + 1], best[worse], places[worse]):
            child, worse = child + 1, worse + 1
        if not _behind(best[worse], places[worse], value, place):
            break
        best[base + i], places[base + i] = best[worse], places[worse]
        i = child
    if i < size:
        best[base + i], places[base + i] = value, place


@inner
def _above(a, b):
    """a > b, where NaN is above all else."""
    return a > b or (a != a and b == b)


@inner
def _behind(a, i, b, j):
    """Whether a from place i comes behind b from place j in the result."""
    return _above(b, a) or (i > j and not _above(a, b))


@kernel
def _put(dy, indices, M, N, R, dx):
    group = max(1, CHUNK // max(1, N * R))
    spread(_put_rows, -(-M // group), dx.size // 8, (dy, indices, M, N, R, group, dx))


@inner
def _put_rows(task, dy, indices, M, N, R, group, dx):
    first, end = task * group, min((task + 1) * group, M)
    for i in range(np.uint64(first * N * R), np.uint64(end * N * R)):
        dx[i] = 0
    rows = dy.size // max(1, M * R)
    for m in range(first, end):
        for i in range(m * rows, (m + 1) * rows):
            for r in range(R):
                dx[(m * N + indices[i * R + r]) * R + r] = dy[i * R + r]
