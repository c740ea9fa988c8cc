"""The gradient of a strided convolution to its image: whole products with the filter, added where patches lie.

g[n, p, q, (r, s, c)] = sum_k dz[n, p, q, k] w[r, s, c, k]
dx[n, h, w, c] = sum of g[n, p, q, (r, s, c)] over p stride + r dilation - top = h, q stride + s dilation - left = w

As a convolution of dz it would be one for every phase of the stride, of a few taps each, and every one would pack dz
anew. Here rows of dz are read where they lie, and the products of a few outputs are added while they are in the cache.
"""

import numpy as np

from .bias import RELU, activate
from .depthwise import taps_inside
from .gemm import MULTIPLIES, Out
from .image import view_of
from .jit import inner, kernel
from .machine import TILE_ROWS
from .microkernel import ACCUMULATE, BIAS, tile_by_rows
from .panels import DEPTH, Matrix, pack_panel, panel_columns
from .scatter import add_rows, band_of, bands_of, outputs_of
from .threads import spread

TOGETHER = 64  # outputs whose products are kept until they are added


@kernel
def strided_gradient(dz, view, w, bias, flags, code, panels, dx):
    """dx (N, H, W, C) = f(the gradient of dz (N, P, Q, K) by w (R * S * C, K) + bias); no bias with 0 for `flags`."""
    view = view_of(view)
    (columns, K), width = w.shape, panel_columns(dz.itemsize)
    spread(_panel_task, -(-columns // width), w.size // 4, (w.reshape(-1), columns, K, panels))
    N, H, _, C = dx.shape
    bands = bands_of(N, H)
    out = Out(dx.reshape(-1), 0, C, bias, flags, code)
    work = dz.size * columns // MULTIPLIES
    spread(_band, N * bands, work, (dz.reshape(-1), K, view, panels, columns, bands, out, H))


@inner
def _panel_task(p, w, columns, K, panels):
    """Panel p of the transposed filter."""
    width = panel_columns(w.itemsize)
    pack_panel(Matrix(w, 0, K, True), p * width, columns, 0, K, panels, p * width * K)


@inner
def _band(task, dz, K, view, panels, columns, bands, out, H):
    """A band of rows of one image."""
    C, row = view.C, view.W * view.C
    n, h0, h1 = band_of(task, bands, H)
    first, end = (n * H + h0) * row, (n * H + h1) * row
    out.c[first:end] = 0
    runs, run = (view.R, view.S) if view.dilation_w == 1 else (view.R * view.S, 1)  # taps that are neighbours
    places = np.empty(runs, np.int64)
    for i in range(runs):
        places[i] = (i * run // view.S * view.dilation_h * view.W + i * run % view.S * view.dilation_w) * C
    products = np.empty(min(TOGETHER, view.Q) * columns, dz.dtype)
    p0, p1 = outputs_of(view, h0, h1)
    for p in range(p0, p1):
        h = p * view.step_h + view.base_h
        low, high = taps_inside(h - h0, view.dilation_h, view.R, h1 - h0)
        for q0 in range(0, view.Q, TOGETHER):
            count = min(TOGETHER, view.Q - q0)
            _multiply(dz, ((n * view.P + p) * view.Q + q0) * K, K, count, panels, columns, products)
            for i in range(count):
                left = (q0 + i) * view.step_w + view.base_w
                pixel = ((n * H + h) * view.W + left) * C
                if view.dilation_w == 1:
                    s0, s1 = taps_inside(left, 1, view.S, view.W)
                    add_rows(
                        out.c, pixel + s0 * C, places, low, products, i * columns + (low * view.S + s0) * C,
                        view.S * C, high - low, (s1 - s0) * C,
                    )  # fmt: skip
                else:
                    s0, s1 = taps_inside(left, view.dilation_w, view.S, view.W)
                    for r in range(low, high):
                        k = r * view.S + s0
                        add_rows(out.c, pixel, places, k, products, i * columns + k * C, C, s1 - s0, C)
    _finish(out, first, (h1 - h0) * view.W)


@inner
def _multiply(dz, start, K, count, panels, columns, products):
    """products (count, columns) = `count` rows of dz @ the transposed filter."""
    width = panel_columns(dz.itemsize)
    for j in range(0, columns, width):
        high = min(width, columns - j)
        for k in range(0, K, DEPTH):
            depth, flags = min(DEPTH, K - k), ACCUMULATE if k else 0
            for i in range(0, count, TILE_ROWS):
                a, to, rows = start + i * K + k, i * columns + j, min(TILE_ROWS, count - i)
                tile_by_rows(
                    dz, a, K, panels, j * K + k * width, width, products, to, columns, dz, 0, depth, rows, high, flags
                )


@inner
def _finish(out, first, pixels):
    """f(c + bias), for pixels from c[first] on."""
    C, zero = out.stride, out.c.dtype.type(0)
    if out.flags == BIAS:
        for i in range(pixels):
            for c in range(np.uint64(C)):
                out.c[np.uint64(first + i * C) + c] += out.bias[c]
    if out.code == RELU:
        for i in range(np.uint64(first), np.uint64(first + pixels * C)):
            out.c[i] = zero if out.c[i] < zero else out.c[i]
    elif out.code > RELU:
        activate(out.c, first, C, pixels, C, out.code)
