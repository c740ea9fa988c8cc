"""Pooling on the CPU.

x, dx (N, H, W, C)    y, dy, argmax (N, P, Q, C)    window R, S    a window's places are numbered r * S + s

max      y = x[argmax]                 dx = the sum of the dy whose argmax is here
average  y = sum(x inside) / count     dx = the sum of the dy / count whose window covers this place

One task owns one row of images of its result, (n, p) forward and (n, h) backward, so tasks never write the same place.
The loops over channels run over contiguous memory and vectorise. The backward gathers: a task goes through the windows
that cover its row, in their order, so the order of addition is fixed. No value of argmax is used as an index.

The largest value is found four places a pass over the channels, so that a 2x2 window takes one pass; one place a pass
took 2.8 times as long. A NaN is larger than everything, and the first NaN stays.
"""

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty
from .._cpu.threads import spread
from .._window import pooling
from . import place_dtype


def max_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    N, H, W, C = x.shape
    (R, S), step, (P, Q), pads = pooling("max_pool2d_forward", (H, W), window, stride, padding)
    y, argmax = empty((N, P, Q, C), x.dtype), empty((N, P, Q, C), place_dtype(R * S))
    _max_forward(x, R, S, *step, pads[0], pads[2], y, argmax)
    return y, argmax


def max_pool2d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    (R, S), step, _, pads = pooling("max_pool2d_backward", input_shape[1:3], window, stride, padding)
    dx = empty(input_shape, dy.dtype)
    _max_backward(dy, argmax, R, S, *step, pads[0], pads[2], dx)
    return dx


def average_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    N, H, W, C = x.shape
    (R, S), step, (P, Q), pads = pooling("average_pool2d_forward", (H, W), window, stride, padding)
    y = empty((N, P, Q, C), x.dtype)
    _average_forward(x, R, S, *step, pads[0], pads[2], y)
    return y


def average_pool2d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    (R, S), step, _, pads = pooling("average_pool2d_backward", input_shape[1:3], window, stride, padding)
    dx = empty(input_shape, dy.dtype)
    _average_backward(dy, R, S, *step, pads[0], pads[2], dx)
    return dx


@inner
def _inside(start, span, size):
    """The places [first, end) of a window from `start` that lie in an image of `size`."""
    return max(0, -start), min(span, size - start)


