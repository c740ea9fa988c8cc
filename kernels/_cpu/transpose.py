"""Transposing a square of as many rows as a vector has lanes, in registers.

log2(lanes) rounds, the first over pairs of rows half a square apart, exchange blocks of halving size: 4 shuffles a row
of 16 in all, where a loop over elements would need 16 loads and stores.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from .jit import c_kernel
from .machine import VECTOR_BYTES
from .symbols import PREFIX, provide, provider

_I64 = ir.IntType(64)
_I32 = ir.IntType(32)


@intrinsic
def transpose_squares(typing, x, x0, x_stride, y, y0, y_stride, count):
    """y[y0 + i * y_stride + j] = x[x0 + j * x_stride + i] for i < count * lanes, j < lanes."""
    i = types.int64

    def codegen(context, builder, sig, args):
        def pointer(k):
            array = context.make_array(sig.args[k])(context, builder, args[k])
            return builder.ptrtoint(builder.gep(array.data, [args[k + 1]]), _I64)

        symbol = provide(f"{PREFIX}transpose_{y.dtype}")
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [_I64] * 5), symbol)
        builder.call(function, [pointer(0), args[2], pointer(3), args[5], args[6]])
        return context.get_dummy_value()

    return types.void(x, i, i, y, i, i, i), codegen


def _provide(dtype):
    """Register the C function transpose(x, x_stride, y, y_stride, count), pointers as integers."""
    lanes = VECTOR_BYTES // (dtype.bitwidth // 8)

    @intrinsic
    def emit(typing, x, x_stride, y, y_stride, count):
        def codegen(context, builder, sig, args):
            scalar = context.get_data_type(dtype)
            x, y = (builder.inttoptr(args[k], scalar.as_pointer()) for k in (0, 2))
            with cgutils.for_range(builder, args[4], intp=_I64) as loop:
                first = builder.mul(loop.index, _I64(lanes))
                _square(
                    builder,
                    scalar,
                    lanes,
                    builder.gep(x, [first]),
                    args[1],
                    builder.gep(y, [builder.mul(first, args[3])]),
                    args[3],
                )
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), codegen

    def transpose(x, x_stride, y, y_stride, count):
        emit(x, x_stride, y, y_stride, count)

    transpose.__qualname__ = f"transpose_{dtype}"

    @provider(transpose.__qualname__)
    def make():
        return c_kernel(transpose, signature(types.void, *[types.int64] * 5))


def _square(builder, scalar, lanes, x, x_stride, y, y_stride):
    kind = ir.VectorType(scalar, lanes)
    size = VECTOR_BYTES // lanes

    def place(base, stride, i):
        return builder.bitcast(builder.gep(base, [builder.mul(stride, _I64(i))]), kind.as_pointer())

    rows = []
    for i in range(lanes):
        rows.append(builder.load(place(x, x_stride, i)))
        rows[-1].align = size
    half = lanes // 2
    while half:
        keep = [k if not k & half else k - half + lanes for k in range(lanes)]
        swap = [k + half if not k & half else k + lanes for k in range(lanes)]
        for i in (i for i in range(lanes) if not i & half):
            a, b = rows[i], rows[i + half]
            rows[i] = builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, lanes), keep))
            rows[i + half] = builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, lanes), swap))
        half //= 2
    for i in range(lanes):
        builder.store(rows[i], place(y, y_stride, i)).align = size


for _dtype in (types.float32, types.float64):
    _provide(_dtype)
