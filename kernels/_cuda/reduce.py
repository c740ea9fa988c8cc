"""Sums and maxima over the rows of a matrix, and means of whole arrays, in an order that depends on shapes alone.

x (M, N), read as a flat array

A row belongs to `width` threads that stand together: to 8, 16 or 32 threads of a warp, or to the warps of a whole
block. `plan` tells how many, and how many elements a thread holds in registers, so that memory is read once. A block is
(width, rows): thread t = threadIdx.x of row threadIdx.y. No thread leaves early, because shuffles and barriers need all
of them: those of a row that is not there have a row of no elements.

A mean is taken in two stages: a block adds PIECE elements, then one block adds what they found. Sums are of the array's
own type: in a thread at most a few dozen elements one after another, over threads a tree, so that the error grows with
the logarithm of the size.
"""

import numpy as np
from numba import cuda

from . import launch, warp
from .access import fetch, is_wide, load4, put
from .jit import device, kernel
from .memory import empty
from .stream import start
from .usage import Compiled
from .warp import WARP

# none of these is measured yet
FEW, MANY = 4, 16  # elements of a row that a thread holds, in short rows and in longer ones
MOST = 512  # threads of a row
THREADS = 128  # of a block of short rows
PIECE = 8192  # elements that a block adds
PIECE_THREADS = 256


