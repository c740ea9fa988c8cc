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
from .jit import kernel
from .stream import start

THREADS = 128
RELU, SIGMOID = 1, 2  # codes of activations, as in gemm.py


def add_parts(parts, P, bias, biased, code, y, shape, layout, kind=None):
    """y[z step + m pitch + n] = f(sum of P parts + bias[z N + n]); flat arrays, shape (batch, M, N), layout (pitch, step).

    Without a bias `bias` is any array of y's type that is not read.
    """
    batch, M, N = shape
    count = batch * M * N
    launch.index32("a sum of parts", parts=parts.size)
    function = compiled_add(kind or y.dtype.name)
    sizes = map(np.int32, (P, count, M * N, N, *layout))
    start(function, launch.ceil_div(count, THREADS), THREADS, parts, bias, biased, code, y, *sizes)


@functools.lru_cache
def compiled_add(kind):
    """The kernel of a kind, compiled at its first launch."""
    return kernel(make_add(kind))


def add_signature(kind):
    """Of `make_add`'s kernel."""
    parts, array = f"{accumulator(kind)}[::1]", f"{storage(kind)}[::1]"
    return f"void({parts}, {array}, boolean, int64, {array}, int32, int32, int32, int32, int32, int32)"


@functools.lru_cache
def make_add(kind):
    """f(parts, bias, biased, code, y, P, count, inner, N, pitch, step): a thread owns one of `count` elements of y."""
    widen, narrow = conversions(kind)
    p = accumulator(kind).type
    zero, half, one = p(0), p(0.5), p(1)

    def add(parts, bias, biased, code, y, P, count, inner, N, pitch, step):
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
            y[np.uint32(z * step + row * pitch + column)] = narrow(total)

    return add
