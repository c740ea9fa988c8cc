"""Arrays joined, cut and turned on the CPU: concatenate, split, transpose.

A transpose is (B, M, N) -> (B, N, M), squares of TILE x TILE, which lie in the first-level cache, or a gather of rows
where the last axis stays. Concatenating and splitting copy rows of each part.
"""

import math
from functools import lru_cache

import numpy as np

from .._cpu.elementwise import unary
from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import empty, empty_like
from .._cpu.prefetch import prefetch
from .._cpu.threads import spread
from .._cpu.transpose import transpose_squares

CHUNK = 1 << 14
AHEAD = 8  # rows
SHORT = 1 << 11  # bytes of rows that are asked for ahead: the machine sees longer ones coming
TILE = 64  # rows and columns of a square: 16 KB of float32 to read and as many to write


def concatenate_forward(arrays, *, axis=-1, out=None):
    first = arrays[0]
    shape = (*first.shape[:axis], sum(x.shape[axis] for x in arrays), *first.shape[axis + 1 :])
    y = empty(shape, first.dtype) if out is None else out
    rows, width, start = math.prod(shape[:axis]), math.prod(shape[axis:]), 0
    for x in arrays:
        part = math.prod(x.shape[axis:])
        _copy_rows(x.reshape(-1), 0, part, y.reshape(-1), start, width, part, rows)
        start += part
    return y


def concatenate_backward(dy, *, sizes, axis=-1):
    return split_forward(dy, sizes=sizes, axis=axis)


