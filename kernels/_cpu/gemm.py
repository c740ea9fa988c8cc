"""Packing and blocking around the register tile: C (M, N) = op(A) (M, K) @ op(B) (K, N).

B is packed once, whole, in panels of PANEL columns (panel, K, PANEL), the last one padded with zeros. Then every
task owns a block of C, packs the rows of A that it needs a depth block at a time (it stays in the second cache level)
and runs the tile over them; a panel of B stays in the first level for all of a task's rows.

A is packed as it lies, so packing is a copy: by rows (rows, DEPTH + PAD) or, when it comes transposed, in panels of
TILE_ROWS columns (panel, k, TILE_ROWS). Tasks are cut by the shape alone, and an element's sum by DEPTH alone.
"""
import numpy as np
from numba import prange

from .jit import kernel
from .machine import TILE_ROWS, TILE_VECTORS, VECTOR_BYTES
from .microkernel import ACCUMULATE, BIAS, RELU, tile_by_columns, tile_by_rows

DEPTH = 384  # of 192, 256, 384, 512: 97, 99, 100, 99 % at 1024**3; a panel of B is then 48 KB
PAD = 16  # elements after a packed row of A, so that rows do not fall on the same cache sets
ROWS, COLUMNS = 128, 1024  # the largest block of C that is one task
TASKS = 16  # blocks shrink until there are as many


@kernel
def panel_columns(itemsize):
    return TILE_VECTORS * VECTOR_BYTES // itemsize


@kernel
def pack_panel(b, transposed, j0, k0, depth, out, start):
    """Columns j0 … of B, rows k0 … k0 + depth, to out[start:], row by row, padded with zeros."""
    width = panel_columns(b.itemsize)
    if transposed:
        columns = min(width, b.shape[0] - j0)
        for k1 in range(0, depth, 16):
            for j in range(columns):
                for k in range(k1, min(k1 + 16, depth)):
                    out[np.uint64(start + k * width + j)] = b[np.uint64(j0 + j), np.uint64(k0 + k)]
    else:
        columns = min(width, b.shape[1] - j0)
        if columns == width:
            for k in range(depth):
                for j in range(width):
                    out[np.uint64(start + k * width + j)] = b[np.uint64(k0 + k), np.uint64(j0 + j)]
        else:
            for k in range(depth):
                for j in range(columns):
                    out[np.uint64(start + k * width + j)] = b[np.uint64(k0 + k), np.uint64(j0 + j)]
    for k in range(depth):
        for j in range(columns, width):
            out[start + k * width + j] = 0


@kernel
def pack_rows(a, i0, rows, k0, depth, out):
    """Rows i0 … of A, columns k0 … k0 + depth, by rows of DEPTH + PAD."""
    for i in range(rows):
        for k in range(depth):
            out[np.uint64(i * (DEPTH + PAD) + k)] = a[np.uint64(i0 + i), np.uint64(k0 + k)]


@kernel
def pack_columns(a, i0, rows, k0, depth, out):
    """Columns i0 … of the transposed A, rows k0 … k0 + depth, in panels of TILE_ROWS columns."""
    for i1 in range(0, rows, TILE_ROWS):
        wide = min(TILE_ROWS, rows - i1)
        start = i1 * depth
        if wide == TILE_ROWS:
            for k in range(depth):
                for i in range(TILE_ROWS):
                    out[np.uint64(start + k * TILE_ROWS + i)] = a[np.uint64(k0 + k), np.uint64(i0 + i1 + i)]
        else:
            for k in range(depth):
                for i in range(wide):
                    out[np.uint64(start + k * TILE_ROWS + i)] = a[np.uint64(k0 + k), np.uint64(i0 + i1 + i)]
                for i in range(wide, TILE_ROWS):
                    out[start + k * TILE_ROWS + i] = 0


@kernel
def blocks_of(M, N):
    """Rows and columns of a task's block: the largest, halved until there are TASKS of them."""
    rows, columns = ROWS, COLUMNS
    while columns > 256 and -(-M // rows) * -(-N // columns) < TASKS:
        columns //= 2
    while rows > 32 and -(-M // rows) * -(-N // columns) < TASKS:
        rows //= 2
    return rows, columns


@kernel(parallel=True)
def gemm(a, transpose_a, b, transpose_b, bias, flags, packed_b, c):
    """c = op(a) @ op(b), with `flags` of the tile applied at the end of the depth; packed_b (panels * K * PANEL,)."""
    M, N = c.shape
    K = a.shape[0] if transpose_a else a.shape[1]
    width = panel_columns(b.itemsize)
    for p in prange(-(-N // width)):  # only task p writes panel p
        pack_panel(b, transpose_b, p * width, 0, K, packed_b, p * width * K)
    rows, columns = blocks_of(M, N)
    down = -(-M // rows)
    for task in prange(down * -(-N // columns)):  # only this task writes its block of c
        i0, j0 = task % down * rows, task // down * columns
        block(a, transpose_a, packed_b, K, bias, flags, c, i0, min(rows, M - i0), j0, min(columns, N - j0))


@kernel
def block(a, transpose_a, packed_b, K, bias, flags, c, i0, rows, j0, columns):
    """One task of `gemm`: c[i0:i0 + rows, j0:j0 + columns]."""
    N = c.shape[1]
    width = panel_columns(c.itemsize)
    packed_a = np.empty(-(-rows // TILE_ROWS) * TILE_ROWS * (DEPTH + PAD), c.dtype)
    for k0 in range(0, K, DEPTH):
        depth = min(DEPTH, K - k0)
        if transpose_a:
            pack_columns(a, i0, rows, k0, depth, packed_a)
        else:
            pack_rows(a, i0, rows, k0, depth, packed_a)
        at = ACCUMULATE if k0 > 0 else 0
        if k0 + depth == K:
            at |= flags
        for j in range(j0, j0 + columns, width):
            b0 = j * K + k0 * width
            wide = min(width, N - j)
            for i in range(0, rows, TILE_ROWS):
                high = min(TILE_ROWS, rows - i)
                if transpose_a:
                    tile_by_columns(packed_a, i * depth, TILE_ROWS, packed_b, b0, width, c, (i0 + i) * N + j, N,
                                    bias, j, depth, high, wide, at)
                else:
                    tile_by_rows(packed_a, i * (DEPTH + PAD), DEPTH + PAD, packed_b, b0, width, c, (i0 + i) * N + j, N,
                                 bias, j, depth, high, wide, at)
