"""Arrays on a device, whoever made them, as Numba's device arrays on the same memory: no copy is made.

Order: what Numba's arrays and kernels do comes after all work on CUDA's default stream and on the streams that do not
opt out of waiting for it. An array that its owner works on elsewhere names that stream, which is waited for once.
"""

import functools
import inspect

from numba import config, cuda

from .._check_device import NO_ORDER, described, on_device
from . import stream

DEFAULT_STREAM = 1  # its number in both protocols
_PLAIN = {int, float, bool, str, tuple, type(None)}

if config.ENABLE_CUDASIM:

    def adopt(x, op="adopt", name="x"):
        """x: the simulator's arrays lie nowhere else."""
        return x

else:
    from numba.cuda.cudadrv.devicearray import DeviceNDArray
    from numba.cuda.cudadrv.driver import binding, driver

    def adopt(x, op="adopt", name="x"):
        """x, or a Numba array on the memory of x if x is another library's array on a device."""
        if type(x) in _PLAIN or isinstance(x, DeviceNDArray) or not on_device(x):
            return x
        recorded = stream.current() != 0  # and runs later: what comes before it then, nobody knows now
        like = described(op, name, x, NO_ORDER if recorded else DEFAULT_STREAM)
        if like.stream not in (None, DEFAULT_STREAM) and not recorded:
            cuda.external_stream(like.stream).synchronize()
        interface = {
            "shape": like.shape,
            "strides": like.strides,
            "typestr": like.dtype,
            "data": (like.place, like.read_only),
            "version": 3,
        }
        return cuda.from_cuda_array_interface(interface, owner=like.owner, sync=False)

    def device_of(x):
        """The number of the device on which a Numba array lies; None if it is empty."""
        place = x.device_ctypes_pointer.value if x.size else None
        if place is None:
            return None
        attribute = binding.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
        return int(driver.cuPointerGetAttribute(attribute, binding.CUdeviceptr(place)))

    def current_device():
        """The number of the device on which Numba starts kernels."""
        return cuda.get_current_device().id


@functools.cache
def several_devices():
    """Whether an array can lie on another device than the one that kernels run on."""
    return not config.ENABLE_CUDASIM and len(cuda.gpus) > 1


def adopting(op, function):
    """A function of a cuda.py, made to take any library's arrays. A buffer `out` is returned as it was given."""
    names = tuple(inspect.signature(function).parameters)

    def call(*arguments, **options):
        taken = [_adopted(x, op, name) for name, x in zip(names, arguments)]
        known = {name: adopt(x, op, name) for name, x in options.items()}
        if several_devices():
            _on_one_device(op, {**dict(zip(names, taken)), **known})
        y = function(*taken, **known)
        return y if options.get("out") is None else options["out"]

    return call


def _adopted(x, op, name):
    """An array, or a list of arrays."""
    return [adopt(each, op, f"{name}[{i}]") for i, each in enumerate(x)] if x.__class__ is list else adopt(x, op, name)


def _named(arguments):
    """Names and arrays; those of a list one by one."""
    for name, x in arguments.items():
        if x.__class__ is list:
            yield from ((f"{name}[{i}]", each) for i, each in enumerate(x))
        else:
            yield name, x


def _on_one_device(op, arguments):
    here = current_device()
    for name, x in _named(arguments):
        there = device_of(x) if isinstance(x, DeviceNDArray) else None
        if there not in (None, here):
            raise ValueError(
                f"{op}: {name} is on CUDA device {there}, expected device {here} because kernels run on Numba's "
                f"current one; move {name} with tw.to_device(tw.to_host({name})), or call "
                f"numba.cuda.select_device({there}) before all else"
            )
