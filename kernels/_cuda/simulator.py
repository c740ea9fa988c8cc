"""Numba's simulator made fit for whole programs: `prepare()`, where NUMBA_ENABLE_CUDASIM is set. It is no GPU."""

import numpy as np
from numba import cuda

from . import launch

THREADS, BLOCKS = 4, 2  # tiny, so that small arrays take several blocks, the last one partial, and threads walk on


def prepare():
    """Give the simulator's arrays what tells an array on a device, which they lack, and kernels tiny blocks."""
    type(cuda.to_device(np.zeros(1))).__cuda_array_interface__ = property(_interface)
    launch.THREADS, launch.BLOCKS_PER_MULTIPROCESSOR = THREADS, BLOCKS


def _interface(x):
    strides = None if x.flags["C_CONTIGUOUS"] else x.strides
    return {"shape": x.shape, "typestr": x.dtype.str, "strides": strides, "data": (x.ctypes.data, False), "version": 3}
