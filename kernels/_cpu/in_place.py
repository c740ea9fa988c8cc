"""Convolutions of few channels, multiplied where the image lies: packing patches would take longer than the product.

In a row of outputs, neighbouring patches start step * C apart, and each is R runs of S * C pixels. The tile reads
them so (`tile_by_patches`), TILE_ROWS outputs at a time. For the gradient to the filter the same runs are rows of
the result, and a row of outputs is the depth. Patches that reach over the image's edge are packed after all.
"""

import numpy as np

from .bias import RELU, activate
from .depthwise import taps_inside
from .gemm import MULTIPLIES, Out
from .image import add_parts, copy_patches, pack_filter
from .jit import inner, kernel
from .machine import TILE_ROWS, VECTOR_BYTES
from .microkernel import ACCUMULATE, tile_by_columns, tile_by_guarded_columns, tile_by_patches, tile_by_rows
from .microkernel import RELU as TILE_RELU
from .panels import DEPTH, STRIDE, panel_columns
from .threads import spread

PARTS = 16  # of the filter's gradient, by rows of outputs


def reads_in_place(view, dtype, columns):
    """Whether a view's patches are runs of memory short enough for one depth block, and dz whole vectors."""
    runs = view.groups == view.divisor_w == view.divisor_h == view.dilation_w == 1
    return runs and view.R * view.S * view.C <= DEPTH and columns % (VECTOR_BYTES // dtype.itemsize) == 0


@kernel
def in_place_product(x, view, w, taps, bias, flags, code, panels, y):
    """y (M, N) = f(patches of x @ filter w (R * S, C, N) + bias)."""
    N = y.shape[1]
    K = view.R * view.S * view.C
    width = panel_columns(x.itemsize)
    for first in range(0, N, width):
        pack_filter(w, taps, False, 1, 0, first, N, panels, first * K)
    flags |= TILE_RELU if code == RELU else 0
    out = Out(y.reshape(-1), 0, N, bias, flags, code)
    spread(_output_row, y.shape[0] // view.Q, y.size * K // MULTIPLIES, (x, view, panels, out))


@inner
def _output_row(row, x, view, panels, out):
    """Row `row % P` of image `row // P`."""
    n, p = row // view.P, row % view.P
    N, width = out.stride, panel_columns(out.c.itemsize)
    run, R = view.S * view.C, view.R
    h = p * view.step_h + view.base_h
    r0, r1 = taps_inside(h, view.dilation_h, R, view.H)
    low, high = taps_inside(view.base_w, view.step_w, view.Q, view.W - view.S + 1)
    gap = view.dilation_h * view.W * view.C
    packed = np.empty(TILE_ROWS * STRIDE, out.c.dtype)
    q = 0
    while q < view.Q:
        inside = low <= q < high
        end = high if inside else (low if q < low else view.Q)
        rows = min(TILE_ROWS, end - q)
        i = row * view.Q + q
        if not inside:
            copy_patches((x, view, 0), i, rows, 0, R * run, packed)
        left = q * view.step_w + view.base_w
        pixel = ((n * view.H + h + r0 * view.dilation_h) * view.W + left) * view.C
        for j in range(0, N, width):
            to = out.start + i * N + j
            columns = min(width, N - j)
            if inside:
                tile_by_patches(
                    x, pixel, view.step_w * view.C, gap, panels, (j * R + r0 * width) * run, width, out.c, to, N,
                    out.bias, j, ((r1 - r0) << 32) | run, rows, columns, out.flags,
                )  # fmt: skip
            else:
                tile_by_rows(
                    packed, 0, STRIDE, panels, j * R * run, width, out.c, to, N, out.bias, j,
                    R * run, rows, columns, out.flags,
                )  # fmt: skip
        q += rows
    if out.code > RELU:
        activate(out.c, out.start + row * view.Q * N, N, view.Q, N, out.code)


def in_place_parts(rows):
    """How many partial sums `in_place_filter_gradient` makes of so many rows of outputs."""
    return max(1, min(PARTS, rows))


@kernel
def in_place_filter_gradient(x, view, dz, parts, dw):
    """dw (K, N) = patches of x, transposed, @ dz (M, N), through `parts` (count, K, N)."""
    rows = dz.shape[0] // view.Q
    spread(_part, parts.shape[0], dz.size * dw.shape[0] // MULTIPLIES, (x, view, dz, rows, parts))
    add_parts(parts, dw)


@inner
def _part(part, x, view, dz, rows, parts):
    """The part of one group of rows of outputs."""
    count, K, N = parts.shape
    parts[part] = 0
    per_part = -(-rows // count)
    flat, gradients = parts.reshape(-1), dz.reshape(-1)
    low, high = taps_inside(view.base_w, view.step_w, view.Q, view.W - view.S + 1)
    packed = np.empty(max(view.Q - (high - low), 1) * STRIDE, dz.dtype)
    for row in range(part * per_part, min((part + 1) * per_part, rows)):
        n, p = row // view.P, row % view.P
        h = p * view.step_h + view.base_h
        run = view.S * view.C
        r0, r1 = taps_inside(h, view.dilation_h, view.R, view.H)
        for r in range(r0, r1):
            left = low * view.step_w + view.base_w
            pixel = ((n * view.H + h + r * view.dilation_h) * view.W + left) * view.C
            _add_product(
                x, pixel, view.step_w * view.C, gradients, (row * view.Q + low) * N, N,
                flat, (part * K + r * run) * N, high - low, run,
            )  # fmt: skip
        for first, end in ((0, low), (high, view.Q)):
            if first < end:
                copy_patches((x, view, 0), row * view.Q + first, end - first, 0, K, packed)
                _add_product(
                    packed, 0, STRIDE, gradients, (row * view.Q + first) * N, N,
                    flat, part * K * N, end - first, K,
                )  # fmt: skip


@inner
def _add_product(a, a0, lda, dz, b0, N, c, c0, depth, rows):
    """c (rows, N) += a^T dz, where a (depth, rows) and dz (depth, N) lie by rows."""
    width = panel_columns(c.itemsize)
    if depth == 0:
        return
    for j in range(0, N, width):
        columns = min(width, N - j)
        for i in range(0, rows, TILE_ROWS):
            high = min(TILE_ROWS, rows - i)
            to = c0 + i * N + j
            if high == TILE_ROWS:
                tile_by_columns(a, a0 + i, lda, dz, b0 + j, N, c, to, N, c, 0, depth, high, columns, ACCUMULATE)
            else:
                tile_by_guarded_columns(a, a0 + i, lda, dz, b0 + j, N, c, to, N, c, 0, depth, high, columns, ACCUMULATE)
