"""Convolutions with one input channel a group on a GPU: no matrix product, but sums over taps for all channels.

x (N, H, W, C)    w, dw (R, S, K)    y, dz (N, P, Q, K)    output channel k reads input channel k // (K / C)

A thread owns STRIP neighbouring outputs of a row, for one vector of channels: 16 bytes where K = C and every vector is
aligned, else one. Neighbouring threads own neighbouring channels, so that a warp's accesses are contiguous; what
neighbouring outputs share of the image comes from the L1. The gradient to x is a sum of the same form, of
conv_views.py, in which a channel sums over the K / C channels that it fed.

The gradient to w sums x dz over the pixels of some rows (n, p), a thread for each part of the rows, tap and vector of
channels; sums.py adds the parts. Their number depends on the shapes alone. Every sum runs in a fixed order, in the
arrays' type, in one thread: no race, no atomics.
"""

import functools
import math

import numpy as np
from numba import cuda

from . import launch, sums
from .access import fetch, put
from .conv_views import places_of
from .division import divide, divisor
from .gemm import ACTIVATIONS, RELU, SIGMOID
from .jit import kernel
from .memory import empty
from .stream import start

# none of these is measured yet
STRIP = 4  # outputs of a thread
BUSY = 2**16  # threads that the gradient to w is cut into
PARTS = 256  # of the rows, at most


def depthwise_product(op, x, w, bias, activation, y, N, view, taps, grid, channels, wide):
    """y = f(x * w + bias), where the grid says, for the outputs of N images of a view; all arrays flat.

    channels: (K of w, C of y); x has view.C, one of both is K, and the other divides it. wide: both are K, and every
    vector of channels begins at a multiple of 16 bytes.
    """
    K, C = channels
    launch.index32(op, x=x.size, w=w.size, y=y.size)
    vectors = C // _lanes(y.dtype, wide)
    strips = launch.ceil_div(view.Q, STRIP)
    threads = N * view.P * strips * vectors
    if threads:
        shape = _product_shape(threads, vectors, strips, K, C, view, taps, grid)
        finish = (y if bias is None else bias, bias is not None, ACTIVATIONS.index(activation))
        blocks = launch.ceil_div(threads, launch.THREADS)
        start(compiled_product(y.dtype, wide), blocks, launch.THREADS, x, w, *finish, y, shape)


def depthwise_gradient(op, x, dz, N, view, dw, K, wide):
    """dw = the sum of x dz over the outputs of N images of the forward's view; all arrays flat.

    wide: K is view.C, and every vector of channels begins at a multiple of 16 bytes.
    """
    launch.index32(op, x=x.size, dz=dz.size, dw=dw.size)
    vectors, taps, rows = K // _lanes(dz.dtype, wide), view.R * view.S, N * view.P
    parts = max(1, min(rows, PARTS, launch.ceil_div(BUSY, vectors * taps)))
    each = max(1, launch.ceil_div(rows, parts))
    parts = max(1, launch.ceil_div(rows, each))
    threads = parts * taps * vectors
    into = dw if parts == 1 else empty(parts * taps * K, dw.dtype)
    shape = _gradient_shape(threads, vectors, taps, K, rows, each, view)
    blocks = launch.ceil_div(threads, launch.THREADS)
    start(compiled_gradient(dz.dtype, wide), blocks, launch.THREADS, x, dz, into, shape)
    if parts > 1:
        sums.add_parts(into, parts, dw, False, 0, dw, (1, taps, K), (K, taps * K))


