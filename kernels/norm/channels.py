"""Statistics over all positions of a sample, and the passes that normalise with them; channels lie last.

x, y (B, P, C), read as flat arrays    gamma, beta (C,)    mean, variance, rstd (B, G)

Batch normalisation is one sample of all rows with a group for every channel, instance normalisation many samples of
such groups, group normalisation has fewer groups. A sample's rows are cut into blocks that stay in the second-level
cache. A block's statistics take two passes over it: sums for a center near the mean, then sums of the differences and
of their squares, so that neither a large mean nor an unlucky center costs digits. They are put together in float64,
Chan, Golub, LeVeque 1979, equation 2.1b: the squares around each block's mean, and those means around the sample's.

A sample that fits a cache is one task, which reads memory once. Else tasks are blocks, for sums and again for results,
the last blocks first: some of them are still in the cache. The cut depends on the shape alone, so do all sums' orders.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.norm_columns import RELU, STREAMED, add_columns, add_deviations, write_columns
from .._cpu.streaming import fence, streams
from .._cpu.threads import spread

BLOCK, ROWS = 1 << 15, 64  # elements of a block, half as many took a tenth longer, and rows that it has at least
FOLD = 64  # channels; fewer are laid side by side until a row is as long
SAMPLE, SAMPLES = 1 << 18, 4  # elements of a sample that is one task, if there are so many samples
AHEAD = 1 << 10  # elements that are asked for before they are used: none took a third longer, four times as many too
AHEAD_ROWS = 8  # the same in rows, where they are long: a quarter faster than 1,024 elements with 1,024 channels


@inner
def plan(B, P, C, relu, result):
    """(positions that make a row of the passes, positions of a block, flags) where `result` is written.

    A row is of full vectors, and of FOLD columns or more.
    """
    lanes, fold = VECTOR_BYTES // result.itemsize, 1
    while C <= 1024 and fold < 16 * FOLD and (fold * C < FOLD or fold * C % lanes):
        fold *= 2
    rows = max(ROWS, BLOCK // max(C, 1) // ROWS * ROWS)
    aligned = fold * C % lanes == 0 and (B == 1 or P * C % lanes == 0)
    return fold, rows, (RELU if relu else 0) | (STREAMED if aligned and streams(result) else 0)


@inner
def _spread_out(values, groups, fold, row):
    """row (fold * C) = the values of the channels' groups, again and again."""
    C = row.size // fold
    each = C // max(groups, 1)
    for g in range(groups):
        for c in range(g * each, (g + 1) * each):
            row[c] = values[g]
    repeat(row, C)


@inner
def repeat(row, C):
    """Copies of the first C elements behind them."""
    for i in range(np.uint64(C), np.uint64(row.size)):
        row[i] = row[i - np.uint64(C)]


@inner
def gather(row, fold, into):
    """into (C,) = the sums of a row's columns of the same channel."""
    C = np.uint64(into.size)
    for c in range(C):
        into[c] = row[c]
    for k in range(1, fold):
        for c in range(C):
            into[c] += row[np.uint64(k) * C + c]


@inner
def _block_statistics(x, start, rows, fold, part):
    """part (2, C) = the means of a block of `rows` positions from x[start] on, and the squares around them."""
    C = part.shape[1]
    count = rows * C
    work = np.zeros((3, fold * C), x.dtype)
    shift, sums, squares = work
    add_columns(x, start, sums, 0, fold * C, count)
    total = part[0]
    gather(sums, fold, total)
    for c in range(np.uint64(C)):
        shift[c] = total[c] / rows
    repeat(shift, C)
    sums[:] = 0
    add_deviations(x, start, shift, 0, sums, 0, squares, 0, fold * C, count, count)
    gather(sums, fold, part[0])
    gather(squares, fold, part[1])
    for c in range(np.uint64(C)):
        center, mean = np.float64(shift[c]), part[0, c] / rows
        part[1, c] -= part[0, c] * mean
        part[0, c] = center + mean if math.isfinite(center) else center


