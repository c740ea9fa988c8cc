"""Matrix products on the ordinary cores of a GPU: float32 and float64, any sizes, the sides from wherever they lie.

y (M, N) = f(A B + bias)    A (M, K)    B (K, N)    bias (N,)    of every product z of a batch

A block of threads owns BM x BN elements of y and walks along K in steps of BK. Both sides' tiles lie in shared memory
as rows of one k, twice, so that the next is fetched from memory while this one is used. A thread owns TM x TN elements
in registers, in groups of 16 bytes; a warp's 32 threads stand 4 by 8, so that one step of k reads each of its shared
vectors once for the whole warp.

A side says how its tiles come from memory: `matrix.py` has those of matrices; a convolution gathers its own. It is

    side(W, BK, V, threads, pitch) -> (start, load, keep, places, count)

for tiles of W rows or columns of y by BK of K, filled by `threads` threads, of vectors of V elements in 16 bytes:

    start(place, shape, z, t, w0)           once: thread t works out what does not change along K, `places` int32s
    load(held, x, shape, place, t, w0, k0)  for every step: the thread's `count` elements of flat array x to registers
    keep(tile, begin, held, t)              from there on to shared memory, element (w, k) at begin + k pitch + w

`shape` is a tuple of int32 that belongs to the side; w0 and k0 are where the tile begins, z is the product of the
batch (or the group of channels). What lies outside, in k too, has to become 0. Sides are made once (lru_cache), because
a kernel is known by its sides.

Where few tiles meet a long K (the gradient of weights), `plan` cuts K into ranges of `depth`, a block each; their
partial results are added in order by `sums.py`, with bias and activation. The plan is a function of sizes alone, so
that the bits do not depend on the card. An element's sum runs over its range of K in order in one thread, in the
arrays' type. Every element of y is written by one thread: no race, no atomics.
"""

import functools
import math

import numpy as np
from numba import cuda

from . import launch, sums
from .access import ALIGNMENT, fetch, put
from .jit import device, kernel
from .memory import empty
from .stream import start

ACTIVATIONS = (None, "relu", "sigmoid", "tanh")  # their codes are their places
RELU, SIGMOID = 1, 2
GROUP = 8  # rows of blocks that run through all columns together, so that their operands stay in the L2

# none of these is measured yet
ENOUGH = 64  # blocks of the large tile, ranges of K and all, from which it is taken
WASTE = 2  # how much faster the large tile is taken to be
BUSY = 2**15  # threads of a product; with fewer it is cut along K
RANGE = 256  # the shortest range of K

LARGE = {np.dtype(np.float32): (128, 128, 8, 8, 8), np.dtype(np.float64): (64, 64, 8, 4, 4)}  # BM, BN, BK, TM, TN
SMALL = {np.dtype(np.float32): (32, 32, 16, 4, 4), np.dtype(np.float64): (32, 32, 8, 4, 2)}
REGISTERS = {LARGE[np.dtype(np.float32)]: 128}  # of a thread at most, so that two blocks share a multiprocessor
UNROLLED = 128  # multiply-adds of a thread between two jumps; with 256 the large tile's registers spill


def choose(M, N, K, dtype, batch=1):
    """The tile for a product: the large one where that makes ENOUGH blocks, and less than WASTE times the small one's
    work, all of it counted that lies beyond the edges of y.
    """
    large, small = LARGE[dtype], SMALL[dtype]
    blocks = batch * _tiles(M, N, large) * plan(M, N, K, large, block_threads(*large), batch)[1]
    areas = [_tiles(M, N, tile) * tile[0] * tile[1] for tile in (large, small)]
    return large if blocks >= ENOUGH and areas[0] < WASTE * areas[1] else small


