"""What the machine can do at most, measured: multiply-adds from registers, and bytes copied in memory."""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..kernels._cpu.jit import inner, kernel
from ..kernels._cpu.machine import VECTOR_BYTES
from ..kernels._cpu.threads import spread
from .timing import alternate

_SUMS = 12  # independent accumulators: more than latency times units, fewer than registers
_TURNS = 1 << 16


def flops(threads, dtype=np.float32):
    """Floating-point operations a second of `threads` cores, from registers alone."""
    x = np.zeros((threads * 4, VECTOR_BYTES // np.dtype(dtype).itemsize), dtype)
    done = x.size * _TURNS * _SUMS * 2
    return done / alternate({"": lambda: _multiply(x)})[""]


def bandwidth(size=1 << 26):
    """Bytes a second, read and written, of a copy between two arrays of `size` bytes."""
    x = np.ones(size // 4, np.float32)
    y = np.ones_like(x)
    return 2 * x.nbytes / alternate({"": lambda: _copy(x, y)})[""]


@kernel
def _multiply(x):
    spread(_multiply_task, len(x), 1 << 30, (x,))


@inner
def _multiply_task(t, x):
    _register_loop(_TURNS, x, t * x.shape[1])


@kernel
def _copy(x, y):
    spread(_copy_task, 64, x.size, (x, y))


@inner
def _copy_task(t, x, y):
    for i in range(np.uint64(x.size * t // 64), np.uint64(x.size * (t + 1) // 64)):
        y[i] = x[i]


@intrinsic
def _register_loop(typing, turns, x, start):
    """sum = x * x + sum on _SUMS accumulators, `turns` times; the sums are stored so that nothing is optimised away."""

    def codegen(context, builder, signature, args):
        turns, _, start = args
        scalar = context.get_data_type(x.dtype)
        lanes = VECTOR_BYTES // (x.dtype.bitwidth // 8)
        vector = ir.VectorType(scalar, lanes)
        data = context.make_array(x)(context, builder, args[1]).data
        place = builder.bitcast(builder.gep(data, [start]), vector.as_pointer())
        factor = builder.load(place)
        factor.align = x.dtype.bitwidth // 8
        name = f"llvm.fma.v{lanes}f{x.dtype.bitwidth}"
        fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
        before, loop, after = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        turn = builder.phi(ir.IntType(64))
        sums = [builder.phi(vector) for _ in range(_SUMS)]
        new = [builder.call(fma, [factor, factor, one]) for one in sums]
        following = builder.add(turn, turn.type(1))
        turn.add_incoming(turn.type(0), before)
        turn.add_incoming(following, loop)
        for one, value in zip(sums, new):
            one.add_incoming(ir.Constant(vector, [0.0] * lanes), before)
            one.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", following, turns), loop, after)
        builder.position_at_end(after)
        total = new[0]
        for value in new[1:]:
            total = builder.fadd(total, value)
        builder.store(total, place).align = x.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(types.int64, x, types.int64), codegen
