"""Kinds of numbers in kernels: what an element is in memory, and what it is in arithmetic.

float16 and bfloat16 lie in memory as uint16, their bits, and are computed with as float32; float32 and float64 are what
they are.
"""

import numpy as np

from . import ptx
from .jit import device

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
