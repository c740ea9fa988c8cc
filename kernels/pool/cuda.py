"""Pooling on CUDA.

x, dx (N, H, W, C)    y, dy, argmax (N, P, Q, C)    window R, S    a window's places are numbered r * S + s

max      y = x[argmax]                 dx = the sum of the dy whose argmax is here
average  y = sum(x inside) / count     dx = the sum of the dy / count whose window covers this place

A thread owns four neighbouring channels of a place of its result, or one where C is no multiple of 4, an array is not
on a 16-byte boundary, or the dtype is float64. The backward gathers: a thread goes through the windows that cover its
place, in their order, so that there are no atomics, nothing is searched again, and the order of addition is fixed. No
value of argmax is used as an index.

A place outside the image is read as the nearest one inside, so that the loads of a window wait for no comparison: the
largest value is the same with a place taken twice, and an average counts it as 0. Windows of 2x2 have kernels of their
own, in which their loops are unrolled.
"""

import numpy as np
from numba import cuda

from .._cuda.access import address, is_wide, load4, store4
from .._cuda.jit import device, kernel
from .._cuda.memory import empty
from .._cuda.usage import Compiled
from .._cuda.windows import TYPES, clamped, covered, covering, position, start_over
from .._window import pooling
from . import place_dtype


def max_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    windows = pooling("max_pool2d_forward", x.shape[1:3], window, stride, padding)
    y = _results(x, windows)
    (R, S), *_ = windows
    argmax = empty(y.shape, place_dtype(R * S))
    wide = _is_wide(x, y, argmax)
    arrays = x.reshape(-1), y.reshape(-1), _places(argmax, wide)
    start_over("max_pool2d_forward", _max[R == S == 2][wide], x.shape, windows, y, wide, *arrays)
    return y, argmax


def max_pool2d_backward(dy, argmax, *, input_shape, window=2, stride=None, padding="valid"):
    windows = pooling("max_pool2d_backward", input_shape[1:3], window, stride, padding)
    dx = empty(input_shape, dy.dtype)
    wide = _is_wide(dy, dx, argmax)
    arrays = dy.reshape(-1), _places(argmax, wide), dx.reshape(-1)
    start_over("max_pool2d_backward", _max_gradient[wide], dx.shape, windows, dx, wide, *arrays)
    return dx


def average_pool2d_forward(x, *, window=2, stride=None, padding="valid"):
    windows = pooling("average_pool2d_forward", x.shape[1:3], window, stride, padding)
    y = _results(x, windows)
    (R, S), *_ = windows
    wide = _is_wide(x, y)
    arrays = x.reshape(-1), y.reshape(-1)
    start_over("average_pool2d_forward", _average[R == S == 2][wide], x.shape, windows, y, wide, *arrays)
    return y


def average_pool2d_backward(dy, *, input_shape, window=2, stride=None, padding="valid"):
    windows = pooling("average_pool2d_backward", input_shape[1:3], window, stride, padding)
    dx = empty(input_shape, dy.dtype)
    wide = _is_wide(dy, dx)
    start_over(
        "average_pool2d_backward",
        _average_gradient[wide],
        dx.shape,
        windows,
        dx,
        wide,
        dy.reshape(-1),
        dx.reshape(-1),
    )
    return dx


def _results(x, windows):
    _, _, (P, Q), _ = windows
    return empty((x.shape[0], P, Q, x.shape[3]), x.dtype)


def _is_wide(x, y, argmax=None):
    """Whether a thread may own four channels, with their places as one word."""
    if argmax is not None and (argmax.dtype != np.uint8 or address(argmax) % 4):
        return False
    return x.shape[3] % 4 == 0 and is_wide(x, y)


def _places(argmax, wide):
    return argmax.reshape(-1).view(np.dtype(np.uint32)) if wide else argmax.reshape(-1)


@device
def _larger(best, place, value, number):
    """The larger one and where it is: the first of equal ones, and the first NaN."""
    better = (not value <= best) and best == best
    return (value if better else best), (number if better else place)