@inner
def _combine(parts, P, rows, epsilon, mean, variance, rstd):
    """Statistics of a sample's groups from those of its blocks of `rows` positions, parts (n, 2, C)."""
    n, _, C = parts.shape
    groups = mean.size
    each = C // groups
    means, squares = np.zeros(C), np.zeros(C)
    for i in range(n):
        share = min(rows, P - i * rows) / P
        for c in range(np.uint64(C)):
            means[c] += share * parts[i, 0, c]
    center = np.empty(C)
    for g in range(groups):
        total = 0.0
        for c in range(g * each, (g + 1) * each):
            total += means[c]
        center[g * each : (g + 1) * each] = total / each
        mean[g] = total / each
    for i in range(n):
        count = min(rows, P - i * rows)
        for c in range(np.uint64(C)):
            away = parts[i, 0, c] - center[c]
            squares[c] += parts[i, 1, c] + count * away * away
    for g in range(groups):
        total = 0.0
        for c in range(g * each, (g + 1) * each):
            total += squares[c]
        variance[g] = total / (P * each)
        rstd[g] = 1 / math.sqrt(np.float64(variance[g]) + epsilon)


@inner
def fill_columns(mean, rstd, gamma, beta, fold, columns):
    """columns (3, fold * C) = mean, rstd gamma and beta of the channels of a sample."""
    C, groups = gamma.size, mean.size
    _spread_out(mean, groups, fold, columns[0])
    _spread_out(rstd, groups, fold, columns[1])
    for c in range(np.uint64(C)):
        columns[1, c] *= gamma[c]
        columns[2, c] = beta[c]
    repeat(columns[1], C)
    repeat(columns[2], C)


@inner
def by_samples(flat, B):
    """(B, G) of the statistics of B samples."""
    return flat.reshape((B, flat.size // max(B, 1)))


@kernel
def normalise(x, B, P, gamma, beta, epsilon, relu, given, y, mean, variance, rstd):
    """y, and the statistics, flat; with `given` mean and variance are there already, of one sample."""
    mean, variance, rstd = by_samples(mean, B), by_samples(variance, B), by_samples(rstd, B)
    C = gamma.size
    fold, rows, flags = plan(B, P, C, relu, y)
    n = -(-P // rows)
    if given:
        for g in range(rstd.shape[1]):
            rstd[0, g] = 1 / math.sqrt(np.float64(variance[0, g]) + epsilon)
    elif B >= SAMPLES and P * C <= SAMPLE:
        spread(_sample, B, x.size, (x, P, gamma, beta, epsilon, flags, fold, rows, y, mean, variance, rstd))
        return
    else:
        parts = np.empty((B * n, 2, C))
        spread(_statistics, B * n, x.size // 2, (x, P, fold, rows, parts))
        for b in range(B):
            _combine(parts[b * n : (b + 1) * n], P, rows, epsilon, mean[b], variance[b], rstd[b])
    columns = np.empty((B, 3, fold * C), x.dtype)
    for b in range(B):
        fill_columns(mean[b], rstd[b], gamma, beta, fold, columns[b])
    spread(_write, B * n, x.size // 2, (x, P, C, columns, flags, rows, y))


@inner
def _sample(b, x, P, gamma, beta, epsilon, flags, fold, rows, y, mean, variance, rstd):
    """All of sample b."""
    C, n = gamma.size, -(-P // rows)
    parts = np.empty((n, 2, C))
    for i in range(n):
        _block_statistics(x, (b * P + i * rows) * C, min(rows, P - i * rows), fold, parts[i])
    _combine(parts, P, rows, epsilon, mean[b], variance[b], rstd[b])
    columns = np.empty((3, fold * C), x.dtype)
    fill_columns(mean[b], rstd[b], gamma, beta, fold, columns)
    _block_write(x, b * P * C, P * C, flags, columns, y)


@inner
def _statistics(task, x, P, fold, rows, parts):
    """Block task % n of sample task // n."""
    n = -(-P // rows)
    i, C = task % n, parts.shape[2]
    _block_statistics(x, (task // n * P + i * rows) * C, min(rows, P - i * rows), fold, parts[task])


@inner
def _write(task, x, P, C, columns, flags, rows, y):
    """Block n - 1 - task % n of the sample that is task // n from the end."""
    n = -(-P // rows)
    b, i = columns.shape[0] - 1 - task // n, n - 1 - task % n
    _block_write(x, (b * P + i * rows) * C, min(rows, P - i * rows) * C, flags, columns[b], y)


@inner
def _block_write(x, place, count, flags, columns, y):
    width = columns.shape[1]
    ahead = max(AHEAD, AHEAD_ROWS * width)
    write_columns(x, place, columns[0], 0, columns[1], 0, columns[2], 0, y, place, width, count, flags, ahead)
    if flags & STREAMED:
        fence()
