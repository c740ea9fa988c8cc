"""Rows of an array, fetched in a given order: a batch of shuffled data, without a copy to the host.

x (rows, ...)    order (any,) int64    out (count, ...)    out[i] = x[order[start + i]]

Bytes are copied, so that any dtype will do: in units of 16 bytes where a row holds a whole number of them and both
arrays start on such a boundary, else of 8, 4 or 1. A thread owns a unit of `out` and walks on by the size of the grid:
no race. The place to start from is a number that may vary in a recorded step (numbers.py).
"""

import numpy as np
from numba import cuda

from . import launch
from .access import BYTES, address, load4, store4
from .elementwise import multiprocessors
from .jit import kernel
from .numbers import number
from .stream import start as start_kernel
from .usage import Compiled

UNITS = (np.uint64, np.uint32, np.uint8)  # what is copied at once where 16 bytes are too many


def take_rows(x, order, start, count, out):
    """out[i] = x[order[start + i]] for `count` rows, all arrays on the device and in C order.

    x and `out` are of one dtype and their rows of one shape. What `order` holds is not checked: the caller made it of
    the rows that there are, and has start + count <= its size.
    """
    take, units, x, out = as_units(x, out, out.nbytes // max(len(out), 1), _wide, _narrow)
    launch.index32("take_rows", out=count * units)
    grid = launch.strided(count * units, multiprocessors())
    start_kernel(take, *grid, x, order, number(start, np.int64), units, count * units, out)


def as_units(x, out, row, wide, narrow):
    """(kernel, units a row, x, out): arrays whose rows have `row` bytes, as flat arrays of units, and their kernel.

    A unit of 16 bytes is four float32, which `wide` touches with `load4` and `store4` alone, so that all bits stay.
    """
    if row == 0:
        return narrow, 0, x, out
    places = address(x) | address(out) | row
    if places % BYTES == 0:
        return wide, row // BYTES, _flat(x, np.float32), _flat(out, np.float32)
    unit = next(unit for unit in UNITS if places % np.dtype(unit).itemsize == 0)
    return narrow, row // np.dtype(unit).itemsize, _flat(x, unit), _flat(out, unit)


def compiled(name, signature, wide, narrow):
    """What the two kernels of `as_units` are compiled for; T in `signature` stands for a unit."""
    kinds = ((wide, "float32", BYTES), *((narrow, np.dtype(unit).name, np.dtype(unit).itemsize) for unit in UNITS))
    return tuple(
        Compiled(function, f"void({signature.replace('T', unit)})", f"{name}-{size}") for function, unit, size in kinds
    )


def _flat(x, dtype):
    return x.reshape(-1).view(np.dtype(dtype))


def _take_wide(x, order, start, units, total, out):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        row = np.int64(np.uint32(i) // np.uint32(units))  # 64-bit divisions take many instructions
        column = i - row * units
        store4(out, 4 * i, load4(x, 4 * (order[start[0] + row] * units + column)))


def _take_narrow(x, order, start, units, total, out):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        row = np.int64(np.uint32(i) // np.uint32(units))  # 64-bit divisions take many instructions
        column = i - row * units
        out[i] = x[order[start[0] + row] * units + column]


_wide, _narrow = kernel(_take_wide), kernel(_take_narrow)
COMPILED = compiled("take_rows", "T[::1], int64[::1], int64[::1], int64, int64, T[::1]", _take_wide, _take_narrow)
