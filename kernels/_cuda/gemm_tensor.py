"""Matrix products of float16 and bfloat16 on the tensor cores of compute capability 8.0 and up, any sizes.

y (M, N) = f(op(a) op(b) + bias)    a (M, K) or (K, M)    b (K, N) or (N, K)    bias (N,)    all as uint16, their bits
of every product z of a batch

A block of threads owns BM x BN elements of y, a warp WM x WN of them, in 16 x 8 pieces of `mma.sync` with float32
sums. Tiles of both operands lie in shared memory as they lie in memory, STAGES of them, filled in the background by
`cp.async`; `ldmatrix` reads them, turned where the matrix needs it.

A row of a tile is C chunks of 16 bytes. Chunks of a row change places as `make_place` says, so that the 8 rows that
`ldmatrix` reads at a time, and the 8 chunks that 8 threads copy, touch all 32 banks once.

An element's sum runs over its range of K in order, in steps of 16 that the tensor core adds in its own way; every
element of y is written by one thread: no race, no atomics. A long K is cut into ranges as in gemm.py, whose partial
results are float32.
"""

import functools

import numpy as np
from numba import cuda

from . import gemm, gemm_hopper, launch, ptx, sums
from .access import ALIGNMENT
from .gemm import RELU, SIGMOID, first_element
from .halves import bits
from .jit import device, kernel
from .memory import empty
from .stream import start

