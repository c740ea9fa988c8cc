"""Kernels of pooling: sliding, adaptive and global windows differ in their tables alone.

x, dx (N, H, W, C)    y, dy, argmax (N, P, Q, C)
windows down (P, 3), across (Q, 3): a window's first place inside the image, the one behind its last, and the place from
which its rows or columns are numbered; a window's places have numbers row * `width` + column
covering (H, 2): the first window that covers a row, and the one behind the last

One task owns one row of images of its result, (n, p) forward and (n, h) backward, so tasks never write the same place.
The loops over channels run over contiguous memory and vectorise. The backward gathers: a task goes through the windows
that cover its row, in their order, so the order of addition is fixed. No value of argmax is used as an index. Where
windows lie apart a place is written once instead of cleared and added to. A gradient far larger than the caches is made
a row at a time in memory of the task's own and streamed from there.

The largest value is found four places a pass over the channels, so that a 2x2 window takes one pass; one place a pass
took 2.8 times as long. A NaN is larger than everything, and the first NaN stays. Sums of more than MANY places are
float64, of four places that are added in their own type.
"""

import numpy as np

from .jit import inner, kernel
from .machine import VECTOR_BYTES
from .streaming import fence, stream, streams
from .threads import spread

MANY = 16  # places of a window; up to here an error is no larger than NumPy's
OWN = 1 << 16  # elements of a row of a gradient that is streamed, at most


@kernel
def max_windows(x, down, across, width, y, argmax):
    """y and argmax, the largest value of every window and the number of its place."""
    N, H, W, C = x.shape
    P, Q = y.shape[1], y.shape[2]
    work = N * P * Q * C * _places(down, across) // 8
    arguments = (x.reshape(-1), H, W, C, down, across, width, y.reshape(-1), argmax.reshape(-1))
    spread(_max_row, N * P, work, arguments)


@inner
def _places(down, across):
    """Of the first window."""
    return (down[0, 1] - down[0, 0]) * (across[0, 1] - across[0, 0])


@inner
def _max_row(task, x, H, W, C, down, across, width, y, argmax):
    """Row p of the result for image n; nothing else writes there."""
    P, Q = down.shape[0], across.shape[0]
    n, p = task // P, task % P
    r0, rows = down[p, 0], down[p, 1] - down[p, 0]
    for q in range(Q):
        s0, columns = across[q, 0], across[q, 1] - across[q, 0]
        start = ((n * H + r0) * W + s0) * C
        out, number = (task * Q + q) * C, (r0 - down[p, 2]) * width + s0 - across[q, 2]
        for i in range(0, rows * columns, 4):
            places, numbers = _four(i, rows, columns, W), _four(i, rows, columns, width)
            _largest_of_four(x, start, places, number, numbers, i == 0, y, argmax, out, C)


@inner
def _four(i, rows, columns, width):
    """Where the places i … i + 3 of a window lie in rows of `width`; the last one again if there are not as many."""
    if rows == 2 and columns == 2:  # what nearly everyone uses needs no division
        return 0, 1, width, width + 1
    last = rows * columns - 1
    return (
        _place(i, columns, width),
        _place(min(i + 1, last), columns, width),
        _place(min(i + 2, last), columns, width),
        _place(min(i + 3, last), columns, width),
    )


