"""The one place that CUDA faces take arrays from: a pool that hands out again what nobody holds any more.

An allocation by the driver takes as long as a small kernel and may wait for the device, so after the first step of a
shape there is none. Everything runs in the order of one stream: memory can be handed out again at once, because what
still uses it was started before. A graph has a pool of its own, whose memory is nobody else's while the graph lives.

What is here has run in Numba's simulator and, with a stand-in for the driver, on Numba's device arrays; on no card.
"""

import gc
import math
from collections import namedtuple

import numpy as np
from numba import cuda

from . import buffers, stream
from .arrays import adopt

SMALLEST = 512  # bytes of a buffer

# calls of the driver so far; bytes it gave; bytes of them that are free in the pool
Statistics = namedtuple("Statistics", "allocations held free")


class Pool:
    """Memory that nobody holds: {(device, bytes): raw buffers}.

    Leases end in whatever thread drops the last array, so that only single operations on lists are used here, which
    need no lock.
    """

    def __init__(self):
        self._free = {}
        self._heir = None

    def take(self, key):
        """A free buffer, or None."""
        try:
            return self._free[key].pop()
        except (KeyError, IndexError):
            return None

    def give(self, key, raw):
        """Take a buffer back."""
        if self._heir is None:
            self._free.setdefault(key, []).append(raw)
        else:
            self._heir.give(key, raw)

    def bequeath(self, heir):
        """Give everything to another pool, what is in use now too as soon as it comes back."""
        self._heir = heir
        for key, raws in self._free.items():
            while raws:
                heir.give(key, raws.pop())

    def drop(self):
        """Forget all buffers; their bytes."""
        size = 0
        for key, raws in self._free.items():
            while raws:
                del _buffers[id(raws.pop())]
                size += key[1]
        return size

    def size(self):
        """Bytes of all buffers."""
        return sum(key[1] * len(raws) for key, raws in list(self._free.items()))


common = Pool()
# Every buffer, so that none is part of a cycle that is collected: Numba's finalizer would free it before its lease ends
_buffers = {}  # {id: raw}
_allocations = _held = 0


def empty(shape, dtype, pool=None):
    """An uninitialised array on the device, in C order, of the current pool unless another is given.

    Raises MemoryError if the device has no memory for it, also after the pool's free buffers were given back.
    """
    shape = tuple(shape) if hasattr(shape, "__len__") else (int(shape),)
    dtype = np.dtype(dtype)
    size = dtype.itemsize * math.prod(shape)
    if size == 0:
        return cuda.device_array(shape, dtype)  # no memory, no call
    return buffers.array(_lease(size, pool), shape, dtype, size)


def empty_like(x):
    """An uninitialised array of x's shape and dtype."""
    return empty(x.shape, x.dtype)


def to_device(x):
    """A copy of a NumPy array on the device, in C order."""
    stream.refuse_recording("a copy of an array to the device")
    y = empty(x.shape, x.dtype)
    if x.size:
        y.reshape(-1).copy_to_device(np.ascontiguousarray(x).reshape(-1))  # Numba drops axes whose stride is 0
    return y


def to_host(x):
    """A copy of an array on the device as a NumPy array, when everything that was started before is done."""
    stream.refuse_recording("a copy of an array to the host")
    return adopt(x).bind(0).copy_to_host()


def copy(x, out):
    """Copy an array in C order to another of its shape and dtype, both on the device; can be recorded."""
    if tuple(x.shape) != tuple(out.shape) or x.dtype != out.dtype:
        raise ValueError(f"copy: out is {out.dtype} {tuple(out.shape)}, expected {x.dtype} {tuple(x.shape)} as x is")
    if x.size:
        if stream.recording is None:
            buffers.copy(x, out, 0)
        else:
            stream.recording.copy(x, out)


def statistics():
    """What the driver was asked for so far."""
    return Statistics(_allocations, _held, common.size())


def clear():
    """Give the free buffers back to the driver; those of graphs stay with them."""
    global _held
    _held -= common.drop()
    buffers.flush()


def _lease(size, pool):
    key = buffers.device(), size_class(size)
    if pool is None:
        pool = common if stream.recording is None else stream.recording.pool
    raw = pool.take(key)
    if raw is None and pool is not common:
        raw = common.take(key)
    if raw is None:
        raw = _allocate(key[1], size)
    return buffers.Lease(pool, key, raw)


def size_class(size):
    """The next eighth of a power of two, so that nearby sizes share a buffer and at most 12 % is wasted."""
    step = max(SMALLEST, 1 << max(size.bit_length() - 4, 0))
    return -(-size // step) * step


def _allocate(size, asked):
    global _allocations, _held
    try:
        raw = buffers.allocate(size)
    except Exception as error:
        if not buffers.is_full(error):
            raise
        gc.collect()  # a cycle of objects may hold arrays
        clear()
        try:
            raw = buffers.allocate(size)
        except Exception as error:
            if not buffers.is_full(error):
                raise
            raise _out_of_memory(asked) from None
    _buffers[id(raw)] = raw
    _allocations += 1
    _held += size
    return raw


def _out_of_memory(asked):
    free, total = buffers.information()
    return MemoryError(
        f"the device has no {_words(asked)} left: {_words(free)} of {_words(total)} are free, tilewright's arrays and "
        f"recorded steps hold {_words(_held)}; take a smaller batch, drop arrays and models that are no longer "
        f"needed, or see with `nvidia-smi` which other processes hold memory"
    )


def _words(size):
    power = min(max(int(size).bit_length() - 1, 0) // 10, 3)
    return f"{size / 1024**power:.4g} {('bytes', 'KiB', 'MiB', 'GiB')[power]}"
