"""What the loops over time share: products with weights that stay packed, rows to and from the steps' memory.

A task owns up to ROWS sequences for all of their steps: they are independent, so nobody waits for anybody, and the
weights stay in its core's cache. What a step works on lies gate by gate, an array (rows, H) each, so that its loops are
long and have one rest. The bits of a row depend on no other row, nor on how rows are cut into tasks.

LLVM vectorises a loop if eight comparisons at its start can prove that what it writes lies apart from what it reads:
each loop here and in the networks works on few arrays. Every call of add_product is a copy of its loops in the machine
code, and so is every number that is written out as an argument: there are few of both, for compile time's sake.
"""

from collections import namedtuple

import numpy as np

from .._cpu.gemm import MULTIPLIES
from .._cpu.jit import inner, kernel
from .._cpu.machine import TILE_ROWS
from .._cpu.microkernel import ACCUMULATE, tile_by_columns, tile_by_rows
from .._cpu.panels import DEPTH, Matrix, empty_panels, pack_panel, panel_columns
from .._cpu.prefetch import prefetch
from .._cpu.threads import flat, spread
from .._cpu.vecmath import sigmoid, tanh

ROWS, TASKS = 32, 4  # of a task at most; blocks shrink to a tile until there are as many tasks
NEAR = 1 << 15  # elements of w and u; with so few a task's own gradients of them stay in its core's cache
TOGETHER = 128  # rows of all steps that a task gathers for a product; a chain of as many sums
PAD = 64  # elements behind a matrix that a tile may read and drop

# B sequences of T steps with H units, `rows` of them to a task; mask (B * T,) counts if `masked`.
Sequences = namedtuple("Sequences", "B T H rows mask masked reverse")


