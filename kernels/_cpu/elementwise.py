"""Kernels over flat arrays, made from a function of one element.

One task owns CHUNK elements of the output, or STREAM_CHUNK of one that is streamed. A result that is streamed, or that
takes an input's place, is computed a BLOCK at a time into memory of the task's own and copied from there: into the
place of an input directly, a loop would not be vector code, for which it must know that arrays are apart. The bits are
the same, since f is EXACT. `parameter` is a scalar of the op (a slope, say), in the arrays' dtype. `cost` is about how
many picoseconds an element takes one core.
"""

import numpy as np

from .jit import EXACT, inner, kernel
from .memory import empty_like
from .streaming import fence, stream, streams
from .threads import spread

CHUNK = 1 << 13  # 32 KB of float32, about a first-level cache
STREAM_CHUNK = 1 << 16  # a task ends with a fence, which waits for memory
BLOCK = 1 << 11  # 8 KB of float32: stays in the first level beside what is read
LIGHT, HEAVY = 60, 250  # costs of a comparison, and of exp

_DIRECT, _BLOCKS, _STREAM = range(3)  # ways of a result to its place


def unary(f=None, *, cost=LIGHT):
    """y = f(x, parameter) for every element, as `launch(x, parameter=0.0, out=None)`."""
    if f is None:
        return lambda f: unary(f, cost=cost)
    f = as_element(f)

    @inner
    def task(t, x, parameter, y, way):
        p = x.dtype.type(parameter)
        size = STREAM_CHUNK if way == _STREAM else CHUNK
        first, last = t * size, min((t + 1) * size, x.size)
        step = size if way == _DIRECT else BLOCK
        place = y if way == _DIRECT else np.empty(BLOCK, y.dtype)
        for start in range(first, last, step):
            stop = min(start + step, last)
            shift = np.uint64(0 if way == _DIRECT else start)
            for i in range(np.uint64(start), np.uint64(stop)):
                place[i - shift] = f(x[i], p)
            _put(place, y, start, stop, way)
        if way == _STREAM:
            fence()

    def loop(x, parameter, y):
        way = _STREAM if streams(y) else _BLOCKS if x.ctypes.data == y.ctypes.data else _DIRECT
        size = STREAM_CHUNK if way == _STREAM else CHUNK
        spread(task, -(-x.size // size), x.size * cost // 1000, (x, parameter, y, way))

    run = compiled(loop, f)

    def launch(x, parameter=0.0, out=None):
        y = empty_like(x) if out is None else out
        run(x.ravel(), parameter, y.ravel())
        return y

    return launch


def binary(f=None, *, cost=LIGHT):
    """z = f(x, y, parameter) for every element, as `launch(x, y, parameter=0.0, out=None)`."""
    if f is None:
        return lambda f: binary(f, cost=cost)
    f = as_element(f)

    @inner
    def task(t, x, y, parameter, z, way):
        p = x.dtype.type(parameter)
        size = STREAM_CHUNK if way == _STREAM else CHUNK
        first, last = t * size, min((t + 1) * size, x.size)
        step = size if way == _DIRECT else BLOCK
        place = z if way == _DIRECT else np.empty(BLOCK, z.dtype)
        for start in range(first, last, step):
            stop = min(start + step, last)
            shift = np.uint64(0 if way == _DIRECT else start)
            for i in range(np.uint64(start), np.uint64(stop)):
                place[i - shift] = f(x[i], y[i], p)
            _put(place, z, start, stop, way)
        if way == _STREAM:
            fence()

    def loop(x, y, parameter, z):
        shared = x.ctypes.data == z.ctypes.data or y.ctypes.data == z.ctypes.data
        way = _STREAM if streams(z) else _BLOCKS if shared else _DIRECT
        size = STREAM_CHUNK if way == _STREAM else CHUNK
        spread(task, -(-x.size // size), x.size * cost // 1000, (x, y, parameter, z, way))

    run = compiled(loop, f)

    def launch(x, y, parameter=0.0, out=None):
        z = empty_like(x) if out is None else out
        run(x.ravel(), y.ravel(), parameter, z.ravel())
        return z

    return launch


@inner
def _put(block, y, start, stop, way):
    """y[start:stop] = block, unless it is there already."""
    if way == _STREAM:
        stream(block, y, start, stop - start)
    elif way == _BLOCKS:
        for i in range(np.uint64(start), np.uint64(stop)):
            y[i] = block[i - np.uint64(start)]


def as_element(f):
    """f as part of a loop: one that is called keeps the loop from being vector code."""
    return inner(getattr(f, "py_func", f), fastmath=EXACT, forceinline=True)


def compiled(loop, f):
    loop.__module__, loop.__qualname__ = f.py_func.__module__, f.py_func.__qualname__
    return kernel(loop)