@functools.lru_cache(maxsize=1024)
def _product_shape(threads, vectors, strips, K, C, view, taps, grid):
    walk = (threads, *divisor(vectors), *divisor(strips), K, K // C, *divisor(K // view.C))
    return tuple(map(np.int32, (*walk, *places_of(view), *taps, *grid)))


@functools.lru_cache(maxsize=1024)
def _gradient_shape(threads, vectors, taps, K, rows, each, view):
    walk = (threads, *divisor(vectors), *divisor(taps), K, rows, each, *divisor(K // view.C))
    return tuple(map(np.int32, (*walk, *places_of(view), *divisor(view.step_w))))


def _lanes(dtype, wide):
    return 16 // dtype.itemsize if wide else 1


@functools.lru_cache
def compiled_product(dtype, wide):
    """The kernel, compiled at its first launch."""
    return kernel(make_product(dtype, wide))


@functools.lru_cache
def compiled_gradient(dtype, wide):
    """The kernel, compiled at its first launch."""
    return kernel(make_gradient(dtype, wide))


def product_signature(dtype):
    """Of `make_product`'s kernel."""
    array = f"{dtype}[::1]"
    return f"void({array}, {array}, {array}, boolean, int64, {array}, UniTuple(int32, 38))"


def gradient_signature(dtype):
    """Of `make_gradient`'s kernel."""
    array = f"{dtype}[::1]"
    return f"void({array}, {array}, {array}, UniTuple(int32, 35))"


@functools.lru_cache
def make_product(dtype, wide):
    """f(x, w, bias, biased, code, y, shape): a thread owns a strip of outputs for a vector of channels."""
    dtype = np.dtype(dtype)
    V = _lanes(dtype, wide)
    kind, zero, half, one = dtype.type, dtype.type(0), dtype.type(0.5), dtype.type(1)

    def product(x, w, bias, biased, code, y, shape):
        threads, vectors, vectors_factor, vectors_shift, strips, strips_factor, strips_shift = shape[:7]
        K, inputs, _, outputs_factor, outputs_shift = shape[7:12]
        H, W, C, P, P_factor, P_shift, Q, _, _, R, S = shape[12:23]
        step_h, step_w, base_h, base_w, dilation_h, dilation_w = shape[25:31]
        first, down, right, begin, image, row, column = shape[31:38]
        sums = cuda.local.array((STRIP, V), kind)
        values = cuda.local.array(V, kind)
        weights = cuda.local.array(V, kind)
        i = np.int32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
        if i >= threads:
            return
        strip = divide(i, vectors_factor, vectors_shift)
        c = np.int32((i - strip * vectors) * V)
        line = divide(strip, strips_factor, strips_shift)
        q = np.int32((strip - line * strips) * STRIP)
        n = divide(line, P_factor, P_shift)
        p = np.int32(line - n * P)
        h, left = np.int32(p * step_h + base_h), np.int32(q * step_w + base_w)
        source = np.int32(n * H * W * C + divide(c, outputs_factor, outputs_shift) * inputs)
        for e in range(STRIP):
            for v in range(V):
                sums[e, v] = zero

        for r in range(R):
            if h >= 0 and h < H:
                from_w = np.int32((first + r * down) * K + c * inputs)
                start = left
                for _ in range(S):
                    for u in range(1 if wide else inputs):
                        if wide:
                            fetch(weights, 0, w, from_w)
                        else:
                            weights[0] = w[np.uint32(from_w + u)]
                        for e in range(STRIP):
                            pixel = np.int32(start + e * step_w)
                            if pixel >= 0 and pixel < W:
                                place = np.int32(source + (h * W + pixel) * C + u)
                                if wide:
                                    fetch(values, 0, x, place)
                                else:
                                    values[0] = x[np.uint32(place)]
                                for v in range(V):
                                    sums[e, v] += values[v] * weights[v]
                    from_w = np.int32(from_w + right * K)
                    start = np.int32(start + dilation_w)
            h = np.int32(h + dilation_h)

        place = np.int32(begin + n * image + p * row + q * column + c)
        for v in range(V):
            weights[v] = bias[np.uint32(c + v)] if biased else zero
        for e in range(STRIP):
            for v in range(V):
                s = sums[e, v] + weights[v]
                values[v] = zero if code == RELU and s <= zero else s
            if q + e < Q:
                if wide:
                    put(y, np.int32(place + e * column), values, 0)
                else:
                    y[np.uint32(place + e * column)] = values[0]
        if code > RELU:  # so long a formula in the loop above would keep it from unrolling, and `sums` from registers
            for e in range(min(STRIP, Q - q)):
                for v in range(V):
                    s = y[np.uint32(place + e * column + v)]
                    if code == SIGMOID:
                        s = half * (one + math.tanh(half * s))
                    else:
                        s = math.tanh(s)
                    y[np.uint32(place + e * column + v)] = s

    return product


@functools.lru_cache
def make_gradient(dtype, wide):
    """f(x, dz, dw, shape): a thread owns a tap and a vector of channels of a part of the rows; dw (parts, R S, K)."""
    dtype = np.dtype(dtype)
    V = _lanes(dtype, wide)
    kind, zero = dtype.type, dtype.type(0)

    def gradient(x, dz, dw, shape):
        threads, vectors, vectors_factor, vectors_shift, taps, taps_factor, taps_shift = shape[:7]
        K, rows, each, _, outputs_factor, outputs_shift = shape[7:13]
        H, W, C, P, P_factor, P_shift, Q, _, _, _, S, S_factor, S_shift = shape[13:26]
        step_h, step_w, base_h, base_w, dilation_h, dilation_w, _, step_factor, step_shift = shape[26:35]
        sums = cuda.local.array(V, kind)
        left = cuda.local.array(V, kind)
        right = cuda.local.array(V, kind)
        i = np.int32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
        if i >= threads:
            return
        filters = divide(i, vectors_factor, vectors_shift)
        k = np.int32((i - filters * vectors) * V)
        part = divide(filters, taps_factor, taps_shift)
        tap = np.int32(filters - part * taps)
        r = divide(tap, S_factor, S_shift)
        up, first = np.int32(base_h + r * dilation_h), np.int32(base_w + (tap - r * S) * dilation_w)
        c = divide(k, outputs_factor, outputs_shift)
        # of the outputs of a row those whose pixel, first + q step, lies inside
        low = divide(np.int32(step_w - 1 - first), step_factor, step_shift) if first < 0 else np.int32(0)
        high = divide(np.int32(W - first + step_w - 1), step_factor, step_shift) if first < W else np.int32(0)
        high = np.int32(min(high, Q))
        for v in range(V):
            sums[v] = zero

        for line in range(part * each, min(np.int32((part + 1) * each), rows)):
            n = divide(line, P_factor, P_shift)
            h = np.int32(up + (line - n * P) * step_h)
            if h >= 0 and h < H:
                from_x = np.int32(((n * H + h) * W + first + low * step_w) * C + c)
                from_dz = np.int32((line * Q + low) * K + k)
                for _ in range(low, high):
                    if wide:
                        fetch(left, 0, x, from_x)
                        fetch(right, 0, dz, from_dz)
                    else:
                        left[0], right[0] = x[np.uint32(from_x)], dz[np.uint32(from_dz)]
                    for v in range(V):
                        sums[v] += left[v] * right[v]
                    from_x = np.int32(from_x + step_w * C)
                    from_dz = np.int32(from_dz + K)

        if wide:
            put(dw, np.int32(filters * K + k), sums, 0)
        else:
            dw[np.uint32(filters * K + k)] = sums[0]

    return gradient
