"""Matrix products of float16 and bfloat16 on Hopper, compute capability 9.0: `wgmma` fed by the bulk copy engine.

y (M, N) = f(op(a) op(b) + bias)    a (M, K) or (K, M)    b (K, N) or (N, K)    bias (N,)    all as uint16, their bits
of every product z of a batch

A block owns BM x BN elements of y. Warpgroups of 128 threads multiply, 64 rows each, with float32 sums in registers;
one thread of a further warp only orders copies. Shared memory holds STAGES tiles of both operands, BK long in k. A
stage goes round between two barriers:

    free   the copying thread waits until all multiplying warps are done with what is in it, and orders the next tiles;
    full   the warps wait until all bytes of both tiles have come.

Tiles come in boxes whose rows are 64 elements, 128 bytes, along whichever axis memory has rows: along k, one box has
all rows of the tile; else a box has 64 elements of W and all of BK, and a tile W / 64 boxes. The engine swizzles: in
every 1024 bytes, 8 rows, it puts chunk c of 16 bytes of row r at place c ^ r, which spreads all reads over the banks,
and which the descriptors of `wgmma` name. It fills what lies outside of a matrix with zeros.

An element's sum runs over K in order, in steps of 16 that the tensor core adds in its own way; every element of y is
written by one thread: no race, no atomics.

PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions": "Matrix Descriptor Format", "Strides", "Canonical Layouts".
"""

import functools
import itertools

import numpy as np
from numba import cuda

from . import gemm, launch, ptx, ptx_hopper, state, tensor_map
from .gemm import RELU, SIGMOID, first_element
from .halves import bits
from .jit import kernel
from .stream import start
from .tensor_map import BOX_COLUMNS
from .usage import Compiled

CAPABILITY = (9, 0)  # "sm_90a": what is used here is there alone, on no older and on no newer card

# none of these is measured
WIDE = (2, 256, 4)  # warpgroups, BN, STAGES; 192 KB of stages, one block a multiprocessor
NARROW = (2, 128, 3)  # 96 KB: two blocks, one of which multiplies while the other begins or ends
MULTIPROCESSORS = 132  # of an H100 or H200; tiles of WIDE from which it is taken

ROWS = 64  # of y, a warpgroup's
BK = 64
ROW = 2 * BOX_COLUMNS  # bytes of a box's row
BOX = 64 * ROW  # bytes of 64 rows
ATOM = 8 * ROW  # bytes after which the swizzle repeats
UNIT = 16  # bytes that descriptors count in

ARRAY, MAP = "uint16[::1]", "uint64[::1]"
SIGNATURE = f"void({MAP}, boolean, {MAP}, boolean, {ARRAY}, boolean, int64, {ARRAY}, int32, int32, int32)"


def choose(a, b, y, sizes, batch, aligned):
    """The tile for a product as gemm_tensor.py's `multiply` takes it; None if it is not one for this kernel.

    WIDE where it makes enough blocks and leaves no more empty than NARROW, which is taken if less than half is empty.
    """
    M, N, K = sizes
    if not (aligned and K and y.dtype.itemsize == 2 and state.capability() == CAPABILITY):
        return None
    if not all(_matrices(shape, batch) for _, _, shape in (a, b)):
        return None
    if batch * blocks(WIDE, M, N) >= MULTIPROCESSORS and _area(WIDE, M, N) <= _area(NARROW, M, N):
        return WIDE
    return NARROW if batch * blocks(NARROW, M, N) >= gemm.ENOUGH and _area(NARROW, M, N) < 2 * M * N else None


def _matrices(shape, batch):
    """How many matrices an operand has, one after the other: as many as products, or one for all; else None."""
    W, K, inner, outer_step, inner_step = map(int, shape)
    if batch == 1 or not outer_step and not inner_step:
        return 1
    one_after_another = inner_step == W * K and (inner == batch or outer_step == inner * inner_step)
    return batch if one_after_another else None


