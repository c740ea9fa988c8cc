"""Matrix products on the ordinary cores of a GPU: float32 and float64, any sizes, both sides as they lie.

a (M, K) or (K, M)    b (K, N) or (N, K)    bias (N,)    y (M, N) = f(op(a) @ op(b) + bias)

A block of threads owns BM x BN elements of y and walks along K in steps of BK. Both operands' tiles lie in shared
memory as rows of one k, twice, so that the next is fetched from memory while this one is used. A thread owns TM x TN
elements in registers, in groups of 16 bytes; a warp's 32 threads stand 4 by 8, so that one step of k reads each of its
shared vectors once for the whole warp.

An element's sum runs over K in order in one thread: its bits depend on no tile and no launch. The accumulator has the
arrays' type. Every element of y is written by one thread: no race, no atomics.
"""

import functools
import math

import numpy as np
from numba import cuda

from .vector import ALIGNMENT, fetch, put

ACTIVATIONS = (None, "relu", "sigmoid", "tanh")  # their codes are their places
RELU, SIGMOID = 1, 2
GROUP = 8  # rows of blocks that run through all columns together, so that their operands stay in the L2

ENOUGH = 64  # blocks of the large tile from which it is taken; not measured yet

LARGE = {np.dtype(np.float32): (128, 128, 8, 8, 8), np.dtype(np.float64): (64, 64, 8, 4, 4)}  # BM, BN, BK, TM, TN
SMALL = {np.dtype(np.float32): (32, 32, 16, 4, 4), np.dtype(np.float64): (32, 32, 8, 4, 2)}


