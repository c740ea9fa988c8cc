"""Losses of rows on the CPU: which task owns a row, and how its loss and gradient come to their place."""

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.streaming import fence, stream, streams
from .._cpu.threads import spread
from .reduction import GRADIENT

ELEMENTS = 1 << 12  # of the rows of a task: 16 KB of float32, two arrays of which fit into a first-level cache
WHOLE = 16  # so many rows begin where a vector does, whatever their length


def over_rows(prepare, row, cost):
    """A kernel as reduction.py says, from `prepare(y, first, end, e)` for the rows of a task and `row` for each.

    row(y, t, m, parameters, scale, want, e, at) -> loss, which changes e[at : at + N] to `scale` times the gradient if
    that is wanted; the last N elements of e are room for it. `cost` is about how many picoseconds an element takes one
    core. A row of weight 0 is not looked at.
    """

    @inner
    def task(group, y, t, weights, parameters, dlosses, share, losses, dy, want, sums):
        N, rows = y.shape[1], rows_of_a_task(y)
        first, end = group * rows, min((group + 1) * rows, y.shape[0])
        e = np.empty((end - first + 1) * N, y.dtype)
        streamed, total = streams(dy), 0.0
        prepare(y, first, end, e)
        for m in range(first, end):
            at, weight = (m - first) * N, weight_of(weights, m)
            loss = 0.0
            if weight != 0:
                scale = weight * share * (np.float64(dlosses[m]) if dlosses.size else 1.0)
                loss = weight * row(y, t, np.uint64(m), parameters, y.dtype.type(scale), want, e, np.uint64(at))
            elif want & GRADIENT:
                for n in range(np.uint64(at), np.uint64(at + N)):
                    e[n] = 0
            if losses.size:
                losses[m] = loss
            total += loss
        if want & GRADIENT:
            _put(e, dy.reshape(-1), first * N, (end - first) * N, streamed)
        sums[group] = total
        if streamed:
            fence()

    def loop(y, t, weights, repeats, parameters, dlosses, share, losses, dy, want):
        sums = np.empty(-(-y.shape[0] // rows_of_a_task(y)))
        arguments = (y, t, weights, parameters, dlosses, share, losses, dy, want, sums)
        spread(task, sums.size, y.size * cost // 1000, arguments)
        return added(sums)

    loop.__module__, loop.__qualname__ = row.py_func.__module__, row.py_func.__qualname__
    return kernel(loop)


@inner
def rows_of_a_task(y):
    rows = max(1, ELEMENTS // max(1, y.shape[1]))
    return rows // WHOLE * WHOLE if rows > WHOLE else rows


@inner
def weight_of(weights, m):
    return np.float64(weights[m]) if weights.size else 1.0


@inner
def added(sums):
    """The sum of the tasks' sums, in turn."""
    total = 0.0
    for i in range(sums.size):
        total += sums[i]
    return total


@inner
def _put(e, dy, start, count, streamed):
    """dy[start : start + count] = e, past the caches if that starts on a vector's boundary."""
    if streamed and start * dy.itemsize % VECTOR_BYTES == 0:
        stream(e, dy, start, count)
    else:
        for i in range(np.uint64(count)):
            dy[np.uint64(start) + i] = e[i]
