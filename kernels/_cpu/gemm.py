"""Packing and blocking around the register tile: C (M, N) = A (M, K) @ B (K, N), where A may be any packable source.

B is packed once, whole, in panels of `panel_columns` columns (panel, K, columns), the last one padded with zeros. A
task owns a block of C: it packs the part of A that it needs a depth block at a time (that stays in the second cache
level) and runs the tile over it; a panel of B stays in the first level for all of a task's rows.

A part of A is packed as its source lies, so packing is a copy: `pack(source, r0, rows, c0, columns, out)` writes a
block of the source matrix by rows of STRIDE. Where the product wants the source transposed, the tile reads it by
columns. Tasks are cut by the shape alone, and the sum of an element by DEPTH alone: the bits depend on nothing else.
"""

from collections import namedtuple

import numpy as np

from .bias import RELU, activate
from .gemv import row_product
from .jit import inner, kernel
from .machine import TILE_ROWS, TILE_VECTORS, VECTOR_BYTES
from .memory import empty
from .microkernel import ACCUMULATE, tile_by_columns, tile_by_rows
from .microkernel import RELU as TILE_RELU
from .threads import borrowed, spread
from .transpose import transpose_squares

DEPTH = 256  # 384 is 3 to 6 % faster, but a chain of 384 sums can err twice as much as NumPy's (docs/ladder/matmul.md)
STRIDE = DEPTH + 16  # of a packed row of A: rows that are a power of two apart would share their cache sets
ROWS, COLUMNS = 128, 1024  # the largest block of C that is one task
LEAST_ROWS, LEAST_COLUMNS = 32, 256
MULTIPLIES = 64  # that one core does in a nanosecond, at least
STRIP = 256  # columns of C that are finished before the next: a block of them stays in the second cache level
PACKED = 8 * DEPTH  # depth of A that is packed at once where several strips need it
TASKS = 16  # blocks shrink until there are as many
DIRECT_ROWS = 64  # products with so few rows read B in place: 1.0 to 1.6 times as fast there, 0.95 at 128 x 1024 x 1024
_PANEL_BYTES = TILE_VECTORS * VECTOR_BYTES

# B: K rows and the columns first:end, packed in `panels`, or the matrix `b` itself if `direct`.
Right = namedtuple("Right", "panels K first end direct b transposed")
# C: element (i, j) lies at c[start + i * stride + j]; the tile's `flags` and the activation `code` end the depth.
Out = namedtuple("Out", "c start stride bias flags code")


@inner
def panel_columns(itemsize):
    return _PANEL_BYTES // itemsize


