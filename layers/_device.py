"""Where arrays lie: on the CPU or on a CUDA device. Weights are made where `use` says, and follow the data.

Nothing of CUDA is imported before an array is on a device or shall be.
"""

import importlib

import numpy as np

from ..kernels import _check as check
from ..kernels import _device as kernels
from ..kernels._check_device import on_device as _lies_on_device
from ..kernels._varying import copied, noted

_current = "cpu"
_ndarray = np.ndarray


def use(device):
    """Choose where new weights are made, and so where models train: "cpu" or "cuda".

    Everything else stays as it is: `fit`, `evaluate` and `predict` take NumPy arrays and bring the data to the model.
    Arrays that are on a device already (Numba, CuPy, PyTorch, JAX) need no `use`: the weights follow them. Raises
    RuntimeError, which says why and what helps, where CUDA cannot be used.

    >>> use("cpu")
    """
    global _current
    check.choice("use", "device", device, ("cpu", "cuda"))
    if device == "cuda":
        expect_cuda("use")
    _current = device


def used():
    """The device that `use` chose."""
    return _current


def expect_cuda(op):
    """CUDA can be used here; RuntimeError if not."""
    reason = importlib.import_module("..kernels._cuda.state", __package__).why_not()
    if reason:
        raise RuntimeError(f"{op}: CUDA cannot be used here: {reason}")


def on_device(x):
    """Whether an array, of whichever library, lies on a CUDA device."""
    return x.__class__ is not _ndarray and _lies_on_device(x)


def to_device(x):
    """A copy of a NumPy array on the device."""
    return kernels.to_device(x)


def to_host(x):
    """A NumPy copy of an array on a device; anything else as it is."""
    return kernels.to_host(x) if on_device(x) else x


def adopted(x):
    """An array on a device, of whichever library, as Numba's on the same memory."""
    return importlib.import_module("..kernels._cuda.arrays", __package__).adopt(x)


def placed(x, device):
    """The array on "cpu" or "cuda"; as it is where it lies there."""
    if on_device(x) == (device == "cuda"):
        return x
    return to_device(x) if device == "cuda" else to_host(x)


def beside(x, like):
    """The array x where the array `like` lies."""
    return placed(x, "cuda" if on_device(like) else "cpu")


def zeros_like(x):
    """Zeros of x's shape and dtype where x lies."""
    return beside(np.zeros(x.shape, x.dtype), x)


def fresh_copy(x):
    """A copy where x lies."""
    return copied(x) if x.__class__ is np.ndarray else x.copy()


def assign(x, values):
    """Fill x, wherever it lies, with a NumPy array's values."""
    if on_device(x):
        x.reshape(-1).copy_to_device(np.ascontiguousarray(values, x.dtype).reshape(-1))
    else:
        x[...] = values


def add_into(total, x):
    """total += x, element by element, wherever they lie; the sum, for a number has no place of its own."""
    if on_device(total):
        importlib.import_module("..kernels._cuda.accumulate", __package__).add_into(total, x)
        return total
    if total.__class__ is np.ndarray:
        return noted(np.add, total, x, total)
    return total + x
