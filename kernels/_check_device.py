"""The part of _check.py for arrays that lie on a device, whichever library made them: the same rules.

What an array is like is read from Numba's arrays directly, of all others through `__cuda_array_interface__` or, where
they have none, through DLPack. bfloat16 is the dtype of that name of ml_dtypes, which PyTorch's, JAX's and CuPy's
bfloat16 are taken for; an array of uint16 is one of integers, also where its owner means bits of bfloat16.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

import numpy as np

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_HALVES = ("float16", "bfloat16")
_WITH_HALVES = {"matmul_forward", "matmul_backward", "linear_forward", "linear_backward"}  # in all of their ways
_DLPACK_CUDA = (2, 13)  # kDLCUDA and kDLCUDAManaged of dlpack.h
NO_ORDER = -1  # for DLPack a stream on which nothing waits


def on_device(x):
    """Whether x is an array on a CUDA device. Imports nothing."""
    if hasattr(type(x), "__cuda_ndarray__"):  # Numba's, whose other attributes take their time
        return True
    try:
        if hasattr(x, "__cuda_array_interface__"):
            return True
    except Exception:  # so PyTorch refuses a tensor that requires a gradient; DLPack says where it is
        pass
    place = getattr(x, "__dlpack_device__", None)
    return place is not None and place()[0] in _DLPACK_CUDA


def takes_halves(op):
    """Whether an op takes float16 and bfloat16 on a CUDA device."""
    return f"{op}_forward" in _WITH_HALVES


class Described(NamedTuple):
    """An array on a device, in NumPy's words."""

    shape: tuple
    strides: tuple | None  # in bytes; None says C order
    dtype: np.dtype
    read_only: bool
    place: int | None = None  # its address; None of Numba's arrays
    stream: int | None = None  # on which its owner works, by its address; None where nothing waits for it
    owner: object = None  # of the memory


def described(op, name, x, stream=NO_ORDER):
    """What an array on a device is like. Where it comes by DLPack, work on `stream` waits for its owner's work."""
    if hasattr(type(x), "__cuda_ndarray__"):
        return Described(x.shape, None if x.is_c_contiguous() else x.strides, x.dtype, False)
    if getattr(x, "requires_grad", False):
        raise TypeError(
            f"{op}: {name} requires a gradient, which its library would not see flow through kernels; "
            f"pass {name}.detach()"
        )
    try:
        interface = getattr(x, "__cuda_array_interface__", None)
    except Exception:  # so JAX refuses bfloat16, which DLPack knows
        interface = None
    if interface is None:
        return _by_dlpack(op, name, x, stream)
    dtype, (place, read_only) = interface["typestr"], interface["data"]
    if dtype[1:] == "V2" and str(getattr(x, "dtype", "")).endswith("bfloat16"):
        dtype = bfloat16(op, name)
    strides, stream = interface.get("strides"), interface.get("stream")
    return Described(interface["shape"], strides, np.dtype(dtype), read_only, place, stream, x)


def dtype(op, name, x):
    """The dtype of an array on a device, as NumPy's."""
    return described(op, name, x).dtype


def bfloat16(op, name):
    """The dtype that NumPy takes from ml_dtypes."""
    try:
        return np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    except ImportError:
        raise TypeError(
            f"{op}: {name} is bfloat16, for which NumPy needs ml_dtypes, which is not installed; pip install ml_dtypes"
        ) from None


def _by_dlpack(op, name, x, stream):
    try:
        view = importlib.import_module("._cuda.dlpack", __package__).view
    except ImportError:
        reason = importlib.import_module("._cuda.state", __package__).why_not()
        raise RuntimeError(f"{op}: {name} is on a CUDA device, but CUDA cannot be used here: {reason}") from None
    if str(getattr(x, "dtype", "")).endswith("bfloat16"):
        bfloat16(op, name)
    try:
        seen = view(x, stream)
        dtype = np.dtype(seen.dtype)
    except (BufferError, NotImplementedError, TypeError) as error:
        raise TypeError(f"{op}: {name} does not give its memory: {error}") from error
    strides = seen.strides and tuple(stride * dtype.itemsize for stride in seen.strides)
    return Described(tuple(seen.shape), strides, dtype, seen.readonly, seen.ptr, None, seen)


def floats(op, ndim, arrays):
    """Arrays of one float dtype in C order, all on a device, of rank `ndim` if given; the first one leads."""
    if _are_numbas(ndim, arrays):
        return
    there = next(name for name, x in arrays.items() if on_device(x))
    for name, x in arrays.items():
        if not on_device(x):
            _elsewhere(op, name, x, there)
    halves = op in _WITH_HALVES
    leader = None
    for name, x in arrays.items():
        shape, strides, dtype, *_ = described(op, name, x)
        if dtype not in _FLOATS and not (halves and dtype.name in _HALVES):
            _explain_dtype(op, name, x, dtype)
        _c_order(op, name, x, shape, strides, dtype)
        if ndim is not None:
            _rank(op, name, shape, ndim)
        if leader is None:
            leader, leader_name = dtype, name
        elif dtype != leader:
            raise TypeError(
                f"{op}: {name} is {dtype}, expected {leader} because {leader_name} is {leader}; "
                f"convert it with {_converted(name, x, leader)}"
            )


