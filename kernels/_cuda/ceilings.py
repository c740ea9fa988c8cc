"""Kernels that reach what a card can do at most, for the benchmark: bytes copied, multiply-adds from registers.

x, y (count,) float32    sums (threads of the grid,)

copy      a thread moves COPIES groups of 16 bytes a turn, all loaded before the first is stored. `count` is a multiple
          of 16 times the threads of the grid: no turn is partial.
multiply  sum = sum * factor + one on CHAINS accumulators of a thread, so that none waits for the one before
tensor    mma.sync on PIECES accumulators of a warp, operands in registers

Sums are stored at the end, so that nothing is optimised away. Every element is written by one thread: no race.
"""

import numpy as np
from numba import cuda

from . import launch, ptx
from .access import load4, store4
from .jit import kernel
from .stream import start
from .usage import Compiled

COPIES = 4
CHAINS, UNROLLED = 8, 16  # accumulators of a thread, and how often the loop's body repeats each
PIECES = 8  # 16 x 8 results of a warp
TENSOR_SUMS = 4 * PIECES  # of a thread
FLOPS_OF_PIECE = 2 * 16 * 8 * 16


def copy(x, y, blocks):
    """y = x, of float32 arrays that `copied` says the size of."""
    start(_copy_kernel, blocks, launch.THREADS, x, y)


def copied(count, blocks):
    """The largest size up to `count` that `copy` takes."""
    turn = 4 * COPIES * launch.THREADS * blocks
    return count // turn * turn


def multiply(sums, blocks, turns):
    """Fill `sums` (blocks * THREADS), float32 or float64, from registers; the work is `multiplied` operations."""
    start(_multiply_kernels[sums.dtype.name], blocks, launch.THREADS, sums, np.int32(turns))


def multiplied(blocks, turns):
    """Floating-point operations of `multiply`."""
    return 2 * CHAINS * UNROLLED * turns * blocks * launch.THREADS


def tensor(kind, sums, blocks, turns):
    """Fill `sums` (blocks * THREADS) from the tensor cores; kind: "float16" or "bfloat16"."""
    start(_tensor_kernels[kind], blocks, launch.THREADS, sums, np.int32(turns))


def tensored(blocks, turns):
    """Floating-point operations of `tensor`."""
    return FLOPS_OF_PIECE * PIECES * turns * blocks * (launch.THREADS // 32)


def _copy(x, y):
    stride = cuda.gridsize(1)
    for group in range(cuda.grid(1), x.size // 4, COPIES * stride):
        first, second = 4 * group, 4 * (group + stride)
        third, fourth = 4 * (group + 2 * stride), 4 * (group + 3 * stride)
        a, b, c, d = load4(x, first), load4(x, second), load4(x, third), load4(x, fourth)
        store4(y, first, a)
        store4(y, second, b)
        store4(y, third, c)
        store4(y, fourth, d)


def _make_multiply(kind):
    def multiply(sums, turns):
        own = cuda.local.array(CHAINS, kind)
        i = cuda.grid(1)
        factor, one = kind(0.5), kind(cuda.threadIdx.x + 1)
        for k in range(CHAINS):
            own[k] = kind(k)
        for _ in range(turns):
            for _ in range(UNROLLED):
                for k in range(CHAINS):
                    own[k] = cuda.fma(own[k], factor, one)
        total = kind(0)
        for k in range(CHAINS):
            total += own[k]
        sums[i] = total

    return multiply


def _make_tensor(kind):
    multiply = getattr(ptx, f"multiply_{kind}")
    # Random signs and mantissas, the exponent of 0.5: zeros would run faster than what is multiplied in earnest.
    free, exponent = {"float16": (0x83FF83FF, 0x38003800), "bfloat16": (0x807F807F, 0x3F003F00)}[kind]
    free, exponent, odd = np.uint32(free), np.uint32(exponent), np.uint32(0x9E3779B1)

    def tensor(sums, turns):
        own = cuda.local.array(TENSOR_SUMS, np.float32)
        i = cuda.grid(1)
        seed = np.uint32(np.uint32(i + 1) * odd)
        a, b = np.uint32((seed & free) | exponent), np.uint32(((seed >> np.uint32(7)) & free) | exponent)
        c, d = np.uint32(a ^ np.uint32(0x80000000)), np.uint32(b ^ np.uint32(0x8000))
        for k in range(TENSOR_SUMS):
            own[k] = np.float32(0)
        for _ in range(turns):
            for k in range(PIECES):
                own[4 * k], own[4 * k + 1], own[4 * k + 2], own[4 * k + 3] = multiply(
                    a, b, c, d, b, a, own[4 * k], own[4 * k + 1], own[4 * k + 2], own[4 * k + 3]
                )
        total = np.float32(0)
        for k in range(TENSOR_SUMS):
            total += own[k]
        sums[i] = total

    return tensor


_multiply = {kind.__name__: _make_multiply(kind) for kind in (np.float32, np.float64)}
_tensor = {kind: _make_tensor(kind) for kind in ("float16", "bfloat16")}
_copy_kernel = kernel(_copy)
_multiply_kernels = {name: kernel(function) for name, function in _multiply.items()}
_tensor_kernels = {name: kernel(function) for name, function in _tensor.items()}

COMPILED = (
    Compiled(_copy, "void(float32[::1], float32[::1])", "ceiling-copy-float32"),
    *(Compiled(f, f"void({name}[::1], int32)", f"ceiling-multiply-{name}") for name, f in _multiply.items()),
    *(Compiled(f, "void(float32[::1], int32)", f"ceiling-tensor-{name}") for name, f in _tensor.items()),
)
