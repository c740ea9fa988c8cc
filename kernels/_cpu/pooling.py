"""Kernels of pooling: sliding, adaptive and global windows differ in their tables alone.

x, dx (N, H, W, C)    y, dy, argmax (N, P, Q, C)
windows down (P, 3), across (Q, 3): a window's first place inside the image, the one behind its last, and the place from
which its rows or columns are numbered; a window's places have numbers row * `width` + column
covering down (H, 3), across (W, 3): the first window that covers a row or a column, the one behind the last, and how
many rows or columns from here on the same windows cover

One task owns whole rows of images of its result, (n, p) forward and (n, h) backward, so tasks never write the same
place; pooling_rows.py has the code of a row. The backward gathers: it adds up the windows that cover a place in their
order, so the order of addition is fixed, and writes every place once. No value of argmax is used as an index.

A NaN is larger than everything, and the first NaN stays. Sums of more than MANY places are float64.
"""

import numpy as np

from .jit import inner, kernel
from .machine import VECTOR_BYTES
from .pooling_rows import BYTES, STREAMED, average_gradient_row, average_row, max_gradient_row, max_row
from .streaming import fence, stream, streams
from .threads import spread

CHUNK = 1 << 14  # elements of a task's rows of a result that is streamed: a task ends with a fence, which waits
OWN = 1 << 16  # elements of a row that is streamed from a copy, at most


@kernel
def max_windows(x, down, across, width, y, argmax):
    """y and argmax, the largest value of every window and the number of its place."""
    N, H, W, C = x.shape
    P, Q = y.shape[1], y.shape[2]
    flags = _whole_vectors(y, C) | (BYTES if argmax.itemsize == 1 else 0)
    work = N * P * Q * C * _places(down, across) // 8
    arguments = (x.reshape(-1), H, W, C, down, across, width, flags, y.reshape(-1), argmax.reshape(-1))
    spread(_max_row, N * P, work, arguments)


@inner
def _places(down, across):
    """Of the first window."""
    return (down[0, 1] - down[0, 0]) * (across[0, 1] - across[0, 0])


@inner
def _whole_vectors(result, C):
    """STREAMED if the result is to be streamed, and the channels of a place are whole vectors."""
    return STREAMED if streams(result) and C * result.itemsize % VECTOR_BYTES == 0 else 0


@inner
def _max_row(task, x, H, W, C, down, across, width, flags, y, argmax):
    """Row p of the result for image n; nothing else writes there."""
    P, Q = down.shape[0], across.shape[0]
    n, p = task // P, task % P
    r0, rows = down[p, 0], down[p, 1] - down[p, 0]
    start, to, number = (n * H + r0) * W * C, task * Q * C, (r0 - down[p, 2]) * width
    max_row(x, start, across, 0, y, to, argmax, to, Q, C, rows, W * C, number, width, flags)
    if flags & STREAMED:
        fence()


@kernel
def max_windows_gradient(dy, argmax, down, across, covering_down, covering_across, width, dx):
    """dx of `max_windows`."""
    N, H, W, C = dx.shape
    flags = _whole_vectors(dx, C) | (BYTES if argmax.itemsize == 1 else 0)
    copied = _from_copies(dx, W * C, flags)
    group = _rows_of_task(W * C, flags, copied)
    tables = (down, across, covering_down, covering_across)
    arguments = (dy.reshape(-1), argmax.reshape(-1), tables, width, N * H, group, C, flags, copied, dx.reshape(-1))
    spread(_max_gradient_rows, -(-N * H // group), dx.size // 8, arguments)


@inner
def _from_copies(result, row, flags):
    """Whether rows are made in memory of the task's own, and streamed from there."""
    return not flags & STREAMED and streams(result) and row <= OWN and row * result.itemsize % VECTOR_BYTES == 0


@inner
def _rows_of_task(row, flags, copied):
    return max(1, CHUNK // max(1, row)) if flags & STREAMED or copied else 1


@inner
def _max_gradient_rows(task, dy, argmax, tables, width, rows, group, C, flags, copied, dx):
    """Some rows h of dx for images n; nothing else writes there."""
    down, across, covering_down, covering_across = tables
    P, Q, H, W = down.shape[0], across.shape[0], covering_down.shape[0], covering_across.shape[0]
    own = np.empty(W * C if copied else 0, dx.dtype)
    for row in range(task * group, min((task + 1) * group, rows)):
        n, h = row // H, row % H
        image, p0, p1 = n * P * Q * C, covering_down[h, 0], covering_down[h, 1]
        to, place = (own, 0) if copied else (dx, row * W * C)
        # fmt: off
        max_gradient_row(
            dy, image, argmax, image, down, 0, across, 0, covering_across, 0, to, place,
            W, Q, C, p0, p1, h, width, flags,
        )
        # fmt: on
        if copied:
            stream(own, dx, row * W * C, W * C)
    if copied or flags & STREAMED:
        fence()


@kernel
def average_windows(x, down, across, y):
    """y, the average of every window."""
    N, H, W, C = x.shape
    P, Q = y.shape[1], y.shape[2]
    work = N * P * Q * C * _places(down, across) // 8
    spread(_average_row, N * P, work, (x.reshape(-1), H, W, C, down, across, _whole_vectors(y, C), y.reshape(-1)))


@inner
def _average_row(task, x, H, W, C, down, across, flags, y):
    """Row p of the result for image n; nothing else writes there."""
    P, Q = down.shape[0], across.shape[0]
    n, p = task // P, task % P
    r0, rows = down[p, 0], down[p, 1] - down[p, 0]
    average_row(x, (n * H + r0) * W * C, across, 0, y, task * Q * C, Q, C, rows, W * C, flags)
    if flags & STREAMED:
        fence()


@kernel
def average_windows_gradient(dy, down, across, covering_down, covering_across, dx):
    """dx of `average_windows`."""
    N, H, W, C = dx.shape
    flags = _whole_vectors(dx, C)
    copied = _from_copies(dx, W * C, flags)
    group = _rows_of_task(W * C, flags, copied)
    tables = (down, across, covering_down, covering_across)
    arguments = (dy.reshape(-1), tables, N * H, group, C, flags, copied, dx.reshape(-1))
    spread(_average_gradient_rows, -(-N * H // group), dx.size // 8, arguments)


@inner
def _average_gradient_rows(task, dy, tables, rows, group, C, flags, copied, dx):
    """Some rows h of dx for images n; nothing else writes there."""
    down, across, covering_down, covering_across = tables
    P, Q, H, W = down.shape[0], across.shape[0], covering_down.shape[0], covering_across.shape[0]
    own = np.empty(W * C if copied else 0, dx.dtype)
    for row in range(task * group, min((task + 1) * group, rows)):
        n, h = row // H, row % H
        image, p0, p1 = n * P * Q * C, covering_down[h, 0], covering_down[h, 1]
        to, place = (own, 0) if copied else (dx, row * W * C)
        average_gradient_row(dy, image, down, 0, across, 0, covering_across, 0, to, place, W, Q, C, p0, p1, flags)
        if copied:
            stream(own, dx, row * W * C, W * C)
    if copied or flags & STREAMED:
        fence()
