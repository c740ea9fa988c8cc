"""Pad and crop on the CPU: both are a window on x, which may reach outside of it.

y[i, j, …] = x[i + start_i, j + start_j, …], or `value` where x has no such place    start = -before or, cropped, before

Axes that keep their size are merged with the one before them: of an image padded in height and width a row is all its
pixels' channels. One task owns elements of y that follow each other; where y is streamed they are put together in a
BLOCK of the task's own, because rows of y begin anywhere, and streams on a vector's boundary.
"""

from functools import lru_cache

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty
from .._cpu.streaming import fence, stream, streams
from .._cpu.threads import spread

CHUNK = 1 << 14
STREAM_CHUNK = 1 << 16  # a task ends with a fence, which waits for memory
BLOCK = 1 << 11


def pad_forward(x, *, width, value=0.0, out=None):
    return _look(x, width, 1, value, out)


def pad_backward(dy, *, width, out=None):
    return _look(dy, width, -1, 0.0, out)


def crop_forward(x, *, width, out=None):
    return _look(x, width, -1, 0.0, out)


def crop_backward(dy, *, width, out=None):
    return _look(dy, width, 1, 0.0, out)


def _look(x, width, sign, value, out):
    shape, *plan = _plan(x.shape, tuple(map(tuple, width)), sign)
    y = empty(shape, x.dtype) if out is None else out
    _window(x.reshape(-1), *plan, float(value), y.reshape(-1))
    return y


@lru_cache(maxsize=1024)
def _plan(shape, width, sign):
    """(shape of y, and of the merged axes: sizes of x, sizes of y, places of x where y starts)."""
    axes = []
    for n, (before, after) in zip(shape, width):
        if axes and not before and not after:
            axes[-1] = tuple(n * one for one in axes[-1])
        else:
            axes.append((n, n + sign * (before + after), -sign * before))
    new = tuple(n + sign * sum(pair) for n, pair in zip(shape, width))
    return new, *np.array(axes or [(1, 1, 0)], np.int64).T.copy()


@kernel
def _window(x, sizes, shape, starts, value, y):
    streamed = streams(y)
    size = STREAM_CHUNK if streamed else CHUNK
    value = y.dtype.type(value)
    spread(_window_task, -(-y.size // size), y.size // 8, (x, sizes, shape, starts, value, size, streamed, y))


@inner
def _window_task(task, x, sizes, shape, starts, value, size, streamed, y):
    first, end = task * size, min((task + 1) * size, y.size)
    index = np.empty(sizes.size, np.int64)
    if not streamed:
        _fill(x, sizes, shape, starts, value, index, first, end, y, 0)
        return
    block = np.empty(BLOCK, y.dtype)
    for start in range(first, end, BLOCK):
        stop = min(start + BLOCK, end)
        _fill(x, sizes, shape, starts, value, index, start, stop, block, start)
        stream(block, y, start, stop - start)
    fence()


@inner
def _fill(x, sizes, shape, starts, value, index, first, end, place, shift):
    """place[i - shift] = y[i] for i from first to end, row after row; `index` is for the axes before the last."""
    last = sizes.size - 1
    N, R = sizes[last], shape[last]
    rest, to = first // R, first
    row = rest * R  # where this row of y begins
    for axis in range(last - 1, -1, -1):
        index[axis], rest = rest % shape[axis], rest // shape[axis]
    while to < end:
        inside, source = True, 0
        for axis in range(last):
            i = index[axis] + starts[axis]
            inside &= 0 <= i < sizes[axis]
            source = source * sizes[axis] + i
        stop = min(end, row + R)
        low = min(max(row - starts[last], to), stop) if inside else stop
        high = min(max(row - starts[last] + N, low), stop)
        start, middle = np.uint64(source * N + low - row + starts[last]), np.uint64(low - shift)
        for i in range(np.uint64(to - shift), middle):
            place[i] = value
        for i in range(np.uint64(high - low)):
            place[middle + i] = x[start + i]
        for i in range(np.uint64(high - shift), np.uint64(stop - shift)):
            place[i] = value
        row, to = row + R, stop
        for axis in range(last - 1, -1, -1):
            index[axis] += 1
            if index[axis] < shape[axis]:
                break
            index[axis] = 0
