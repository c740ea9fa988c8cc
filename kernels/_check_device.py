"""The part of _check.py for arrays that lie on a device: the same rules, read from `__cuda_array_interface__`."""

import numpy as np

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def floats(op, ndim, arrays):
    """Arrays of one float dtype in C order, all on a device, of rank `ndim` if given; the first one leads."""
    host = {name: x for name, x in arrays.items() if not hasattr(x, "__cuda_array_interface__")}
    there = next(name for name in arrays if name not in host)
    for name, x in host.items():
        if isinstance(x, np.ndarray):
            raise TypeError(
                f"{op}: {name} is a NumPy array, expected one on the device because {there} is; "
                f"copy it with numba.cuda.to_device({name})"
            )
        raise TypeError(f"{op}: {name} is {x!r}, expected an array on the device because {there} is")
    leader = None
    for name, x in arrays.items():
        interface = x.__cuda_array_interface__
        shape, strides, dtype = interface["shape"], interface.get("strides"), np.dtype(interface["typestr"])
        if not isinstance(getattr(x, "dtype", None), np.dtype):  # PyTorch's dtypes are its own
            raise TypeError(
                f"{op}: {name} is a {type(x).__module__}.{type(x).__name__}, whose dtype is not NumPy's; "
                f"wrap it with numba.cuda.as_cuda_array({name}), which makes no copy"
            )
        if dtype not in _FLOATS:
            raise TypeError(
                f"{op}: {name} is {dtype}, expected float32 or float64; convert it with {name}.astype(np.float32)"
            )
        if strides is not None and not _is_c_order(shape, strides, dtype.itemsize):
            raise ValueError(
                f"{op}: {name} has shape {shape} and strides {strides}, expected C order because kernels make no "
                "silent copies; copy it into an array in C order"
            )
        if ndim is not None and len(shape) != ndim:
            raise ValueError(f"{op}: {name} has {len(shape)} axes (shape {shape}), expected {ndim}")
        if leader is None:
            leader, leader_name = dtype, name
        elif dtype != leader:
            raise TypeError(
                f"{op}: {name} is {dtype}, expected {leader} because {leader_name} is {leader}; "
                f"convert it with {name}.astype(np.{leader})"
            )


def same_device(op, out, like):
    """The caller's buffer lies where the inputs do."""
    places = ["on a CUDA device" if hasattr(x, "__cuda_array_interface__") else "a NumPy array" for x in (out, like)]
    if places[0] != places[1]:
        raise TypeError(f"{op}: out is {places[0]}, expected {places[1]} as the inputs are")


def is_writeable(x):
    """Whether an array on a device may be written."""
    return not x.__cuda_array_interface__["data"][1]


def _is_c_order(shape, strides, step):
    if 0 in shape:
        return True
    for size, stride in zip(reversed(shape), reversed(strides)):
        if size > 1 and stride != step:
            return False
        step *= size
    return True