@inner
def _covering(at, span, step, count):
    """The windows [first, end) of `count` that cover the row or column `at`, counted from the edge of the padding."""
    return max(0, (at - span) // step + 1), min(count, at // step + 1)


@kernel
def _max_forward(x, R, S, down, right, top, left, y, argmax):
    N, P, Q, _ = y.shape
    work = y.size * R * S // 8
    geometry = (R, S, down, right, top, left)
    spread(_max_row, N * P, work, (x.reshape(-1), x.shape, geometry, (P, Q), y.reshape(-1), argmax.reshape(-1)))


@inner
def _max_row(task, x, image, geometry, windows, y, argmax):
    """Row p of the result for image n; nothing else writes there."""
    _, H, W, C = image
    R, S, down, right, top, left = geometry
    P, Q = windows
    n, p = task // P, task % P
    r0, r1 = _inside(p * down - top, R, H)
    for q in range(Q):
        s0, s1 = _inside(q * right - left, S, W)
        start = ((n * H + p * down - top + r0) * W + q * right - left + s0) * C
        out, number = (task * Q + q) * C, r0 * S + s0
        for i in range(0, (r1 - r0) * (s1 - s0), 4):
            places, numbers = _four(i, r1 - r0, s1 - s0, W), _four(i, r1 - r0, s1 - s0, S)
            _largest_of_four(x, start, places, number, numbers, i == 0, y, argmax, out, C)


@inner
def _four(i, rows, columns, width):
    """Where the places i … i + 3 of a window lie in rows of `width`; the last one again if there are not as many."""
    if rows == 2 and columns == 2:  # what nearly everyone uses needs no division
        return 0, 1, width, width + 1
    last = rows * columns - 1
    return (
        _place(i, columns, width),
        _place(min(i + 1, last), columns, width),
        _place(min(i + 2, last), columns, width),
        _place(min(i + 3, last), columns, width),
    )


@inner
def _place(i, columns, width):
    i, columns = np.uint64(i), np.uint64(columns)  # a signed division is slower
    return np.int64(i // columns) * width + np.int64(i % columns)


@inner(forceinline=True)  # left alone, LLVM makes it a call, and 2x2 windows take a fifth longer
def _largest_of_four(x, start, places, number, numbers, fresh, y, argmax, out, C):
    """The largest of four places, and of what was largest so far unless it is `fresh`, for all channels of a window."""
    x0, x1 = np.uint64(start + places[0] * C), np.uint64(start + places[1] * C)
    x2, x3 = np.uint64(start + places[2] * C), np.uint64(start + places[3] * C)
    k0, k1 = argmax.dtype.type(number + numbers[0]), argmax.dtype.type(number + numbers[1])
    k2, k3 = argmax.dtype.type(number + numbers[2]), argmax.dtype.type(number + numbers[3])
    out = np.uint64(out)
    if fresh:
        for c in range(np.uint64(C)):
            best, place = _larger(x[x0 + c], k0, x[x1 + c], k1)
            best, place = _larger(best, place, x[x2 + c], k2)
            y[out + c], argmax[out + c] = _larger(best, place, x[x3 + c], k3)
    else:
        for c in range(np.uint64(C)):
            best, place = _larger(y[out + c], argmax[out + c], x[x0 + c], k0)
            best, place = _larger(best, place, x[x1 + c], k1)
            best, place = _larger(best, place, x[x2 + c], k2)
            y[out + c], argmax[out + c] = _larger(best, place, x[x3 + c], k3)


@inner
def _larger(best, place, value, number):
    """The larger one and where it is: the first of equal ones, and the first NaN."""
    better = (not value <= best) and best == best
    return value if better else best, number if better else place


@kernel
def _max_backward(dy, argmax, R, S, down, right, top, left, dx):
    _, P, Q, _ = dy.shape
    N, H, _, _ = dx.shape
    work = dy.size * R * S // 5
    geometry = (R, S, down, right, top, left)
    spread(
        _max_gradient_row, N * H, work, (dy.reshape(-1), argmax.reshape(-1), (P, Q), geometry, dx.shape, dx.reshape(-1))
    )


@inner
def _max_gradient_row(task, dy, argmax, windows, geometry, image, dx):
    """Row h of dx for image n; nothing else writes there."""
    _, H, W, C = image
    R, S, down, right, top, left = geometry
    P, Q = windows
    n, h = task // H, task % H
    zero = dx.dtype.type(0)
    _clear(dx, task * W * C, W * C)
    p0, p1 = _covering(h + top, R, down, P)
    for p in range(p0, p1):
        for q in range(Q):
            there = np.uint64(((n * P + p) * Q + q) * C)
            s0, s1 = _inside(q * right - left, S, W)
            for s in range(s0, s1):
                place = argmax.dtype.type((h + top - p * down) * S + s)
                here = np.uint64((task * W + q * right - left + s) * C)
                for c in range(np.uint64(C)):
                    dx[here + c] += dy[there + c] if argmax[there + c] == place else zero


@inner
def _clear(out, start, count):
    for i in range(np.uint64(start), np.uint64(start + count)):
        out[i] = 0


@kernel
def _average_forward(x, R, S, down, right, top, left, y):
    N, P, Q, _ = y.shape
    work = y.size * R * S // 8
    geometry = (R, S, down, right, top, left)
    spread(_average_row, N * P, work, (x.reshape(-1), x.shape, geometry, (P, Q), y.reshape(-1)))


@inner
def _average_row(task, x, image, geometry, windows, y):
    """Row p of the result for image n; nothing else writes there."""
    _, H, W, C = image
    R, S, down, right, top, left = geometry
    P, Q = windows
    n, p = task // P, task % P
    r0, r1 = _inside(p * down - top, R, H)
    for q in range(Q):
        s0, s1 = _inside(q * right - left, S, W)
        start = ((n * H + p * down - top + r0) * W + q * right - left + s0) * C
        out = (task * Q + q) * C
        if r1 - r0 == 2 and s1 - s0 == 2:
            _average_of_four(x, start, W * C, y, out, C)
        else:
            _average_of_any(x, start, r1 - r0, s1 - s0, W * C, y, out, C)


@inner
def _average_of_four(x, start, row, y, out, C):
    """A 2x2 window, for all its channels, in one pass."""
    above, below, out = np.uint64(start), np.uint64(start + row), np.uint64(out)
    right, quarter = np.uint64(C), x.dtype.type(0.25)
    for c in range(np.uint64(C)):
        total = x[above + c] + x[above + right + c] + x[below + c] + x[below + right + c]
        y[out + c] = total * quarter


@inner
def _average_of_any(x, start, rows, columns, row, y, out, C):
    """A window of any size, a place a pass."""
    out, count = np.uint64(out), x.dtype.type(rows * columns)
    for c in range(np.uint64(C)):
        y[out + c] = 0
    for r in range(rows):
        for s in range(columns):
            place = np.uint64(start + r * row + s * C)
            for c in range(np.uint64(C)):
                y[out + c] += x[place + c]
    for c in range(np.uint64(C)):
        y[out + c] /= count


@kernel
def _average_backward(dy, R, S, down, right, top, left, dx):
    _, P, Q, _ = dy.shape
    N, H, _, _ = dx.shape
    work = dy.size * R * S // 6
    geometry = (R, S, down, right, top, left)
    spread(_average_gradient_row, N * H, work, (dy.reshape(-1), (P, Q), geometry, dx.shape, dx.reshape(-1)))


@inner
def _average_gradient_row(task, dy, windows, geometry, image, dx):
    """Row h of dx for image n; nothing else writes there."""
    _, H, W, C = image
    R, S, down, right, top, left = geometry
    P, Q = windows
    n, h = task // H, task % H
    _clear(dx, task * W * C, W * C)
    p0, p1 = _covering(h + top, R, down, P)
    for p in range(p0, p1):
        r0, r1 = _inside(p * down - top, R, H)
        for q in range(Q):
            there = np.uint64(((n * P + p) * Q + q) * C)
            s0, s1 = _inside(q * right - left, S, W)
            share = dx.dtype.type(1 / ((r1 - r0) * (s1 - s0)))
            for s in range(s0, s1):
                here = np.uint64((task * W + q * right - left + s) * C)
                for c in range(np.uint64(C)):
                    dx[here + c] += dy[there + c] * share
