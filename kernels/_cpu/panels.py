"""Packing of matrices that lie anywhere: B into panels of whole vectors, a part of A by rows of STRIDE.

A `Matrix` is stored by rows: element (i, j) lies at data[start + i * stride + j], `transposed` says that a product
wants it the other way round. A panel is `panel_columns` columns of B as (K, columns), the last one padded with zeros.
"""

from collections import namedtuple

import numpy as np

from .jit import inner
from .machine import TILE_VECTORS, VECTOR_BYTES
from .memory import aligned, empty
from .transpose import transpose_squares

DEPTH = 256  # 384 is 3 to 6 % faster, but a chain of 384 sums can err twice as much as NumPy's (docs/ladder/matmul.md)
STRIDE = DEPTH + 16  # of a packed row of A: rows that are a power of two apart would share their cache sets
DIRECT_ROWS = 64  # products with so few rows read B in place: 1.0 to 1.6 times as fast there, 0.95 at 128 x 1024 x 1024
_PANEL_BYTES = TILE_VECTORS * VECTOR_BYTES
_FEW = 1 << 10  # elements; to place them on a boundary takes a microsecond, longer than the product

Matrix = namedtuple("Matrix", "data start stride transposed")


@inner
def panel_columns(itemsize):
    return _PANEL_BYTES // itemsize


def empty_panels(K, N, dtype, count=1):
    """Room for the panels of `count` (K, N) matrices."""
    columns = _PANEL_BYTES // dtype.itemsize
    size = count * -(-N // columns) * columns * K
    return empty(size, dtype) if size < _FEW else aligned(size, dtype)


@inner
def pack_panel(b, first, end, k0, K, out, start):
    """Columns first … of B (`end` excluded), rows k0 … k0 + K, to out[start:], padded to a whole panel with zeros."""
    width = panel_columns(out.itemsize)
    columns = min(width, end - first)
    if b.transposed:
        _pack_transposed_panel(b, first, columns, k0, K, out, start, width)
    elif columns == width:
        _copy_rows(b.data, b.start + k0 * b.stride + first, b.stride, K, width, out, start, width)
    else:
        _copy_rows(b.data, b.start + k0 * b.stride + first, b.stride, K, columns, out, start, width)
    for k in range(K):
        for j in range(columns, width):
            out[np.uint64(start + k * width + j)] = 0


@inner
def _pack_transposed_panel(b, first, columns, k0, K, out, start, width):
    """Rows first … of b, its columns k0 …: squares in registers, then the rest."""
    lanes = VECTOR_BYTES // out.itemsize
    whole, done = columns // lanes * lanes, K // lanes * lanes
    for j in range(0, whole, lanes):
        place = b.start + (first + j) * b.stride + k0
        transpose_squares(b.data, place, b.stride, out, start + j, width, K // lanes)
    for j in range(columns):
        place = b.start + (first + j) * b.stride + k0
        for k in range(np.uint64(done if j < whole else 0), np.uint64(K)):
            out[np.uint64(start + k * width + j)] = b.data[np.uint64(place) + k]


@inner
def copy_block(source, r0, rows, c0, columns, out):
    """A block of a matrix, as it is stored, by rows of STRIDE."""
    place = source.start + r0 * source.stride + c0
    _copy_rows(source.data, place, source.stride, rows, columns, out, 0, STRIDE)


@inner
def _copy_rows(x, x0, x_stride, rows, columns, y, y0, y_stride):
    for r in range(np.uint64(rows)):
        there, here = np.uint64(x0) + r * np.uint64(x_stride), np.uint64(y0) + r * np.uint64(y_stride)
        for c in range(np.uint64(columns)):
            y[here + c] = x[there + c]