LARGE = (128, 128, 32, 64, 32, 3)  # BM, BN, BK, WM, WN, STAGES; 48 KB, the most that a block has without asking
SMALL = (64, 64, 32, 32, 32, 4)
REGISTERS = {LARGE: 128}  # at most, so that two blocks share a multiprocessor; ptxas takes 160 by itself
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

    @device
    def place(row, phase, chunk):
        return (row * C + (chunk ^ (phase // rows % span))) * CHUNK

    return place


def choose(M, N, batch=1):
    """The tile for a product: the large one where it keeps ENOUGH blocks busy."""
    return LARGE if batch * -(-M // LARGE[0]) * -(-N // LARGE[1]) >= gemm.ENOUGH else SMALL


def multiply(op, kind, a, b, bias, activation, y, sizes, *, batch=1, aligned=False):
    """y[z] = f(op(a[z]) op(b[z]) + bias), of flat arrays of a kind; a y of float32 keeps the sums as they are.

    a, b: (whether it is transposed, flat array, shape as in matrix.py) each; sizes (M, N, K). aligned: all arrays begin
    at multiples of 16 bytes, and so do all their rows. On Hopper the large ones of those go to gemm_hopper.py.
    """
    hopper = gemm_hopper.choose(a, b, y, sizes, batch, aligned)
    if hopper is not None:
        gemm_hopper.multiply(op, kind, hopper, a, b, bias, activation, y, sizes, batch=batch)
        return
    (turned_a, a, shape_a), (turned_b, b, shape_b), (M, N, K) = a, b, sizes
    tile = choose(M, N, batch)
    depth, splits = gemm.plan(M, N, K, tile, block_threads(*tile), batch)
    launch.index32(op, **{"the first operand": a.size, "the second operand": b.size, "the result": y.size})
    *_, blocks = launch.tiles(op, M, N, *tile[:2], batch * splits)
    a, b, y = bits(a), bits(b), bits(y)
    raw = y.dtype == np.float32
    parts = y if raw and splits == 1 else empty(batch * splits * M * N if splits > 1 else 1, np.float32)
    none = a if raw else y  # any array of 16 bits
    finish = (none if bias is None else bits(bias), bias is not None, gemm.ACTIVATIONS.index(activation))
    direct = finish if splits == 1 else (none, False, 0)
    start(
        compiled(tile, kind, turned_a, turned_b, aligned),
        blocks,
        block_threads(*tile),
        *(a, shape_a, b, shape_b),
        *direct,
        *(none, parts, raw or splits > 1),
        *map(np.int32, (M, N, K, depth, splits)),
    )
    if splits > 1 and raw:
        sums.add_parts(parts, splits, y, False, 0, y, (batch, M, N), (N, M * N))
    elif splits > 1:
        sums.add_parts(parts, splits, *finish, y, (batch, M, N), (N, M * N), kind)


@functools.lru_cache
def compiled(tile, kind, transpose_a, transpose_b, aligned):
    """The kernel of a tile, compiled at its first launch."""
    function = make_tensor_gemm(*tile, kind, transpose_a, transpose_b, aligned)
    return kernel(function, max_registers=REGISTERS.get(tile))


ARRAY, SHAPE = "uint16[::1]", "UniTuple(int32, 5)"
SIGNATURE = (
    f"void({ARRAY}, {SHAPE}, {ARRAY}, {SHAPE}, {ARRAY}, boolean, int64, {ARRAY}, float32[::1], boolean, "
    "int32, int32, int32, int32, int32)"
)


@functools.lru_cache
def make_tensor_gemm(BM, BN, BK, WM, WN, STAGES, kind, transpose_a=False, transpose_b=False, aligned=False):
    """f(a, shape_a, b, shape_b, bias, biased, code, y, parts, raw, M, N, K, depth, splits), all arrays flat.

    Grid: ceil(M / BM) ceil(N / BN) blocks of `block_threads` for each of `splits` ranges of each product of the batch,
    in one dimension. kind: "float16" or "bfloat16". raw: the sums go to `parts`, as float32, instead of y. aligned: as
    `multiply` says; else tiles are filled by plain loads.
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

    def tensor_gemm(a, shape_a, b, shape_b, bias, biased, code, y, parts, raw, M, N, K, depth, splits):
        tiles_a = cuda.shared.array(all_a, np.uint16, ALIGNMENT)
        tiles_b = cuda.shared.array(all_b, np.uint16, ALIGNMENT)
        left = cuda.local.array((pieces_m, 4), np.uint32)
        right = cuda.local.array((pieces_n, 2), np.uint32)
        sums = cuda.local.array((pieces_m, pieces_n, 4), np.float32)
        t = cuda.threadIdx.x
        z, m0, n0 = first_element(cuda.blockIdx.x, M, N, BM, BN)
        batch = np.int32(z // splits)
        first = np.int32((z - batch * splits) * depth)
        last = np.int32(min(first + depth, K))
        begin_a = np.int32(batch // shape_a[2] * shape_a[3] + batch % shape_a[2] * shape_a[4])
        begin_b = np.int32(batch // shape_b[2] * shape_b[3] + batch % shape_b[2] * shape_b[4])
        lane, warp = t % 32, t // 32
        m, n = warp % warps_m * WM, warp // warps_m * WN  # where the warp begins in the block
        r, low, high = lane % 8, lane // 8 % 2, lane // 16  # which row of which 8 x 8 matrix the lane names
        for i in range(pieces_m):
            for j in range(pieces_n):
                for e in range(4):
                    sums[i, j, e] = zero

        steps = np.int32((last - first + BK - 1) // BK)
        for s in range(STAGES - 1):
            if s < steps:
                copy_a(tiles_a, s * size_a, a, t, begin_a, m0, M, np.int32(first + s * BK), K)
                copy_b(tiles_b, s * size_b, b, t, begin_b, n0, N, np.int32(first + s * BK), K)
            commit()
        slot, free = 0, STAGES - 1
        for step in range(steps):
            wait(under_way)
            cuda.syncthreads()  # all have this step's tiles, and none reads the step before any more: its slot is free
            ahead = step + STAGES - 1
            if ahead < steps:
                copy_a(tiles_a, free * size_a, a, t, begin_a, m0, M, np.int32(first + ahead * BK), K)
                copy_b(tiles_b, free * size_b, b, t, begin_b, n0, N, np.int32(first + ahead * BK), K)
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
                    extra = widen(bias[np.uint32(column)]) if column < N else zero
                    for i in range(pieces_m):
                        sums[i, j, e] += extra
                        sums[i, j, 2 + e] += extra
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
        begin = z * M * N
        for i in range(pieces_m):
            for h in range(2):
                row = m0 + m + i * 16 + h * 8 + lane // 4
                for j in range(pieces_n):
                    column = n0 + n + j * 8 + lane % 4 * 2
                    place = np.int32(begin + row * N + column)
                    if raw:
                        for e in range(2):
                            if row < M and column + e < N:
                                parts[np.uint32(place + e)] = sums[i, j, 2 * h + e]
                    else:
                        word = pack(sums[i, j, 2 * h], sums[i, j, 2 * h + 1])
                        if aligned:
                            if row < M and column < N:
                                store(y, place, word)
                        else:
                            if row < M and column < N:
                                y[np.uint32(place)] = word & 0xFFFF
                            if row < M and column + 1 < N:
                                y[np.uint32(place + 1)] = word >> 16

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

    @device
    def copy(tile, slot, x, t, begin, w0, width, k0, K):
        for n in range(each):
            task = t + n * threads
            if task < chunks:
                row, chunk = task // C, task % C
                if along_k:
                    line, column, length, depth = w0 + row, k0 + chunk * CHUNK, K, width
                else:
                    line, column, length, depth = k0 + row, w0 + chunk * CHUNK, width, K
                into = slot + place(row, row, chunk)
                source = np.int32(begin + line * length + column)
                if aligned:
                    inside = line < depth and column < length
                    copy_async(tile, into, x, source if inside else np.int32(0), inside)
                else:
                    for v in range(CHUNK):
                        if line < depth and column + v < length:
                            tile[into + v] = x[np.uint32(source + v)]
                        else:
                            tile[into + v] = 0

    @device
    def read(tile, slot, w, k, r, w_half, k_half):
        if along_k:
            row, chunk = w + w_half * 8, k // CHUNK + k_half
        else:
            row, chunk = k + k_half * 8, w // CHUNK + w_half
        return load(tile, slot + place(row + r, r, chunk))

    return copy, read
