"""Kinds of numbers in kernels: what an element is in memory, and what it is in arithmetic.

float16 and bfloat16 lie in memory as uint16, their bits, and are computed with as float32; float32 and float64 are what
they are. Below compute capability 8.0, which has no tensor cores for both, whole arrays are converted, a product is
computed in float32, and its result is converted back.
"""

import functools

import numpy as np
from numba import cuda

from . import launch, ptx
from .elementwise import multiprocessors
from .jit import device, kernel
from .memory import empty
from .stream import start
from .usage import CAPABILITIES, Compiled

KINDS = ("float32", "float64", "float16", "bfloat16")


def is_half(kind):
    """Whether elements have 16 bits."""
    return kind in ("float16", "bfloat16")


def accumulator(kind):
    """The dtype that sums of a kind have."""
    return np.dtype(np.float32 if is_half(kind) else kind)


def storage(kind):
    """The dtype of an array of a kind, as kernels see it."""
    return np.dtype(np.uint16 if is_half(kind) else kind)


def bits(x):
    """An array as kernels see it: of a 16-bit kind as uint16."""
    return x.view(np.uint16) if x.dtype.itemsize == 2 else x


@device
def _same(x):
    return x


def conversions(kind):
    """(widen, narrow): an element of memory as a number of the accumulator's type, and back, rounded to the nearest."""
    if not is_half(kind):
        return _same, _same
    return tuple(getattr(ptx, f"{name}_{kind}") for name in ("widen", "narrow"))


def widened(x):
    """An array of a 16-bit kind as float32."""
    y = empty(x.shape, np.float32)
    _convert("widen", x.dtype.name, bits(x), y)
    return y


def narrowed(x, dtype, out=None):
    """A float32 array as one of a 16-bit dtype, rounded to the nearest."""
    y = empty(x.shape, dtype) if out is None else out
    _convert("narrow", np.dtype(dtype).name, x, bits(y))
    return y


def _convert(way, kind, x, y):
    if y.size:
        start(_compiled(way, kind), *launch.strided(y.size, multiprocessors()), x.reshape(-1), y.reshape(-1))


@functools.lru_cache
def _compiled(way, kind):
    return kernel(make_conversion(way, kind))


@functools.lru_cache
def make_conversion(way, kind):
    """f(x, y), flat: "widen" 16 bits to float32, or "narrow" float32 to 16 bits, an element a turn of a thread."""
    convert = conversions(kind)[way == "narrow"]

    def conversion(x, y):
        for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
            y[i] = convert(x[i])

    return conversion


COMPILED = tuple(
    Compiled(make_conversion(way, kind), f"void({arrays})", f"{way}-{kind}", ((7, 5), *CAPABILITIES))
    for kind in KINDS[2:]
    for way, arrays in (("widen", "uint16[::1], float32[::1]"), ("narrow", "float32[::1], uint16[::1]"))
)