def choose(M, N, dtype):
    """The tile for a product: the large one where it keeps ENOUGH blocks busy."""
    BM, BN, *_ = LARGE[dtype]
    return LARGE[dtype] if -(-M // BM) * -(-N // BN) >= ENOUGH else SMALL[dtype]


@functools.lru_cache
def compiled(tile, dtype, transpose_a, transpose_b, aligned):
    """The kernel of a tile, compiled at its first launch."""
    return cuda.jit(make_gemm(*tile, dtype, transpose_a, transpose_b, aligned))


def block_threads(BM, BN, BK, TM, TN):
    """Threads of a block."""
    return (BM // TM) * (BN // TN)


@cuda.jit(device=True, inline="always")
def first_element(block, M, N, BM, BN):
    """Row and column of y where a block begins: GROUP rows of blocks at a time, column by column."""
    rows, columns = (M + BM - 1) // BM, (N + BN - 1) // BN
    band = block // (GROUP * columns)
    inside = block - band * GROUP * columns
    high = min(rows - band * GROUP, GROUP)
    return (band * GROUP + inside % high) * BM, inside // high * BN


@functools.lru_cache
def make_gemm(BM, BN, BK, TM, TN, dtype, transpose_a=False, transpose_b=False, aligned=False):
    """The kernel's Python function for one tile: f(a, b, bias, biased, code, y, M, N, K), all arrays flat.

    Grid: ceil(M / BM) * ceil(N / BN) blocks of `block_threads`, in one dimension. biased: whether there is a bias.
    aligned: a, b and y begin at multiples of 16 bytes, and so do all their rows.
    """
    dtype = np.dtype(dtype)
    V = 16 // dtype.itemsize
    threads = block_threads(BM, BN, BK, TM, TN)
    lanes_n = min(8, BN // TN)
    lanes_m = min(32 // lanes_n, BM // TM)
    warps_n = BN // TN // lanes_n
    gap_m, gap_n = lanes_m * V, lanes_n * V  # between a thread's groups
    pitch_a, pitch_b = BM + V, BN + V  # rows of shared tiles: V more than needed, against bank conflicts
    load_a, keep_a, count_a = _make_tile(BM, BK, V, threads, pitch_a, not transpose_a, aligned)
    load_b, keep_b, count_b = _make_tile(BN, BK, V, threads, pitch_b, transpose_b, aligned)
    kind, zero, half, one = dtype.type, dtype.type(0), dtype.type(0.5), dtype.type(1)
    size_a, size_b = 2 * BK * pitch_a, 2 * BK * pitch_b

    def gemm(a, b, bias, biased, code, y, M, N, K):
        shared_a = cuda.shared.array(size_a, kind, ALIGNMENT)
        shared_b = cuda.shared.array(size_b, kind, ALIGNMENT)
        next_a = cuda.local.array(count_a, kind)
        next_b = cuda.local.array(count_b, kind)
        left = cuda.local.array(TM, kind)
        right = cuda.local.array(TN, kind)
        sums = cuda.local.array((TM, TN), kind)
        t = cuda.threadIdx.x
        m0, n0 = first_element(cuda.blockIdx.x, M, N, BM, BN)
        lane, warp = t % (lanes_m * lanes_n), t // (lanes_m * lanes_n)
        m = warp // warps_n * lanes_m * TM + lane // lanes_n * V  # of the thread's first group, in the block
        n = warp % warps_n * lanes_n * TN + lane % lanes_n * V
        for i in range(TM):
            for j in range(TN):
                sums[i, j] = zero

        load_a(next_a, a, t, m0, M, 0, K)
        load_b(next_b, b, t, n0, N, 0, K)
        keep_a(shared_a, 0, next_a, t)
        keep_b(shared_b, 0, next_b, t)
        cuda.syncthreads()
        turn = 0
        for k0 in range(0, K, BK):
            more = k0 + BK < K
            if more:
                load_a(next_a, a, t, m0, M, k0 + BK, K)
                load_b(next_b, b, t, n0, N, k0 + BK, K)
            from_a, from_b = turn * BK * pitch_a + m, turn * BK * pitch_b + n
            for k in range(BK):
                for i in range(TM // V):
                    fetch(left, i * V, shared_a, from_a + k * pitch_a + i * gap_m)
                for j in range(TN // V):
                    fetch(right, j * V, shared_b, from_b + k * pitch_b + j * gap_n)
                for i in range(TM):
                    for j in range(TN):
                        sums[i, j] += left[i] * right[j]
            turn = 1 - turn
            if more:  # nobody reads this half: its last readers passed the barrier of the round before
                keep_a(shared_a, turn * BK * pitch_a, next_a, t)
                keep_b(shared_b, turn * BK * pitch_b, next_b, t)
            cuda.syncthreads()

        for j in range(TN):
            column = n0 + n + j // V * gap_n + j % V
            right[j] = bias[column] if biased and column < N else zero
        for i in range(TM):
            row = m0 + m + i // V * gap_m + i % V
            for g in range(TN // V):
                column = n0 + n + g * gap_n
                for v in range(V):
                    z = sums[i, g * V + v] + right[g * V + v]
                    left[v] = zero if code == RELU and z <= zero else z
                if aligned:
                    if row < M and column < N:
                        put(y, row * N + column, left, 0)
                else:
                    for v in range(V):
                        if row < M and column + v < N:
                            y[row * N + column + v] = left[v]
        if (
            code > RELU
        ):  # so long a formula in the loops above would keep them from unrolling, and `sums` from registers
            for i in range(TM):
                row = m0 + m + i // V * gap_m + i % V
                for j in range(TN):
                    column = n0 + n + j // V * gap_n + j % V
                    if row < M and column < N:
                        z = y[row * N + column]
                        if code == SIGMOID:
                            z = half * (one + math.tanh(half * z))
                        else:
                            z = math.tanh(z)
                        y[row * N + column] = z

    return gemm


def _make_tile(W, BK, V, threads, pitch, along_k, aligned):
    """(load, keep, count): a tile of W x BK elements from memory to `count` registers a thread, on to shared memory.

    along_k: memory has rows of K, so that vectors of V elements run along k and are turned on their way into shared
    memory; else it has rows of W. What lies outside of the matrix is zero.
    """
    vectors = W * BK // V
    each = -(-vectors // threads)
    across = BK // V if along_k else W // V  # vectors of a row

    @cuda.jit(device=True, inline="always")
    def load(held, x, t, w0, width, k0, K):
        for r in range(each):
            place = t + r * threads
            if along_k:
                row, column, length, depth = w0 + place // across, k0 + place % across * V, K, width
            else:
                row, column, length, depth = k0 + place // across, w0 + place % across * V, width, K
            inside = row < depth and place < vectors
            start = row * length + column
            if aligned:
                if inside and column < length:
                    fetch(held, r * V, x, start)
                else:
                    for v in range(V):
                        held[r * V + v] = 0
            else:
                for v in range(V):
                    if inside and column + v < length:
                        held[r * V + v] = x[start + v]
                    else:
                        held[r * V + v] = 0

    @cuda.jit(device=True, inline="always")
    def keep(tile, start, held, t):
        for r in range(each):
            place = t + r * threads
            if place < vectors:
                if along_k:
                    for v in range(V):
                        tile[start + (place % across * V + v) * pitch + place // across] = held[r * V + v]
                else:
                    put(tile, start + place // across * pitch + place % across * V, held, r * V)

    return load, keep, each * V
