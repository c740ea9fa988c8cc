"""Upsampling of images on the CPU.

x, dx (N, H, W, C)    y, dy (N, P, Q, C), P = f H, Q = g W

bilinear: output p lies at (p + 1/2) / f - 1/2 = (2 p + 1 - f) / 2 f, whose whole part is `low`, and `high` the place
after it; outside of the image they are its border's. All of it is told by whole numbers, so that no centre is missed.

Height and width come one after another: forward, two rows of x are blended into one, and its neighbours into a row of
y; backward, the rows of dy that came from a row of x are added by weight, in their order, and then their neighbours.
Forward, a task owns the f rows of y of each of some rows of x; backward, some rows of dx.
"""

import numpy as np

from .._cpu.jit import EXACT, inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import empty
from .._cpu.streaming import fence, stream, streams
from .._cpu.threads import spread

CHUNK = 1 << 15  # elements of y of a task


def upsample2d_forward(x, *, factor=2, interpolation="nearest", out=None):
    N, H, W, C = x.shape
    f, g = factor
    y = empty((N, f * H, g * W, C), x.dtype) if out is None else out
    _forward(x.reshape(-1), N, H, W, C, f, g, interpolation == "bilinear", y.reshape(-1))
    return y


def upsample2d_backward(dy, *, factor=2, interpolation="nearest"):
    N, P, Q, C = dy.shape
    f, g = factor
    dx = empty((N, P // f, Q // g, C), dy.dtype)
    _backward(dy.reshape(-1), N, P // f, Q // g, C, f, g, interpolation == "bilinear", dx.reshape(-1))
    return dx


@inner
def _source(p, f, H):
    """(low, high, weight of high) of output p."""
    ahead = 2 * p + 1 - f
    below = ahead // (2 * f)
    return max(below, 0), min(below + 1, H - 1), (ahead - below * 2 * f) / (2 * f)


@kernel
def _forward(x, N, H, W, C, f, g, linear, y):
    row = W * g * C
    group = max(1, CHUNK // max(1, f * row))
    streamed = streams(y) and row * y.itemsize % VECTOR_BYTES == 0
    work = y.size // 4 if y.size else 0
    spread(_forward_rows, -(-(N * H) // group), work, (x, N * H, H, W, C, f, g, linear, group, streamed, y))


@inner
def _forward_rows(task, x, rows, H, W, C, f, g, linear, group, streamed, y):
    size = W * g * C
    row, blend = np.empty(size, y.dtype), np.empty(W * C if linear else 0, y.dtype)
    for m in range(task * group, min((task + 1) * group, rows)):
        for i in range(f):
            if linear:
                low, high, weight = _source(m % H * f + i, f, H)
                _blend(x, (m - m % H + low) * W * C, (m - m % H + high) * W * C, W * C, x.dtype.type(weight), blend, 0)
                for q in range(W * g):
                    low, high, weight = _source(q, g, W)
                    _blend(blend, low * C, high * C, C, x.dtype.type(weight), row, q * C)
            elif i == 0:
                for q in range(W * g):
                    _copy(x, (m * W + q // g) * C, C, row, q * C)
            if streamed:
                stream(row, y, (m * f + i) * size, size)
            else:
                _copy(row, 0, size, y, (m * f + i) * size)
    if streamed:
        fence()


@inner(fastmath=EXACT)  # else LLVM makes x + (z - x) weight of it, which is NaN where both are infinite
def _blend(x, low, high, count, weight, y, to):
    """y[to :] = x[low :] (1 - weight) + x[high :] weight, of `count` elements."""
    low, high, to, rest = np.uint64(low), np.uint64(high), np.uint64(to), type(weight)(1) - weight
    for i in range(np.uint64(count)):
        y[to + i] = x[low + i] * rest + x[high + i] * weight


@inner
def _copy(x, start, count, y, to):
    start, to = np.uint64(start), np.uint64(to)
    for i in range(np.uint64(count)):
        y[to + i] = x[start + i]


@kernel
def _backward(dy, N, H, W, C, f, g, linear, dx):
    group = max(1, CHUNK // max(1, W * g * C * f))
    spread(_backward_rows, -(-(N * H) // group), dy.size // 4, (dy, N * H, H, W, C, f, g, linear, group, dx))


@inner
def _backward_rows(task, dy, rows, H, W, C, f, g, linear, group, dx):
    size, one = W * g * C, dx.dtype.type(1)
    total = np.empty(size, dx.dtype)
    for m in range(task * group, min((task + 1) * group, rows)):
        h, started = m % H, False
        near = 1 if linear else 0  # rows of x whose outputs may have to do with h
        for p in range(max(h - near, 0) * f, min(h + near + 1, H) * f):
            weight = one
            if linear:
                low, high, above = _source(p, f, H)
                if h != low and h != high:
                    continue
                weight = dx.dtype.type((1 - above if h == low else 0) + (above if h == high else 0))
            _add(dy, ((m - h) * f + p) * size, size, weight, total, 0, started)
            started = True
        for i in range(np.uint64(m * W * C), np.uint64((m + 1) * W * C)):
            dx[i] = 0
        for q in range(W * g):
            if linear:
                low, high, weight = _source(q, g, W)
                _add(total, q * C, C, dx.dtype.type(1 - weight), dx, (m * W + low) * C, True)
                _add(total, q * C, C, dx.dtype.type(weight), dx, (m * W + high) * C, True)
            else:
                _add(total, q * C, C, one, dx, (m * W + q // g) * C, True)


@inner
def _add(x, start, count, weight, y, to, more):
    """y[to :] = x[start :] weight, of `count` elements, and `more` of what was there."""
    start, to = np.uint64(start), np.uint64(to)
    if more:
        for i in range(np.uint64(count)):
            y[to + i] += x[start + i] * weight
    else:
        for i in range(np.uint64(count)):
            y[to + i] = x[start + i] * weight