@inner
def _place(i, columns, width):
    i, columns = np.uint64(i), np.uint64(columns)  # a signed division is slower
    return np.int64(i // columns) * width + np.int64(i % columns)


@inner(forceinline=True)  # left alone, LLVM makes it a call, and 2x2 windows take a fifth longer
def _largest_of_four(x, start, places, number, numbers, fresh, y, argmax, out, C):
    """The largest of four places, and of what was largest so far unless it is `fresh`, for all channels of a window."""
    x0, x1 = np.uint64(start + places[0] * C), np.uint64(start + places[1] * C)
    x2, x3 = np.uint64(start + places[2] * C), np.uint64(start + places[3] * C)
    k0, k1 = argmax.dtype.type(number + numbers[0]), argmax.dtype.type(number + numbers[1])
    k2, k3 = argmax.dtype.type(number + numbers[2]), argmax.dtype.type(number + numbers[3])
    out = np.uint64(out)
    if fresh:
        for c in range(np.uint64(C)):
            best, place = _larger(x[x0 + c], k0, x[x1 + c], k1)
            best, place = _larger(best, place, x[x2 + c], k2)
            y[out + c], argmax[out + c] = _larger(best, place, x[x3 + c], k3)
    else:
        for c in range(np.uint64(C)):
            best, place = _larger(y[out + c], argmax[out + c], x[x0 + c], k0)
            best, place = _larger(best, place, x[x1 + c], k1)
            best, place = _larger(best, place, x[x2 + c], k2)
            y[out + c], argmax[out + c] = _larger(best, place, x[x3 + c], k3)


@inner
def _larger(best, place, value, number):
    """The larger one and where it is: the first of equal ones, and the first NaN."""
    better = (not value <= best) and best == best
    return value if better else best, number if better else place


@kernel
def max_windows_gradient(dy, argmax, down, across, covering, width, apart, exact, dx):
    """dx of `max_windows`; `apart`: no two windows overlap, `exact`: every place is in one, besides."""
    N, H, W, C = dx.shape
    arguments = (dy.reshape(-1), argmax.reshape(-1), down, across, covering, width, apart, exact, W, C, dx.reshape(-1))
    spread(_max_gradient_row, N * H, dy.size * _places(down, across) // 5, arguments)


@inner
def _max_gradient_row(task, dy, argmax, down, across, covering, width, apart, exact, W, C, dx):
    """Row h of dx for image n; nothing else writes there."""
    P, Q, H = down.shape[0], across.shape[0], covering.shape[0]
    n, h = task // H, task % H
    streamed = _is_streamed(dx, W * C)
    row, first = (np.empty(W * C, dx.dtype), 0) if streamed else (dx, task * W * C)
    if not exact:
        _clear(row, first, W * C)
    zero = dx.dtype.type(0)
    for p in range(covering[h, 0], covering[h, 1]):
        for q in range(Q):
            there, s0, s1 = np.uint64(((n * P + p) * Q + q) * C), across[q, 0], across[q, 1]
            number, s = (h - down[p, 2]) * width - across[q, 2], s0
            if apart:
                for s in range(s0, s1 - 1, 2):
                    here, next_to = np.uint64(first + s * C), np.uint64(first + s * C + C)
                    place, next_place = argmax.dtype.type(number + s), argmax.dtype.type(number + s + 1)
                    for c in range(np.uint64(C)):
                        row[here + c] = dy[there + c] if argmax[there + c] == place else zero
                        row[next_to + c] = dy[there + c] if argmax[there + c] == next_place else zero
                if (s1 - s0) % 2:
                    here, place = np.uint64(first + (s1 - 1) * C), argmax.dtype.type(number + s1 - 1)
                    for c in range(np.uint64(C)):
                        row[here + c] = dy[there + c] if argmax[there + c] == place else zero
            else:
                for s in range(s0, s1):
                    here, place = np.uint64(first + s * C), argmax.dtype.type(number + s)
                    for c in range(np.uint64(C)):
                        row[here + c] += dy[there + c] if argmax[there + c] == place else zero
    if streamed:
        stream(row, dx, task * W * C, W * C)
        fence()


@inner
def _is_streamed(dx, size):
    return streams(dx) and size <= OWN and size * dx.itemsize % VECTOR_BYTES == 0


@inner
def _clear(out, start, count):
    for i in range(np.uint64(start), np.uint64(start + count)):
        out[i] = 0


@kernel
def average_windows(x, down, across, y):
    """y, the average of every window."""
    N, H, W, C = x.shape
    P, Q = y.shape[1], y.shape[2]
    work = N * P * Q * C * _places(down, across) // 8
    spread(_average_row, N * P, work, (x.reshape(-1), H, W, C, down, across, y.reshape(-1)))


@inner
def _average_row(task, x, H, W, C, down, across, y):
    """Row p of the result for image n; nothing else writes there."""
    P, Q = down.shape[0], across.shape[0]
    n, p = task // P, task % P
    r0, rows = down[p, 0], down[p, 1] - down[p, 0]
    sums = np.empty(C)
    for q in range(Q):
        s0, columns = across[q, 0], across[q, 1] - across[q, 0]
        start, out = ((n * H + r0) * W + s0) * C, (task * Q + q) * C
        if rows == 2 and columns == 2:
            _average_of_four(x, start, W * C, y, out, C)
        elif rows * columns <= MANY:
            _average_of_some(x, start, rows, columns, W * C, y, out, C)
        else:
            _average_of_many(x, start, rows, columns, W, sums, y, out, C)


@inner
def _average_of_four(x, start, row, y, out, C):
    """A 2x2 window, for all its channels, in one pass."""
    above, below, out = np.uint64(start), np.uint64(start + row), np.uint64(out)
    right, quarter = np.uint64(C), x.dtype.type(0.25)
    for c in range(np.uint64(C)):
        total = x[above + c] + x[above + right + c] + x[below + c] + x[below + right + c]
        y[out + c] = total * quarter


@inner
def _average_of_some(x, start, rows, columns, row, y, out, C):
    """A window of any size, a place a pass."""
    out, count = np.uint64(out), x.dtype.type(rows * columns)
    for c in range(np.uint64(C)):
        y[out + c] = 0
    for r in range(rows):
        for s in range(columns):
            place = np.uint64(start + r * row + s * C)
            for c in range(np.uint64(C)):
                y[out + c] += x[place + c]
    for c in range(np.uint64(C)):
        y[out + c] /= count


@inner
def _average_of_many(x, start, rows, columns, W, sums, y, out, C):
    """A window of any size, four places a pass."""
    out, count, places = np.uint64(out), np.float64(rows * columns), rows * columns
    for c in range(np.uint64(C)):
        sums[c] = 0
    for i in range(0, places - 3, 4):
        at = _four(i, rows, columns, W)
        x0, x1 = np.uint64(start + at[0] * C), np.uint64(start + at[1] * C)
        x2, x3 = np.uint64(start + at[2] * C), np.uint64(start + at[3] * C)
        for c in range(np.uint64(C)):
            sums[c] += (x[x0 + c] + x[x1 + c]) + (x[x2 + c] + x[x3 + c])
    for i in range(places // 4 * 4, places):
        left = np.uint64(start + _place(i, columns, W) * C)
        for c in range(np.uint64(C)):
            sums[c] += x[left + c]
    for c in range(np.uint64(C)):
        y[out + c] = sums[c] / count


@kernel
def average_windows_gradient(dy, down, across, covering, apart, exact, dx):
    """dx of `average_windows`; `apart` and `exact` as in `max_windows_gradient`."""
    N, H, W, C = dx.shape
    arguments = (dy.reshape(-1), down, across, covering, apart, exact, W, C, dx.reshape(-1))
    spread(_average_gradient_row, N * H, dy.size * _places(down, across) // 6, arguments)


@inner
def _average_gradient_row(task, dy, down, across, covering, apart, exact, W, C, dx):
    """Row h of dx for image n; nothing else writes there."""
    P, Q, H = down.shape[0], across.shape[0], covering.shape[0]
    n, h = task // H, task % H
    streamed = _is_streamed(dx, W * C)
    row, first = (np.empty(W * C, dx.dtype), 0) if streamed else (dx, task * W * C)
    if not exact:
        _clear(row, first, W * C)
    for p in range(covering[h, 0], covering[h, 1]):
        for q in range(Q):
            there, s0, s1 = np.uint64(((n * P + p) * Q + q) * C), across[q, 0], across[q, 1]
            share = dx.dtype.type(1 / ((down[p, 1] - down[p, 0]) * (s1 - s0)))
            for s in range(s0, s1):
                here = np.uint64(first + s * C)
                if apart:
                    for c in range(np.uint64(C)):
                        row[here + c] = dy[there + c] * share
                else:
                    for c in range(np.uint64(C)):
                        row[here + c] += dy[there + c] * share
    if streamed:
        stream(row, dx, task * W * C, W * C)
        fence()
