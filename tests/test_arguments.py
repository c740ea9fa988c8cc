"""Arrays that kernels are given: read where NumPy keeps them, borrowed, and just what Numba would see of them."""

import sys

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python as runtime
from numba.core.runtime import rtsys
from tilewright.kernels._cpu import objects
from tilewright.kernels._cpu.jit import kernel

BASE = np.arange(48.0)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


ARRAYS = {
    "no axes": np.array(2.5),
    "one axis": np.arange(3, dtype=np.float32),
    "no elements": np.empty((0, 3)),
    "three axes": BASE.reshape(2, 4, 6),
    "columns of rows": BASE.reshape(6, 8)[1:5, ::3],
    "backwards": BASE[::-1],
    "transposed": BASE.reshape(6, 8).T,
    "booleans": np.array([True, False, True]),
    "bytes": np.arange(5, dtype=np.uint8),
    "read-only": read_only(BASE),
    "not aligned": np.frombuffer(bytearray(25), np.uint8)[1:].view(np.float64),
}


def seen(x, y):
    place, total = 0, 0.0
    for value in x.flat:
        place += 1
        total += place * value
    return x.size, x.itemsize, x.nbytes, x.ndim, x.shape, x.strides, x.ctypes.data, total, y[-1]


def count(x):
    x[0] += 1


def same(x, y):
    return x if y > 0 else x + 1


def fail(x):
    if x[0] > 0:
        raise ValueError("as it should")


@pytest.mark.parametrize("name", ARRAYS)
def test_a_kernel_sees_what_numba_sees(name):
    x, y = ARRAYS[name], np.arange(4.0)
    found = kernel(seen)(x, y)
    assert found == numba.njit(seen)(x, y)
    assert found[4:7] == (x.shape, x.strides, x.ctypes.data)


def test_nothing_is_counted_and_nothing_is_kept():
    assert objects.KNOWN, "the compiled way was not tested"
    run, x = kernel(count), np.zeros(3)
    run(x)
    held = sys.getrefcount(x)
    runtime.memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats()
        for _ in range(10):
            run(x)
        assert rtsys.get_allocation_stats() == before
    finally:
        runtime.memsys_disable_stats()
    assert x[0] == 11
    assert sys.getrefcount(x) == held


def test_an_array_that_is_given_back_is_the_same_or_holds_its_own():
    run, x = kernel(same), np.arange(3.0)
    assert run(x, 1) is x
    y = run(x, 0)
    del x
    assert y.tolist() == [1, 2, 3]


def test_an_error_in_a_kernel_is_raised_and_leaves_the_array_alone():
    run, x = kernel(fail), np.ones(3)
    held = sys.getrefcount(x)
    for _ in range(3):
        with pytest.raises(ValueError, match="as it should"):
            run(x)
    assert sys.getrefcount(x) == held
    assert run(np.zeros(3)) is None
