"""Softmax on CUDA.

x, y, dy, dx (M, N, R), N along the axis, M and R the products of the sizes before and after it; read as flat arrays

y  = e / sum_N(e)    e = e**(x - max_N x)
dx = y (dy - sum_N(y dy))

R == 1: 8 to 32 threads of a warp own a row, or a block of up to 512 does, and keep it in registers: memory is read
and written once, 16 bytes at a time where rows of float32 allow it. Rows that are longer are read twice: first with a
running maximum and a sum that is scaled anew whenever that grows (Milakov, Gimelshein 2018, arXiv:1805.02867).

R > 1: a block owns 32 neighbouring columns, so that a warp reads whole lines; its rows of threads share the way along
N, which is read twice, with a running maximum and sum as well.

Every element is written by one thread; the order of sums depends on the shape alone. `out` may be an input: a thread
reads its elements before it writes them. The maximum skips NaN, which comes back with the sum.
"""

import functools
import math

import numpy as np
from numba import cuda

from .._cuda import launch, reduce
from .._cuda.jit import device, kernel
from .._cuda.memory import empty_like
from .._cuda.reduce import make_access, my_row, row_largest, row_total
from .._cuda.stream import start
from .._cuda.usage import Compiled
from .._cuda.warp import WARP, larger

PARTS = 16  # rows of threads of a block of columns; not yet measured on a card
STEP = 4  # elements of a long row that a thread takes at once


def softmax_forward(x, *, axis=-1, out=None):
    y = empty_like(x) if out is None else out
    _start("softmax_forward", _forward, _columns, axis, (x, y))
    return y


def softmax_backward(dy, y, *, axis=-1, out=None):
    dx = empty_like(y) if out is None else out
    _start("softmax_backward", _backward, _columns_gradient, axis, (dy, y, dx))
    return dx


def _start(op, rows, columns, axis, arrays):
    """Start the kernel `rows` or `columns` of arrays of one shape, the last of which is the result."""
    shape = arrays[0].shape
    axis %= len(shape)
    M, N, R = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    if not M * N * R:
        return
    flat = [x.reshape(-1) for x in arrays]
    if R == 1:
        width, height, elements = reduce.plan(N)
        chosen = rows(elements, reduce.are_rows_wide(N, *flat))
        reduce.start_rows(op, chosen, M, (width, height), *flat, M, N)
    else:
        start(columns, launch.rows(op, M * R, WARP), (WARP, _parts(N)), *flat, M * R, N, R)


def _parts(N):
    """The rows of threads of a block that share N, a power of two."""
    parts = 1
    while parts < PARTS and parts * STEP < N:
        parts *= 2
    return parts


@functools.lru_cache
def _forward(elements, wide):
    return kernel(make_forward(elements, wide))


@functools.lru_cache
def _backward(elements, wide):
    return kernel(make_backward(elements, wide))


@functools.lru_cache
def make_forward(elements, wide):
    """f(x, y, M, N), a kernel's Python function, for rows of `elements` registers a thread; 0: of any length."""
    E = elements or STEP
    load, store, _ = make_access(E, wide)

    def short(x, y, M, N):
        shared = cuda.shared.array(WARP, x.dtype)
        values = cuda.local.array(E, x.dtype)
        _, first, size = my_row(M, N)
        p = type(x[0])
        load(values, x, first, size, p(-math.inf))
        largest = p(-math.inf)
        for e in range(E):
            largest = larger(largest, values[e])
        largest = row_largest(largest, shared)
        total = p(0)
        for e in range(E):
            values[e] = p(math.exp(values[e] - largest))
            total += values[e]
        scale = p(1) / row_total(total, shared)
        for e in range(E):
            values[e] *= scale
        store(y, first, size, values)

    def long(x, y, M, N):
        shared = cuda.shared.array(WARP, x.dtype)
        values = cuda.local.array(E, x.dtype)
        _, first, size = my_row(M, N)
        p = type(x[0])
        lowest = p(-math.inf)
        largest, total = lowest, p(0)
        step = E * cuda.blockDim.x
        for n in range(0, size, step):
            load(values, x, first + n, size - n, lowest)
            before = largest
            for e in range(E):
                largest = larger(largest, values[e])
            if largest > before:
                total *= p(math.exp(before - largest))
            for e in range(E):
                total += power(values[e], largest)
        own = largest
        largest = row_largest(own, shared)
        total = row_total(total * power(own, largest), shared)
        scale = p(1) / total
        for n in range(0, size, step):
            load(values, x, first + n, size - n, lowest)
            for e in range(E):
                values[e] = p(math.exp(values[e] - largest)) * scale
            store(y, first + n, size - n, values)

    return short if elements else long