def work_of(y, gates):
    """(rows of a task, nanoseconds that one core needs for the products of all steps, about)."""
    B, T, H = y.shape
    rows = ROWS
    while rows > TILE_ROWS and -(-B // rows) < TASKS:
        rows //= 2
    return -(-rows // TILE_ROWS) * TILE_ROWS, B * T * gates * H * H // MULTIPLIES


def near(x, u):
    """Whether tasks do the products of inputs and of weights' gradients themselves, while what they need is near.

    What is large, or has too few sequences for TASKS, is done for all steps together.
    """
    return 0 < (x.shape[2] + u.shape[0]) * u.shape[1] <= NEAR and x.shape[0] > (TASKS - 1) * TILE_ROWS


def packed(u, transposed):
    """The panels of u (H, G H): of its gates one by one, as many each, or of its transpose, or of w's."""
    H, N = u.shape
    gates = N // max(H, 1)
    parts, columns, depth = (1, H, N) if transposed else (gates, H, H)
    panels = empty_panels(depth, columns, u.dtype, parts)
    _pack(u, parts, columns, depth, transposed, panels)
    return panels


@kernel
def _pack(u, parts, columns, depth, transposed, panels):
    each = -(-columns // panel_columns(panels.itemsize))
    matrix = Matrix(flat(u), 0, u.shape[1], transposed)
    spread(_pack_panel, parts * each, u.size // 4, (matrix, columns, depth, each, panels))


@inner
def _pack_panel(task, matrix, columns, depth, each, panels):
    width = panel_columns(panels.itemsize)
    part, p = task // each, task % each
    first, end = part * columns + p * width, (part + 1) * columns
    pack_panel(matrix, first, end, 0, depth, panels, task * width * depth)


@inner
def add_product(a, rows, panels, K, c):
    """c (rows, N) += a (rows, depth) times as many rows of a packed matrix of K rows, from where `panels` begin.

    A sum runs over the depth in order, in depth blocks.
    """
    depth, N, width = a.size // rows, c.size // rows, panel_columns(c.itemsize)
    for j in range(0, N, width):
        columns = min(width, N - j)
        for k in range(0, depth, DEPTH):
            deep, b0 = min(DEPTH, depth - k), j * K + k * width
            for i in range(0, rows, TILE_ROWS):
                a0, c0, high = i * depth + k, i * N + j, min(TILE_ROWS, rows - i)
                tile_by_rows(a, a0, depth, panels, b0, width, c, c0, N, c, 0, deep, high, columns, ACCUMULATE)


@inner
def add_transposed_product(a, M, b, stride, N, depth, c, c0, ldc):
    """c (M, N) += a^T b from c0 on, of a (depth, M) and b (depth, stride), of whose columns the first N count."""
    width = panel_columns(c.itemsize)
    for j in range(0, N, width):
        columns = min(width, N - j)
        for i in range(0, M, TILE_ROWS):
            to, high = c0 + i * ldc + j, min(TILE_ROWS, M - i)
            tile_by_columns(a, i, M, b, j, stride, c, to, ldc, c, 0, depth, high, columns, ACCUMULATE)


@inner
def add_column_sums(a, rows, c):
    """c (N,) += the sums of the columns of a (rows, N)."""
    N = np.uint64(c.size)
    for row in range(np.uint64(rows)):
        for j in range(N):
            c[j] += a[row * N + j]


@inner
def state_before(s, first, rows, t, y, h0, to):
    """The states (rows, H) before step t, of all states y (B, T, H) and the first ones h0 (B, H)."""
    if t == (s.T - 1 if s.reverse else 0):
        copy(h0[first * s.H :], to)
    else:
        read_rows(y, (first * s.T + (t + 1 if s.reverse else t - 1)) * s.H, s.T * s.H, rows, to)


@inner
def ask_rows(source, start, stride, rows, count):
    """Ask for so many elements of each row: the next step's, which lie too far apart to be expected."""
    for row in range(rows):
        prefetch(source, start + row * stride, count)


@inner
def read_rows(source, start, stride, rows, to):
    """Rows that lie apart, one after the other."""
    N = np.uint64(to.size // rows)
    for row in range(np.uint64(rows)):
        there, here = np.uint64(start) + row * np.uint64(stride), row * N
        for j in range(N):
            to[here + j] = source[there + j]


@inner
def add_rows(source, start, stride, rows, to):
    """Rows that lie apart, added to rows one after the other."""
    N = np.uint64(to.size // rows)
    for row in range(np.uint64(rows)):
        there, here = np.uint64(start) + row * np.uint64(stride), row * N
        for j in range(N):
            to[here + j] += source[there + j]


@inner
def write_rows(source, rows, to, start, stride):
    """Rows one after the other to places that lie apart."""
    N = np.uint64(source.size // rows)
    for row in range(np.uint64(rows)):
        here, there = row * N, np.uint64(start) + row * np.uint64(stride)
        for j in range(N):
            to[there + j] = source[here + j]


@inner
def keep(s, first, rows, t, before, now):
    """now (rows, H) is what was `before` in sequences whose step t is masked."""
    if s.masked:
        for row in range(rows):
            if not s.mask[(first + row) * s.T + t]:
                for j in range(np.uint64(row * s.H), np.uint64((row + 1) * s.H)):
                    now[j] = before[j]


@inner
def silence(s, first, rows, t, now):
    """now (rows, H) is 0 in sequences whose step t is masked."""
    if s.masked:
        for row in range(rows):
            if not s.mask[(first + row) * s.T + t]:
                for j in range(np.uint64(row * s.H), np.uint64((row + 1) * s.H)):
                    now[j] = 0


@inner
def copy(source, to):
    for j in range(np.uint64(to.size)):
        to[j] = source[j]


@inner
def clear(to):
    for j in range(np.uint64(to.size)):
        to[j] = 0


@inner
def sigmoid_of(a):
    """In place."""
    for j in range(np.uint64(a.size)):
        a[j] = sigmoid(a[j])


@inner
def tanh_of(a):
    """In place."""
    for j in range(np.uint64(a.size)):
        a[j] = tanh(a[j])


@inner
def times(a, b, c):
    """c = a b."""
    for j in range(np.uint64(c.size)):
        c[j] = a[j] * b[j]


@inner
def through_sigmoid(d, factor, y, da):
    """da = d factor y (1 - y), for y = sigmoid(a)."""
    one = y.dtype.type(1)
    for j in range(np.uint64(da.size)):
        da[j] = d[j] * factor[j] * (y[j] * (one - y[j]))


@inner
def through_tanh(d, factor, y, da):
    """da = d factor (1 - y^2), for y = tanh(a)."""
    one = y.dtype.type(1)
    for j in range(np.uint64(da.size)):
        da[j] = d[j] * factor[j] * (one - y[j] * y[j])
