"""3 x 3 convolutions of stride 1 by Winograd's minimal filtering, with 4 times fewer multiplications.

A square of 6 x 6 pixels x gives 4 x 4 outputs: Y = A^T [(G w G^T) * (B^T x B)] A, and the products, summed over the
channels, are 36 matrix products of (squares, C) by (C, K). In one dimension, with the points 0, ±a, ±1/a and infinity,

B^T  (6, 6)  x = (x0 - 5/2 x2 + x4,    x4 - x2/2 ± (a x3 - a/2 x1),    x4 - 2 x2 ± (x3/a - a x1),    x1 - 5/2 x3 + x5)
G    (6, 3)  w = (w0,    (w0 ± a w1 + 2 w2) / 6,    -(w0 ± w1/a + w2/2) / (3/2),    w2)
A^T  (4, 6)  m = (m0 + s + t,    a d + e/a,    2 s + t/2,    2 a d + e/(2 a) + m5)    s, d = m1 ± m2    t, e = m3 ± m4

Lavin, Gray 2015, arXiv:1509.09308; the points are ours: with a = sqrt(2) the error stays within 8 times that of the
direct sum from 16 to 512 channels, with their 0, ±1, ±2 it reaches 27 times (docs/ladder/conv2d.md).
"""

from collections import namedtuple

import numpy as np

from .bias import RELU, activate
from .gemm import MULTIPLIES
from .jit import inner, kernel
from .machine import TILE_ROWS
from .memory import aligned
from .microkernel import ACCUMULATE, tile_by_rows
from .microkernel import RELU as TILE_RELU
from .panels import DEPTH, Matrix, pack_panel, panel_columns
from .threads import spread
from .transforms import transform

SQUARES = 64  # that one task transforms at a time
CHANNELS = 64  # output channels that it holds at a time: 36 x SQUARES x CHANNELS floats are 576 KB
INPUTS = 16  # input channels of a filter that are transformed at a time
A = 2**0.5
OWN = 2  # with so few blocks of squares, a task transforms the filters that it needs: they never go to memory
PAD = 16  # elements between matrices of a transform: a power of two apart, all 36 would share their cache sets


def _of_image(x):
    even, odd = x[4] - 0.5 * x[2], A * x[3] - A / 2 * x[1]
    even2, odd2 = x[4] - 2 * x[2], 1 / A * x[3] - A * x[1]
    return [x[0] - 2.5 * x[2] + x[4], even + odd, even - odd, even2 + odd2, even2 - odd2, x[1] - 2.5 * x[3] + x[5]]


def _of_filter(w):
    even, odd = 1 / 6 * (w[0] + 2 * w[2]), A / 6 * w[1]
    even2, odd2 = -2 / 3 * (w[0] + 0.5 * w[2]), -2 / 3 / A * w[1]
    return [w[0], even + odd, even - odd, even2 + odd2, even2 - odd2, w[2]]


def _to_output(m):
    s, d, t, e = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + s + t, A * d + 1 / A * e, 2 * s + 0.5 * t, 2 * A * d + 0.5 / A * e + m[5]]


image_transform = transform("winograd_image", _of_image, 6, 6)
_filter_transform = transform("winograd_filter", _of_filter, 3, 6)
_output_transform = transform("winograd_output", _to_output, 6, 4)


# Transformed filters: element e of channels (c, panel p of K) starts at data[start + e * size + (p * C + c) * width].
_Filters = namedtuple("_Filters", "data start size")


