"""The one place that CUDA faces take arrays from."""

import numpy as np
from numba import cuda

from . import stream


def empty(shape, dtype):
    """An uninitialised array on the device, in C order."""
    return cuda.device_array(shape, dtype, stream=stream.current())


def empty_like(x):
    """An uninitialised array of x's shape and dtype."""
    return empty(x.shape, x.dtype)


def to_device(x):
    """A copy of a NumPy array on the device, in C order."""
    return cuda.to_device(np.ascontiguousarray(x).reshape(x.shape), stream=stream.current())
