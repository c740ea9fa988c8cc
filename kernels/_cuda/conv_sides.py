"""The sides of a convolution as a matrix product (gemm.py says what a side is), gathered as they are used.

patches  (m, k) = x[n, h, w, c]    of pixel m = (n, p, q) of the outputs and element k = (r, s, c) of their patches,
                                   h = p step + r dilation + base; 0 outside of the image
columns  (w, k) = x[k, w]          of a matrix: the filters (R S C, K), or dz (N P Q, K)
filters  (c, k) = w[r, s, c, k']   of element k = (r, s, k') of a patch of dz, for the gradient to x

Of each the product of group z of the channels takes the columns or channels from z times their number on. All indices
are 32-bit numbers; indices are divided by sizes as division.py has it.
"""

import functools

import numpy as np

from .access import fetch
from .conv_views import places_of
from .division import divide, divisor
from .jit import device
from .matrix import make_keep

SHAPES = {"patches": 23, "columns": 3, "filters": 12, "grid": 11}  # numbers of the shapes, for signatures
FAR = -(2**29)  # the row of a pixel or a tap that does not exist: outside of every image, and two of them are an int32


@functools.lru_cache(maxsize=1024)
def patches_shape(view, N, channels):
    """The shape of `patches` of N images for a kernel, by groups of so many channels."""
    return _int32(N * view.P * view.Q, *divisor(channels), *places_of(view))


