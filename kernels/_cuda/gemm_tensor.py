"""Matrix products of float16 and bfloat16 on the tensor cores of compute capability 8.0 and up, any sizes.

a (M, K) or (K, M)    b (K, N) or (N, K)    bias (N,)    y (M, N) = f(op(a) @ op(b) + bias)    all as uint16, their bits

A block of threads owns BM x BN elements of y, a warp WM x WN of them, in 16 x 8 pieces of `mma.sync` with float32
sums. Tiles of both operands lie in shared memory as they lie in memory, STAGES of them, filled in the background by
`cp.async`; `ldmatrix` reads them, turned where the matrix needs it.

A row of a tile is C chunks of 16 bytes. Chunks of a row change places as `make_place` says, so that the 8 rows that
`ldmatrix` reads at a time, and the 8 chunks that 8 threads copy, touch all 32 banks once.

An element's sum runs over K in order, in steps of 16 that the tensor core adds in its own way; every element of y is
written by one thread: no race, no atomics.
"""

import functools

import numpy as np
from numba import cuda

from . import ptx
from .gemm import ENOUGH, RELU, SIGMOID, first_element
from .vector import ALIGNMENT

LARGE = (128, 128, 32, 64, 32, 3)  # BM, BN, BK, WM, WN, STAGES; 48 KB, the most that a block has without asking
SMALL = (64, 64, 32, 32, 32, 4)
CHUNK = 8  # elements of 16 bytes


def block_threads(BM, BN, BK, WM, WN, STAGES):
    """Threads of a block."""
    return BM // WM * (BN // WN) * 32


