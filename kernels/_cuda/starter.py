"""A kernel with its grid, started in a tenth of the time that Numba's Python takes for it; not for the simulator.

Numba asks at every launch which overload the arguments' types ask for, wraps every argument, and makes the launch's
description anew: 40 us, without the driver, where a small kernel itself takes 5. Here overload and description are
kept. What is passed is what Numba passes: of an array two unused words, the number of elements, the bytes of one, the
address, the shape and the strides. Has run with a stand-in for the driver, not on a card.
"""

import ctypes
import warnings

import numpy as np
from cuda.core import LaunchConfig, launch
from numba.core.errors import NumbaPerformanceWarning as OfNumba
from numba.cuda.core.errors import NumbaPerformanceWarning as OfNumbaCuda
from numba.cuda.cudadrv.devicearray import DeviceNDArray

from . import buffers

# how numbers are passed, by their class; of others, such as tuples, Numba knows
_NUMBERS = {
    bool: bool,
    int: ctypes.c_int64,
    float: ctypes.c_double,
    np.bool_: np.bool_,
    np.float32: ctypes.c_float,
    np.float64: ctypes.c_double,
    np.int32: ctypes.c_int32,
    np.int64: ctypes.c_int64,
    np.uint32: ctypes.c_uint32,
    np.uint64: ctypes.c_uint64,
}


class Starter:
    """Start `kernel` on a grid of `blocks` of `threads` on a stream, with arguments of any types."""

    def __init__(self, kernel, blocks, threads, stream):
        self._kernel = kernel
        with warnings.catch_warnings():  # that a grid is small: small arrays are no mistake
            for category in (OfNumba, OfNumbaCuda):
                warnings.simplefilter("ignore", category)
            self._numbas = kernel[blocks, threads, stream, getattr(kernel, "dynamic_shared", 0)]
        self._stream, shared = self._numbas.stream, self._numbas.sharedmem
        self._config = LaunchConfig(grid=self._numbas.griddim, block=self._numbas.blockdim, shmem_size=shared)
        self._loaded = {}  # {(device, types of the arguments): cuda.core's kernel, or None where Numba has to start it}

    def __call__(self, *arguments):
        key, values = [buffers.device()], []
        for x in arguments:
            kind = x.__class__
            if kind is DeviceNDArray:
                key.append(x._numba_type_)
                values += (0, 0, x.size, x.dtype.itemsize, int(x.gpu_data.device_pointer), *x.shape, *x.strides)
            elif kind in _NUMBERS:
                key.append(kind)
                values.append(_NUMBERS[kind](x))
            else:
                return self._numbas(*arguments)
        key = tuple(key)
        if key not in self._loaded:
            self._loaded[key] = self._load(arguments)
        loaded = self._loaded[key]
        if loaded is None:
            return self._numbas(*arguments)
        launch(self._stream, self._config, loaded, *values)

    def _load(self, arguments):
        compiled = self._kernel.compile(tuple(map(self._kernel.typeof_pyval, arguments)))
        if compiled.debug or compiled.cooperative or compiled.extensions or compiled.launch_config_sensitive:
            return None
        return compiled._codelibrary.get_cufunc().kernel
