"""Raw memory of a device, and arrays that stand on it.

In Numba's simulator memory of the host stands for the device's. There a fresh array is filled with NOTHING, NaN where
it holds floats: a kernel that reads what nobody wrote computes nonsense instead of what happened to lie there.
"""

import functools

import numpy as np
from numba import config, cuda

BOUNDARY = 256  # bytes; what cuMemAlloc promises
NOTHING = 0xFF


class Lease:
    """Memory in use: arrays, views and slices on it hold it, and with the last of them it goes back to its pool.

    pool: the one it goes back to    key: (device, bytes)    raw: what `allocate` returned
    """

    __slots__ = ("key", "pool", "raw")

    def __init__(self, pool, key, raw):
        self.pool, self.key, self.raw = pool, key, raw

    def __del__(self):
        self.pool.give(self.key, self.raw)


if config.ENABLE_CUDASIM:
    _Array = type(cuda.to_device(np.zeros(1)))

    class _Memory(np.ndarray):
        """Bytes that hold a lease. An array on a _Memory whose own base is one holds just that, not what is below."""

        lease = None

    def device():
        """The number of the current device."""
        return 0

    def allocate(size):
        """`size` bytes from the driver."""
        raw = np.empty(size + BOUNDARY, np.uint8).view(_Memory)
        start = -raw.ctypes.data % BOUNDARY
        return raw[start : start + size]

    def is_full(error):
        """Whether `allocate` raised this because there is no memory left."""
        return isinstance(error, MemoryError)

    def information():
        """(free, all) bytes of the device."""
        return 0, 0

    def flush():
        """Have the driver free now what was given back."""

    def array(lease, shape, dtype, size):
        """An array of `size` bytes on leased memory, in C order."""
        memory = lease.raw[:size]
        memory[:] = NOTHING
        memory.lease = lease
        return _Array(np.ndarray(shape, dtype, memory))

    def lease_of(x):
        """What an array holds; None if its memory is not from a pool."""
        base = getattr(x, "_ary", None)
        while isinstance(base, np.ndarray):
            if isinstance(base, _Memory):
                return base.lease
            base = base.base
        return None

    def alias(x):
        """An array on the same memory that does not hold it."""
        raw = lease_of(x).raw
        return _Array(np.ndarray(tuple(x.shape), x.dtype, raw, x.ctypes.data - raw.ctypes.data, x.strides))

    def copy(x, out, stream):
        """Copy an array on the device to another of its shape and dtype."""
        out.copy_to_device(x)

    pinned = np.empty  # memory of the host that the device reads while Python goes on

    def event():
        """Says when a copy is done."""
        return cuda.event()

    def send(page, out, sent):
        """Copy bytes of the host to an array on the device; the event `sent` says when they are there."""
        out.ravel().view(np.uint8)[:] = page

else:
    from numba.cuda.api_util import prepare_shape_strides_dtype
    from numba.cuda.cudadrv import devices, driver
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    def device():
        error, number = driver.binding.cuCtxGetDevice()
        return devices.get_context().device.id if error else int(number)  # where there is no context Numba makes one

    def allocate(size):
        return devices.get_context().memalloc(size)

    def is_full(error):
        full = driver.binding.CUresult.CUDA_ERROR_OUT_OF_MEMORY
        return isinstance(error, MemoryError) or getattr(error, "code", None) == full

    def information():
        return tuple(devices.get_context().get_memory_info())

    def flush():
        pending = getattr(devices.get_context().memory_manager, "deallocations", None)  # another manager has none
        if pending is not None:
            pending.clear()

    @functools.lru_cache(4096)
    def _attributes(shape, dtype):
        """The attributes of an array, which take Numba longer to find than a kernel's launch; its memory aside."""
        shape, strides, dtype = prepare_shape_strides_dtype(shape, None, dtype, "C")
        nowhere = driver.MemoryPointer(None, driver.binding.CUdeviceptr(0), 0)
        like = DeviceNDArray(shape, strides, dtype, gpu_data=nowhere)
        assert like._numba_type_  # which `like` keeps from here on
        return vars(like)

    def array(lease, shape, dtype, size):
        x = DeviceNDArray.__new__(DeviceNDArray)
        x.__dict__.update(_attributes(shape, dtype))
        # Numba's views pass on an owner that is none of its own pointers; its counting of references is not needed
        x.gpu_data = driver.MemoryPointer(None, lease.raw.device_pointer, size, owner=lease)
        return x

    def lease_of(x):
        owner = getattr(getattr(x, "gpu_data", None), "owner", None)
        return owner if isinstance(owner, Lease) else None

    def copy(x, out, stream):
        driver.device_to_device(out, x, x.nbytes, stream)

    def pinned(size, dtype):
        return cuda.pinned_array(size, dtype)

    def event():
        return cuda.event(timing=False)

    def send(page, out, sent):
        driver.driver.cuMemcpyHtoDAsync(driver.device_pointer(out), page.ctypes.data, page.nbytes, 0)
        sent.record(0)