def make_place(C):
    """place(row, phase, chunk): the first element of a chunk in a tile of C chunks a row, C a power of 2.

    phase is the row, or anything that leaves the same remainder by 8.
    """
    span = min(C, 8)
    rows = 8 // span  # rows in the 128 bytes of all banks

    @cuda.jit(device=True, inline="always")
    def place(row, phase, chunk):
        return (row * C + (chunk ^ (phase // rows % span))) * CHUNK

    return place


def choose(M, N):
    """The tile for a product: the large one where it keeps ENOUGH blocks busy."""
    return LARGE if -(-M // LARGE[0]) * -(-N // LARGE[1]) >= ENOUGH else SMALL


@functools.lru_cache
def compiled(tile, kind, transpose_a, transpose_b, aligned):
    """The kernel of a tile, compiled at its first launch."""
    return cuda.jit(make_tensor_gemm(*tile, kind, transpose_a, transpose_b, aligned))


@functools.lru_cache
def make_tensor_gemm(BM, BN, BK, WM, WN, STAGES, kind, transpose_a=False, transpose_b=False, aligned=False):
    """The kernel's Python function for one tile: f(a, b, bias, biased, code, y, M, N, K), all arrays flat.

    Grid: ceil(M / BM) * ceil(N / BN) blocks of `block_threads`, in one dimension. kind: "float16" or "bfloat16".
    aligned: a, b and y begin at multiples of 16 bytes, and so do all their rows; else tiles are filled by plain loads.
    """
    threads = block_threads(BM, BN, BK, WM, WN, STAGES)
    copy_a, read_a = _make_tile(BM, BK, threads, not transpose_a, aligned)
    copy_b, read_b = _make_tile(BN, BK, threads, transpose_b, aligned)
    multiply, pack, widen = (getattr(ptx, f"{name}_{kind}") for name in ("multiply", "pack", "widen"))
    commit, wait, store, tanh = ptx.commit_copies, ptx.wait_for_copies, ptx.store_word, ptx.tanh
    size_a, size_b, under_way = BM * BK, BN * BK, STAGES - 2
    all_a, all_b, warps_m = STAGES * size_a, STAGES * size_b, BM // WM
    pieces_m, pieces_n = WM // 16, WN // 8
    zero, half = np.float32(0), np.float32(0.5)

    def tensor_gemm(a, b, bias, biased, code, y, M, N, K):
        tiles_a = cuda.shared.array(all_a, np.uint16, ALIGNMENT)
        tiles_b = cuda.shared.array(all_b, np.uint16, ALIGNMENT)
        left = cuda.local.array((pieces_m, 4), np.uint32)
        right = cuda.local.array((pieces_n, 2), np.uint32)
        sums = cuda.local.array((pieces_m, pieces_n, 4), np.float32)
        t = cuda.threadIdx.x
        _, m0, n0 = first_element(cuda.blockIdx.x, M, N, BM, BN)
        lane, warp = t % 32, t // 32
        m, n = warp % warps_m * WM, warp // warps_m * WN  # where the warp begins in the block
        r, low, high = lane % 8, lane // 8 % 2, lane // 16  # which row of which 8 x 8 matrix the lane names
        for i in range(pieces_m):
            for j in range(pieces_n):
                for e in range(4):
                    sums[i, j, e] = zero

        steps = (K + BK - 1) // BK
        for s in range(STAGES - 1):
            if s < steps:
                copy_a(tiles_a, s * size_a, a, t, m0, M, s * BK, K)
                copy_b(tiles_b, s * size_b, b, t, n0, N, s * BK, K)
            commit()
        slot, free = 0, STAGES - 1
        for step in range(steps):
            wait(under_way)
            cuda.syncthreads()  # all have this step's tiles, and none reads the step before any more: its slot is free
            ahead = step + STAGES - 1
            if ahead < steps:
                copy_a(tiles_a, free * size_a, a, t, m0, M, ahead * BK, K)
                copy_b(tiles_b, free * size_b, b, t, n0, N, ahead * BK, K)
            commit()
            for k in range(0, BK, 16):
                for i in range(pieces_m):
                    words = read_a(tiles_a, slot * size_a, m + i * 16, k, r, low, high)
                    left[i, 0], left[i, 1], left[i, 2], left[i, 3] = words
                for j in range(pieces_n // 2):
                    words = read_b(tiles_b, slot * size_b, n + j * 16, k, r, high, low)
                    right[2 * j, 0], right[2 * j, 1], right[2 * j + 1, 0], right[2 * j + 1, 1] = words
                for i in range(pieces_m):
                    for j in range(pieces_n):
                        a0, a1, a2, a3 = left[i, 0], left[i, 1], left[i, 2], left[i, 3]
                        c0, c1, c2, c3 = sums[i, j, 0], sums[i, j, 1], sums[i, j, 2], sums[i, j, 3]
                        c = multiply(a0, a1, a2, a3, right[j, 0], right[j, 1], c0, c1, c2, c3)
                        sums[i, j, 0], sums[i, j, 1], sums[i, j, 2], sums[i, j, 3] = c
            slot = slot + 1 if slot + 1 < STAGES else 0
            free = free + 1 if free + 1 < STAGES else 0

        # short loops, so that all are unrolled and `sums` stays in registers
        if biased:
            for j in range(pieces_n):
                for e in range(2):
                    column = n0 + n + j * 8 + lane % 4 * 2 + e
                    z = widen(bias[column]) if column < N else zero
                    for i in range(pieces_m):
                        sums[i, j, e] += z
                        sums[i, j, 2 + e] += z
        if code == RELU:
            for i in range(pieces_m):
                for j in range(pieces_n):
                    for e in range(4):
                        sums[i, j, e] = zero if sums[i, j, e] <= zero else sums[i, j, e]
        elif code == SIGMOID:
            for i in range(pieces_m):
                for j in range(pieces_n):
                    for e in range(4):
                        sums[i, j, e] = half + half * tanh(half * sums[i, j, e])
        elif code > SIGMOID:
            for i in range(pieces_m):
                for j in range(pieces_n):
                    for e in range(4):
                        sums[i, j, e] = tanh(sums[i, j, e])
        for i in range(pieces_m):
            for h in range(2):
                row = m0 + m + i * 16 + h * 8 + lane // 4
                for j in range(pieces_n):
                    column = n0 + n + j * 8 + lane % 4 * 2
                    word = pack(sums[i, j, 2 * h], sums[i, j, 2 * h + 1])
                    if aligned:
                        if row < M and column < N:
                            store(y, row * N + column, word)
                    else:
                        if row < M and column < N:
                            y[row * N + column] = word & 0xFFFF
                        if row < M and column + 1 < N:
                            y[row * N + column + 1] = word >> 16

    return tensor_gemm


def _make_tile(W, BK, threads, along_k, aligned):
    """(copy, read): fill a W x BK tile of shared memory from memory, and read 16 x 16 of it into a warp's words.

    along_k: memory, and so the tile, has rows of K, else of W. What lies outside of the matrix is zero.
    """
    C = (BK if along_k else W) // CHUNK  # chunks of a row
    chunks = W * BK // CHUNK
    each = -(-chunks // threads)
    place = make_place(C)
    copy_async = ptx.copy_async
    load = ptx.load_matrices if along_k else ptx.load_matrices_transposed

    @cuda.jit(device=True, inline="always")
    def copy(tile, start, x, t, w0, width, k0, K):
        for n in range(each):
            task = t + n * threads
            if task < chunks:
                row, chunk = task // C, task % C
                if along_k:
                    line, column, length, depth = w0 + row, k0 + chunk * CHUNK, K, width
                else:
                    line, column, length, depth = k0 + row, w0 + chunk * CHUNK, width, K
                into = start + place(row, row, chunk)
                source = line * length + column
                if aligned:
                    inside = line < depth and column < length
                    copy_async(tile, into, x, source if inside else 0, inside)
                else:
                    for v in range(CHUNK):
                        if line < depth and column + v < length:
                            tile[into + v] = x[source + v]
                        else:
                            tile[into + v] = 0

    @cuda.jit(device=True, inline="always")
    def read(tile, start, w, k, r, w_half, k_half):
        if along_k:
            row, chunk = w + w_half * 8, k // CHUNK + k_half
        else:
            row, chunk = k + k_half * 8, w // CHUNK + w_half
        return load(tile, start + place(row + r, r, chunk))

    return copy, read
