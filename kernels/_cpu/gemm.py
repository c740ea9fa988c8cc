"""Blocking around the register tile: C (M, N) = A (M, K) @ B (K, N), where A may be anything that can be packed.

B is packed once, whole, in panels. A task owns a block of C and runs the tile over it a depth block at a time: a panel
of B stays in the first cache level for all of a task's rows, the part of A in the second. The tile reads rows of A
where they lie; a transposed A and patches of images are packed first, as they lie, by rows of STRIDE:
`pack(source, r0, rows, c0, columns, out)`. Of a transposed A the tile reads columns.

Tasks are cut by the shape alone, and the sum of an element by DEPTH alone: the bits depend on nothing else.
"""

from collections import namedtuple

import numpy as np

from .bias import RELU, activate
from .jit import inner
from .machine import TILE_ROWS
from .microkernel import ACCUMULATE, tile_by_columns, tile_by_rows
from .microkernel import RELU as TILE_RELU
from .panels import DEPTH, STRIDE, copy_block, pack_panel, panel_columns

ROWS, COLUMNS = 128, 512  # the largest block of C that is one task
LEAST_ROWS, LEAST_COLUMNS = 32, 256
MULTIPLIES = 64  # that one core does in a nanosecond, at least
STRIP = 256  # columns of C that are finished before the next: a block of them stays in the second cache level
PACKED = 8 * DEPTH  # depth of A that is packed at once where several strips need it
TASKS = 16  # blocks shrink until there are as many

# K rows of B and its columns first:end: packed in `panels`, or, if `direct`, read where the Matrix `b` lies.
Right = namedtuple("Right", "panels K first end direct b")
# C: element (i, j) lies at c[start + i * stride + j]; the tile's `flags` and the activation `code` end the depth.
Out = namedtuple("Out", "c start stride bias flags code")


@inner
def pack_transposed(source, i0, rows, k0, depth, out):
    """A part of A that lies as (K, M)."""
    copy_block(source, k0, depth, i0, rows, out)


@inner
def pack_nothing(source, i0, rows, k0, depth, out):
    """A part of A that is read where it lies."""


@inner
def tile_in_place(source, k, packed, row, b, b0, ldb, out, i, j, depth, rows, columns, flags):
    """The tile (i, j) of C, from column k on of a matrix A that is not packed."""
    a, to = source.start + i * source.stride + k, out.start + i * out.stride + j
    tile_by_rows(
        source.data, a, source.stride, b, b0, ldb, out.c, to, out.stride, out.bias, j, depth, rows, columns, flags
    )


@inner
def tile_packed(source, k, packed, row, b, b0, ldb, out, i, j, depth, rows, columns, flags):
    """The tile (i, j) of C, from `row` on of a part packed by rows of A."""
    to = out.start + i * out.stride + j
    tile_by_rows(
        packed, row * STRIDE, STRIDE, b, b0, ldb, out.c, to, out.stride, out.bias, j, depth, rows, columns, flags
    )


@inner
def tile_transposed(source, k, packed, row, b, b0, ldb, out, i, j, depth, rows, columns, flags):
    """The tile (i, j) of C, from `row` on of a part packed by columns of A; it reads past an edge and drops that."""
    to = out.start + i * out.stride + j
    tile_by_columns(packed, row, STRIDE, b, b0, ldb, out.c, to, out.stride, out.bias, j, depth, rows, columns, flags)


@inner
def blocks_of(M, N, width, count):
    """Rows and columns of a task's block of whole tiles: the largest, halved until `count` products have TASKS of them.

    The blocks are then evened out: threads get neighbouring tasks, as many each, and would wait for larger ones.
    """
    if M <= LEAST_ROWS and N <= LEAST_COLUMNS:
        return LEAST_ROWS, LEAST_COLUMNS
    rows, columns = ROWS, COLUMNS
    while columns > LEAST_COLUMNS and count * -(-M // rows) * -(-N // columns) < TASKS:
        columns //= 2
    while rows > LEAST_ROWS and count * -(-M // rows) * -(-N // columns) < TASKS:
        rows //= 2
    return _even(M, rows, TILE_ROWS), _even(N, columns, width)


@inner
def _even(size, most, step):
    """The size of as many equal parts as parts of `most` would be, in whole steps."""
    count = max(-(-size // most), 1)
    return max(-(-size // (count * step)), 1) * step


@inner
def block_bounds(task, M, N, rows, columns):
    """(i0, i1, j0, j1) of a task: down the rows first, so that neighbours share the panels of B."""
    down = -(-M // rows)
    i0, j0 = task % down * rows, task // down * columns
    return i0, min(i0 + rows, M), j0, min(j0 + columns, N)


@inner
def block(pack, tile, stride, source, k0, k1, right, out, i0, i1, j0, j1):
    """Rows i0:i1, columns j0:j1 of C from k0:k1 of the depth; `stride` is a packed row's, 0 if nothing is packed."""
    dtype, width = out.c.dtype, panel_columns(out.c.itemsize)
    flags = out.flags | (TILE_RELU if out.code == RELU else 0)
    size = max(i1 - i0, min(DEPTH, k1 - k0)) * stride
    together = DEPTH if j1 - j0 <= STRIP else PACKED  # of the depth, packed before the first strip of columns
    parts = size * -(-min(together, max(k1 - k0, 1)) // DEPTH)
    panel_size = min(DEPTH, k1 - k0) * width if right.direct else 0
    room = np.empty(parts + panel_size, dtype)  # one allocation, and no larger than needed: small products feel it
    packed, panel = room[:parts], room[parts:]
    for first in range(k0, max(k1, k0 + 1), together):  # no depth at all still writes zeros
        end = min(first + together, k1)
        for k in range(first, end, DEPTH):
            pack(source, i0, i1 - i0, k, min(DEPTH, end - k), packed[(k - first) // DEPTH * size :])
        for j in range(j0, j1, STRIP):
            for k in range(first, max(end, first + 1), DEPTH):
                at = (ACCUMULATE if k > k0 else 0) | (flags if k + DEPTH >= k1 else 0)
                part = packed[(k - first) // DEPTH * size :]
                _strip(tile, source, part, right, panel, out, i0, i1, j, min(j + STRIP, j1), k, min(DEPTH, k1 - k), at)
    if out.code > RELU:
        activate(out.c, out.start + i0 * out.stride + j0, out.stride, i1 - i0, j1 - j0, out.code)


@inner
def _strip(tile, source, packed, right, panel, out, i0, i1, j0, j1, k, depth, flags):
    """Rows i0:i1, columns j0:j1 of C from one depth block; `packed` is A's part, `panel` room for one of B."""
    width, b = panel_columns(out.c.itemsize), right.b
    for j in range(j0, j1, width):
        columns = min(width, right.end - j)
        in_place = right.direct and columns == width and not b.transposed
        if right.direct and not in_place:
            pack_panel(b, j, right.end, k, depth, panel, 0)
        for i in range(i0, i1, TILE_ROWS):
            rows = min(TILE_ROWS, i1 - i)
            if in_place:
                place = b.start + k * b.stride + j
                tile(source, k, packed, i - i0, b.data, place, b.stride, out, i, j, depth, rows, columns, flags)
            elif right.direct:
                tile(source, k, packed, i - i0, panel, 0, width, out, i, j, depth, rows, columns, flags)
            else:
                b0 = (j - right.first) * right.K + k * width
                tile(source, k, packed, i - i0, right.panels, b0, width, out, i, j, depth, rows, columns, flags)