def blocks(tile, M, N):
    """Blocks of a product."""
    groups, BN, _ = tile
    return -(-M // (groups * ROWS)) * -(-N // BN)


def _area(tile, M, N):
    """Elements of all tiles of a product, those too that lie beyond its edges."""
    groups, BN, _ = tile
    return blocks(tile, M, N) * groups * ROWS * BN


def block_threads(groups, BN, STAGES):
    """Threads of a block: the warpgroups that multiply and a warp that orders copies."""
    return groups * 128 + 32


def shared_bytes(groups, BN, STAGES):
    """Dynamic shared memory of a block: the stages, and what it takes to begin them at a multiple of ATOM."""
    return STAGES * (groups * ROWS + BN) * ROW + ATOM


def multiply(op, kind, tile, a, b, bias, activation, y, sizes, *, batch=1):
    """y[z] = f(op(a[z]) op(b[z]) + bias), of flat arrays as in gemm_tensor.py; `choose` says whether, and the tile."""
    (turned_a, a, shape_a), (turned_b, b, shape_b), (M, N, K) = a, b, sizes
    groups, BN, _ = tile
    many_a, many_b = _matrices(shape_a, batch), _matrices(shape_b, batch)
    map_a = tensor_map.tensor_map(
        bits(a), (many_a, K, M) if turned_a else (many_a, M, K), BK if turned_a else groups * ROWS
    )
    map_b = tensor_map.tensor_map(bits(b), (many_b, N, K) if turned_b else (many_b, K, N), BN if turned_b else BK)
    *_, count = launch.tiles(op, M, N, groups * ROWS, BN, batch)
    y = bits(y)
    start(
        compiled(tile, kind, turned_a, turned_b),
        count,
        block_threads(*tile),
        *(map_a, many_a > 1, map_b, many_b > 1),
        *(y if bias is None else bits(bias), bias is not None, gemm.ACTIVATIONS.index(activation)),
        y,
        *map(np.int32, (M, N, K)),
    )


@functools.lru_cache
def compiled(tile, kind, transpose_a, transpose_b):
    """The kernel of a tile, compiled at its first launch."""
    return kernel(make_hopper_gemm(*tile, kind, transpose_a, transpose_b), dynamic_shared=shared_bytes(*tile))


def descriptor(along_k):
    """What `wgmma` has to know of an operand in shared memory, all but the address, which is bits 0 to 13.

    Bits 16 to 29 and 32 to 45 are steps in UNITs, bits 62 and 63 the swizzle, 1 for that of 128 bytes. With rows along
    k, the second step leads from 8 rows to the next 8, and the first is not used. With rows along W, the first leads
    from 64 elements of a row to the next 64, a box, and the second from 8 rows, in k, to the next 8.
    """
    first = 1 if along_k else BOX // UNIT
    return np.uint64(1 << 62 | ATOM // UNIT << 32 | first << 16)


def step_of(along_k):
    """From 16 in k to the next 16, in UNITs: 16 elements of a row, or 16 rows."""
    return (16 * 2 if along_k else 16 * ROW) // UNIT


@functools.lru_cache
def make_hopper_gemm(groups, BN, STAGES, kind, transpose_a=False, transpose_b=False):
    """f(map_a, many_a, map_b, many_b, bias, biased, code, y, M, N, K), a kernel's Python function; y is flat.

    Grid: `blocks` of `block_threads` for each product of the batch, in one dimension, with `shared_bytes`. many_a:
    there is a matrix a for each product, else one for all. Each row of y begins at a multiple of 4 bytes.
    """
    BM, along_a, along_b = groups * ROWS, not transpose_a, transpose_b
    multiply, finish = ptx_hopper.make_products(BN, kind, not along_a, not along_b)
    address, uniform, elected = ptx_hopper.address, ptx_hopper.uniform, ptx_hopper.elected
    start_barrier, publish_barriers = ptx_hopper.start_barrier, ptx_hopper.publish_barriers
    arrive, arrive_expecting, is_past = ptx_hopper.arrive, ptx_hopper.arrive_expecting, ptx_hopper.is_past
    acquire_map, copy_box = ptx_hopper.acquire_map, ptx_hopper.copy_box
    open_products, commit, wait = ptx_hopper.open_products, ptx_hopper.commit_products, ptx_hopper.wait_for_products
    pack, widen, store, tanh = getattr(ptx, f"pack_{kind}"), getattr(ptx, f"widen_{kind}"), ptx.store_word, ptx.tanh
    tile_a, tile_b = BM * ROW, BN * ROW
    stage, warps, count, pieces = tile_a + tile_b, 4 * groups, BN // 2, BN // 8
    fixed_a, fixed_b, step_a, step_b = descriptor(along_a), descriptor(along_b), step_of(along_a), step_of(along_b)
    element, zero, half = np.dtype(np.uint16), np.float32(0), np.float32(0.5)

    def hopper_gemm(map_a, many_a, map_b, many_b, bias, biased, code, y, M, N, K):
        memory = cuda.shared.array(0, element)
        full = cuda.shared.array(STAGES, np.uint64)
        free = cuda.shared.array(STAGES, np.uint64)
        sums = cuda.local.array(count, np.float32)
        t = cuda.threadIdx.x
        z, m0, n0 = first_element(cuda.blockIdx.x, M, N, BM, BN)
        warp, lane = uniform(np.int32(t // 32)), np.int32(t % 32)
        first = np.int32((address(memory, 0) + (ATOM - 1)) // ATOM * ATOM)
        if t == 0:
            for s in range(STAGES):
                start_barrier(full, s, 1)
                start_barrier(free, s, warps)
            publish_barriers()
        cuda.syncthreads()

        slot, phase = np.int32(0), np.int32(0)
        if warp == warps:
            if elected():
                acquire_map(map_a)
                acquire_map(map_b)
                z_a, z_b = z if many_a else 0, z if many_b else 0
                for k in range(0, K, BK):
                    while not is_past(free, slot, 1 - phase):  # the first time round, at once
                        pass
                    arrive_expecting(full, slot, stage)
                    into = first + slot * stage
                    if along_a:
                        copy_box(into, map_a, k, m0, z_a, full, slot)
                    else:
                        for box in range(groups):
                            copy_box(into + box * BOX, map_a, m0 + box * 64, k, z_a, full, slot)
                    into += tile_a
                    if along_b:
                        copy_box(into, map_b, k, n0, z_b, full, slot)
                    else:
                        for box in range(BN // 64):
                            copy_box(into + box * BOX, map_b, n0 + box * 64, k, z_b, full, slot)
                    slot = np.int32(slot + 1)
                    if slot == STAGES:
                        slot, phase = np.int32(0), np.int32(1 - phase)
        else:
            rows = warp // 4 * BOX  # where those of the warpgroup begin in a tile of a, whichever way it lies
            for i in range(count):
                sums[i] = zero
            before = np.int32(-1)
            for _ in range(0, K, BK):
                while not is_past(full, slot, phase):
                    pass
                here = first + slot * stage
                a = fixed_a | np.uint64((here + rows) // UNIT)
                b = fixed_b | np.uint64((here + tile_a) // UNIT)
                open_products()
                for part in range(BK // 16):
                    multiply(sums, a + np.uint64(part * step_a), b + np.uint64(part * step_b))
                commit()
                wait(1)  # this warp is done with the stage before
                if before >= 0 and lane == 0:
                    arrive(free, before)
                before = slot
                slot = np.int32(slot + 1)
                if slot == STAGES:
                    slot, phase = np.int32(0), np.int32(1 - phase)
            finish(sums)

            # short loops, so that all are unrolled and `sums` stays in registers
            if biased:
                for j in range(pieces):
                    for e in range(2):
                        column = n0 + j * 8 + lane % 4 * 2 + e
                        c = widen(bias[column]) if column < N else zero
                        sums[4 * j + e] += c
                        sums[4 * j + 2 + e] += c
            if code == RELU:
                for i in range(count):
                    sums[i] = zero if sums[i] <= zero else sums[i]
            elif code == SIGMOID:
                for i in range(count):
                    sums[i] = half + half * tanh(half * sums[i])
            elif code > SIGMOID:
                for i in range(count):
                    sums[i] = tanh(sums[i])
            for h in range(2):
                row = m0 + warp * 16 + h * 8 + lane // 4
                begin = (np.int64(z) * M + row) * N
                for j in range(pieces):
                    column = n0 + j * 8 + lane % 4 * 2
                    if row < M and column < N:
                        store(y, begin + column, pack(sums[4 * j + 2 * h], sums[4 * j + 2 * h + 1]))

    return hopper_gemm


def _compiled():
    """Every kernel that a product can choose here."""
    for kind, size, *form in itertools.product(
        ("float16", "bfloat16"), ("WIDE", "NARROW"), (False, True), (False, True)
    ):
        function, turned = make_hopper_gemm(*globals()[size], kind, *form), "".join("nt"[turned] for turned in form)
        yield Compiled(function, SIGNATURE, f"gemm-hopper-{kind}-{size.lower()}-{turned}", ((*CAPABILITY, "a"),))


COMPILED = (*_compiled(), Compiled(tensor_map.write_map, tensor_map.SIGNATURE, "tensor_map", ((*CAPABILITY, "a"),)))
