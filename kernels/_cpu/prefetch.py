"""Asking for memory before it is read, where the order of reads is in a list that no prefetcher of the machine sees."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import inner

LINE = 64  # bytes
FAR = 1 << 11  # bytes of a row that are asked for; the machine sees the rest coming


@inner(forceinline=True)
def prefetch(x, start, count):
    """Ask for the first lines of x[start : start + count], a row that will be read soon."""
    step = LINE // x.itemsize
    for i in range(start, start + min(count, FAR // x.itemsize), step):
        _prefetch(x, i)


@intrinsic
def _prefetch(typing, x, i):
    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [place, i32(0), i32(3), i32(1)])  # for reading, into all levels, data
        return context.get_dummy_value()

    return types.void(x, types.int64), codegen