def split_forward(x, *, sizes, axis=-1):
    rows, width, start, parts = math.prod(x.shape[:axis]), math.prod(x.shape[axis:]), 0, []
    for size in sizes:
        y = empty((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype)
        part = math.prod(y.shape[axis:])
        _copy_rows(x.reshape(-1), start, width, y.reshape(-1), 0, part, part, rows)
        parts.append(y)
        start += part
    return parts


def split_backward(dys, *, axis=-1, out=None):
    return concatenate_forward(dys, axis=axis, out=out)


def transpose_forward(x, *, axes=None, out=None):
    y = empty(tuple(x.shape[a] for a in axes), x.dtype) if out is None else out
    _move(x, axes, y)
    return y


def transpose_backward(dy, *, axes=None, out=None):
    return transpose_forward(dy, axes=tuple(axes.index(a) for a in range(dy.ndim)), out=out)


@unary
def copy(x, parameter):
    return x


@kernel
def _copy_rows(x, x0, ldx, y, y0, ldy, width, rows):
    if width:
        group, pieces = max(1, CHUNK // width), -(-width // CHUNK)
        tasks = -(-rows // group) * pieces
        spread(_copy_task, tasks, rows * width // 8, (x, x0, ldx, y, y0, ldy, width, rows, group, pieces))


@inner
def _copy_task(task, x, x0, ldx, y, y0, ldy, width, rows, group, pieces):
    first, left = task // pieces * group, task % pieces * CHUNK
    for row in range(first, min(first + group, rows)):
        start, to = np.uint64(x0 + row * ldx + left), np.uint64(y0 + row * ldy + left)
        for i in range(np.uint64(min(CHUNK, width - left))):
            y[to + i] = x[start + i]


def _move(x, axes, y):
    """y = x with its axes in another order, an exchange of two blocks of axes after another."""
    sizes, order = _merged(x.shape, axes)
    if not y.size:
        return
    if len(order) == 1:
        copy(x.reshape(y.shape), out=y)
    elif order == (1, 0):
        _exchange(x.reshape(-1), 1, *sizes, 1, y.reshape(-1))
    elif order == (0, 2, 1):
        _exchange(x.reshape(-1), *sizes, 1, y.reshape(-1))
    elif order == (1, 0, 2):
        _exchange(x.reshape(-1), 1, *sizes, y.reshape(-1))
    elif order == (0, 2, 1, 3):
        _exchange(x.reshape(-1), *sizes, y.reshape(-1))
    else:  # bring the axis that is to be first to the front, then the others in their order
        front = order[0]
        z = empty_like(y) if front else x
        if front:
            before, behind = math.prod(sizes[:front]), math.prod(sizes[front + 1 :])
            _exchange(x.reshape(-1), 1, before, sizes[front], behind, z.reshape(-1))
        now = [front, *(a for a in range(len(sizes)) if a != front)]
        _move_behind_first(z, [sizes[a] for a in now], [now.index(a) for a in order], y)


def _move_behind_first(x, sizes, order, y):
    """The first axis stays: the others of each of its elements."""
    rest = tuple(a - 1 for a in order[1:])
    for part, place in zip(x.reshape(sizes[0], *sizes[1:]), y.reshape(sizes[0], -1)):
        _move(part, rest, place)


@lru_cache(maxsize=1024)
def _merged(shape, axes):
    """(sizes, order) without axes of one element, and with neighbours that stay neighbours as one axis."""
    axes = [a for a in axes if shape[a] != 1]
    runs = []
    for a in axes:
        skipped = bool(runs) and all(shape[k] == 1 for k in range(runs[-1][-1] + 1, a)) and a > runs[-1][-1]
        if skipped:
            runs[-1].append(a)
        else:
            runs.append([a])
    if not runs:
        return (1,), (0,)
    firsts = sorted(run[0] for run in runs)
    by_first = {run[0]: math.prod(shape[a] for a in run) for run in runs}
    return tuple(by_first[f] for f in firsts), tuple(firsts.index(run[0]) for run in runs)


@kernel
def _exchange(x, B, M, N, R, y):
    """y (B, N, M, R) = x (B, M, N, R)."""
    if R == 1:
        down, across = -(-M // TILE), -(-N // TILE)
        spread(_squares, B * down * across, x.size // 4, (x, M, N, down, across, y))
    else:
        group = max(1, CHUNK // R)
        spread(_gather, -(-(B * N * M) // group), x.size // 6, (x, B * N * M, M, N, R, group, y))


@inner
def _squares(task, x, M, N, down, across, y):
    """A tile of y; nothing else writes there."""
    lanes = VECTOR_BYTES // x.itemsize
    b, rest = task // (down * across), task % (down * across)
    m0, n0 = rest // across * TILE, rest % across * TILE
    m1, n1 = min(m0 + TILE, M), min(n0 + TILE, N)
    squares = (n1 - n0) // lanes
    m = m0
    while m + lanes <= m1:
        transpose_squares(x, b * M * N + m * N + n0, N, y, b * M * N + n0 * M + m, M, squares)
        for n in range(n0 + squares * lanes, n1):
            for i in range(m, m + lanes):
                y[(b * N + n) * M + i] = x[(b * M + i) * N + n]
        m += lanes
    for i in range(m, m1):
        for n in range(n0, n1):
            y[(b * N + n) * M + i] = x[(b * M + i) * N + n]


@inner
def _gather(task, x, rows, M, N, R, group, y):
    """Rows task * group and on of y."""
    first, end = task * group, min((task + 1) * group, rows)
    start, m, n = _place(first, M, N, R)
    ahead, later, across = _place(first + AHEAD, M, N, R)
    for row in range(first, end):
        if R * x.itemsize <= SHORT:
            prefetch(x, ahead, R)
            ahead, later, across = _next(ahead, later, across, M, N, R)
        to = np.uint64(row * R)
        for r in range(np.uint64(R)):
            y[to + r] = x[np.uint64(start) + r]
        start, m, n = _next(start, m, n, M, N, R)


@inner
def _place(row, M, N, R):
    """(where a row of y lies in x, m, n)."""
    b, n, m = row // (N * M), row // M % N, row % M
    return ((b * M + m) * N + n) * R, m, n


@inner(forceinline=True)
def _next(start, m, n, M, N, R):
    """The place of the next row."""
    if m + 1 < M:
        return start + N * R, m + 1, n
    if n + 1 < N:
        return start + R - m * N * R, 0, n + 1
    return start + R, 0, 0