def _tiles(M, N, tile):
    """How many cover a product."""
    return -(-M // tile[0]) * -(-N // tile[1])


def plan(M, N, K, tile, threads, batch=1):
    """(depth, splits): K cut into so many ranges of so many, the last may be shorter; for blocks of so many threads."""
    BK, tiles = tile[2], batch * _tiles(M, N, tile)
    splits = max(1, min(-(-BUSY // (tiles * threads)), K // RANGE)) if tiles else 1
    depth = max(1, -(-K // (splits * BK))) * BK
    return depth, max(1, -(-K // depth))


def block_threads(BM, BN, BK, TM, TN):
    """Threads of a block."""
    return (BM // TM) * (BN // TN)


def multiply(op, a, b, bias, activation, y, sizes, *, batch=1, layout=None, rows=sums.pitched, aligned_y=False):
    """y[z] = f(A[z] B[z] + bias), of flat arrays; sizes (M, N, K).

    a, b: (side, flat array, shape) each. layout (pitch, step): element (m, n) of product z is y[z step + m pitch + n],
    and its bias bias[z N + n]; by default the products follow one another. rows: a device function f(layout, m) in the
    place of m pitch, of a layout (…, step, …). aligned_y: y and all its rows begin at multiples of 16 bytes.
    """
    (side_a, a, shape_a), (side_b, b, shape_b), (M, N, K) = a, b, sizes
    tile = choose(M, N, K, y.dtype, batch)
    depth, splits = plan(M, N, K, tile, block_threads(*tile), batch)
    launch.index32(op, **{"the first operand": a.size, "the second operand": b.size, "the result": y.size})
    *_, blocks = launch.tiles(op, M, N, *tile[:2], batch * splits)
    layout = (N, M * N) if layout is None else layout
    into = y if splits == 1 else empty(batch * splits * M * N, y.dtype)
    finish = (y if bias is None else bias, bias is not None, ACTIVATIONS.index(activation))
    direct = finish if splits == 1 else (y, False, 0)
    start(
        compiled(tile, y.dtype, side_a, side_b, aligned_y, rows if splits == 1 else sums.pitched),
        blocks,
        block_threads(*tile),
        *(a, shape_a, b, shape_b),
        *direct,
        into,
        tuple(map(np.int32, layout if splits == 1 else (N, M * N))),
        *map(np.int32, (M, N, K, depth, splits)),
    )
    if splits > 1:
        sums.add_parts(into, splits, *finish, y, (batch, M, N), layout, rows=rows)


@functools.lru_cache
def compiled(tile, dtype, side_a, side_b, aligned_y, rows=sums.pitched):
    """The kernel of a tile and two sides, compiled at its first launch."""
    function = make_product(tile, dtype, side_a, side_b, aligned_y, rows)
    return kernel(function, max_registers=REGISTERS.get(tile))


@device
def first_element(block, M, N, BM, BN):
    """Product, row and column of y where a block begins: GROUP rows of blocks at a time, column by column."""
    rows, columns = np.int32((M + BM - 1) // BM), np.int32((N + BN - 1) // BN)
    z = np.int32(block // np.int32(rows * columns))
    block = np.int32(block - z * rows * columns)
    band = np.int32(block // np.int32(GROUP * columns))
    inside = np.int32(block - band * GROUP * columns)
    high = np.int32(min(rows - band * GROUP, GROUP))
    return z, np.int32((band * GROUP + inside % high) * BM), np.int32(inside // high * BN)


def signature(dtype, length_a, length_b, length=2):
    """Of a product's kernel, whose sides' shapes and layout have so many numbers."""
    array, shapes = f"{dtype}[::1]", [f"UniTuple(int32, {length})" for length in (length_a, length_b, length)]
    sizes = "int32, int32, int32, int32, int32"
    return f"void({array}, {shapes[0]}, {array}, {shapes[1]}, {array}, boolean, int64, {array}, {shapes[2]}, {sizes})"


def _repeat(step, count, pitch_a, pitch_b):
    """So many steps of k, a power of 2, written out: the compiler does not unroll a loop of so many instructions."""
    if count == 1:
        return step
    half = _repeat(step, count // 2, pitch_a, pitch_b)
    on_a, on_b = count // 2 * pitch_a, count // 2 * pitch_b

    @device
    def steps(sums, left, right, shared_a, from_a, shared_b, from_b):
        half(sums, left, right, shared_a, from_a, shared_b, from_b)
        half(sums, left, right, shared_a, from_a + on_a, shared_b, from_b + on_b)

    return steps


@functools.lru_cache
def make_product(tile, dtype, side_a, side_b, aligned_y, rows=sums.pitched):
    """f(a, shape_a, b, shape_b, bias, biased, code, y, layout, M, N, K, depth, splits), a kernel's Python function.

    Arrays are flat. Grid: ceil(M / BM) ceil(N / BN) blocks of `block_threads` for each of `splits` ranges of each
    product of the batch, in one dimension. layout, rows: as `multiply` says, of batch * splits results.
    """
    BM, BN, BK, TM, TN = tile
    dtype = np.dtype(dtype)
    V = 16 // dtype.itemsize
    threads = block_threads(*tile)
    lanes_n = min(8, BN // TN)
    lanes_m = min(32 // lanes_n, BM // TM)
    warps_n = BN // TN // lanes_n
    gap_m, gap_n = lanes_m * V, lanes_n * V  # between a thread's groups
    pitch_a, pitch_b = BM + V, BN + V  # rows of shared tiles: V more than needed, against bank conflicts
    start_a, load_a, keep_a, places_a, count_a = side_a(BM, BK, V, threads, pitch_a)
    start_b, load_b, keep_b, places_b, count_b = side_b(BN, BK, V, threads, pitch_b)
    kind, zero, half, one = dtype.type, dtype.type(0), dtype.type(0.5), dtype.type(1)
    size_a, size_b = 2 * BK * pitch_a, 2 * BK * pitch_b

    @device
    def step(sums, left, right, shared_a, from_a, shared_b, from_b):
        for i in range(TM // V):
            fetch(left, i * V, shared_a, from_a + i * gap_m)
        for j in range(TN // V):
            fetch(right, j * V, shared_b, from_b + j * gap_n)
        for i in range(TM):
            for j in range(TN):
                sums[i, j] += left[i] * right[j]

    once = min(BK, max(1, UNROLLED // (TM * TN)))
    steps = _repeat(step, once, pitch_a, pitch_b)

    def product(a, shape_a, b, shape_b, bias, biased, code, y, layout, M, N, K, depth, splits):
        shared_a = cuda.shared.array(size_a, kind, ALIGNMENT)
        shared_b = cuda.shared.array(size_b, kind, ALIGNMENT)
        place_a = cuda.local.array(places_a, np.int32)
        place_b = cuda.local.array(places_b, np.int32)
        next_a = cuda.local.array(count_a, kind)
        next_b = cuda.local.array(count_b, kind)
        left = cuda.local.array(TM, kind)
        right = cuda.local.array(TN, kind)
        sums = cuda.local.array((TM, TN), kind)
        t = cuda.threadIdx.x
        z, m0, n0 = first_element(cuda.blockIdx.x, M, N, BM, BN)
        batch = np.int32(z // splits)
        first = np.int32((z - batch * splits) * depth)
        last = np.int32(min(first + depth, K))
        lane, warp = t % (lanes_m * lanes_n), t // (lanes_m * lanes_n)
        m = warp // warps_n * lanes_m * TM + lane // lanes_n * V  # of the thread's first group, in the block
        n = warp % warps_n * lanes_n * TN + lane % lanes_n * V
        for i in range(TM):
            for j in range(TN):
                sums[i, j] = zero

        start_a(place_a, shape_a, batch, t, m0)
        start_b(place_b, shape_b, batch, t, n0)
        load_a(next_a, a, shape_a, place_a, t, m0, first)
        load_b(next_b, b, shape_b, place_b, t, n0, first)
        keep_a(shared_a, 0, next_a, t)
        keep_b(shared_b, 0, next_b, t)
        cuda.syncthreads()
        turn = 0
        for k0 in range(first, last, BK):
            more = k0 + BK < last
            if more:
                load_a(next_a, a, shape_a, place_a, t, m0, np.int32(k0 + BK))
                load_b(next_b, b, shape_b, place_b, t, n0, np.int32(k0 + BK))
            from_a, from_b = turn * BK * pitch_a + m, turn * BK * pitch_b + n
            for k in range(0, BK, once):
                steps(sums, left, right, shared_a, from_a + k * pitch_a, shared_b, from_b + k * pitch_b)
            turn = 1 - turn
            if more:  # nobody reads this half: its last readers passed the barrier of the round before
                keep_a(shared_a, turn * BK * pitch_a, next_a, t)
                keep_b(shared_b, turn * BK * pitch_b, next_b, t)
            cuda.syncthreads()

        for j in range(TN):
            column = n0 + n + j // V * gap_n + j % V
            right[j] = bias[np.uint32(batch * N + column)] if biased and column < N else zero
        begin = z * layout[1]
        for i in range(TM):
            row = m0 + m + i // V * gap_m + i % V
            for g in range(TN // V):
                column = n0 + n + g * gap_n
                place = np.int32(begin + rows(layout, row) + column)
                for v in range(V):
                    s = sums[i, g * V + v] + right[g * V + v]
                    left[v] = zero if code == RELU and s <= zero else s
                if aligned_y:
                    if row < M and column < N:
                        put(y, place, left, 0)
                else:
                    for v in range(V):
                        if row < M and column + v < N:
                            y[np.uint32(place + v)] = left[v]
        if code > RELU:
            # so long a formula in the loops above would keep them from unrolling, and `sums` from registers
            for i in range(TM):
                row = m0 + m + i // V * gap_m + i % V
                for j in range(TN):
                    column = n0 + n + j // V * gap_n + j % V
                    place = np.uint32(begin + rows(layout, row) + column)
                    if row < M and column < N:
                        s = y[place]
                        if code == SIGMOID:
                            s = half * (one + math.tanh(half * s))
                        else:
                            s = math.tanh(s)
                        y[place] = s

    return product
