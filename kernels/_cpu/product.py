"""Products of matrices in memory, one or a batch: C[t] = f(op(A[t]) @ op(B[t]) + bias)."""

import numpy as np

from .gemm import (
    MULTIPLIES,
    Out,
    Right,
    block,
    block_bounds,
    blocks_of,
    pack_nothing,
    pack_transposed,
    tile_in_place,
    tile_transposed,
)
from .gemv import row_product
from .jit import inner, kernel
from .panels import DEPTH, DIRECT_ROWS, STRIDE, Matrix, pack_panel, panel_columns
from .threads import flat, spread

TRANSPOSE_A, TRANSPOSE_B = 8, 16  # beside the tile's flags
CHAIN = (
    32  # terms of a sum for a column; NumPy's are as short, and no product of many columns has to have the same bits
)
ALONE = np.zeros((1, 3), np.int64)  # the layout of a single product of matrices in C order


@kernel
def gemm(a, b, bias, panels, c, layout, flags, code):
    """`product` for launchers; a, b and c are two-dimensional.

    `layout` is ALONE, or says where matrices lie: (M, N, K), the strides of rows in (a, b, c), and then for every
    product where its a, b and c start.
    """
    (M, N), K = c.shape, a.shape[0] if flags & TRANSPOSE_A else a.shape[1]
    lda, ldb, ldc, first = a.shape[1], b.shape[1], N, 0
    if layout.shape[0] > 1:
        M, N, K = layout[0, 0], layout[0, 1], layout[0, 2]
        lda, ldb, ldc, first = layout[1, 0], layout[1, 1], layout[1, 2], 2
    left = Matrix(flat(a), 0, lda, flags & TRANSPOSE_A != 0)
    right = Matrix(flat(b), 0, ldb, flags & TRANSPOSE_B != 0)
    out = Out(flat(c), 0, ldc, flat(bias), flags & (TRANSPOSE_A - 1), code)
    product(left, right, out, flat(panels), layout[first:], M, N, K)


@inner
def product(a, b, out, panels, starts, M, N, K):
    """A product (M, N) of depth K for every row of `starts`: where its a, b and c start.

    `panels` has room for the packed B of as many products as are done at a time, of one if all have the same B; with
    DIRECT_ROWS rows or less it may be anything.
    """
    count, width = starts.shape[0], panel_columns(out.c.itemsize)
    if count == 1 and M == 1 and not (a.transposed and a.stride > 1):
        row_product(a.data[:K], b, DEPTH, out, N, 1)
        return
    if count == 1 and N == 1 and out.stride == 1 and (b.transposed or b.stride == 1):
        turned = Matrix(a.data, 0, a.stride, not a.transposed)
        row_product(b.data[:K], turned, CHAIN, out, M, 0)
        return
    direct = M <= DIRECT_ROWS
    per_item = -(-N // width)
    shared = _same(starts[:, 1])
    together = count if direct or shared else max(panels.size // max(per_item * width * K, 1), 1)
    rows, columns = blocks_of(M, N, width, count)
    tasks = -(-M // rows) * -(-N // columns)
    for first in range(0, count, together):
        items = min(together, count - first)
        part = starts[first : first + items]
        if not direct:
            copies = 1 if shared else items
            spread(_panel_task, copies * per_item, copies * N * K // 4, (b, part, N, K, panels))
        right = Right(panels, K, 0, N, direct, b)
        work = items * M * N * K // MULTIPLIES
        if a.transposed:
            spread(_transposed_task, items * tasks, work, (a, right, out, part, shared, tasks, rows, columns, M, N))
        else:
            spread(_plain_task, items * tasks, work, (a, right, out, part, shared, tasks, rows, columns, M, N))


@inner
def _same(values):
    for value in values:
        if value != values[0]:
            return False
    return True


@inner
def _panel_task(task, b, starts, N, K, panels):
    """A panel of one product's B."""
    width = panel_columns(panels.itemsize)
    per_item = -(-N // width)
    item, p = task // per_item, task % per_item
    pack_panel(_moved(b, starts[item, 1]), p * width, N, 0, K, panels, task * width * K)


@inner
def _moved(matrix, start):
    return Matrix(matrix.data, start, matrix.stride, matrix.transposed)


@inner
def _item(task, a, right, out, starts, shared, tasks, rows, columns, M, N):
    """(a, right, out, the block's bounds) of a task."""
    item = task // tasks
    panels = right.panels
    if not (right.direct or shared):
        width = panel_columns(out.c.itemsize)
        panels = panels[item * -(-N // width) * width * right.K :]
    right = Right(panels, right.K, 0, N, right.direct, _moved(right.b, starts[item, 1]))
    out = Out(out.c, starts[item, 2], out.stride, out.bias, out.flags, out.code)
    return _moved(a, starts[item, 0]), right, out, block_bounds(task % tasks, M, N, rows, columns)


@inner
def _plain_task(task, a, right, out, starts, shared, tasks, rows, columns, M, N):
    """A block of C."""
    a, right, out, (i0, i1, j0, j1) = _item(task, a, right, out, starts, shared, tasks, rows, columns, M, N)
    block(pack_nothing, tile_in_place, 0, a, 0, right.K, right, out, i0, i1, j0, j1)


@inner
def _transposed_task(task, a, right, out, starts, shared, tasks, rows, columns, M, N):
    """A block of C, where A lies as (K, M)."""
    a, right, out, (i0, i1, j0, j1) = _item(task, a, right, out, starts, shared, tasks, rows, columns, M, N)
    block(pack_transposed, tile_transposed, STRIDE, a, 0, right.K, right, out, i0, i1, j0, j1)
