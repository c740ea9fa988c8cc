"""Column sums of a matrix, and with them the gradient behind a fused activation: one pass over memory.

dy, y, dz (M, N)    db (N,)        dz = dy f'(z), from the result y = f(z)        db = sum_M dz

relu  dz = dy [y > 0]        sigmoid  dz = dy y (1 - y)        tanh  dz = dy (1 - y^2)

Rows are cut into parts of a size that M alone decides. A block owns a part of a strip of columns: LANES threads share
a column and have every LANES-th row of the part, neighbouring threads have neighbouring columns. The LANES sums are
added in order, then, by the same kernel, those of all parts. No race, no atomics; sums are float32, or float64 for
float64. The 16-bit kinds come as uint16, their bits; dz is rounded before it is added, as the products see it.
"""

import functools

import numpy as np
from numba import cuda

from . import launch
from .access import fetch, has_wide_rows, put
from .halves import accumulator, bits, conversions, storage
from .jit import kernel
from .memory import empty, empty_like
from .stream import start
from .usage import Compiled

# none of these is measured yet
WIDTH, LANES = 32, 8  # threads along and across the rows
SHORTEST = 256  # rows of a part
PARTS = 512  # so many at most

RELU, SIGMOID = 1, 2  # codes of activations, as in gemm.py


def gradient(op, dy, y, code, need_db):
    """(dz, db) of dy (M, N): dz is dy itself where there is no activation, db is None where it is not needed.

    code: the activation's place among gemm.ACTIVATIONS; y, its result, is not read where that is 0.
    """
    M, N = dy.shape
    kind, sums = dy.dtype.name, accumulator(dy.dtype.name)
    dz = empty_like(dy) if code else dy
    db = empty((N,), dy.dtype) if need_db else None
    if not N or not (need_db or code):
        return dz, db
    launch.index32(op, dy=dy.size)
    rows = max(SHORTEST, launch.ceil_div(M, PARTS))
    parts = max(1, launch.ceil_div(M, rows))
    last = kind if parts == 1 else sums.name  # the kind of the first stage's sums
    into = db if parts == 1 and need_db else empty((parts * N,), np.dtype(last) if parts > 1 else dy.dtype)
    y = dy if y is None else y
    wide = 2 * N * dy.dtype.itemsize >= 16 * WIDTH and dy.size > 0 and all(map(has_wide_rows, (dy, y, dz)))
    _start(kind, last, wide, dy, y, code, dz, into, M, N, rows)
    if parts > 1 and need_db:
        _start(sums.name, kind, False, into, into, 0, into, db, parts, N, parts)
    return dz, db


def _start(kind, last, wide, dy, y, code, dz, out, M, N, rows):
    function, V = compiled(kind, last, wide, LANES)
    strips, parts = launch.ceil_div(N, WIDTH * V), max(1, launch.ceil_div(M, rows))
    flat = [bits(x.reshape(-1)) if x.size else bits(out) for x in (dy, y, dz)]  # without rows nothing is read
    sizes = map(np.int32, (M, N, rows))
    start(function, strips * parts, WIDTH * LANES, flat[0], flat[1], code, flat[2], bits(out), *sizes)


@functools.lru_cache
def compiled(kind, last, wide, lanes):
    """(kernel, columns of a thread)."""
    V = 16 // storage(kind).itemsize if wide else 1
    return kernel(make_columns(kind, last, V, lanes)), V


@functools.lru_cache
def make_columns(kind, last, V, lanes):
    """f(dy, y, code, dz, out, M, N, rows): out (parts, N) of kind `last` become the sums of `rows` rows each.

    A thread owns V neighbouring columns, all arrays are flat; where code is 0, y and dz are not touched.
    """
    widen, narrow = conversions(kind)
    _, finish = conversions(last)
    element, p = storage(kind).type, accumulator(kind).type
    zero, one = p(0), p(1)
    size, strip = WIDTH * lanes * V, WIDTH * V

    def columns(dy, y, code, dz, out, M, N, rows):
        shared = cuda.shared.array(size, p)
        given = cuda.local.array(V, element)
        result = cuda.local.array(V, element)
        sums = cuda.local.array(V, p)
        t = cuda.threadIdx.x
        lane = np.int32(t // WIDTH)
        strips = np.int32((N + strip - 1) // strip)
        part = np.int32(cuda.blockIdx.x // strips)
        own = np.int32(t % WIDTH * V)
        column = np.int32((cuda.blockIdx.x - part * strips) * strip + own)
        last_row = np.int32(min((part + 1) * rows, M))
        for v in range(V):
            sums[v] = zero
        if column < N:
            for row in range(np.int32(part * rows + lane), last_row, lanes):
                place = np.int32(row * N + column)
                if V > 1:
                    fetch(given, 0, dy, place)
                else:
                    given[0] = dy[np.uint32(place)]
                if code > 0:
                    if V > 1:
                        fetch(result, 0, y, place)
                    else:
                        result[0] = y[np.uint32(place)]
                    for v in range(V):
                        d, s = widen(given[v]), widen(result[v])
                        if code == RELU:
                            d = d if s > zero else zero
                        elif code == SIGMOID:
                            d = d * s * (one - s)
                        else:
                            d = d * (one - s * s)
                        given[v] = narrow(d)
                    if V > 1:
                        put(dz, place, given, 0)
                    else:
                        dz[np.uint32(place)] = given[0]
                for v in range(V):
                    sums[v] += widen(given[v])
        for v in range(V):
            shared[lane * strip + own + v] = sums[v]
        cuda.syncthreads()
        if lane == 0 and column < N:
            for v in range(V):
                total = sums[v]
                for other in range(1, lanes):
                    total += shared[other * strip + own + v]
                out[np.uint32(part * N + column + v)] = finish(total)

    return columns


def _compiled():
    ways = [(kind, kind, wide) for kind in ("float32", "float64", "float16", "bfloat16") for wide in (False, True)]
    for kind in ("float16", "bfloat16"):
        ways += [(kind, "float32", False), (kind, "float32", True), ("float32", kind, False)]
    for kind, last, wide in ways:
        V = 16 // storage(kind).itemsize if wide else 1
        arrays = [f"{storage(name)}[::1]" for name in (kind, kind, kind, last)]
        signature = f"void({arrays[0]}, {arrays[1]}, int64, {arrays[2]}, {arrays[3]}, int32, int32, int32)"
        name = f"columns-{kind}-{last}-{'wide' if wide else 'narrow'}"
        yield Compiled(make_columns(kind, last, V, LANES), signature, name)


COMPILED = tuple(_compiled())
