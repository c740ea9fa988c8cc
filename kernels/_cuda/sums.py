"""Sums in a fixed order that depends on shapes alone: of partial results, and of the columns of a matrix.

parts (batch, P, M, N) -> y (batch, M, N) = f(sum_P parts + bias)        bias (N,) of every product of the batch

A thread adds the P numbers of an element in order; neighbouring threads have neighbouring elements, so that a warp
reads whole lines. No race, no atomics. `kind` names the type of y and bias: parts are of the same, or float32 for the
16-bit kinds, whose arrays come as uint16, their bits.
"""

import functools
import math

import numpy as np
from numba import cuda

from . import launch
from .halves import accumulator, conversions, storage
from .jit import device, kernel
from .stream import start

THREADS = 128
RELU, SIGMOID = 1, 2  # codes of activations, as in gemm.py


@device
def pitched(layout, row):
    """Where a row begins, if neighbouring ones are a pitch apart."""
    return row * layout[0]


def add_parts(parts, P, bias, biased, code, y, shape, layout, kind=None, rows=pitched):
    """y[z step + rows(layout, m) + n] = f(sum of P parts + bias[z N + n]).

    Flat arrays, shape (batch, M, N), layout (pitch, step). Without a bias `bias` is any array of y's type that is not
    read. rows: a device function, with it the layout is (…, step, …).
    """
    batch, M, N = shape
    count = batch * M * N
    launch.index32("a sum of parts", parts=parts.size)
    function = compiled_add(kind or y.dtype.name, rows)
    layout, sizes = tuple(map(np.int32, layout)), map(np.int32, (P, count, M * N, N))
    start(function, launch.ceil_div(count, THREADS), THREADS, parts, bias, biased, code, y, layout, *sizes)


@functools.lru_cache
def compiled_add(kind, rows=pitched):
    """The kernel of a kind, compiled at its first launch."""
    return kernel(make_add(kind, rows))


def add_signature(kind, length=2):
    """Of `make_add`'s kernel."""
    parts, array = f"{accumulator(kind)}[::1]", f"{storage(kind)}[::1]"
    return f"void({parts}, {array}, boolean, int64, {array}, UniTuple(int32, {length}), int32, int32, int32, int32)"


@functools.lru_cache
def make_add(kind, rows=pitched):
    """f(parts, bias, biased, code, y, layout, P, count, inner, N): a thread owns one of `count` elements of y."""
    widen, narrow = conversions(kind)
    p = accumulator(kind).type
    zero, half, one = p(0), p(0.5), p(1)

    def add(parts, bias, biased, code, y, layout, P, count, inner, N):
        i = np.int32(cuda.grid(1))
        if i < count:
            z = np.int32(i // inner)
            element = np.int32(i - z * inner)
            place = np.uint32(z * P * inner + element)
            total = zero
            for _ in range(P):
                total += parts[place]
                place = np.uint32(place + np.uint32(inner))
            row = np.int32(element // N)
            column = np.int32(element - row * N)
            if biased:
                total += widen(bias[np.uint32(z * N + column)])
            if code == RELU:
                total = zero if total <= zero else total
            elif code == SIGMOID:
                total = half * (one + p(math.tanh(half * total)))
            elif code > SIGMOID:
                total = p(math.tanh(total))
            y[np.uint32(z * layout[1] + rows(layout, row) + column)] = narrow(total)

    return add
