"""Pooling on the CPU.

x, dx (N, H, W, C)    y, dy, argmax (N, P, Q, C)    window R, S    a window's places are numbered r * S + s

max      y = x[argmax]                 dx = the sum of the dy whose argmax is here
average  y = sum(x inside) / count     dx = the sum of the dy / count whose window covers this place

One task owns one row of images of its result, (n, p) forward and (n, h) backward, so tasks never write the same place.
The loops over channels run over contiguous memory and vectorise. The backward gathers: it goes through the windows
that cover a place, in their order, so the order of addition is fixed and dx needs no zeros beforehand. No value of
argmax is used as an index.

A forward reads four places in one pass over the channels (2x2 windows: one pass): one place a pass takes three times as
long. A NaN is larger than everything, and the first NaN stays.
"""

import numpy as np
from numba import prange

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty
from .._window import pooling
from . import place_dtype


def max_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    N, H, W, C = x.shape
    (R, S), step, (P, Q), pads = pooling("max_pool2d_forward", (H, W), window, stride, padding)
    y, argmax = empty((N, P, Q, C), x.dtype), empty((N, P, Q, C), place_dtype(R * S))
    _max_forward.over(x.size)(x, R, S, *step, pads[0], pads[2], y, argmax)
    return y, argmax


def max_pool2d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    (R, S), step, _, pads = pooling("max_pool2d_backward", input_shape[1:3], window, stride, padding)
    dx = empty(input_shape, dy.dtype)
    _max_backward.over(dx.size)(dy, argmax, R, S, *step, pads[0], pads[2], dx)
    return dx


def average_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    N, H, W, C = x.shape
    (R, S), step, (P, Q), pads = pooling("average_pool2d_forward", (H, W), window, stride, padding)
    y = empty((N, P, Q, C), x.dtype)
    _average_forward.over(x.size)(x, R, S, *step, pads[0], pads[2], y)
    return y


def average_pool2d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    (R, S), step, _, pads = pooling("average_pool2d_backward", input_shape[1:3], window, stride, padding)
    dx = empty(input_shape, dy.dtype)
    _average_backward.over(dx.size)(dy, R, S, *step, pads[0], pads[2], dx)
    return dx


@inner
def _inside(start, span, size):
    """The places [first, end) of a window from `start` that lie in an image of `size`."""
    return max(0, -start), min(span, size - start)


