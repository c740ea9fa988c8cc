"""Windows that slide over images, on CUDA: which element of which image a thread owns, and which windows cover it.

images N, H, W, C    results of windows N, P, Q, C    window R, S

Indices are 32-bit, and the sizes that threads divide by are the same for a whole launch (division.py).
"""

import numpy as np

from . import launch
from .division import divide, divisor
from .elementwise import multiprocessors
from .jit import device
from .stream import start

TYPES = "UniTuple(int32, 9), UniTuple(int32, 14)"  # of `walk` and `geometry`


def start_over(op, chosen, image, windows, result, wide, *arrays):
    """Start a kernel whose threads walk over `result`.

    They get `walk`, divisors of its units of channels, columns and rows, then `geometry`: H, W, P, Q, R, S, top, left
    and divisors of the strides down and right.
    """
    N, H, W, C = image
    size, (down, right), (P, Q), (top, _, left, _) = windows
    launch.index32(op, x=N * H * W * C, y=N * P * Q * C)
    _, rows, columns, _ = result.shape
    lanes = 4 if wide else 1
    walk = divisor(C // lanes) + divisor(columns) + divisor(rows)
    geometry = (H, W, P, Q, *size, top, left, *divisor(down), *divisor(right))
    numbers = tuple(map(np.int32, walk)), tuple(map(np.int32, geometry))
    start(chosen, *launch.strided(result.size // lanes, multiprocessors()), *numbers, *arrays)


@device
def position(i, walk):
    """(image, row, column, unit of channels) of the i-th unit of a result."""
    units, unit_factor, unit_shift, columns, column_factor, column_shift, rows, row_factor, row_shift = walk
    place = divide(i, unit_factor, unit_shift)
    row = divide(place, column_factor, column_shift)
    n = divide(row, row_factor, row_shift)
    return n, np.int32(row - n * rows), np.int32(place - row * columns), np.int32(i - place * units)


@device
def clamped(at, size):
    """The nearest index that an image of `size` has."""
    return np.int32(min(max(at, 0), size - 1))


@device
def covering(at, span, count, factor, shift):
    """The windows [first, end) of `count` that cover a row or column, counted from the edge of the padding."""
    first = np.int32(0) if at < span else np.int32(divide(at - span, factor, shift) + 1)
    return first, np.int32(min(count, divide(at, factor, shift) + 1))


@device
def covered(start, span, size):
    """How many places of a window from `start` lie in an image of `size`."""
    return np.int32(min(span, size - start) - max(0, -start))