def plan(N, many=None):
    """(threads of a row, rows of a block, elements of a thread) for rows of N; 0 elements where they are too long.

    many: how many elements a thread holds at most, MANY unless it is said.
    """
    many = MANY if many is None else many
    if N <= WARP * FEW:
        width = next(width for width in (8, 16, 32) if N <= width * FEW)
        return width, max(1, THREADS // width), FEW
    if N <= MOST * many:
        width = WARP * launch.ceil_div(N, WARP * many)
        return width, max(1, THREADS // WARP) if width == WARP else 1, many
    return MOST, 1, 0


def start_rows(op, kernel, M, shape, *arguments):
    """Start a kernel for M rows on blocks of `shape`, (threads of a row, rows)."""
    start(kernel, launch.rows(op, M, shape[1]), shape, *arguments)


def are_rows_wide(N, *arrays):
    """Whether all rows of N elements of arrays of one type are float32 on 16-byte boundaries."""
    return N % 4 == 0 and all(is_wide(x) for x in arrays)


@device
def my_row(M, N):
    """(row, its first element, its size) of this thread; a row that is not there has none."""
    row = np.int64(cuda.blockIdx.x) * cuda.blockDim.y + cuda.threadIdx.y
    return row, row * N, N if row < M else 0


@device
def row_total(x, shared):
    """The sum of x over the threads of a row; shared: WARP numbers of the block."""
    x = warp.total(x, cuda.blockDim.x)
    if cuda.blockDim.x > WARP:
        cuda.syncthreads()  # what stands in `shared` has been read
        if cuda.threadIdx.x % WARP == 0:
            shared[cuda.threadIdx.x // WARP] = x
        cuda.syncthreads()
        x = shared[0]
        for number in range(1, cuda.blockDim.x // WARP):
            x += shared[number]
    return x


@device
def row_largest(x, shared):
    """The largest x of the threads of a row, none of which is NaN."""
    x = warp.largest(x, cuda.blockDim.x)
    if cuda.blockDim.x > WARP:
        cuda.syncthreads()  # what stands in `shared` has been read
        if cuda.threadIdx.x % WARP == 0:
            shared[cuda.threadIdx.x // WARP] = x
        cuda.syncthreads()
        x = shared[0]
        for number in range(1, cuda.blockDim.x // WARP):
            x = warp.larger(x, shared[number])
    return x


def make_access(E, wide):
    """(load, store, place) of a row in registers, E elements a thread.

    load(values, x, first, N, fill)    values[e] = x[first + place(e)], or fill beyond N
    store(y, first, N, values)         and back
    place(e)                           neighbouring threads have neighbouring elements, or groups of four if wide
    """

    @device
    def place(e):
        return e * cuda.blockDim.x + cuda.threadIdx.x

    @device
    def place_wide(e):
        return 4 * (e // 4 * cuda.blockDim.x + cuda.threadIdx.x) + e % 4

    @device
    def load(values, x, first, N, fill):
        for e in range(E):
            n = e * cuda.blockDim.x + cuda.threadIdx.x
            values[e] = x[first + n] if n < N else fill

    @device
    def load_wide(values, x, first, N, fill):
        for e in range(0, E, 4):
            n = e * cuda.blockDim.x + 4 * cuda.threadIdx.x
            if n < N:
                fetch(values, e, x, first + n)
            else:
                for k in range(4):
                    values[e + k] = fill

    @device
    def store(y, first, N, values):
        for e in range(E):
            n = e * cuda.blockDim.x + cuda.threadIdx.x
            if n < N:
                y[first + n] = values[e]

    @device
    def store_wide(y, first, N, values):
        for e in range(0, E, 4):
            n = e * cuda.blockDim.x + 4 * cuda.threadIdx.x
            if n < N:
                put(y, first + n, values, e)

    return (load_wide, store_wide, place_wide) if wide else (load, store, place)


class MeanOf:
    """The mean of f(y, t) over two arrays of one shape, as a device array of shape ()."""

    def __init__(self, name, f):
        def narrow(y, t, count, divisor, sums):
            shared = cuda.shared.array(WARP, y.dtype)
            total = type(divisor)(0)
            first = np.int64(cuda.blockIdx.x) * PIECE
            for i in range(first + cuda.threadIdx.x, min(first + PIECE, count), cuda.blockDim.x):
                total += f(y[i], t[i])
            total = row_total(total, shared)
            if cuda.threadIdx.x == 0:
                sums[cuda.blockIdx.x] = total / divisor

        def wide(y, t, count, divisor, sums):
            shared = cuda.shared.array(WARP, y.dtype)
            total = type(divisor)(0)
            first, last = np.int64(cuda.blockIdx.x) * PIECE, count - 3
            for i in range(first + 4 * cuda.threadIdx.x, min(first + PIECE, last), 4 * cuda.blockDim.x):
                ya, yb, yc, yd = load4(y, i)
                ta, tb, tc, td = load4(t, i)
                total += (f(ya, ta) + f(yb, tb)) + (f(yc, tc) + f(yd, td))
            i = count - count % 4 + cuda.threadIdx.x  # the last elements, less than a group
            if first <= i < min(first + PIECE, count):
                total += f(y[i], t[i])
            total = row_total(total, shared)
            if cuda.threadIdx.x == 0:
                sums[cuda.blockIdx.x] = total / divisor

        self._narrow, self._wide = kernel(narrow), kernel(wide)
        self.compiled = tuple(
            Compiled(function, f"void({T}[::1], {T}[::1], int64, {T}, {T}[::1])", f"{name}-{T}-{way}")
            for function, T, way in (
                (narrow, "float32", "narrow"),
                (wide, "float32", "wide"),
                (narrow, "float64", "narrow"),
            )
        )

    def __call__(self, y, t):
        y, t = y.reshape(-1), t.reshape(-1)
        count, p = y.size, y.dtype.type
        blocks, divisor = max(1, launch.ceil_div(count, PIECE)), p(max(1, count))
        sums = empty(blocks, y.dtype)
        chosen = self._wide if is_wide(y, t) else self._narrow
        if not count:  # there may be no memory
            y = t = sums
        start(chosen, blocks, PIECE_THREADS, y, t, count, p(1) if blocks > 1 else divisor, sums)
        return _sum(sums, divisor) if blocks > 1 else sums.reshape(())


def mean(x):
    """The mean of an array as a device array of shape (); that of nothing is 0."""
    x = x.reshape(-1)
    count, p = x.size, x.dtype.type
    blocks, divisor = max(1, launch.ceil_div(count, PIECE)), p(max(1, count))
    if blocks == 1:
        return _sum(x, divisor)
    sums = empty(blocks, x.dtype)
    start(_add, blocks, PIECE_THREADS, x, count, PIECE, p(1), sums)
    return _sum(sums, divisor)


def _sum(x, divisor):
    """The sum of x (N,), divided, by one block."""
    result = empty(1, x.dtype)
    start(_add, 1, PIECE_THREADS, x if x.size else result, x.size, x.size, divisor, result)
    return result.reshape(())


def _add_pieces(x, count, piece, divisor, sums):
    shared = cuda.shared.array(WARP, x.dtype)
    total = type(divisor)(0)
    first = np.int64(cuda.blockIdx.x) * piece
    for i in range(first + cuda.threadIdx.x, min(first + piece, count), cuda.blockDim.x):
        total += x[i]
    total = row_total(total, shared)
    if cuda.threadIdx.x == 0:
        sums[cuda.blockIdx.x] = total / divisor


_add = kernel(_add_pieces)


def add_columns(parts, G, N, *sums):
    """sums[k][n] = the sum of parts[:, k, n], parts (G, K, N) flat; what is None of the K arrays `sums` is left out."""
    pitch = len(sums) * N
    for k, total in enumerate(sums):
        if total is not None:
            start(_columns, launch.ceil_div(N, WARP), (WARP, COLUMN_ROWS), parts, G, pitch, k * N, N, total)


COLUMN_ROWS = 32  # groups of rows that a block of add_columns adds at once


def _add_columns(parts, G, pitch, offset, N, total):
    """A block owns 32 columns; thread (t, r) adds rows r, r + blockDim.y, … of one, then a tree adds those sums."""
    shared = cuda.shared.array((COLUMN_ROWS, WARP), parts.dtype)
    t, r = cuda.threadIdx.x, cuda.threadIdx.y
    n = cuda.blockIdx.x * WARP + t
    found = type(parts[0])(0)
    if n < N:
        for g in range(r, G, cuda.blockDim.y):
            found += parts[np.int64(g) * pitch + offset + n]
    shared[r, t] = found
    cuda.syncthreads()
    half = cuda.blockDim.y // 2
    while half:
        if r < half:
            shared[r, t] += shared[r + half, t]
        cuda.syncthreads()
        half //= 2
    if r == 0 and n < N:
        total[n] = shared[0, t]


_columns = kernel(_add_columns)
COMPILED = tuple(
    entry
    for T in ("float32", "float64")
    for entry in (
        Compiled(_add_pieces, f"void({T}[::1], int64, int64, {T}, {T}[::1])", f"mean-{T}"),
        Compiled(_add_columns, f"void({T}[::1], int64, int64, int64, int64, {T}[::1])", f"add_columns-{T}"),
    )
)