@inner
def _covering(at, span, step, count):
    """The windows [first, end) of `count` that cover the row or column `at`, counted from the edge of the padding."""
    return max(0, (at - span) // step + 1), min(count, at // step + 1)


@inner
def _list_places(r0, r1, s0, s1, S, row, C, offsets, numbers):
    """Offsets from a window's start and numbers of the places of rows r0:r1, columns s0:s1, the last one four times."""
    places = 0
    for r in range(r0, r1):
        for s in range(s0, s1):
            offsets[places], numbers[places] = r * row + s * C, r * S + s
            places += 1
    for extra in range(places, places + 3):  # groups of four are whole, and a place met again changes no maximum
        offsets[extra], numbers[extra] = offsets[places - 1], numbers[places - 1]
    return places


@kernel(parallel=True)
def _max_forward(x, R, S, down, right, top, left, y, argmax):
    N, H, W, C = x.shape
    P, Q = y.shape[1:3]
    values, largest, at = x.reshape(-1), y.reshape(-1), argmax.reshape(-1)
    for task in prange(N * P):
        n, p = task // P, task % P
        r0, r1 = _inside(p * down - top, R, H)
        for q in range(Q):
            s0, s1 = _inside(q * right - left, S, W)
            start = ((n * H + p * down - top + r0) * W + q * right - left + s0) * C
            out, number = (task * Q + q) * C, r0 * S + s0
            if r1 - r0 == 2 and s1 - s0 == 2:
                places, numbers = (0, 1, W, W + 1), (0, 1, S, S + 1)
                _largest_of_four(values, start, places, number, numbers, True, largest, at, out, C)
            else:
                for i in range(0, (r1 - r0) * (s1 - s0), 4):
                    places, numbers = _four(i, r1 - r0, s1 - s0, W), _four(i, r1 - r0, s1 - s0, S)
                    _largest_of_four(values, start, places, number, numbers, i == 0, largest, at, out, C)


@inner
def _four(i, rows, columns, width):
    """Where the places i … i + 3 of a window lie in rows of `width`; the last one again if there are not as many."""
    last = rows * columns - 1
    return (
        _spread(i, columns, width),
        _spread(min(i + 1, last), columns, width),
        _spread(min(i + 2, last), columns, width),
        _spread(min(i + 3, last), columns, width),
    )


@inner
def _spread(i, columns, width):
    i, columns = np.uint64(i), np.uint64(columns)  # a signed division is slower
    return np.int64(i // columns) * width + np.int64(i % columns)


@inner
def _largest_of_four(values, start, places, number, numbers, fresh, largest, at, out, C):
    """The largest of four places, and of what was largest so far unless it is `fresh`, for all channels of a window."""
    x0, x1 = np.uint64(start + places[0] * C), np.uint64(start + places[1] * C)
    x2, x3 = np.uint64(start + places[2] * C), np.uint64(start + places[3] * C)
    k0, k1 = at.dtype.type(number + numbers[0]), at.dtype.type(number + numbers[1])
    k2, k3 = at.dtype.type(number + numbers[2]), at.dtype.type(number + numbers[3])
    y = np.uint64(out)
    if fresh:
        for c in range(np.uint64(C)):
            best, place = _larger(values[x0 + c], k0, values[x1 + c], k1)
            best, place = _larger(best, place, values[x2 + c], k2)
            largest[y + c], at[y + c] = _larger(best, place, values[x3 + c], k3)
    else:
        for c in range(np.uint64(C)):
            best, place = _larger(largest[y + c], at[y + c], values[x0 + c], k0)
            best, place = _larger(best, place, values[x1 + c], k1)
            best, place = _larger(best, place, values[x2 + c], k2)
            largest[y + c], at[y + c] = _larger(best, place, values[x3 + c], k3)


@inner
def _larger(best, place, value, number):
    """The larger one and where it is: the first of equal ones, and the first NaN."""
    better = (not value <= best) and best == best
    return value if better else best, number if better else place


@kernel(parallel=True)
def _max_backward(dy, argmax, R, S, down, right, top, left, dx):
    N, H, W, C = dx.shape
    P, Q = dy.shape[1:3]
    gradients, at, out = dy.reshape(-1), argmax.reshape(-1), dx.reshape(-1)
    zero = dx.dtype.type(0)
    for task in prange(N * H):
        n, h = task // H, task % H
        _clear(out, task * W * C, W * C)
        p0, p1 = _covering(h + top, R, down, P)
        for p in range(p0, p1):
            for q in range(Q):
                there = np.uint64(((n * P + p) * Q + q) * C)
                s0, s1 = _inside(q * right - left, S, W)
                for s in range(s0, s1):
                    place = at.dtype.type((h + top - p * down) * S + s)
                    here = np.uint64((task * W + q * right - left + s) * C)
                    for c in range(np.uint64(C)):
                        out[here + c] += gradients[there + c] if at[there + c] == place else zero


@inner
def _clear(out, start, count):
    for i in range(np.uint64(start), np.uint64(start + count)):
        out[i] = 0


@kernel(parallel=True)
def _average_forward(x, R, S, down, right, top, left, y):
    N, H, W, C = x.shape
    P, Q = y.shape[1:3]
    values, averages = x.reshape(-1), y.reshape(-1)
    for task in prange(N * P):
        n, p = task // P, task % P
        r0, r1 = _inside(p * down - top, R, H)
        for q in range(Q):
            s0, s1 = _inside(q * right - left, S, W)
            start = ((n * H + p * down - top + r0) * W + q * right - left + s0) * C
            out = (task * Q + q) * C
            if r1 - r0 == 2 and s1 - s0 == 2:
                _average_of_four(values, start, W * C, averages, out, C)
            else:
                _average_of_any(values, start, r1 - r0, s1 - s0, W * C, averages, out, C)


@inner
def _average_of_four(values, start, row, averages, out, C):
    """A 2x2 window, for all its channels, in one pass."""
    above, below, y = np.uint64(start), np.uint64(start + row), np.uint64(out)
    right, quarter = np.uint64(C), values.dtype.type(0.25)
    for c in range(np.uint64(C)):
        total = values[above + c] + values[above + right + c] + values[below + c] + values[below + right + c]
        averages[y + c] = total * quarter


@inner
def _average_of_any(values, start, rows, columns, row, averages, out, C):
    """A window of any size, a place a pass."""
    y, count = np.uint64(out), values.dtype.type(rows * columns)
    for c in range(np.uint64(C)):
        averages[y + c] = 0
    for r in range(rows):
        for s in range(columns):
            x = np.uint64(start + r * row + s * C)
            for c in range(np.uint64(C)):
                averages[y + c] += values[x + c]
    for c in range(np.uint64(C)):
        averages[y + c] /= count


@kernel(parallel=True)
def _average_backward(dy, R, S, down, right, top, left, dx):
    N, H, W, C = dx.shape
    P, Q = dy.shape[1:3]
    gradients, out = dy.reshape(-1), dx.reshape(-1)
    for task in prange(N * H):
        n, h = task // H, task % H
        _clear(out, task * W * C, W * C)
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
                        out[here + c] += gradients[there + c] * share