@functools.lru_cache
def make_backward(elements, wide):
    """f(dy, y, dx, M, N), as `make_forward`."""
    E = elements or STEP
    load, store, _ = make_access(E, wide)

    def short(dy, y, dx, M, N):
        shared = cuda.shared.array(WARP, y.dtype)
        gradients, values = cuda.local.array(E, y.dtype), cuda.local.array(E, y.dtype)
        _, first, size = my_row(M, N)
        total = type(y[0])(0)
        load(gradients, dy, first, size, total)
        load(values, y, first, size, total)
        for e in range(E):
            total += values[e] * gradients[e]
        total = row_total(total, shared)
        for e in range(E):
            values[e] *= gradients[e] - total
        store(dx, first, size, values)

    def long(dy, y, dx, M, N):
        shared = cuda.shared.array(WARP, y.dtype)
        gradients, values = cuda.local.array(E, y.dtype), cuda.local.array(E, y.dtype)
        _, first, size = my_row(M, N)
        zero = type(y[0])(0)
        total = zero
        step = E * cuda.blockDim.x
        for n in range(0, size, step):
            load(gradients, dy, first + n, size - n, zero)
            load(values, y, first + n, size - n, zero)
            for e in range(E):
                total += values[e] * gradients[e]
        total = row_total(total, shared)
        for n in range(0, size, step):
            load(gradients, dy, first + n, size - n, zero)
            load(values, y, first + n, size - n, zero)
            for e in range(E):
                values[e] *= gradients[e] - total
            store(dx, first + n, size - n, values)

    return short if elements else long


@device
def power(x, largest):
    """e**(x - largest), where largest is not below x; of -inf it is 0 even beside a maximum of -inf."""
    p = type(x)
    return p(0) if x == p(-math.inf) else p(math.exp(x - largest))


@device
def my_column(columns, N, R):
    """(its first element, the first and the end of its n) of this thread's column, one of M * R."""
    column = np.int64(cuda.blockIdx.x) * WARP + cuda.threadIdx.x
    return column // R * (N * R) + column % R, cuda.threadIdx.y, N if column < columns else 0


def _columns_forward(x, y, columns, N, R):
    """Thread (t, r) goes over the rows r, r + blockDim.y, … of its column; the maxima and sums meet as a tree."""
    maxima = cuda.shared.array((PARTS, WARP), x.dtype)
    totals = cuda.shared.array((PARTS, WARP), x.dtype)
    t, r = cuda.threadIdx.x, cuda.threadIdx.y
    start, first, end = my_column(columns, N, R)
    p = type(x[0])
    largest, total = p(-math.inf), p(0)
    for n in range(first, end, cuda.blockDim.y):
        value = x[start + n * R]
        if value > largest:
            total = total * p(math.exp(largest - value)) + p(1)
            largest = value
        else:
            total += power(value, largest)
    maxima[r, t], totals[r, t] = largest, total
    cuda.syncthreads()
    half = cuda.blockDim.y // 2
    while half:
        if r < half:
            one, other = maxima[r, t], maxima[r + half, t]
            both = larger(one, other)
            totals[r, t] = totals[r, t] * power(one, both) + totals[r + half, t] * power(other, both)
            maxima[r, t] = both
        cuda.syncthreads()
        half //= 2
    largest, scale = maxima[0, t], p(1) / totals[0, t]
    for n in range(first, end, cuda.blockDim.y):
        y[start + n * R] = p(math.exp(x[start + n * R] - largest)) * scale


def _columns_backward(dy, y, dx, columns, N, R):
    totals = cuda.shared.array((PARTS, WARP), y.dtype)
    t, r = cuda.threadIdx.x, cuda.threadIdx.y
    start, first, end = my_column(columns, N, R)
    total = type(y[0])(0)
    for n in range(first, end, cuda.blockDim.y):
        total += y[start + n * R] * dy[start + n * R]
    totals[r, t] = total
    cuda.syncthreads()
    half = cuda.blockDim.y // 2
    while half:
        if r < half:
            totals[r, t] += totals[r + half, t]
        cuda.syncthreads()
        half //= 2
    total = totals[0, t]
    for n in range(first, end, cuda.blockDim.y):
        dx[start + n * R] = y[start + n * R] * (dy[start + n * R] - total)


_columns, _columns_gradient = kernel(_columns_forward), kernel(_columns_backward)


def _compiled():
    for op, make, arrays, columns in (
        ("softmax_forward", make_forward, 2, _columns_forward),
        ("softmax_backward", make_backward, 3, _columns_backward),
    ):
        for T, wide in (("float32", True), ("float32", False), ("float64", False)):
            for elements, length in ((reduce.FEW, "few"), (reduce.MANY, "many"), (0, "long")):
                signature = f"void({f'{T}[::1], ' * arrays}int64, int64)"
                name = f"{op}-{length}-{T}-{'wide' if wide else 'narrow'}"
                yield Compiled(make(elements, wide), signature, name)
        for T in ("float32", "float64"):
            yield Compiled(columns, f"void({f'{T}[::1], ' * arrays}int64, int64, int64)", f"{op}-columns-{T}")


COMPILED = tuple(_compiled())
