"""Gathering along an axis on the CPU.

x, dx (M, N, R)    indices (K,), read as flat int64    y, dy (M, K, R)    M and R: the sizes before and behind the axis

y[m, k] = x[m, indices[k]]        dx[m, n] = sum of dy[m, k] over the k with indices[k] = n, in ascending order

Rows of the first axis, if many, are looked up as those of an embedding are (kernels/embedding). Else a task owns rows
of y, and of the gradient whole m, or columns of one m: no two tasks write to the same place, and the order of a sum is
that of the indices.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty
from .._cpu.threads import spread
from ..embedding.cpu import embedding_backward, embedding_forward
from ..embedding.cpu import first_misfit as _first_misfit

CHUNK = 1 << 14  # elements of a task
COLUMNS = 1 << 10
SMALL = 1 << 12  # elements, for which the call of another function takes longer than what it does better


def gather_forward(x, indices, *, axis=0, out=None):
    M, N, R = _split(x.shape, axis)
    y = empty(x.shape[:axis] + indices.shape + x.shape[axis + 1 :], x.dtype) if out is None else out
    if M == 1 < R and y.size > SMALL:
        embedding_forward(indices, x.reshape(N, R), out=y.reshape(indices.size, R))
    else:
        _take(x.reshape(-1), _flat(indices), M, N, R, y.reshape(-1))
    return y


def gather_backward(dy, indices, *, input_shape, axis=0):
    M, N, R = _split(input_shape, axis)
    if M == 1 < R and dy.size + N * R > SMALL:
        return embedding_backward(dy.reshape(indices.size, R), indices.reshape(-1), rows=N).reshape(input_shape)
    dx = empty(input_shape, dy.dtype)
    _put(dy.reshape(-1), _flat(indices), M, N, R, dx.reshape(-1))
    return dx


def first_misfit(indices, size):
    """The first place of the flat indices that holds no number from 0 to size - 1, or -1."""
    return _first_misfit(indices, size, None)


def _split(shape, axis):
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _flat(indices):
    return (indices if indices.dtype == np.int64 else indices.astype(np.int64)).reshape(-1)


@kernel
def _take(x, indices, M, N, R, y):
    group = max(1, CHUNK // max(1, R))
    spread(_take_rows, -(-(M * indices.size) // group), y.size // 4, (x, indices, M * indices.size, N, R, group, y))


@inner
def _take_rows(task, x, indices, rows, N, R, group, y):
    """Rows task * group and on of y (M K, R)."""
    K, row, end = indices.size, task * group, min((task + 1) * group, rows)
    while row < end:
        m, k = row // K, row % K
        count = min(K - k, end - row)  # of this m
        base = m * N
        if R == 1:
            to, first, start = np.uint64(row), np.uint64(k), np.uint64(base)
            for i in range(np.uint64(count)):
                y[to + i] = x[start + np.uint64(indices[first + i])]
        else:
            for i in range(count):
                start, to = np.uint64((base + indices[k + i]) * R), np.uint64((row + i) * R)
                for r in range(np.uint64(R)):
                    y[to + r] = x[start + r]
        row += count


@kernel
def _put(dy, indices, M, N, R, dx):
    width = max(1, min(R, COLUMNS))
    blocks = -(-R // width)
    group = max(1, CHUNK // max(1, max(N, indices.size) * width)) if blocks == 1 else 1
    work = dy.size // 2 + dx.size // 8
    spread(_put_rows, -(-M // group) * blocks, work, (dy, indices, M, N, R, blocks, group, width, dx))


@inner
def _put_rows(task, dy, indices, M, N, R, blocks, group, width, dx):
    """Columns `left` and on of some m of dx."""
    first, left, K = task // blocks * group, task % blocks * width, indices.size
    columns, zero = np.uint64(min(width, R - left)), dx.dtype.type(0)
    for m in range(first, min(first + group, M)):
        if blocks == 1:
            for i in range(np.uint64(m * N * R), np.uint64((m + 1) * N * R)):
                dx[i] = zero
        else:
            for n in range(N):
                to = np.uint64((m * N + n) * R + left)
                for j in range(columns):
                    dx[to + j] = zero
        if R == 1:
            start, to = np.uint64(m * K), np.uint64(m * N)
            for k in range(np.uint64(K)):
                dx[to + np.uint64(indices[k])] += dy[start + k]
            continue
        for k in range(K):
            start, to = np.uint64((m * K + k) * R + left), np.uint64((m * N + indices[k]) * R + left)
            for j in range(columns):
                dx[to + j] += dy[start + j]