def channel_groups(blocks, most, threads):
    """Into how many groups output channels are cut, each a task: as few as keep the threads busy, at most `most`.

    Every group transforms its squares anew. What a group holds does not change a bit of it.
    """
    for groups in range(1, most):
        tasks = blocks * groups
        if -(-tasks // threads) * threads * 7 <= 8 * tasks:
            return groups
    return most


def empty_filters(C, K, dtype, blocks, groups):
    """Room for transformed filters: of all channels, or of CHANNELS for each task if tasks make their own."""
    width = panel_columns.py_func(dtype.itemsize)
    room, copies = (CHANNELS, blocks * groups) if blocks <= OWN else (K, 1)
    return aligned(copies * 36 * (-(-room // width) * C * width + PAD), dtype)


@kernel
def winograd_product(x, top, left, w, backward, bias, flags, code, filters, groups, y):
    """y (N, P, Q, K) = f(x (N, H, W, C) * w (3, 3, C, K) + bias), `top` and `left` of padding.

    `backward`: w is (3, 3, K, C), and its taps are taken in reverse. `filters` has room for the transformed filter
    (`empty_filters`), `groups` come from `channel_groups`.
    """
    N, P, Q, K = y.shape
    C, width = x.shape[3], panel_columns(x.itemsize)
    squares = N * -(-P // 4) * -(-Q // 4)
    blocks = -(-squares // SQUARES)
    own = blocks <= OWN
    size = -(-(CHANNELS if own else K) // width) * C * width + PAD
    room = _Filters(filters, 0, size)
    if not own:
        spread(_filter_task, -(-K // width), 36 * C * K // 4, (w, backward, C, K, room))
    work = 36 * squares * C * K // MULTIPLIES
    spread(_square_task, blocks * groups, work, (x, top, left, w, backward, room, own, bias, flags, code, groups, y))


@inner
def _filter_task(p, w, backward, C, K, filters):
    """Panel p of the transformed filter."""
    _transform_panel(w, backward, C, K, p, filters, p)


@inner
def _transform_panel(w, backward, C, K, p, filters, at):
    """Panel p of the transformed filter, as panel `at` of `filters`."""
    width = panel_columns(w.itemsize)
    rows, stride = w.shape[2:]
    local = np.empty(9 * INPUTS * width, w.dtype)
    for c0 in range(0, C, INPUTS):
        count = min(INPUTS, C - c0)
        for tap in range(9):
            place = (8 - tap if backward else tap) * rows * stride
            matrix = Matrix(w.reshape(-1), place, stride, backward)
            pack_panel(matrix, p * width, K, c0, count, local, tap * INPUTS * width)
        for c in range(count):
            to, size = filters.start + (at * C + c0 + c) * width, filters.size
            _filter_transform(
                local, c * width, 3 * INPUTS * width, INPUTS * width,
                filters.data, to, 6 * size, size, width, local, 0, 0,
            )  # fmt: skip


@inner
def _square_task(task, x, top, left, w, backward, filters, own, bias, flags, code, groups, y):
    """SQUARES squares of y, in one group of its channels."""
    N, P, Q, K = y.shape
    C = x.shape[3]
    width = panel_columns(x.itemsize)
    down, across = -(-P // 4), -(-Q // 4)
    first = task // groups * SQUARES
    count = min(SQUARES, N * down * across - first)
    panels = -(-K // width)
    per_group = -(-panels // groups) * width
    k_end = min((task % groups + 1) * per_group, K)
    images = np.empty(36 * (count * C + PAD), x.dtype)
    products = np.empty(36 * (count * CHANNELS + PAD), x.dtype)
    edge = np.empty(36 * max(C, CHANNELS), x.dtype)
    for s in range(count):
        n, i, j = place_of(first + s, down, across)
        to, stride = s * C, count * C + PAD
        transform_patch(image_transform, x, n, 0, C, i - top, j - left, 6, images, to, stride, edge)
    at_end = flags | (TILE_RELU if code == RELU else 0)
    for k0 in range(task % groups * per_group, k_end, CHANNELS):
        channels, at = min(CHANNELS, k_end - k0), k0 // width
        if own:
            filters, at = _Filters(filters.data, task * 36 * filters.size, filters.size), 0
            for p in range(-(-channels // width)):
                _transform_panel(w, backward, C, K, k0 // width + p, filters, p)
        _multiply(images, filters, at, count, C, channels, products)
        for s in range(count):
            n, i, j = place_of(first + s, down, across)
            _write_square(products, s, count, channels, bias, at_end, code, edge, y, n, i, j, k0)


@inner
def place_of(square, down, across):
    """(image, first row, first column) of a square of outputs."""
    return square // (down * across), square // across % down * 4, square % across * 4


@inner
def _multiply(images, filters, at, count, C, channels, products):
    """products (36, count, CHANNELS) = images (36, count, C) @ the `channels` of the filters from panel `at` on."""
    width = panel_columns(images.itemsize)
    for element in range(36):
        for k in range(0, channels, width):
            columns = min(width, channels - k)
            for c in range(0, C, DEPTH):
                b = filters.start + element * filters.size + (at * width + k) * C + c * width
                depth, flags = min(DEPTH, C - c), ACCUMULATE if c > 0 else 0
                for s in range(0, count, TILE_ROWS):
                    rows = min(TILE_ROWS, count - s)
                    a = element * (count * C + PAD) + s * C + c
                    to = element * (count * CHANNELS + PAD) + s * CHANNELS + k
                    tile_by_rows(
                        images, a, C, filters.data, b, width, products, to, CHANNELS, images, 0,
                        depth, rows, columns, flags,
                    )  # fmt: skip


@inner
def _write_square(products, s, count, channels, bias, flags, code, edge, y, n, i, j, k0):
    """The outputs (i, j) … of image n, channels k0 …, from square s of the products; what lies outside is dropped."""
    _, P, Q, K = y.shape
    flat = y.reshape(-1)
    place = ((n * P + i) * Q + j) * K + k0
    start, column = s * CHANNELS, count * CHANNELS + PAD
    row = 6 * column
    rows, columns = min(4, P - i), min(4, Q - j)
    if rows == columns == 4:
        _output_transform(products, start, row, column, flat, place, Q * K, K, channels, bias, k0, flags)
    else:
        _output_transform(products, start, row, column, edge, 0, 4 * channels, channels, channels, bias, k0, flags)
        for r in range(rows):
            for q in range(columns):
                for k in range(channels):
                    flat[place + (r * Q + q) * K + k] = edge[(r * 4 + q) * channels + k]
    if code > RELU:
        for r in range(rows):
            activate(flat, place + r * Q * K, K, columns, channels, code)


@inner
def transform_patch(run, x, n, c0, channels, h, w, size, out, start, stride, edge):
    """A transform of size x size pixels from (h, w) of image n of x, channels c0 …, to out[start + element * stride:].

    Pixels outside the image are 0.
    """
    _, H, W, C = x.shape
    flat = x.reshape(-1)
    if h >= 0 and w >= 0 and h + size <= H and w + size <= W:
        run(flat, ((n * H + h) * W + w) * C + c0, W * C, C, out, start, 6 * stride, stride, channels, flat, 0, 0)
        return
    for i in range(size):
        for j in range(size):
            to = (i * size + j) * channels
            if 0 <= h + i < H and 0 <= w + j < W:
                place = ((n * H + h + i) * W + w + j) * C + c0
                for c in range(np.uint64(channels)):
                    edge[np.uint64(to) + c] = flat[np.uint64(place) + c]
            else:
                for c in range(np.uint64(channels)):
                    edge[np.uint64(to) + c] = 0
    run(edge, 0, size * channels, channels, out, start, 6 * stride, stride, channels, flat, 0, 0)
