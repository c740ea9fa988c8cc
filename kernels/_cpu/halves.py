"""Kernels over arrays whose last axis is two halves, made from a function of one element of each.

x, dx (M, 2 N) of halves a, b    y, dy (M, N)

One task owns CHUNK elements of y or dy, rows in turn, or STREAM_CHUNK where the result is streamed (elementwise.py).
"""

import numpy as np

from .elementwise import BLOCK, CHUNK, HEAVY, STREAM_CHUNK, as_element, compiled
from .jit import inner
from .machine import VECTOR_BYTES
from .memory import empty, empty_like
from .prefetch import prefetch
from .streaming import fence, stream, streams
from .threads import spread


def from_halves(f):
    """y = f(a, b) for every pair of elements, as `launch(x, out=None)`."""
    f = as_element(f)

    @inner
    def task(t, x, y, N, streamed):
        size = STREAM_CHUNK if streamed else CHUNK
        first, last = t * size, min((t + 1) * size, y.size)
        block = np.empty(BLOCK if streamed else 0, y.dtype)
        place = block if streamed else y
        step = BLOCK if streamed else size
        for start in range(first, last, step):
            stop = min(start + step, last)
            shift = np.uint64(start if streamed else 0)
            for m in range(start // N, (stop - 1) // N + 1):
                skipped = np.uint64(m * N)  # a row of y begins at m N, one of x at 2 m N
                _prefetch_next(x, m, N)
                for i in range(np.uint64(max(start, m * N)), np.uint64(min(stop, (m + 1) * N))):
                    place[i - shift] = f(x[i + skipped], x[i + skipped + np.uint64(N)])
            if streamed:
                stream(block, y, start, stop - start)
        if streamed:
            fence()

    def loop(x, y, N):
        streamed = streams(y)
        size = STREAM_CHUNK if streamed else CHUNK
        spread(task, -(-y.size // size), y.size * HEAVY // 1000, (x, y, N, streamed))

    run = compiled(loop, f)

    def launch(x, out=None):
        N = x.shape[-1] // 2
        y = empty((*x.shape[:-1], N), x.dtype) if out is None else out
        run(x.ravel(), y.ravel(), N)
        return y

    return launch


def to_halves(f):
    """da, db = f(dy, a, b) for every triple of elements, as `launch(dy, x, out=None)` -> dx."""
    f = as_element(f)

    @inner
    def task(t, dy, x, dx, N, streamed):
        size = STREAM_CHUNK if streamed else CHUNK
        first, last = t * size, min((t + 1) * size, dy.size)
        left, right = np.empty(BLOCK if streamed else 0, x.dtype), np.empty(BLOCK if streamed else 0, x.dtype)
        a_place, b_place = (left, right) if streamed else (dx, dx)
        for m in range(first // N, (last - 1) // N + 1):
            skipped = np.uint64(m * N)
            _prefetch_next(x, m, N)
            row_first, row_last = max(first, m * N), min(last, (m + 1) * N)
            step = BLOCK if streamed else N
            for start in range(row_first, row_last, step):
                stop = min(start + step, row_last)
                a_shift = np.uint64(start) if streamed else np.uint64(-m * N)
                b_shift = np.uint64(start) if streamed else np.uint64(-m * N - N)
                for i in range(np.uint64(start), np.uint64(stop)):
                    da, db = f(dy[i], x[i + skipped], x[i + skipped + np.uint64(N)])
                    a_place[i - a_shift] = da
                    b_place[i - b_shift] = db
                if streamed:
                    stream(left, dx, start + m * N, stop - start)
                    stream(right, dx, start + m * N + N, stop - start)
        if streamed:
            fence()

    def loop(dy, x, dx, N):
        streamed = streams(dx) and N * dx.itemsize % VECTOR_BYTES == 0
        size = STREAM_CHUNK if streamed else CHUNK
        spread(task, -(-dy.size // size), dy.size * HEAVY // 1000, (dy, x, dx, N, streamed))

    run = compiled(loop, f)

    def launch(dy, x, out=None):
        dx = empty_like(x) if out is None else out
        run(dy.ravel(), x.ravel(), dx.ravel(), x.shape[-1] // 2)
        return dx

    return launch


@inner
def _prefetch_next(x, m, N):
    """Ask for the row after row m: two places that are read in turn are no sequence that the machine sees."""
    start = 2 * (m + 1) * N
    if start < x.size:
        prefetch(x, start, N)
        prefetch(x, start + N, N)
