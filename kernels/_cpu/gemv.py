"""Products with a vector: bound by reading the matrix once, in the order in which it lies.

c (N,) = a (K,) @ B. B (K, N) is read along its rows, STRIP columns a task: every element's sum runs over K in the same
order and the same depth blocks as in a product of many rows, and has the same bits. A transposed B (N, K) is a dot
product a row, summed in as many chains as vectors have lanes. A matrix times a column is the same, transposed.
"""

import numpy as np

from .bias import RELU, activate
from .jit import EXACT, inner
from .microkernel import BIAS
from .threads import spread

STRIP = 1024  # columns: their sums stay in the first cache level
DOTS = 64  # rows of a transposed B that are one task
BYTES = 8  # that one core reads in a nanosecond, about


@inner
def row_product(row, b, depth, out, N, step):
    """c (N,) = f(row (K,) @ op(b) + bias), in depth blocks of `depth`; element n gets bias[n * step]."""
    work = N * row.size * out.c.itemsize // BYTES
    c = out.c[:N]
    if b.transposed:
        spread(_dots, -(-N // DOTS), work, (row, b, out, c, step))
    else:
        spread(_sums, -(-N // STRIP), work, (row, b, depth, out, c, step))


@inner
def _dots(task, a, b, out, c, step):
    """DOTS elements of c."""
    first, end = task * DOTS, min((task + 1) * DOTS, c.size)
    for n in range(first, end):
        c[n] = _dot(a, b.data[n * b.stride :])
    _finish(first, end, out, c, step)


@inner
def _dot(a, b):
    total = a.dtype.type(0)
    for k in range(np.uint64(a.size)):
        total += a[k] * b[k]
    return total


@inner
def _sums(task, a, b, depth, out, c, step):
    """STRIP elements of c."""
    first, end = task * STRIP, min((task + 1) * STRIP, c.size)
    sums = np.empty(end - first, c.dtype)
    c[first:end] = 0
    for k0 in range(0, a.size, depth):
        k1 = min(k0 + depth, a.size)
        sums[:] = 0
        whole = k0 + (k1 - k0) // 4 * 4
        for k in range(k0, whole, 4):
            _add_four(sums, a, b, k, first)
        for k in range(whole, k1):
            _add_one(sums, a[k], b.data[k * b.stride + first :])
        for j in range(np.uint64(end - first)):
            c[np.uint64(first) + j] += sums[j]
    _finish(first, end, out, c, step)


@inner(fastmath=EXACT)
def _add_four(sums, a, b, k, first):
    """sums += a[k:k + 4] @ b[k:k + 4, first:], a chain in the order of k for every element."""
    a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
    i0, step = np.uint64(k * b.stride + first), np.uint64(b.stride)
    i1, i2, i3 = i0 + step, i0 + step + step, i0 + step + step + step
    for j in range(np.uint64(sums.size)):
        low = a1 * b.data[i1 + j] + (a0 * b.data[i0 + j] + sums[j])
        sums[j] = a3 * b.data[i3 + j] + (a2 * b.data[i2 + j] + low)


@inner(fastmath=EXACT)
def _add_one(sums, a, b):
    for j in range(np.uint64(sums.size)):
        sums[j] = a * b[j] + sums[j]


@inner
def _finish(first, end, out, c, step):
    for n in range(np.uint64(first), np.uint64(end)):
        if out.flags == BIAS:
            c[n] += out.bias[n * np.uint64(step)]
        if out.code == RELU:
            c[n] = c.dtype.type(0) if c[n] < 0 else c[n]
    if out.code > RELU:
        activate(c, first, 0, 1, end - first, out.code)
