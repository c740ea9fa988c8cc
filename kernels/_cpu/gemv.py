"""A product with a single row, c (N,) = a (K,) @ B: bound by reading B once, in the order in which it lies.

B (K, N) is read along its rows, STRIP columns a task: every element's sum runs over K in the same order and the same
depth blocks as in a product of many rows, and has the same bits. A transposed B (N, K) is a dot product a row, summed
in as many chains as vectors have lanes.
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
def row_product(a, b, transposed, depth, bias, flags, code, c):
    """c (N,) = f(a (K,) @ op(b) + bias), in depth blocks of `depth`."""
    work = b.nbytes // BYTES
    if transposed:
        spread(_dots, -(-c.size // DOTS), work, (a, b, bias, flags, code, c))
    else:
        spread(_sums, -(-c.size // STRIP), work, (a, b, depth, bias, flags, code, c))


@inner
def _dots(task, a, b, bias, flags, code, c):
    """DOTS elements of c."""
    first, end = task * DOTS, min((task + 1) * DOTS, c.size)
    for n in range(first, end):
        c[n] = _dot(a, b[n])
    _finish(first, end, bias, flags, code, c)


@inner
def _dot(a, b):
    total = a.dtype.type(0)
    for k in range(np.uint64(a.size)):
        total += a[k] * b[k]
    return total


@inner
def _sums(task, a, b, depth, bias, flags, code, c):
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
            _add_one(sums, a[k], b[k], first)
        for j in range(np.uint64(end - first)):
            c[np.uint64(first) + j] += sums[j]
    _finish(first, end, bias, flags, code, c)


@inner(fastmath=EXACT)
def _add_four(sums, a, b, k, first):
    """sums += a[k:k + 4] @ b[k:k + 4, first:], a chain in the order of k for every element."""
    a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
    b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
    for j in range(np.uint64(sums.size)):
        i = np.uint64(first) + j
        sums[j] = a3 * b3[i] + (a2 * b2[i] + (a1 * b1[i] + (a0 * b0[i] + sums[j])))


@inner(fastmath=EXACT)
def _add_one(sums, a, b, first):
    for j in range(np.uint64(sums.size)):
        sums[j] = a * b[np.uint64(first) + j] + sums[j]


@inner
def _finish(first, end, bias, flags, code, c):
    for n in range(np.uint64(first), np.uint64(end)):
        if flags == BIAS:
            c[n] += bias[n]
        if code == RELU:
            c[n] = c.dtype.type(0) if c[n] < 0 else c[n]
    if code > RELU:
        activate(c, first, 0, 1, end - first, code)