def _make_max(size):
    """(narrow, wide) for windows of size x size; of any size for 0."""

    def narrow(walk, geometry, x, y, argmax):
        H, W, _, _, R, S, top, left, down, _, _, right, _, _ = geometry
        C, least = walk[0], x.dtype.type(-np.inf)
        rows, columns = size if size else R, size if size else S
        for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
            n, p, q, c = position(i, walk)
            h, w = np.int32(p * down - top), np.int32(q * right - left)
            best, place = least, np.int32(max(-h, 0) * columns + max(-w, 0))
            for r in range(rows):
                row = clamped(h + r, H)
                for s in range(columns):
                    column = clamped(w + s, W)
                    value = x[np.int32(((n * H + row) * W + column) * C + c)]
                    best, place = _larger(best, place, value, np.int32((row - h) * columns + column - w))
            y[i], argmax[i] = best, place

    def wide(walk, geometry, x, y, argmax):
        H, W, _, _, R, S, top, left, down, _, _, right, _, _ = geometry
        C, least = walk[0], x.dtype.type(-np.inf)
        rows, columns = size if size else R, size if size else S
        for i in range(cuda.grid(1), argmax.size, cuda.gridsize(1)):
            n, p, q, c = position(i, walk)
            h, w = np.int32(p * down - top), np.int32(q * right - left)
            first = np.int32(max(-h, 0) * columns + max(-w, 0))
            y0, y1, y2, y3 = least, least, least, least
            k0, k1, k2, k3 = first, first, first, first
            for r in range(rows):
                row = clamped(h + r, H)
                for s in range(columns):
                    column = clamped(w + s, W)
                    a, b, d, e = load4(x, 4 * np.int32(((n * H + row) * W + column) * C + c))
                    number = np.int32((row - h) * columns + column - w)
                    y0, k0 = _larger(y0, k0, a, number)
                    y1, k1 = _larger(y1, k1, b, number)
                    y2, k2 = _larger(y2, k2, d, number)
                    y3, k3 = _larger(y3, k3, e, number)
            store4(y, 4 * i, (y0, y1, y2, y3))
            argmax[i] = np.uint32(k0 | k1 << 8 | k2 << 16 | k3 << 24)

    return narrow, wide


def _max_gradient_narrow(walk, geometry, dy, argmax, dx):
    _, _, P, Q, R, S, top, left, down, down_factor, down_shift, right, right_factor, right_shift = geometry
    C, zero = walk[0], dx.dtype.type(0)
    for i in range(cuda.grid(1), dx.size, cuda.gridsize(1)):
        n, h, w, c = position(i, walk)
        p0, p1 = covering(np.int32(h + top), R, P, down_factor, down_shift)
        q0, q1 = covering(np.int32(w + left), S, Q, right_factor, right_shift)
        total = zero
        for p in range(p0, p1):
            for q in range(q0, q1):
                at = np.int32(((n * P + p) * Q + q) * C + c)
                here = np.int32((h + top - p * down) * S + w + left - q * right)
                total += dy[at] if argmax[at] == here else zero
        dx[i] = total


