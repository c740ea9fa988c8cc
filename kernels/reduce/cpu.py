"""Reductions on the CPU.

x, dx (M, N, R), N along the axis or along axes that are neighbours, M and R the products of the sizes before and
behind; read as flat arrays. Axes that are no neighbours are taken one group after another, from the last.

sum     y = sum_N x              dx = dy everywhere along N; mean: times 1 / count
max     y = x[argmax]            dx = dy where n is argmax, else 0
cumsum  y[n] = sum_{i <= n} x[i] dx[n] = sum_{i >= n} dy[i]

A task of a sum owns a part of N of one m, and of at most COLUMNS columns of R; what it adds goes to a row of `parts`,
which are added in their order. Eight elements, or up to BLOCK of a row, are added in their own type, the rest in
float64: the order depends on the shape alone. A task of the others owns whole m, or columns of one m.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.largest import largest, largest_gradient
from .._cpu.memory import empty
from .._cpu.prefetch import prefetch
from .._cpu.running import running_sums
from .._cpu.threads import spread
from ..embedding.cpu import first_misfit  # noqa: F401
from .cpu_top_k import top_k_backward, top_k_forward  # noqa: F401

CHUNK = 1 << 14  # elements of a task
COLUMNS = 1 << 10
ROWS = 64  # rows of a part, at least, where there are columns: their sums are so much less to write and read again
BLOCK = 1 << 10
PAGE = 1 << 12  # bytes, with which the machine's own prefetching ends


def sum_forward(x, *, axis=None, keepdims=False):
    return _total(x, axis, keepdims, 1.0)


def sum_backward(dy, *, input_shape, axis=None, keepdims=False):
    return _spread_out(dy, input_shape, axis, 1.0)


def mean_forward(x, *, axis=None, keepdims=False):
    return _total(x, axis, keepdims, float(math.prod(x.shape[a] for a in axis)))


def mean_backward(dy, *, input_shape, axis=None, keepdims=False):
    return _spread_out(dy, input_shape, axis, float(math.prod(input_shape[a] for a in axis)))


def max_forward(x, *, axis=-1):
    M, N, R = _split(x.shape, axis, axis)
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    y, argmax = empty(shape, x.dtype), empty(shape, np.dtype(np.int64))
    largest(x.reshape(-1), M, N, R, y.reshape(-1), argmax.reshape(-1))
    return y, argmax


def max_backward(dy, argmax, *, input_shape, axis=-1):
    dx = empty(input_shape, dy.dtype)
    argmax = argmax if argmax.dtype == np.int64 else argmax.astype(np.int64)
    largest_gradient(dy.reshape(-1), argmax.reshape(-1), *_split(input_shape, axis, axis), dx.reshape(-1))
    return dx


def argmax_forward(x, *, axis=-1):
    return max_forward(x, axis=axis)[1]


def cumsum_forward(x, *, axis=-1):
    y = empty(x.shape, x.dtype)
    running_sums(x.reshape(-1), *_split(x.shape, axis, axis), False, y.reshape(-1))
    return y


def cumsum_backward(dy, *, axis=-1):
    dx = empty(dy.shape, dy.dtype)
    running_sums(dy.reshape(-1), *_split(dy.shape, axis, axis), True, dx.reshape(-1))
    return dx


def _split(shape, first, last):
    """(M, N, R) of the axes from the first to the last."""
    return math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def _groups(axes):
    """The runs of neighbours among ascending axes, as (first, last)."""
    runs = []
    for axis in axes:
        if runs and runs[-1][1] == axis - 1:
            runs[-1] = runs[-1][0], axis
        else:
            runs.append((axis, axis))
    return runs


def _total(x, axes, keepdims, count):
    shape = tuple(1 if a in axes else size for a, size in enumerate(x.shape))
    result = shape if keepdims else tuple(size for a, size in enumerate(x.shape) if a not in axes)
    runs = _groups(axes) or [(0, -1)]  # no axis is an axis of one element
    source, now = x, x.shape
    for i, (first, last) in enumerate(reversed(runs)):
        M, N, R = _split(now, first, last)
        now = now[:first] + (1,) * (last - first + 1) + now[last + 1 :]
        y = empty(result if i == len(runs) - 1 else now, x.dtype)
        _sum(source.reshape(-1), M, N, R, count if i == len(runs) - 1 else 1.0, y.reshape(-1))
        source = y
    return y


def _spread_out(dy, input_shape, axes, count):
    runs = _groups(axes) or [(0, -1)]
    source, now = dy, tuple(1 if a in axes else size for a, size in enumerate(input_shape))
    for i, (first, last) in enumerate(runs):
        now = now[:first] + input_shape[first : last + 1] + now[last + 1 :]
        dx = empty(now, dy.dtype)
        _repeat(source.reshape(-1), *_split(now, first, last), 1.0 if i else count, dx.reshape(-1))
        source = dx
    return dx


@kernel
def _sum(x, M, N, R, count, y):
    width = max(1, min(R, COLUMNS))
    size = max(CHUNK if R == 1 else ROWS, CHUNK // width)
    pieces, blocks = max(1, -(-N // size)), -(-R // width)
    parts = np.empty(M * pieces * R)
    if R == 1 and N < size:
        group = max(1, CHUNK // max(1, N))
        spread(_sum_rows, -(-M // group), x.size // 8, (x, M, N, group, parts))
    else:
        spread(_sum_part, M * pieces * blocks, x.size // 8, (x, N, R, pieces, blocks, size, width, parts))
    for m in range(M):
        first, to = np.uint64(m * pieces * R), np.uint64(m * R)
        for piece in range(1, pieces):
            start = np.uint64((m * pieces + piece) * R)
            for r in range(np.uint64(R)):
                parts[first + r] += parts[start + r]
        for r in range(np.uint64(R)):
            y[to + r] = parts[first + r] / count


@inner
def _sum_rows(task, x, M, N, group, parts):
    for m in range(task * group, min((task + 1) * group, M)):
        parts[m] = _sum_of_row(x, m * N, m * N + N)


@inner
def _sum_of_row(x, first, end):
    total = 0.0
    for block in range(first, end, BLOCK):
        part = x.dtype.type(0)
        for i in range(np.uint64(block), np.uint64(min(block + BLOCK, end))):
            part += x[i]
        total += np.float64(part)
    return total


@inner
def _four_rows(start, R):
    """Where four rows begin."""
    return np.uint64(start), np.uint64(start + R), np.uint64(start + 2 * R), np.uint64(start + 3 * R)


@inner
def _sum_part(task, x, N, R, pieces, blocks, size, width, parts):
    """Rows piece * size and on of one m, columns block * width and on; parts[m, piece, columns] is this task's."""
    m, rest = task // (pieces * blocks), task % (pieces * blocks)
    piece, left = rest // blocks, rest % blocks * width
    n, end, columns = piece * size, min((piece + 1) * size, N), np.uint64(min(width, R - left))
    to = np.uint64((m * pieces + piece) * R + left)
    if R == 1:
        parts[to] = _sum_of_row(x, m * N + n, m * N + end)
        return
    total = np.zeros(columns)
    while n + 8 <= end:
        start = (m * N + n) * R + left
        a, b, c, d = _four_rows(start, R)
        e, f, g, h = _four_rows(start + 4 * R, R)
        if R * x.itemsize >= PAGE:
            for i in range(8, 16):
                prefetch(x, start + i * R, columns)
        for j in range(columns):
            upper, lower = (x[a + j] + x[b + j]) + (x[c + j] + x[d + j]), (x[e + j] + x[f + j]) + (x[g + j] + x[h + j])
            total[j] += np.float64(upper + lower)
        n += 8
    while n < end:
        a = np.uint64((m * N + n) * R + left)
        for j in range(columns):
            total[j] += np.float64(x[a + j])
        n += 1
    for j in range(columns):
        parts[to + j] = total[j]


@kernel
def _repeat(dy, M, N, R, count, dx):
    rows = max(1, CHUNK // max(1, R if R > 1 else N))
    share = dx.dtype.type(count)
    spread(_repeat_rows, -(-(M if R == 1 else M * N) // rows), dx.size // 8, (dy, M, N, R, rows, share, dx))


@inner
def _repeat_rows(task, dy, M, N, R, rows, count, dx):
    if R == 1:
        for m in range(task * rows, min((task + 1) * rows, M)):
            value = dy[m] / count
            for i in range(np.uint64(m * N), np.uint64(m * N + N)):
                dx[i] = value
        return
    for row in range(task * rows, min((task + 1) * rows, M * N)):
        start, to = np.uint64(row // N * R), np.uint64(row * R)
        for r in range(np.uint64(R)):
            dx[to + r] = dy[start + r] / count