def empty_panels(K, N, dtype, count=1):
    """Room for the panels of `count` (K, N) matrices."""
    columns = _PANEL_BYTES // dtype.itemsize
    return empty(count * -(-N // columns) * columns * K, dtype)


@inner
def pack_panel(b, transposed, first, end, k0, K, out, start):
    """Columns first … of B (`end` excluded), rows k0 … k0 + K, to out[start:], padded to a whole panel with zeros."""
    width = panel_columns(out.itemsize)
    columns = min(width, end - first)
    if transposed:
        _pack_transposed_panel(b, first, columns, k0, K, out, start, width)
    elif columns == width:
        for k in range(np.uint64(K)):
            for j in range(np.uint64(width)):
                out[np.uint64(start) + k * np.uint64(width) + j] = b[np.uint64(k0) + k, np.uint64(first) + j]
    else:
        for k in range(np.uint64(K)):
            for j in range(np.uint64(columns)):
                out[np.uint64(start) + k * np.uint64(width) + j] = b[np.uint64(k0) + k, np.uint64(first) + j]
    for k in range(K):
        for j in range(columns, width):
            out[np.uint64(start + k * width + j)] = 0


@inner
def _pack_transposed_panel(b, first, columns, k0, K, out, start, width):
    """Rows first … of b, its columns k0 …: squares in registers, then the rest."""
    stride = b.strides[0] // b.itemsize
    lanes = VECTOR_BYTES // out.itemsize
    whole, done = columns // lanes * lanes, K // lanes * lanes
    for j in range(0, whole, lanes):
        transpose_squares(b, (first + j) * stride + k0, stride, out, start + j, width, K // lanes)
    for j in range(columns):
        for k in range(np.uint64(done if j < whole else 0), np.uint64(K)):
            out[np.uint64(start + k * width + j)] = b[np.uint64(first + j), np.uint64(k0) + k]


@inner
def copy_block(source, r0, rows, c0, columns, out):
    """A block of a matrix, by rows of STRIDE."""
    for r in range(np.uint64(rows)):
        for c in range(np.uint64(columns)):
            out[r * np.uint64(STRIDE) + c] = source[np.uint64(r0) + r, np.uint64(c0) + c]


@inner
def pack_plain(source, i0, rows, k0, depth, out):
    """A part of A that lies as (M, K)."""
    copy_block(source, i0, rows, k0, depth, out)


@inner
def pack_transposed(source, i0, rows, k0, depth, out):
    """A part of A that lies as (K, M)."""
    copy_block(source, k0, depth, i0, rows, out)


@inner
def tile_plain(packed, row, b, b0, ldb, out, i, j, depth, rows, columns, flags):
    """The tile (i, j) of C, from `row` on of a part packed by rows of A."""
    to = out.start + i * out.stride + j
    tile_by_rows(
        packed, row * STRIDE, STRIDE, b, b0, ldb, out.c, to, out.stride, out.bias, j, depth, rows, columns, flags
    )


@inner
def tile_transposed(packed, row, b, b0, ldb, out, i, j, depth, rows, columns, flags):
    """The tile (i, j) of C, from `row` on of a part packed by columns of A; it reads past an edge and drops that."""
    to = out.start + i * out.stride + j
    tile_by_columns(packed, row, STRIDE, b, b0, ldb, out.c, to, out.stride, out.bias, j, depth, rows, columns, flags)


@inner
def blocks_of(M, N, width):
    """Rows and columns of a task's block of whole tiles: the largest, halved until there are TASKS, then evened out.

    Threads get neighbouring tasks, as many each: blocks of different sizes would leave one of them waiting.
    """
    rows, columns = ROWS, COLUMNS
    while columns > LEAST_COLUMNS and -(-M // rows) * -(-N // columns) < TASKS:
        columns //= 2
    while rows > LEAST_ROWS and -(-M // rows) * -(-N // columns) < TASKS:
        rows //= 2
    return _even(M, rows, TILE_ROWS), _even(N, columns, width)


@inner
def _even(size, most, step):
    """The size of as many equal parts as parts of `most` would be, in whole steps."""
    count = max(-(-size // most), 1)
    return max(-(-size // (count * step)), 1) * step


@inner
def block_bounds(task, M, N, width):
    """(i0, i1, j0, j1) of a task: down the rows first, so that neighbours share the panels of B."""
    rows, columns = blocks_of(M, N, width)
    down = -(-M // rows)
    i0, j0 = task % down * rows, task // down * columns
    return i0, min(i0 + rows, M), j0, min(j0 + columns, N)


@inner
def block(pack, tile, source, k0, k1, right, out, i0, i1, j0, j1):
    """Rows i0:i1, columns j0:j1 of C from k0:k1 of the depth."""
    dtype, width = out.c.dtype, panel_columns(out.c.itemsize)
    flags = out.flags | (TILE_RELU if out.code == RELU else 0)
    size = max(i1 - i0, min(DEPTH, k1 - k0)) * STRIDE
    together = DEPTH if j1 - j0 <= STRIP else PACKED  # of the depth, packed before the first strip of columns
    packed = np.empty(size * -(-min(together, max(k1 - k0, 1)) // DEPTH), dtype)
    panel = np.empty(DEPTH * width if right.direct else 0, dtype)
    for first in range(k0, max(k1, k0 + 1), together):  # no depth at all still writes zeros
        end = min(first + together, k1)
        for k in range(first, end, DEPTH):
            pack(source, i0, i1 - i0, k, min(DEPTH, end - k), packed[(k - first) // DEPTH * size :])
        for j in range(j0, j1, STRIP):
            for k in range(first, max(end, first + 1), DEPTH):
                at = (ACCUMULATE if k > k0 else 0) | (flags if k + DEPTH >= k1 else 0)
                part = packed[(k - first) // DEPTH * size :]
                _strip(tile, part, right, panel, out, i0, i1, j, min(j + STRIP, j1), k, min(DEPTH, k1 - k), at)
    if out.code > RELU:
        activate(out.c, out.start + i0 * out.stride + j0, out.stride, i1 - i0, j1 - j0, out.code)


@inner
def _strip(tile, packed, right, panel, out, i0, i1, j0, j1, k, depth, flags):
    """Rows i0:i1, columns j0:j1 of C from one depth block; `packed` is A's part, `panel` room for one of B."""
    width, ldb = panel_columns(out.c.itemsize), right.b.shape[1]
    for j in range(j0, j1, width):
        columns = min(width, right.end - j)
        in_place = right.direct and columns == width and not right.transposed
        if right.direct and not in_place:
            pack_panel(right.b, right.transposed, j, right.end, k, depth, panel, 0)
        for i in range(i0, i1, TILE_ROWS):
            rows = min(TILE_ROWS, i1 - i)
            if in_place:
                b = right.b.reshape(-1)
                tile(packed, i - i0, b, k * ldb + j, ldb, out, i, j, depth, rows, columns, flags)
            elif right.direct:
                tile(packed, i - i0, panel, 0, width, out, i, j, depth, rows, columns, flags)
            else:
                b0 = (j - right.first) * right.K + k * width
                tile(packed, i - i0, right.panels, b0, width, out, i, j, depth, rows, columns, flags)


@inner
def _panel_task(p, b, transposed, N, K, panels):
    """Panel p of B."""
    width = panel_columns(panels.itemsize)
    pack_panel(b, transposed, p * width, N, 0, K, panels, p * width * K)


@kernel
def gemm(a, transpose_a, b, transpose_b, bias, flags, code, panels, c):
    """`product`, for launchers."""
    a, b, bias, panels, c = borrowed((a, b, bias, panels, c))
    product(a, transpose_a, b, transpose_b, bias, flags, code, panels, c)


@inner
def product(a, transpose_a, b, transpose_b, bias, flags, code, panels, c):
    """c (M, N) = f(op(a) @ op(b) + bias); f by its `code`, no bias with 0 for `flags`.

    `panels` comes from `empty_panels`; with DIRECT_ROWS rows or less it may be anything.
    """
    M, N = c.shape
    K = a.shape[0] if transpose_a else a.shape[1]
    if M == 1:
        row_product(a.reshape(-1), b, transpose_b, DEPTH, bias, flags, code, c.reshape(-1))
        return
    direct = M <= DIRECT_ROWS
    if not direct:
        count = -(-N // panel_columns(c.itemsize))
        spread(_panel_task, count, N * K // 4, (b, transpose_b, N, K, panels))
    right = Right(panels, K, 0, N, direct, b, transpose_b)
    out = Out(c.reshape(-1), 0, N, bias, flags, code)
    rows, columns = blocks_of(M, N, panel_columns(c.itemsize))
    tasks = -(-M // rows) * -(-N // columns)
    work = M * N * K // MULTIPLIES
    if transpose_a:
        spread(_transposed_task, tasks, work, (a, K, right, out, M, N))
    else:
        spread(_plain_task, tasks, work, (a, K, right, out, M, N))


@inner
def _plain_task(task, a, K, right, out, M, N):
    """A block of C."""
    i0, i1, j0, j1 = block_bounds(task, M, N, panel_columns(out.c.itemsize))
    block(pack_plain, tile_plain, a, 0, K, right, out, i0, i1, j0, j1)


@inner
def _transposed_task(task, a, K, right, out, M, N):
    """A block of C, where A lies as (K, M)."""
    i0, i1, j0, j1 = block_bounds(task, M, N, panel_columns(out.c.itemsize))
    block(pack_transposed, tile_transposed, a, 0, K, right, out, i0, i1, j0, j1)
