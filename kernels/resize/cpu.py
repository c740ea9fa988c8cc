"""Upsampling of images on the CPU.

x (N, H, W, C)    y (N, P, Q, C)    y = A x B^T along height and width; the gradient is the same with A^T and B^T

A and B are sparse: row p of A has in taps[ends[p] : ends[p + 1]] the places of x that it takes, and what it weighs
them with in `weights`, in ascending order. Nearest takes one place, bilinear two: output p lies at
(p + 1/2) / f - 1/2 = (2 p + 1 - f) / 2 f, in whole numbers, so that no centre is missed.

A task owns rows of y. For each it adds up rows of x, and then the pixels of their sum; where it takes but one row, as
it is, it goes to the pixels at once, and where that is the row of before, it copies. A large result is streamed past
the caches, from a line of the task's own.
"""

from functools import lru_cache

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import empty
from .._cpu.streaming import fence, stream, streams
from .._cpu.threads import spread

CHUNK = 1 << 15  # elements of a task
FEW = 8  # channels


def upsample2d_forward(x, *, factor=2, interpolation="nearest", out=None):
    N, H, W, C = x.shape
    f, g = factor
    y = empty((N, f * H, g * W, C), x.dtype) if out is None else out
    down, across = (_matrix(*axis, interpolation, False, x.dtype) for axis in ((H, f), (W, g)))
    _resample(x.reshape(-1), N, H, W, C, *down, *across, y.reshape(-1))
    return y


def upsample2d_backward(dy, *, factor=2, interpolation="nearest"):
    N, P, Q, C = dy.shape
    f, g = factor
    dx = empty((N, P // f, Q // g, C), dy.dtype)
    down, across = (_matrix(*axis, interpolation, True, dy.dtype) for axis in ((P // f, f), (Q // g, g)))
    _resample(dy.reshape(-1), N, P, Q, C, *down, *across, dx.reshape(-1))
    return dx


@lru_cache(maxsize=256)
def _matrix(H, f, interpolation, turned, dtype):
    """(ends, taps, weights) of A (f H, H), or of A^T."""
    outputs = np.arange(H * f)
    if interpolation == "nearest":
        rows, taps, weights = outputs, outputs // f, np.ones(H * f)
    else:
        below, over = np.divmod(2 * outputs + 1 - f, 2 * f)
        above = over / (2 * f)
        rows, taps = np.repeat(outputs, 2), np.clip(np.stack((below, below + 1), 1), 0, H - 1).reshape(-1)
        weights = np.stack((1 - above, above), 1).reshape(-1)
    if turned:
        order = np.argsort(taps, kind="stable")
        rows, taps, weights = taps[order], rows[order], weights[order]
    ends = np.searchsorted(rows, np.arange((H if turned else H * f) + 1))
    return ends.astype(np.int64), taps.astype(np.int64), weights.astype(dtype)


@kernel
def _resample(x, N, H, W, C, ends, taps, weights, ends_across, taps_across, weights_across, y):
    P, Q = ends.size - 1, ends_across.size - 1
    group = max(1, CHUNK // max(1, Q * C))
    arguments = (H, W, C, ends, taps, weights, ends_across, taps_across, weights_across, group, y)
    spread(_resample_rows, -(-(N * P) // group), max(x.size, y.size) // 4, (x, N * P, *arguments))


@inner
def _resample_rows(task, x, rows, H, W, C, ends, taps, weights, ends_across, taps_across, weights_across, group, y):
    P, size = ends.size - 1, (ends_across.size - 1) * C
    streamed = streams(y) and size * y.itemsize % VECTOR_BYTES == 0
    total, line = np.empty(W * C, y.dtype), np.empty(size if streamed else 0, y.dtype)
    for row in range(task * group, min((task + 1) * group, rows)):
        p, image, to = row % P, row // P * H * W * C, row * size
        first, end = ends[p], ends[p + 1]
        alone = end == first + 1 and weights[first] == 1
        again = alone and p and row > task * group and ends[p - 1] == first - 1 and taps[first - 1] == taps[first]
        place, at = (line, 0) if streamed else (y, to)
        if again and not streamed:
            _sum(y, to - size, size, taps, weights, first, end, 0, y, to)
        elif alone and not again:
            _pixels(x, image + taps[first] * W * C, C, ends_across, taps_across, weights_across, place, at)
        elif not again:
            _sum(x, image, W * C, taps, weights, first, end, W * C, total, 0)
            _pixels(total, 0, C, ends_across, taps_across, weights_across, place, at)
        if streamed:
            stream(line, y, to, size)
    if streamed:
        fence()


@inner
def _pixels(x, start, C, ends, taps, weights, y, to):
    """Of few channels in loops of a number that is known: of one that is not, most of the time would go before them."""
    if C >= FEW:
        for q in range(ends.size - 1):
            _sum(x, start, C, taps, weights, ends[q], ends[q + 1], C, y, to + q * C)
        return
    start, to, C = np.uint64(start), np.uint64(to), np.uint64(C)
    first = np.uint64(ends[0])
    for q in range(np.uint64(ends.size - 1)):
        end = np.uint64(ends[q + np.uint64(1)])
        a, weight = start + np.uint64(taps[first]) * C, weights[first]
        if end == first + np.uint64(2):
            b, other = start + np.uint64(taps[first + np.uint64(1)]) * C, weights[first + np.uint64(1)]
            for i in range(np.uint64(FEW)):
                if i < C:
                    y[to + i] = x[a + i] * weight + x[b + i] * other
        else:
            for i in range(np.uint64(FEW)):
                if i < C:
                    y[to + i] = x[a + i] * weight
            for k in range(first + np.uint64(1), end):
                a, weight = start + np.uint64(taps[k]) * C, weights[k]
                for i in range(np.uint64(FEW)):
                    if i < C:
                        y[to + i] += x[a + i] * weight
        to, first = to + C, end


@inner
def _sum(x, start, count, taps, weights, first, end, step, y, to):
    """y[to :] = the sum of x[start + taps[k] step :] weights[k] for k from `first` to `end`, of `count` elements.

    Two at a time: each time, y is read and written again.
    """
    count, to = np.uint64(count), np.uint64(to)
    for k in range(first, end, 2):
        a, weight = np.uint64(start + taps[k] * step), weights[k]
        if k + 1 < end:
            b, other = np.uint64(start + taps[k + 1] * step), weights[k + 1]
            if k == first:
                for i in range(count):
                    y[to + i] = x[a + i] * weight + x[b + i] * other
            else:
                for i in range(count):
                    y[to + i] += x[a + i] * weight + x[b + i] * other
        elif k == first:
            for i in range(count):
                y[to + i] = x[a + i] * weight
        else:
            for i in range(count):
                y[to + i] += x[a + i] * weight
