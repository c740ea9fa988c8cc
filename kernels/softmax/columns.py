"""Softmax on the CPU along another axis than the last: a task owns neighbouring columns.

x, y, dy, dx (M, N, R), N along the axis, R > 1; read as flat arrays. Formulas and promises as in cpu.py.

A task owns a block of columns, or all columns of several m; every pass runs along R, in short passes over elements
while these lie in the cache. The pass of exponentials runs over all rows of the task at once where they are one piece
of memory.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.prefetch import prefetch
from .._cpu.threads import spread
from .._cpu.vecmath import exp_below

CHUNK = 1 << 12  # elements of a task: 2**11 to 2**13 gave the same times
COLUMNS = 256  # columns of a task, if R is larger: 128 took a quarter longer, 512 the same
AHEAD = 4  # rows of a column block that are asked for before they are read
PIECE = 512  # elements between two turns of asking


@kernel
def columns(x, M, N, R, y, takes_log, hides):
    blocks, group = cut(N, R)
    spread(_forward_task, -(-M // group) * blocks, x.size, (x, M, N, R, blocks, group, y, takes_log, hides))


@kernel
def columns_gradient(dy, y, M, N, R, dx, takes_log):
    blocks, group = cut(N, R)
    spread(_gradient_task, -(-M // group) * blocks, y.size // 4, (dy, y, M, N, R, blocks, group, dx, takes_log))


@inner
def cut(N, R):
    """(column blocks of an m, how many m a task owns)."""
    return max(1, -(-R // COLUMNS)), max(1, CHUNK // max(1, N * R))


@inner
def mine(task, M, R, blocks, group):
    """The m [first, end) and the columns [left, left + width) of a task."""
    first, left = task // blocks * group, task % blocks * COLUMNS
    return first, min(first + group, M), left, np.uint64(min(COLUMNS, R - left))


@inner
def find_largest(x, m, N, R, left, width, largest):
    """The largest of every column; NaN is skipped."""
    largest[:] = -np.inf
    for n in range(N):
        if n + AHEAD < N:
            prefetch(x, (m * N + n + AHEAD) * R + left, np.int64(width))
        start = np.uint64((m * N + n) * R + left)
        for j in range(width):
            largest[j] = x[start + j] if x[start + j] > largest[j] else largest[j]


@inner
def exponentials(z, size, x, following):
    """z = e**z; meanwhile what the next task reads, x from `following` on, is asked for.

    A task reads its rows at once and then computes on them, so that without this nothing would be on its way meanwhile.
    """
    step = PIECE if following < x.size else max(1, size)
    for start in range(0, size, step):
        stop = min(start + step, size)
        prefetch(x, following + start, min(stop - start, x.size - following - start))
        for i in range(np.uint64(start), np.uint64(stop)):
            z[i] = exp_below(z[i])


@inner
def _forward_task(task, x, M, N, R, blocks, group, y, takes_log, hides):
    first, end, left, width = mine(task, M, R, blocks, group)
    largest, total = np.empty(width, x.dtype), np.empty(width, np.float64)
    for m in range(first, end):
        find_largest(x, m, N, R, left, width, largest)
        if hides:
            for j in range(width):
                largest[j] = 0 if largest[j] == -np.inf else largest[j]
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                y[start + j] = x[start + j] - largest[j]
        if takes_log:
            total[:] = 0
            for n in range(N):
                start = np.uint64((m * N + n) * R + left)
                for j in range(width):
                    total[j] += np.float64(exp_below(y[start + j]))
            for j in range(width):
                largest[j] = math.log(total[j])  # its place; the maxima are used up
            for n in range(N):
                start = np.uint64((m * N + n) * R + left)
                for j in range(width):
                    y[start + j] -= largest[j]
    if takes_log:
        return
    rows = (end - first) * N
    pieces, length = (1, rows * R) if blocks == 1 else (rows, width)  # all columns: the rows are one piece
    for piece in range(pieces):
        start = np.uint64((first * N + piece) * R + left)
        for i in range(start, start + np.uint64(length)):
            y[i] = exp_below(y[i])
    for m in range(first, end):
        total[:] = 0
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                total[j] += y[start + j]
        scale = largest  # its place; the maxima are used up
        for j in range(width):
            scale[j] = 1 / total[j] if total[j] != 0 or not hides else 0.0
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            for j in range(width):
                y[start + j] *= scale[j]


@inner
def _gradient_task(task, dy, y, M, N, R, blocks, group, dx, takes_log):
    first, end, left, width = mine(task, M, R, blocks, group)
    total, mean = np.empty(width, np.float64), np.empty(width, y.dtype)
    for m in range(first, end):
        total[:] = 0
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            if takes_log:
                for j in range(width):
                    total[j] += np.float64(dy[start + j])
            else:
                for j in range(width):
                    total[j] += y[start + j] * dy[start + j]
        for j in range(width):
            mean[j] = total[j]
        for n in range(N):
            start = np.uint64((m * N + n) * R + left)
            if takes_log:
                for j in range(width):
                    dx[start + j] = dy[start + j] - exp_below(y[start + j]) * mean[j]
            else:
                for j in range(width):
                    dx[start + j] = y[start + j] * (dy[start + j] - mean[j])