def _are_numbas(ndim, arrays):
    """Whether all is well and all arrays are Numba's, the usual case, as quickly as can be."""
    dtype = None
    for x in arrays.values():
        if not hasattr(type(x), "__cuda_ndarray__") or not x.is_c_contiguous() or (ndim is not None and x.ndim != ndim):
            return False
        if x.dtype is not dtype:
            if dtype is not None or x.dtype not in _FLOATS:
                return False
            dtype = x.dtype
    return True


def integers(op, name, x, ndim, beside):
    """An array of integers in C order that lies where the array of `beside`, (name, array) or None, does."""
    if beside is not None:
        there, other = beside
        if not on_device(x):
            _elsewhere(op, name, x, there)
        if not on_device(other):
            raise TypeError(
                f"{op}: {name} is on a CUDA device, expected a NumPy array because {there} is one; "
                f"copy it with tw.to_host({name})"
            )
    shape, strides, dtype, *_ = described(op, name, x)
    if dtype.kind not in "iu" or not dtype.isnative:
        raise TypeError(
            f"{op}: {name} is {dtype}, expected an integer dtype; convert it with {_converted(name, x, 'int64')}"
        )
    _c_order(op, name, x, shape, strides, dtype)
    if ndim is not None:
        _rank(op, name, shape, ndim)


def host_out(op, out, read):
    """A buffer in NumPy's memory: writeable, and apart from {name: array}, which are read after it is written to."""
    if not out.flags.writeable:
        raise ValueError(f"{op}: out is read-only; pass a writeable array")
    for name, x in read.items():
        if isinstance(x, np.ndarray) and np.may_share_memory(out, x) and np.shares_memory(out, x):
            raise ValueError(f"{op}: out shares memory with {name}, which is still read then; pass another array")


def out(op, given, like):
    """The caller's buffer lies where the inputs do, has their dtype and may be written."""
    if not on_device(like):
        raise TypeError(
            f"{op}: out is on a CUDA device, expected a NumPy array as the inputs are; pass tw.to_host(out), or no out"
        )
    if not on_device(given):
        raise TypeError(
            f"{op}: out is a NumPy array, expected one on the device as the inputs are; "
            "pass tw.to_device(out), or no out"
        )
    if given.__class__ is like.__class__ and given.dtype is like.dtype and hasattr(type(given), "__cuda_ndarray__"):
        return
    expected, actual = dtype(op, "the input", like), dtype(op, "out", given)
    if actual != expected:
        raise TypeError(f"{op}: out is {actual}, expected {expected}, the dtype of the inputs")
    if described(op, "out", given).read_only:
        raise ValueError(f"{op}: out is read-only; pass a writeable array")


def writeable(op, name, x):
    """The array may be written."""
    if described(op, name, x).read_only:
        raise ValueError(f"{op}: {name} is read-only; pass a writeable array, such as tw.to_device(tw.to_host({name}))")


def kind(x):
    """What x is, in words."""
    article = "an" if type(x).__name__[0] in "aeiouAEIO" else "a"
    return f"{article} {type(x).__name__}" if x is not None else "None"


def _elsewhere(op, name, x, there):
    """The error for an argument that is not on the device, where the argument `there` is."""
    if x is None or isinstance(x, (str, bytes, int, float)):
        raise TypeError(f"{op}: {name} is {x!r}, expected an array on the device because {there} is")
    what = "a NumPy array" if isinstance(x, np.ndarray) else kind(x)
    raise TypeError(
        f"{op}: {name} is {what}, expected an array on the device because {there} is; copy it with tw.to_device({name})"
    )


def _explain_dtype(op, name, x, dtype):
    expected = "float32 or float64"
    if dtype.name in _HALVES:
        expected += " because this op has no kernel of 16 bits"
    elif op in _WITH_HALVES:
        expected = "float16, bfloat16, float32 or float64"
        if dtype.str[1:] in ("u2", "V2"):
            raise TypeError(
                f"{op}: {name} is {dtype}, expected {expected}; bits of bfloat16 are {name}.view(ml_dtypes.bfloat16)"
            )
    raise TypeError(f"{op}: {name} is {dtype}, expected {expected}; convert it with {_converted(name, x, 'float32')}")


def _c_order(op, name, x, shape, strides, dtype):
    if strides is not None and not _is_c_order(shape, strides, dtype.itemsize):
        remedy = f"{name}.contiguous()" if _is_torch(x) else f"tw.to_device(tw.to_host({name}))"
        raise ValueError(
            f"{op}: {name} has shape {tuple(shape)} and strides {tuple(strides)}, expected C order because kernels "
            f"make no silent copies; copy it with {remedy}"
        )


def _rank(op, name, shape, ndim):
    if len(shape) != ndim:
        raise ValueError(f"{op}: {name} has {len(shape)} axes (shape {tuple(shape)}), expected {ndim}")


def _converted(name, x, dtype):
    """What a user writes to get x in another dtype, by the library that it is of."""
    if _is_torch(x):
        return f"{name}.to(torch.{dtype})"
    known = f"ml_dtypes.{dtype}" if str(dtype) == "bfloat16" else f"np.{dtype}"
    if hasattr(type(x), "astype"):
        return f"{name}.astype({known})"
    return f"tw.to_device(tw.to_host({name}).astype({known}))"


def _is_torch(x):
    return type(x).__module__.partition(".")[0] == "torch"


def _is_c_order(shape, strides, step):
    if 0 in shape:
        return True
    for size, stride in zip(reversed(shape), reversed(strides)):
        if size > 1 and stride != step:
            return False
        step *= size
    return True
