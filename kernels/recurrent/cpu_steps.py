"""What the loops over time share: products with weights that stay packed, rows to and from the steps' memory.

A task owns up to ROWS sequences for all of their steps: they are independent, so nobody waits for anybody, and the
weights stay in its core's cache. What a step works on lies gate by gate, an array (rows, H) each, so that its loops are
long and have one rest. The bits of a row depend on no other row, nor on how rows are cut into tasks.

LLVM vectorises a loop if eight comparisons at its start can prove that what it writes lies apart from what it reads:
each loop here and in the networks works on few arrays.
"""

from collections import namedtuple

import numpy as np

from .._cpu.gemm import MULTIPLIES
from .._cpu.jit import inner
from .._cpu.machine import TILE_ROWS
from .._cpu.microkernel import ACCUMULATE, tile_by_rows
from .._cpu.panels import DEPTH, Matrix, pack_panel, panel_columns
from .._cpu.threads import spread
from .._cpu.vecmath import sigmoid, tanh

ROWS, TASKS = 32, 4  # of a task at most; blocks shrink to a tile until there are as many tasks

# B sequences of T steps with H units, `rows` of them to a task; mask (B * T,) counts if `masked`.
Sequences = namedtuple("Sequences", "B T H rows mask masked reverse")


@inner
def rows_of(B):
    """Rows of a task, whole tiles."""
    rows = ROWS
    while rows > TILE_ROWS and -(-B // rows) < TASKS:
        rows //= 2
    return -(-rows // TILE_ROWS) * TILE_ROWS


@inner
def tasks_of(s, gates):
    """Tasks, and nanoseconds that one core needs for all of them, about."""
    return -(-s.B // s.rows), s.B * s.T * gates * s.H * s.H // MULTIPLIES


@inner
def pack_gates(u, H, gates, panels):
    """u (H, gates H), the panels of every gate on their own: those of gate g begin at g * gate_size."""
    each = -(-H // panel_columns(panels.itemsize))
    spread(_pack_gate, gates * each, gates * H * H // 4, (u, H, gates, each, panels))


@inner
def _pack_gate(task, u, H, gates, each, panels):
    width = panel_columns(panels.itemsize)
    gate, p = task // each, task % each
    pack_panel(Matrix(u, 0, gates * H, False), gate * H + p * width, (gate + 1) * H, 0, H, panels, task * width * H)


@inner
def gate_size(H, itemsize):
    """Elements of the panels of a gate."""
    width = panel_columns(itemsize)
    return -(-H // width) * width * H


@inner
def pack_transposed(u, H, gates, panels):
    """The transpose of u (H, gates H), as panels of gates H rows."""
    tasks = -(-H // panel_columns(panels.itemsize))
    spread(_pack_transposed, tasks, gates * H * H // 4, (u, H, gates * H, panels))


@inner
def _pack_transposed(task, u, H, K, panels):
    width = panel_columns(panels.itemsize)
    pack_panel(Matrix(u, 0, K, True), task * width, H, 0, K, panels, task * width * K)


@inner
def product(a, rows, panels, K, k0, c, flags, bias):
    """c (rows, N) from a (rows, depth) times rows k0 … of a packed matrix (K, N), with the tile's flags.

    A sum runs over k in order, in depth blocks.
    """
    depth, N, width = a.size // rows, c.size // rows, panel_columns(c.itemsize)
    for j in range(0, N, width):
        columns = min(width, N - j)
        for k in range(0, depth, DEPTH):
            deep, at, b0 = min(DEPTH, depth - k), flags if k == 0 else ACCUMULATE, j * K + (k0 + k) * width
            for i in range(0, rows, TILE_ROWS):
                a0, c0, high = i * depth + k, i * N + j, min(TILE_ROWS, rows - i)
                tile_by_rows(a, a0, depth, panels, b0, width, c, c0, N, bias, j, deep, high, columns, at)


@inner
def part_of(saved, s, first, rows, t, gate, gates):
    """Of what is saved as (T, gates, B, H): a task's rows of one gate in step t."""
    start = ((t * gates + gate) * s.B + first) * s.H
    return saved[start : start + rows * s.H]


@inner
def state_before(s, first, rows, t, y, h0, to):
    """The states (rows, H) before step t, of all states y (B, T, H) and the first ones h0 (B, H)."""
    if t == (s.T - 1 if s.reverse else 0):
        copy(h0[first * s.H :], to)
    else:
        read_rows(y, (first * s.T + (t + 1 if s.reverse else t - 1)) * s.H, s.T * s.H, rows, to)


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