def _max_gradient_wide(walk, geometry, dy, argmax, dx):
    _, _, P, Q, R, S, top, left, down, down_factor, down_shift, right, right_factor, right_shift = geometry
    C, zero = walk[0], dx.dtype.type(0)
    for i in range(cuda.grid(1), dx.size // 4, cuda.gridsize(1)):
        n, h, w, c = position(i, walk)
        p0, p1 = covering(np.int32(h + top), R, P, down_factor, down_shift)
        q0, q1 = covering(np.int32(w + left), S, Q, right_factor, right_shift)
        total0, total1, total2, total3 = zero, zero, zero, zero
        for p in range(p0, p1):
            for q in range(q0, q1):
                at = np.int32(((n * P + p) * Q + q) * C + c)
                here = np.int32((h + top - p * down) * S + w + left - q * right)
                a, b, d, e = load4(dy, 4 * at)
                places = np.int64(argmax[at])
                total0 += a if places & 255 == here else zero
                total1 += b if places >> 8 & 255 == here else zero
                total2 += d if places >> 16 & 255 == here else zero
                total3 += e if places >> 24 == here else zero
        store4(dx, 4 * i, (total0, total1, total2, total3))


def _make_average(size):
    """(narrow, wide) for windows of size x size; of any size for 0."""

    def narrow(walk, geometry, x, y):
        H, W, _, _, R, S, top, left, down, _, _, right, _, _ = geometry
        real, C = x.dtype.type, walk[0]
        rows, columns = size if size else R, size if size else S
        for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
            n, p, q, c = position(i, walk)
            h, w = np.int32(p * down - top), np.int32(q * right - left)
            total = real(0)
            for r in range(rows):
                row = clamped(h + r, H)
                for s in range(columns):
                    column = clamped(w + s, W)
                    value = x[np.int32(((n * H + row) * W + column) * C + c)]
                    total += value if row - h == r and column - w == s else real(0)
            y[i] = total / real(covered(h, rows, H) * covered(w, columns, W))

    def wide(walk, geometry, x, y):
        H, W, _, _, R, S, top, left, down, _, _, right, _, _ = geometry
        real, C = x.dtype.type, walk[0]
        rows, columns = size if size else R, size if size else S
        for i in range(cuda.grid(1), y.size // 4, cuda.gridsize(1)):
            n, p, q, c = position(i, walk)
            h, w = np.int32(p * down - top), np.int32(q * right - left)
            y0, y1, y2, y3 = real(0), real(0), real(0), real(0)
            for r in range(rows):
                row = clamped(h + r, H)
                for s in range(columns):
                    column = clamped(w + s, W)
                    a, b, d, e = load4(x, 4 * np.int32(((n * H + row) * W + column) * C + c))
                    inside = row - h == r and column - w == s
                    y0 += a if inside else real(0)
                    y1 += b if inside else real(0)
                    y2 += d if inside else real(0)
                    y3 += e if inside else real(0)
            count = real(covered(h, rows, H) * covered(w, columns, W))
            store4(y, 4 * i, (y0 / count, y1 / count, y2 / count, y3 / count))

    return narrow, wide


def _average_gradient_narrow(walk, geometry, dy, dx):
    H, W, P, Q, R, S, top, left, down, down_factor, down_shift, right, right_factor, right_shift = geometry
    real, C = dx.dtype.type, walk[0]
    for i in range(cuda.grid(1), dx.size, cuda.gridsize(1)):
        n, h, w, c = position(i, walk)
        p0, p1 = covering(np.int32(h + top), R, P, down_factor, down_shift)
        q0, q1 = covering(np.int32(w + left), S, Q, right_factor, right_shift)
        total = real(0)
        for p in range(p0, p1):
            rows = covered(np.int32(p * down - top), R, H)
            for q in range(q0, q1):
                count = real(rows * covered(np.int32(q * right - left), S, W))
                total += dy[np.int32(((n * P + p) * Q + q) * C + c)] / count
        dx[i] = total


def _average_gradient_wide(walk, geometry, dy, dx):
    H, W, P, Q, R, S, top, left, down, down_factor, down_shift, right, right_factor, right_shift = geometry
    real, C = dx.dtype.type, walk[0]
    for i in range(cuda.grid(1), dx.size // 4, cuda.gridsize(1)):
        n, h, w, c = position(i, walk)
        p0, p1 = covering(np.int32(h + top), R, P, down_factor, down_shift)
        q0, q1 = covering(np.int32(w + left), S, Q, right_factor, right_shift)
        total0, total1, total2, total3 = real(0), real(0), real(0), real(0)
        for p in range(p0, p1):
            rows = covered(np.int32(p * down - top), R, H)
            for q in range(q0, q1):
                count = real(rows * covered(np.int32(q * right - left), S, W))
                a, b, d, e = load4(dy, 4 * np.int32(((n * P + p) * Q + q) * C + c))
                total0 += a / count
                total1 += b / count
                total2 += d / count
                total3 += e / count
        store4(dx, 4 * i, (total0, total1, total2, total3))


def _listed(name, narrow, wide, *arrays):
    """What a pair of kernels is compiled for: arrays "T" of the dtype, and "I" of places."""
    for way, function, dtype, places in (
        ("wide", wide, "float32", "uint32"),
        ("narrow", narrow, "float32", "uint8"),
        ("narrow", narrow, "float64", "uint8"),
    ):
        types = ", ".join({"T": dtype, "I": places}[array] + "[::1]" for array in arrays)
        yield Compiled(function, f"void({TYPES}, {types})", f"{name}-{dtype}-{way}")


def _kernels(ways):
    """The kernels of (narrow, wide)."""
    return tuple(map(kernel, ways))


_any_max, _max_of_4, _any_average, _average_of_4 = _make_max(0), _make_max(2), _make_average(0), _make_average(2)
_gradients = (_max_gradient_narrow, _max_gradient_wide), (_average_gradient_narrow, _average_gradient_wide)
_max, _average = (_kernels(_any_max), _kernels(_max_of_4)), (_kernels(_any_average), _kernels(_average_of_4))
_max_gradient, _average_gradient = map(_kernels, _gradients)
COMPILED = (
    *_listed("max_pool2d_forward-any", *_any_max, *"TTI"),
    *_listed("max_pool2d_forward-2x2", *_max_of_4, *"TTI"),
    *_listed("max_pool2d_backward", *_gradients[0], *"TIT"),
    *_listed("average_pool2d_forward-any", *_any_average, *"TT"),
    *_listed("average_pool2d_forward-2x2", *_average_of_4, *"TT"),
    *_listed("average_pool2d_backward", *_gradients[1], *"TT"),
    *(
        Compiled(function, f"void({TYPES}, {dtype}[::1], {types.replace('T', dtype)})", f"{name}-{dtype}-large")
        for dtype in ("float32", "float64")
        for function, types, name in (
            (_any_max[0], "T[::1], int32[::1]", "max_pool2d_forward-any"),
            (_max_gradient_narrow, "int32[::1], T[::1]", "max_pool2d_backward"),
        )
    ),
)
