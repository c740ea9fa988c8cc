"""Attention's forward on the CPU: a task owns a block of queries of one head and goes over the keys in blocks.

    for every block of keys:                    s = scale q k^T + bias, hidden keys -inf
        m' = max(m, max s)    p = e**(s - m')    a = e**(m - m')
        l = a l + sum p       acc = a acc + drop(p) v
    y = acc / l    lse = m + log l

The running softmax: Milakov, Gimelshein 2018, arXiv:1805.02867; over blocks of attention Rabe, Staats 2021,
arXiv:2112.05682 and Dao et al. 2022, arXiv:2205.14135, algorithm 1. Of the logits only a block exists at a time. All
k and v are packed before, once for all blocks of queries. Blocks are cut by fixed sizes, so that the bits depend on
the shape alone. While no key has been seen m is -inf, and 0 stands in its place.
"""

import math

import numpy as np

from .._cpu.gemm import MULTIPLIES
from .._cpu.jit import inner, kernel
from .._cpu.microkernel import ACCUMULATE
from .._cpu.panels import Matrix, pack_panel, panel_columns
from .._cpu.philox import GROUP
from .._cpu.threads import flat, spread
from .._cpu.vecmath import exp, in_order, order
from .blocks import (
    KEYS,
    LDS,
    QUERIES,
    adjust,
    copy_rows,
    fill_words,
    keys_seen,
    pack_keys,
    padded,
    panels_size,
    product,
    unpacked,
)


@kernel
def forward(q, k, v, bias, mask, integers, numbers, panels, y, lse):
    """y and lse; `panels` has room for those of k^T and v of every b and g."""
    sizes, options = unpacked(integers, numbers, flat(bias), flat(mask))
    B, T, S, H, G, D = sizes
    q, k, v, y, lse = flat(q), flat(k), flat(v), flat(y), flat(lse)
    keys = panels[: B * G * panels_size(D, S, k.itemsize)]
    values = panels[keys.size :]
    blocks = -(-S // KEYS)
    spread(_pack_task, B * G * blocks, k.size, (k, v, sizes, options, blocks, keys, values))
    tiles = -(-T // QUERIES)
    work = 2 * B * H * T * S * D // MULTIPLIES
    spread(_forward_task, B * H * tiles, work, (q, sizes, options, keys, values, tiles, y, lse))


@inner
def _pack_task(task, k, v, sizes, options, blocks, keys, values):
    """A block of keys and their values, for one b and g."""
    pair, s0 = task // blocks, task % blocks * KEYS
    b, g, end = pair // sizes.G, pair % sizes.G, min(s0 + KEYS, sizes.S)
    D, width = sizes.D, panel_columns(k.itemsize)
    pack_keys(k, sizes, options, b, g, s0, end, keys, pair * panels_size(D, sizes.S, k.itemsize) + s0 * D)
    rows = Matrix(v, (b * sizes.S * sizes.G + g) * D, sizes.G * D, False)
    to = pair * panels_size(sizes.S, D, v.itemsize)
    for d in range(0, D, width):
        place = to + d * sizes.S + s0 * width
        pack_panel(rows, d, D, s0, end - s0, values, place)
        if options.has_mask:
            for i in range(end - s0):
                if not options.mask[b * sizes.S + s0 + i]:
                    for j in range(width):
                        values[place + i * width + j] = 0


@inner
def _forward_task(task, q, sizes, options, keys, values, tiles, y, lse):
    """QUERIES queries of one b and h."""
    T, S, D = sizes.T, sizes.S, sizes.D
    b, h = task // tiles // sizes.H, task // tiles % sizes.H
    t0 = _evenly(task % tiles, tiles) * QUERIES
    rows, width, ldq = min(QUERIES, T - t0), panel_columns(q.itemsize), padded(D, q.itemsize)
    pair = b * sizes.G + h // (sizes.H // sizes.G)
    my_keys = pair * panels_size(D, S, q.itemsize)
    my_values = pair * panels_size(S, D, q.itemsize)
    room = np.empty(2 * rows * ldq + rows * LDS, q.dtype)
    scaled, sums, s = room[: rows * ldq], room[rows * ldq : 2 * rows * ldq], room[2 * rows * ldq :]
    state = np.empty((2, rows), q.dtype)
    m, l = state[0], state[1]  # noqa: E741
    m[:] = -np.inf
    l[:] = 0
    words = np.empty(KEYS + 2 * GROUP if options.drops else 0, np.uint32)
    start = ((b * T + t0) * sizes.H + h) * D
    copy_rows(q, start, sizes.H * D, rows, D, options.scale, scaled, 0, ldq)
    end = keys_seen(sizes, options, t0 + rows - 1)
    for s0 in range(0, end, KEYS):
        columns = min(KEYS, end - s0)
        product(scaled, 0, ldq, keys, my_keys + s0 * D, width, width * D, s, 0, LDS, rows, columns, D, 0)
        adjust(s, rows, columns, b, h, t0, s0, sizes, options)
        for i in range(rows):
            m[i], l[i] = _softmax_row(s, i * LDS, columns, m[i], l[i], sums, i * ldq, D if s0 else 0)
        if options.drops:
            for i in range(rows):
                position = ((b * sizes.H + h) * T + t0 + i) * S + s0
                _drop(s, i * LDS, columns, position, words, options)
        flags = ACCUMULATE if s0 else 0
        product(s, 0, LDS, values, my_values + s0 * width, width, width * S, sums, 0, ldq, rows, D, columns, flags)
    _finish(sums, ldq, m, l, rows, D, sizes.H * D, y, start, lse, (b * sizes.H + h) * T + t0)


@inner
def _evenly(n, count):
    """The first, the last, the second, the last but one …: of causal blocks the later ones take longer."""
    return count - 1 - n // 2 if n % 2 else n // 2


@inner
def _softmax_row(s, start, columns, m, l, sums, place, D):  # noqa: E741
    """e**(s - m') in place; returns m' and l', and moves the sums of the keys before from m to m'."""
    first, end = np.uint64(start), np.uint64(start + columns)
    zero = s.dtype.type(0)
    largest = order(m)
    for j in range(first, end):
        largest = max(largest, order(s[j]))
    larger = in_order(largest, m)
    shift = zero if larger == -np.inf else larger
    total = zero
    for j in range(first, end):
        p = exp(s[j] - shift)
        total += p
        s[j] = p
    if larger == m:
        return larger, l + total
    a = exp(m - shift)
    for d in range(np.uint64(place), np.uint64(place + D)):
        sums[d] *= a
    return larger, l * a + total


@inner
def _drop(p, start, columns, position, words, options):
    fill_words(words, position, columns, options)
    offset, zero = np.uint64(position % GROUP), p.dtype.type(0)
    for j in range(np.uint64(columns)):
        i = np.uint64(start) + j
        p[i] = p[i] * options.keep if words[offset + j] >= options.threshold else zero


@inner
def _finish(sums, ldq, m, l, rows, D, stride, y, start, lse, place):  # noqa: E741
    zero = y.dtype.type(0)
    for i in range(rows):
        to, there = np.uint64(start + i * stride), np.uint64(i * ldq)
        if l[i] == zero:  # no key is seen: else the largest adds 1; m skips some NaN, l none
            for d in range(np.uint64(D)):
                y[to + d] = zero
            lse[place + i] = -np.inf
            continue
        total = l[i]
        for d in range(np.uint64(D)):
            y[to + d] = sums[there + d] / total
        lse[place + i] = m[i] + math.log(l[i])
