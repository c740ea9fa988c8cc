"""What the tests of CUDA's runtime share: two kernels, arrays and their addresses, an empty pool before each test."""

import gc

import numpy as np
import pytest
from numba import config, cuda
from tilewright.kernels._cuda import memory, stream
from tilewright.kernels._cuda.jit import kernel
from tilewright.kernels._cuda.numbers import number

on_simulator = pytest.mark.skipif(not config.ENABLE_CUDASIM, reason="speaks of the simulator")


@kernel
def _scale(x, y, factor):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        y[i] = x[i] * factor[0]


@kernel
def _add(x, y):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        y[i] += x[i]


def scale_into(y, x, factor):
    stream.start(_scale, 2, 4, x, y, number(factor, x.dtype))


def scale(x, factor):
    y = memory.empty_like(x)
    scale_into(y, x, factor)
    return y


def add_into(y, x, blocks=1):
    stream.start(_add, blocks, 4, x, y)


def place(x):
    """The address of an array's memory."""
    return x.ctypes.data if config.ENABLE_CUDASIM else x.__cuda_array_interface__["data"][0]


def floats(*values):
    return memory.to_device(np.array(values, np.float32))


@pytest.fixture(autouse=True)
def nothing_left():
    gc.collect()
    memory.clear()
    yield
    assert not stream.is_recording()
