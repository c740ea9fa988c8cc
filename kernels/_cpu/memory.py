"""The one place that CPU launchers take arrays from: a pool that hands out again what nobody holds any more.

A fresh large array costs a page fault every 4 KB, as much as a memory-bound kernel itself. NumPy makes every view of
a view point at the buffer that owns the memory, so the buffer's reference count tells when the last array on it is
gone: no release call, and closures may hold what they like.
"""

import ctypes
import math
import os
import sys
import threading

import numpy as np

from .. import _varying

POOLED = 1 << 16  # bytes; below this malloc answers from memory that it already has
ALIGNMENT = 64  # a cache line, and the widest vector

_lock = threading.Lock()
_pools: dict[int, list[np.ndarray]] = {}
_first: dict[int, int] = {}  # first byte on a boundary, by the id of a pool's buffer: asking anew takes a microsecond


def empty(shape, dtype):
    """An uninitialised array in C order; on a 64-byte boundary, and from the pool, if it is large."""
    count = math.prod(shape) if shape.__class__ is tuple else shape
    y = np.empty(shape, dtype) if count * dtype.itemsize < POOLED else aligned(shape, dtype)
    if _varying.recording is not None:
        _varying.made(y)
    return y


def aligned(shape, dtype):
    """An uninitialised array in C order on a 64-byte boundary, from the pool."""
    size = dtype.itemsize * (math.prod(shape) if shape.__class__ is tuple else shape)
    buffer = _buffer(_size_class(size))
    y = np.ndarray(shape, dtype, buffer, _first[id(buffer)])
    if _varying.recording is not None:
        _varying.made(y)
    return y


def empty_like(x):
    """An uninitialised array of x's shape and dtype."""
    return empty(x.shape, x.dtype)


def clear():
    """Give the free buffers back to the operating system."""
    with _lock:
        for size, pool in _pools.items():
            _pools[size] = [pool[i] for i in range(len(pool)) if not _is_free(pool, i)]
        kept = {id(buffer) for pool in _pools.values() for buffer in pool}
        for one in _first.keys() - kept:
            del _first[one]


def _size_class(size):
    """The next eighth of a power of two, so that nearby sizes share a buffer and at most 12 % is wasted."""
    step = 1 << max(size.bit_length() - 4, 12)
    return -(-size // step) * step


def _buffer(size):
    with _lock:
        pool = _pools.setdefault(size, [])
        for i in range(len(pool)):
            if _is_free(pool, i):
                return pool[i]
        buffer = np.empty(size + ALIGNMENT, np.uint8)
        _first[id(buffer)] = -buffer.ctypes.data % ALIGNMENT
        pool.append(buffer)
        return buffer


def _is_free(pool, i):
    return sys.getrefcount(pool[i]) <= _UNHELD


def _count_of_unheld():
    pool = [np.empty(0)]
    i = 0
    return sys.getrefcount(pool[i])


_UNHELD = _count_of_unheld()  # measured, because interpreters differ in what they count


def _keep_freed_memory():
    """Ask glibc's malloc to keep what kernels free: their tasks take scratch of up to a few megabytes in every call.

    With its defaults such a block may go back to the system when it is freed, and cost a page fault every 4 KB when it
    is taken again: half of a convolutional network's step. The user's own settings are left alone.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, size in ((_M_MMAP_THRESHOLD, 32 << 20), (_M_TRIM_THRESHOLD, 256 << 20)):
            mallopt(parameter, size)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_keep_freed_memory()
