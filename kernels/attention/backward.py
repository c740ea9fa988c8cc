"""Attention's gradients on the CPU: a task owns keys of one head and goes over the queries in blocks.

    s  = scale q k^T + bias    p  = e**(s - lse)       delta = sum_D(dy y)
    dv = drop(p)^T dy          dp = drop(dy v^T)       ds = p (dp - delta)
    dk = scale ds^T q          dq = scale ds k         dbias = ds

Dao et al. 2022, arXiv:2205.14135, algorithm 4: the weights are made again from lse, block by block. The keys of a head
are dealt out in parts, each with its own dq, which are added in turn at the end: nobody waits, and the order of all
sums depends on the shape alone. A gradient of the bias that several b or g share is summed by one task for all of them.
"""

import numpy as np

from .._cpu.gemm import MULTIPLIES
from .._cpu.jit import inner, kernel
from .._cpu.microkernel import ACCUMULATE
from .._cpu.panels import panel_columns
from .._cpu.philox import GROUP
from .._cpu.threads import flat, spread
from .._cpu.vecmath import exp
from .blocks import (
    KEYS,
    LDS,
    QUERIES,
    adjust,
    clear_masked_rows,
    copy_rows,
    fill_words,
    keys_seen,
    pack_keys,
    padded,
    panels_size,
    product,
    product_of_transposed,
    unpacked,
)


