"""Arrays between the CPU and a CUDA device."""

import importlib

import numpy as np

from ._check_device import described, on_device

_NUMBERS = "fiub"
_memory = None  # the module, once CUDA was found to work


def to_device(x):
    """A copy of an array-like on the current CUDA device, in C order; an array that is on a device already as it is.

    x (...), numbers -> a Numba device array (...) of the same dtype: float64 for Python's floats. Numbers of another
    dtype than float32 and float64 are copied too, for labels and for what kernels take besides. Raises TypeError for
    what holds no real numbers, RuntimeError, which says why and what helps, where CUDA cannot be used.
    """
    if on_device(x):
        return x
    array = np.asarray(x)
    if array.dtype.kind not in _NUMBERS and array.dtype.name != "bfloat16":
        raise TypeError(f"to_device: x is {array.dtype}, expected real numbers")
    return _usable("to_device").to_device(array)


def to_host(x):
    """A NumPy copy of an array on a CUDA device, whichever library made it; what is on the CPU already is not copied.

    x (...) -> NumPy array (...) of the same dtype. Waits for the work on the device that x comes from. Raises TypeError
    for an array that cannot be read, as PyTorch's that require a gradient, ValueError for strides that run backwards,
    RuntimeError, which says why and what helps, where CUDA cannot be used.

    >>> to_host(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    if isinstance(x, (np.ndarray, np.generic)):
        return x
    if not on_device(x):
        return np.asarray(x)
    strides = described("to_host", "x", x).strides
    if strides is not None and min(strides, default=0) < 0:
        raise ValueError(
            f"to_host: x has strides {tuple(strides)}, expected none below 0; turn it round by its own library first"
        )
    return _usable("to_host").to_host(x)


def _usable(op):
    global _memory
    if _memory is None:
        reason = importlib.import_module("._cuda.state", __package__).why_not()
        if reason:
            raise RuntimeError(f"{op}: CUDA cannot be used here: {reason}")
        _memory = importlib.import_module("._cuda.memory", __package__)
    return _memory
