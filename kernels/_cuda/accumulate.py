"""Sums and results that grow on the device while a recorded step is replayed: nothing is read back in between.

add_into    total (...) += x (...)             the gradients of a parameter that is used twice
add_scaled  total (1,) += loss () * weight     an epoch's running loss, in float64
copy_rows   into (rows, ...)[row : row + M] = x (M, ...)    a batch's outputs, for metrics

Every element is changed by one thread, in the order of the calls: no race, and no atomics. `weight` and `row` may
vary in a recorded step (numbers.py).
"""

import numpy as np
from numba import cuda

from . import launch
from .access import load4, store4
from .elementwise import Pair, multiprocessors
from .gather import as_units, compiled
from .jit import kernel
from .numbers import number
from .stream import start
from .usage import Compiled


def add_into(total, x):
    """total += x, of one shape and dtype, float32 or float64."""
    _add.launch((total, x))


def add_scaled(total, loss, weight):
    """total[0] += loss * weight, computed in float64; total (1,) float64, loss () float32 or float64."""
    start(_add_scaled, 1, 1, total, loss.reshape(1), number(weight, np.float64))


def copy_rows(into, row, x):
    """into[row : row + len(x)] = x, of one dtype, any; the caller sees that the rows are there."""
    M = len(x)
    put, units, x, into = as_units(x, into, x.nbytes // max(M, 1), _put_rows_wide, _put_rows)
    total = M * units
    start(put, *launch.strided(total, multiprocessors()), into, number(row, np.int64), units, total, x)


def _add_narrow(total, x):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        total[i] += x[i]


def _add_wide(total, x):
    groups = x.size // 4
    for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
        ta, tb, tc, td = load4(total, 4 * group)
        a, b, c, d = load4(x, 4 * group)
        store4(total, 4 * group, (ta + a, tb + b, tc + c, td + d))
    i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
    if i < x.size:
        total[i] += x[i]


def _scaled(total, loss, weight):
    total[0] += np.float64(loss[0]) * weight[0]


def _put_wide(into, row, units, total, x):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        store4(into, 4 * (row[0] * units + i), load4(x, 4 * i))


def _put_narrow(into, row, units, total, x):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        into[row[0] * units + i] = x[i]


_add = Pair("add_into", "T[::1], T[::1]", _add_narrow, _add_wide)
_add_scaled, _put_rows_wide, _put_rows = kernel(_scaled), kernel(_put_wide), kernel(_put_narrow)
COMPILED = (
    *_add.compiled,
    *(
        Compiled(_scaled, f"void(float64[::1], {dtype}[::1], float64[::1])", f"add_scaled-{dtype}")
        for dtype in ("float32", "float64")
    ),
    *compiled("copy_rows", "T[::1], int64[::1], int64, int64, T[::1]", _put_wide, _put_narrow),
)
