"""What attention's forward and backward on the CPU have in common: packed operands, logits of a block, dropped weights.

q (B, T, H, D)    k, v (B, S, G, D)    s, a block of logits (rows, columns), by rows of LDS elements
panels: as in `_cpu/panels.py`, 32 columns (of float32) of a matrix, row by row, so that the register tile reads whole
vectors. Rows of LDS elements are not a power of two apart, as they would share their cache sets.
"""

from collections import namedtuple

import numpy as np

from .._cpu.jit import inner
from .._cpu.machine import TILE_ROWS, VECTOR_BYTES
from .._cpu.microkernel import ACCUMULATE, tile_by_columns, tile_by_rows
from .._cpu.panels import DEPTH, Matrix, pack_panel, panel_columns
from .._cpu.philox import GROUP, fill, schedule

# Of a block, on a Zen 5 core at T 512 and 2048, D 64. 64 queries: forward 5 to 7 % slower, backward 1 to 3 %. With
# those, 128 keys for 256: forward 6 to 17 % slower, backward faster where causal (5 to 17 %); 512: backward 8 to 33 %
# slower but for one shape.
QUERIES, KEYS = 32, 256
LDS = KEYS + 16
TASKS = 16  # keys are cut into parts until there are as many tasks of a gradient

Sizes = namedtuple("Sizes", "B T S H G D")
# What changes logits and weights: has_… say whether an array is there; strides of the bias's axes are 0 where it
# broadcasts; words: keys and step of Philox; a weight whose word is below `threshold` is dropped, others times `keep`.
Options = namedtuple(
    "Options", "scale causal has_mask mask has_bias bias bias_b bias_h bias_t drops words threshold keep"
)

_HALF = np.uint64(32)


@inner
def unpacked(integers, numbers, bias, mask):
    """The `Sizes` and `Options` of what `cpu._numbers` packed."""
    B, T, H, D, S, G = integers[0], integers[1], integers[2], integers[3], integers[4], integers[5]
    kind, words = bias.dtype.type, integers[13:17].view(np.uint64)
    options = Options(
        kind(numbers[0]),
        integers[11] != 0,
        integers[9] != 0,
        mask,
        integers[10] != 0,
        bias,
        integers[6],
        integers[7],
        integers[8],
        integers[12] != 0,
        (schedule(words[1] << _HALF | words[0]), words[3] << _HALF | words[2]),
        np.uint32(integers[17]),
        kind(numbers[1]),
    )
    return Sizes(B, T, S, H, G, D), options


@inner
def padded(D, itemsize):
    """The length of a copied row of D elements: whole vectors."""
    lanes = VECTOR_BYTES // itemsize
    return -(-D // lanes) * lanes


@inner
def panels_size(rows, columns, itemsize):
    """Elements of the panels of a (rows, columns) matrix."""
    width = panel_columns(itemsize)
    return -(-columns // width) * width * rows


@inner
def product(a, a0, lda, b, b0, ldb, step, c, c0, ldc, M, N, K, flags):
    """C (M, N) (+)= A (M, K) B (K, N); B's row k of panel j lies at b0 + j * step + k * ldb."""
    width = panel_columns(c.itemsize)
    for k in range(0, K, DEPTH):
        depth = min(DEPTH, K - k)
        for j in range(0, N, width):
            place, columns = b0 + j // width * step + k * ldb, min(width, N - j)
            for i in range(0, M, TILE_ROWS):
                tile_by_rows(
                    a, a0 + i * lda + k, lda, b, place, ldb, c, c0 + i * ldc + j, ldc, c, 0,
                    depth, min(TILE_ROWS, M - i), columns, flags,
                )  # fmt: skip
        flags |= ACCUMULATE


@inner
def product_of_transposed(a, a0, lda, b, b0, ldb, step, c, c0, ldc, M, N, K, flags):
    """The same with A stored as (K, M), where at most DEPTH rows K are given; reads A's rows up to whole tiles."""
    width = panel_columns(c.itemsize)
    for j in range(0, N, width):
        place, columns = b0 + j // width * step, min(width, N - j)
        for i in range(0, M, TILE_ROWS):
            tile_by_columns(
                a, a0 + i, lda, b, place, ldb, c, c0 + i * ldc + j, ldc, c, 0,
                K, min(TILE_ROWS, M - i), columns, flags,
            )  # fmt: skip


@inner
def pack_keys(x, sizes, options, b, g, first, end, out, start):
    """Keys first … end of k or v (flat) as columns of depth D: panels for q k^T; keys under the mask are 0."""
    D, width = sizes.D, panel_columns(out.itemsize)
    rows = Matrix(x, (b * sizes.S * sizes.G + g) * D, sizes.G * D, True)
    for j in range(first, end, width):
        place = start + (j - first) * D
        pack_panel(rows, j, end, 0, D, out, place)
        if options.has_mask:
            for i in range(j, min(j + width, end)):
                if not options.mask[b * sizes.S + i]:
                    for d in range(D):
                        out[place + d * width + i - j] = 0


@inner
def copy_rows(x, start, stride, rows, D, scale, out, to, ldo):
    """Rows of D elements times `scale`, the rest of a row of ldo elements 0."""
    for i in range(rows):
        there, here = np.uint64(start + i * stride), np.uint64(to + i * ldo)
        for d in range(np.uint64(D)):
            out[here + d] = x[there + d] * scale
        for d in range(np.uint64(D), np.uint64(ldo)):
            out[here + d] = 0


@inner
def clear_masked_rows(options, start, rows, out, ldo):
    """Rows of the keys that the mask hides become 0; the first is the mask's element `start`."""
    if options.has_mask:
        for i in range(rows):
            if not options.mask[start + i]:
                for d in range(ldo):
                    out[i * ldo + d] = 0


@inner
def adjust(s, rows, columns, b, h, t0, s0, sizes, options):
    """Bias, mask and causality on the block of logits whose first row is query t0, whose first column is key s0."""
    hidden = s.dtype.type(-np.inf)
    ahead = sizes.S - sizes.T + 1  # a query t sees keys below t + ahead
    diagonal = options.causal and s0 + columns > t0 + ahead
    if not (options.has_bias or options.has_mask or diagonal):
        return
    for i in range(rows):
        row = np.uint64(i * LDS)
        if options.has_bias:
            bias = np.uint64(b * options.bias_b + h * options.bias_h + (t0 + i) * options.bias_t + s0)
            for j in range(np.uint64(columns)):
                s[row + j] += options.bias[bias + j]
        if options.has_mask:
            mask = np.uint64(b * sizes.S + s0)
            for j in range(np.uint64(columns)):
                s[row + j] = s[row + j] if options.mask[mask + j] else hidden
        if diagonal:
            for j in range(np.uint64(max(t0 + i + ahead - s0, 0)), np.uint64(columns)):
                s[row + j] = hidden


@inner
def keys_seen(sizes, options, t_last):
    """How many keys the query t_last sees, but for the mask."""
    return min(sizes.S, max(t_last + sizes.S - sizes.T + 1, 0)) if options.causal else sizes.S


@inner
def fill_words(words, position, count, options):
    """Random words of `count` positions of the weights (B, H, T, S) in C order from words[position % GROUP] on."""
    keys, step = options.words
    before = position % GROUP
    fill(words, -(-(before + count) // GROUP) * GROUP, (position - before) // 4, keys, step)