@kernel
def backward(
    dy,
    q,
    k,
    v,
    bias,
    mask,
    y,
    lse,
    integers,
    numbers,
    parts,
    together_b,
    together_g,
    room,
    dq,
    dk,
    dv,
    need_dbias,
    dbias,
):
    """All gradients; a task has the same part of the keys of `together_b` samples and `together_g` groups.

    room  for padded copies of scale q and dy, (2, B, H, T, D), dq of every part, (parts, B, H, T, D), delta (B, H, T)
    """
    sizes, options = unpacked(integers, numbers, flat(bias), flat(mask))
    B, T, S, H, G, D = sizes
    dy, q, k, v, y, lse = flat(dy), flat(q), flat(k), flat(v), flat(y), flat(lse)
    dq, dk, dv, dbias = flat(dq), flat(dk), flat(dv), flat(dbias)[: dbias.size if need_dbias else 0]
    size = B * H * T * padded(D, q.itemsize)
    rows, dq_parts, delta = room[: 2 * size], room[2 * size : (2 + parts) * size], room[(2 + parts) * size :]
    tiles = -(-T // QUERIES)
    copied = B * H * T * D
    spread(_rows_task, B * H * tiles, copied, (dy, q, y, sizes, options, tiles, parts, rows, delta, dq_parts))
    tasks = parts * (B // together_b) * (G // together_g)
    work = 5 * B * H * T * S * D // MULTIPLIES
    arguments = (k, v, lse, sizes, options, parts, together_b, together_g, rows, delta, dq_parts, dk, dv, dbias)
    spread(_keys_task, tasks, work, arguments)
    spread(_sum_task, B * H * tiles, copied * parts, (sizes, tiles, parts, dq_parts, dq))


@inner
def _block_of(task, tiles, sizes):
    """(b, h, first query, queries) of a task with one block of queries."""
    pair, t0 = task // tiles, task % tiles * QUERIES
    return pair // sizes.H, pair % sizes.H, t0, min(QUERIES, sizes.T - t0)


@inner
def _rows_task(task, dy, q, y, sizes, options, tiles, parts, rows, delta, dq_parts):
    """Copies of a block of queries and their dy, delta, and zeros where dq is summed."""
    b, h, t0, count = _block_of(task, tiles, sizes)
    T, H, D, ldq = sizes.T, sizes.H, sizes.D, padded(sizes.D, q.itemsize)
    start, place = ((b * T + t0) * H + h) * D, (b * H + h) * T + t0
    size = sizes.B * H * T * ldq
    copy_rows(q, start, H * D, count, D, options.scale, rows, place * ldq, ldq)
    copy_rows(dy, start, H * D, count, D, dy.dtype.type(1), rows, size + place * ldq, ldq)
    for i in range(count):
        there, total = (
            np.uint64(start + i * H * D),
            0.0,
        )  # float64: little is left of dp - delta where a weight is near 1
        for d in range(np.uint64(D)):
            total += np.float64(dy[there + d]) * np.float64(y[there + d])
        delta[place + i] = total
    for part in range(parts):
        first = part * size + place * ldq
        dq_parts[first : first + count * ldq] = 0


@inner
def _sum_task(task, sizes, tiles, parts, dq_parts, dq):
    """dq of a block of queries."""
    b, h, t0, count = _block_of(task, tiles, sizes)
    T, H, D, ldq = sizes.T, sizes.H, sizes.D, padded(sizes.D, dq.itemsize)
    size = sizes.B * H * T * ldq
    for i in range(count):
        to, there = np.uint64(((b * T + t0 + i) * H + h) * D), ((b * H + h) * T + t0 + i) * ldq
        for d in range(np.uint64(D)):
            dq[to + d] = dq_parts[np.uint64(there) + d]
        for part in range(1, parts):
            here = np.uint64(part * size + there)
            for d in range(np.uint64(D)):
                dq[to + d] += dq_parts[here + d]


@inner
def _keys_task(task, k, v, lse, sizes, options, parts, together_b, together_g, rows, delta, dq_parts, dk, dv, dbias):
    """Every parts-th block of keys of some b and g: causal keys that come first are seen by more queries."""
    part, groups = task % parts, sizes.G // together_g
    b0, g0 = task // parts // groups * together_b, task // parts % groups * together_g
    for b in range(b0, b0 + together_b):
        for g in range(g0, g0 + together_g):
            for s0 in range(part * KEYS, sizes.S, parts * KEYS):
                _block_of_keys(b, g, s0, part, k, v, lse, sizes, options, rows, delta, dq_parts, dk, dv, dbias)


@inner
def _block_of_keys(b, g, s0, part, k, v, lse, sizes, options, rows, delta, dq_parts, dk, dv, dbias):
    """dk and dv of a block of keys, and what it adds to dq and dbias."""
    B, T, S, H, G, D = sizes
    ldq, width, columns = padded(D, k.itemsize), panel_columns(k.itemsize), min(KEYS, S - s0)
    size, packed, copied = B * H * T * ldq, panels_size(D, columns, k.itemsize), columns * ldq
    room = np.empty(2 * packed + 3 * copied + 2 * QUERIES * LDS, k.dtype)
    keys, values, plain = room[:packed], room[packed : 2 * packed], room[2 * packed : 2 * packed + copied]
    rest = room[2 * packed + copied :]
    dk_sums, dv_sums, blocks = rest[:copied], rest[copied : 2 * copied], rest[2 * copied :]
    p, ds = blocks[: QUERIES * LDS], blocks[QUERIES * LDS :]
    words = np.empty(KEYS + 2 * GROUP if options.drops else 0, np.uint32)
    start = ((b * S + s0) * G + g) * D
    pack_keys(k, sizes, options, b, g, s0, s0 + columns, keys, 0)
    pack_keys(v, sizes, options, b, g, s0, s0 + columns, values, 0)
    copy_rows(k, start, G * D, columns, D, options.scale, plain, 0, ldq)
    clear_masked_rows(options, b * S + s0, columns, plain, ldq)
    dk_sums[:] = 0
    dv_sums[:] = 0
    for h in range(g * (H // G), (g + 1) * (H // G)):
        for t0 in range(0, T, QUERIES):
            count = min(QUERIES, T - t0)
            if keys_seen(sizes, options, t0 + count - 1) <= s0:
                continue
            place = (b * H + h) * T + t0
            queries, gradients = place * ldq, size + place * ldq
            product(rows, queries, ldq, keys, 0, width, width * D, p, 0, LDS, count, columns, D, 0)
            product(rows, gradients, ldq, values, 0, width, width * D, ds, 0, LDS, count, columns, D, 0)
            adjust(p, count, columns, b, h, t0, s0, sizes, options)
            for i in range(count):
                if options.drops:
                    _row_with_drops(
                        p, ds, i * LDS, columns, lse, delta, place + i, (place + i) * S + s0, words, options
                    )
                else:
                    _row(p, ds, i * LDS, columns, lse[place + i], delta[place + i])
            if dbias.size:
                _add_to_bias(ds, count, columns, b, h, t0, s0, options, dbias)
            product_of_transposed(
                p, 0, LDS, rows, gradients, ldq, width, dv_sums, 0, ldq, columns, D, count, ACCUMULATE
            )
            product_of_transposed(ds, 0, LDS, rows, queries, ldq, width, dk_sums, 0, ldq, columns, D, count, ACCUMULATE)
            to = part * size + place * ldq
            product(ds, 0, LDS, plain, 0, ldq, width, dq_parts, to, ldq, count, D, columns, ACCUMULATE)
    clear_masked_rows(options, b * S + s0, columns, dk_sums, ldq)
    clear_masked_rows(options, b * S + s0, columns, dv_sums, ldq)
    one = k.dtype.type(1)
    for i in range(columns):
        copy_rows(dk_sums, i * ldq, ldq, 1, D, one, dk, start + i * G * D, D)
        copy_rows(dv_sums, i * ldq, ldq, 1, D, one, dv, start + i * G * D, D)


@inner
def _row(p, ds, start, columns, lse, delta):
    """p from logits and ds from dp, in place. A row that sees no key has lse -inf: all its logits are -inf too."""
    zero = p.dtype.type(0)
    shift = zero if lse == -np.inf else lse
    for j in range(np.uint64(start), np.uint64(start + columns)):
        p[j] = exp(p[j] - shift)
        ds[j] = p[j] * (ds[j] - delta)


@inner
def _row_with_drops(p, ds, start, columns, lse, delta, place, position, words, options):
    """The same; p become the weights that the forward used."""
    fill_words(words, position, columns, options)
    offset, zero, keep = np.uint64(position % GROUP), p.dtype.type(0), options.keep
    shift = zero if lse[place] == -np.inf else lse[place]
    mean = delta[place]
    for i in range(np.uint64(columns)):
        j = np.uint64(start) + i
        kept = words[offset + i] >= options.threshold
        weight = exp(p[j] - shift)
        ds[j] = weight * ((ds[j] * keep if kept else zero) - mean)
        p[j] = weight * keep if kept else zero


@inner
def _add_to_bias(ds, count, columns, b, h, t0, s0, options, dbias):
    for i in range(count):
        row = np.uint64(i * LDS)
        to = np.uint64(b * options.bias_b + h * options.bias_h + (t0 + i) * options.bias_t + s0)
        for j in range(np.uint64(columns)):
            dbias[to + j] += ds[row + j]