@functools.lru_cache
def patches(along_k, aligned):
    """A side of patches; its vectors run along their channels.

    along_k: k is the place in a patch (forward, and dx), else the pixel (dw). aligned: every vector of channels of x
    begins at a multiple of 16 bytes.
    """

    def side(W, BK, V, threads, pitch):
        vectors = W * BK // V
        each = -(-vectors // threads)
        across = BK // V if along_k else W // V  # vectors of a row
        steps = 1 if aligned else V  # elements of a vector that are looked for by themselves
        fixed = 1 if along_k else steps  # of their places what does not change along K

        @device
        def start(places, shape, z, t, w0):
            channels = shape[1]
            for r in range(each):
                turn = t + r * threads
                row, column = turn // across, turn % across * V
                for v in range(fixed):
                    place, h, w = _pixel(shape, w0 + row) if along_k else _tap(shape, w0 + column + v)
                    places[3 * (r * fixed + v)] = np.int32(place + z * channels)
                    places[3 * (r * fixed + v) + 1] = h if turn < vectors else np.int32(FAR)
                    places[3 * (r * fixed + v) + 2] = w

        @device
        def load(held, x, shape, places, t, w0, k0):
            H, W = shape[4], shape[5]
            for r in range(each):
                turn = t + r * threads
                row, column = turn // across, turn % across * V
                for v in range(steps):
                    place, h, w = _tap(shape, k0 + column + v) if along_k else _pixel(shape, k0 + row)
                    known = 3 * (r * fixed + v % fixed)
                    place = np.int32(place + places[known])
                    h, w = np.int32(h + places[known + 1]), np.int32(w + places[known + 2])
                    inside = h >= 0 and h < H and w >= 0 and w < W
                    if aligned:
                        if inside:
                            fetch(held, r * V, x, place)
                        else:
                            for u in range(V):
                                held[r * V + u] = 0
                    elif inside:
                        held[r * V + v] = x[np.uint32(place)]
                    else:
                        held[r * V + v] = 0

        keep = make_keep(W, BK, V, threads, pitch, along_k)
        return start, load, keep, 3 * each * fixed, each * V

    return side


@device
def _pixel(shape, m):
    """(place, row, column) of the first tap's element, of output pixel m."""
    H, W, C, P, P_factor, P_shift, Q, Q_factor, Q_shift = shape[4:13]
    step_h, step_w, base_h, base_w = shape[17:21]
    line = divide(m, Q_factor, Q_shift)
    n = divide(line, P_factor, P_shift)
    p, q = np.int32(line - n * P), np.int32(m - line * Q)
    h, w = np.int32(p * step_h + base_h), np.int32(q * step_w + base_w)
    place = np.int32(((n * H + h) * W + w) * C)
    return place, h if m < shape[0] else np.int32(FAR), w


@device
def _tap(shape, k):
    """(place, row, column) of element k of a patch, counted from those of the first tap."""
    channels, factor, shift, _, W, C = shape[1:7]
    R, S, S_factor, S_shift = shape[13:17]
    dilation_h, dilation_w = shape[21:23]
    tap = divide(k, factor, shift)
    r = divide(tap, S_factor, S_shift)
    h, w = np.int32(r * dilation_h), np.int32((tap - r * S) * dilation_w)
    place = np.int32((h * W + w) * C + k - tap * channels)
    return place, h if r < R else np.int32(FAR), w


def columns_shape(rows, columns, channels):
    """The shape of `columns` of a matrix (rows, columns) for a kernel, by groups of so many channels."""
    return _int32(rows, columns, channels)


@functools.lru_cache
def columns(aligned):
    """A side of the columns of a matrix. aligned: its rows, and every group's part of them, begin at 16 bytes."""

    def side(W, BK, V, threads, pitch):
        vectors = W * BK // V
        each = -(-vectors // threads)
        across = W // V

        @device
        def start(places, shape, z, t, w0):
            for r in range(each):
                turn = t + r * threads
                column = w0 + turn % across * V
                place = np.int32(turn // across * shape[1] + z * shape[2] + column)
                places[r] = place if column < shape[2] and turn < vectors else np.int32(-1)

        @device
        def load(held, x, shape, places, t, w0, k0):
            for r in range(each):
                turn = t + r * threads
                left = np.int32(shape[2] - w0 - turn % across * V)  # columns from here on
                inside = places[r] >= 0 and k0 + turn // across < shape[0]
                first = np.int32(places[r] + k0 * shape[1])
                if aligned:
                    if inside:
                        fetch(held, r * V, x, first)
                    else:
                        for v in range(V):
                            held[r * V + v] = 0
                else:
                    for v in range(V):
                        if inside and v < left:
                            held[r * V + v] = x[np.uint32(first + v)]
                        else:
                            held[r * V + v] = 0

        return start, load, make_keep(W, BK, V, threads, pitch, False), each, each * V

    return side


@functools.lru_cache(maxsize=1024)
def filters_shape(view, taps, C, K, groups):
    """The shape of `filters` (R, S, C, K), C those of a group, for a kernel; view and taps of the gradient to x."""
    strides = (number * C * K for number in taps)
    return _int32(C, K, *divisor(K // groups), *strides, view.R, *divisor(view.S))


@functools.lru_cache
def filters(aligned):
    """A side of filters, whose vectors run along k'. aligned: all of them begin at multiples of 16 bytes."""

    def side(W, BK, V, threads, pitch):
        vectors = W * BK // V
        each = -(-vectors // threads)
        across = BK // V
        steps = 1 if aligned else V

        @device
        def start(places, shape, z, t, w0):
            for r in range(each):
                turn = t + r * threads
                c = w0 + turn // across
                place = np.int32(c * shape[1] + z * shape[2] + shape[5])
                places[r] = place if c < shape[0] and turn < vectors else np.int32(-1)

        @device
        def load(held, x, shape, places, t, w0, k0):
            channels, factor, shift, _, down, right, R, S, S_factor, S_shift = shape[2:12]
            for r in range(each):
                column = (t + r * threads) % across * V
                for v in range(steps):
                    k = np.int32(k0 + column + v)
                    tap = divide(k, factor, shift)
                    line = divide(tap, S_factor, S_shift)
                    place = np.int32(places[r] + line * down + (tap - line * S) * right + k - tap * channels)
                    inside = places[r] >= 0 and line < R
                    if aligned:
                        if inside:
                            fetch(held, r * V, x, place)
                        else:
                            for u in range(V):
                                held[r * V + u] = 0
                    elif inside:
                        held[r * V + v] = x[np.uint32(place)]
                    else:
                        held[r * V + v] = 0

        return start, load, make_keep(W, BK, V, threads, pitch, True), each, each * V

    return side


@functools.lru_cache(maxsize=1024)
def grid_shape(view, grid, channels):
    """The layout of a product whose row m is the pixel m = (n, p, q) of a grid, by groups of so many channels."""
    return _int32(grid.start, channels, *divisor(view.P), *divisor(view.Q), *grid[1:])


@device
def grid_rows(layout, m):
    """Where pixel m of a grid begins."""
    P, P_factor, P_shift, Q, Q_factor, Q_shift, image, row, column = layout[2:11]
    line = divide(m, Q_factor, Q_shift)
    n = divide(line, P_factor, P_shift)
    return np.int32(layout[0] + n * image + (line - n * P) * row + (m - line * Q) * column)


def _int32(*numbers):
    return tuple(map(np.int32, numbers))
