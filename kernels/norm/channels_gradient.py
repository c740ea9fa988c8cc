"""Gradients of normalisation with statistics over all positions of a sample; channels lie last.

x, dy, dx (B, P, C), read as flat arrays    gamma, beta, dgamma, dbeta (C,)    mean, rstd (B, G)

dx = rstd (g - mean(g) - xhat mean(g xhat))    g = dz gamma    xhat = (x - mean) rstd    means over a group of a sample
dgamma = sum(dz xhat)    dbeta = sum(dz)       dz = dy, but 0 where relu made y 0

Samples are cut into blocks and tasks as in channels.py: a pass for the sums, and one that writes dx.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.norm_columns import CONSTANT, RELU, STREAMED, add_column_gradients, write_column_gradients
from .._cpu.streaming import fence
from .._cpu.threads import spread
from .channels import AHEAD, SAMPLE, SAMPLES, by_samples, fill_columns, gather, plan, repeat


@kernel
def gradients(dy, x, B, P, gamma, beta, relu, given, mean, rstd, dx, dgamma, dbeta):
    """dx, dgamma, dbeta, from flat statistics; with `given` mean and rstd do not depend on x."""
    mean, rstd = by_samples(mean, B), by_samples(rstd, B)
    C = gamma.size
    fold, rows, flags = plan(B, P, C, relu, dx)
    flags |= CONSTANT if given else 0
    n = -(-P // rows)
    sums = np.empty((B, 2, C))
    if B >= SAMPLES and P * C <= SAMPLE:
        spread(_sample_gradient, B, 2 * x.size, (dy, x, P, gamma, beta, flags, fold, rows, mean, rstd, dx, sums))
    else:
        parts = np.empty((B * n, 2, C), x.dtype)
        columns, rest = np.empty((B, 3, fold * C), x.dtype), np.empty((B, 4, fold * C), x.dtype)
        for b in range(B):
            fill_columns(mean[b], rstd[b], gamma, beta, fold, columns[b])
        spread(_sums, B * n, x.size, (dy, x, P, columns, flags, fold, rows, parts))
        for b in range(B):
            _add_parts(parts[b * n : (b + 1) * n], rstd[b], sums[b])
            _fill_slopes(sums[b], gamma, rstd[b], P, flags, rest[b])
        spread(_write_gradient, B * n, x.size, (dy, x, P, C, columns, rest, flags, rows, dx))
    for c in range(C):
        scaled, shifted = 0.0, 0.0
        for b in range(B):
            scaled += sums[b, 0, c]
            shifted += sums[b, 1, c]
        dgamma[c], dbeta[c] = scaled, shifted


@inner
def _block_sums(dy, x, place, count, flags, columns, fold, part):
    """part (2, C) = the sums of dz (x - mean) and of dz in a block."""
    sums = np.zeros(columns.shape[1:], x.dtype)
    more = np.zeros(columns.shape[1:], x.dtype)
    add_column_gradients(
        dy, place, x, place, columns[0], 0, columns[1], 0, columns[2], 0, sums, 0, more, 0, sums.size, count, flags,
        AHEAD,
    )  # fmt: skip
    gather(sums, fold, part[0])
    gather(more, fold, part[1])


@inner
def _add_parts(parts, rstd, sums):
    """sums (2, C) of dy xhat and dy in a sample."""
    C = parts.shape[2]
    each = max(1, C // max(1, rstd.size))
    sums[:] = 0
    for i in range(parts.shape[0]):
        for c in range(np.uint64(C)):
            sums[0, c] += parts[i, 0, c]
            sums[1, c] += parts[i, 1, c]
    for c in range(C if parts.shape[0] else 0):
        sums[0, c] *= rstd[c // each]


@inner
def _fill_slopes(sums, gamma, rstd, P, flags, rest):
    """rest (4, fold * C) = gamma, rstd, mean(g) and rstd mean(g xhat) of the channels of a sample."""
    C, groups = gamma.size, rstd.size
    each = C // max(groups, 1)
    share = 1 / max(P * each, 1)
    for g in range(groups):
        scaled, shifted = 0.0, 0.0
        for c in range(g * each, (g + 1) * each):
            # Of many dy some are negative: an infinite gamma makes a sum of infinities of both signs.
            weight = np.float64(gamma[c]) if P == 1 or not math.isinf(gamma[c]) else np.nan
            scaled += weight * sums[0, c]
            shifted += weight * sums[1, c]
        if flags & CONSTANT:
            scaled, shifted = 0.0, 0.0
        for c in range(g * each, (g + 1) * each):
            rest[0, c], rest[1, c] = gamma[c], rstd[g]
            rest[2, c], rest[3, c] = shifted * share, scaled * share * rstd[g]
            if flags & CONSTANT:
                rest[3, c] = 0
    for i in range(4):
        repeat(rest[i], C)


@inner
def _block_gradient(dy, x, place, count, flags, columns, rest, dx):
    seen = dy if flags & CONSTANT and not flags & RELU else x  # x matters to relu alone
    write_column_gradients(
        dy, place, seen, place, columns[0], 0, columns[1], 0, columns[2], 0, rest[0], 0, rest[1], 0, rest[2], 0,
        rest[3], 0, dx, place, columns.shape[1], count, flags, AHEAD,
    )  # fmt: skip
    if flags & STREAMED:
        fence()


@inner
def _sample_gradient(b, dy, x, P, gamma, beta, flags, fold, rows, mean, rstd, dx, sums):
    """All of sample b; sums[b] is this task's alone."""
    C, n = gamma.size, -(-P // rows)
    columns, rest = np.empty((3, fold * C), x.dtype), np.empty((4, fold * C), x.dtype)
    fill_columns(mean[b], rstd[b], gamma, beta, fold, columns)
    parts = np.empty((n, 2, C), x.dtype)
    for i in range(n):
        place = (b * P + i * rows) * C
        _block_sums(dy, x, place, min(rows, P - i * rows) * C, flags, columns, fold, parts[i])
    _add_parts(parts, rstd[b], sums[b])
    _fill_slopes(sums[b], gamma, rstd[b], P, flags, rest)
    _block_gradient(dy, x, b * P * C, P * C, flags, columns, rest, dx)


@inner
def _sums(task, dy, x, P, columns, flags, fold, rows, parts):
    """Block task % n of sample task // n."""
    n, C = -(-P // rows), parts.shape[2]
    b, i = task // n, task % n
    _block_sums(dy, x, (b * P + i * rows) * C, min(rows, P - i * rows) * C, flags, columns[b], fold, parts[task])


@inner
def _write_gradient(task, dy, x, P, C, columns, rest, flags, rows, dx):
    """Block n - 1 - task % n of the sample that is task // n from the end."""
    n = -(-P // rows)
    b, i = columns.shape[0] - 1 - task // n, n - 1 - task % n
    _block_gradient(dy, x, (b * P + i * rows) * C, min(rows, P - i * rows) * C, flags, columns[b], rest[b], dx)
