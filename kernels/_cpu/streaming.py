"""Stores that pass the caches by, for results far larger than they are.

An ordinary store to a line that is not in a cache reads the line first and writes it back later: three transfers
for a copy's two. A non-temporal store of whole lines writes alone. It also puts the line out of the caches, so that it
pays only where the next reader would find nothing there anyway.
"""

import platform
from pathlib import Path

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import inner
from .machine import VECTOR_BYTES


def _last_cache(folder="/sys/devices/system/cpu/cpu0/cache"):
    """Bytes of the largest cache; 32 MB where the system does not say."""
    sizes = [path.read_text().strip() for path in Path(folder).glob("index*/size")]
    return max((int(size[:-1]) << 10 for size in sizes if size.endswith("K")), default=1 << 25)


LAST_CACHE = _last_cache()
STREAMED = LAST_CACHE  # bytes of a result: at three quarters of it an ordinary store took 12 % less time
_X86 = platform.machine().lower() in ("x86_64", "amd64")


@inner
def streams(y):
    """Whether the result y is to be streamed: it is large, and its vectors lie on their boundaries."""
    return y.nbytes >= STREAMED and y.ctypes.data % VECTOR_BYTES == 0


@inner
def stream(block, y, start, count):
    """y[start : start + count] = block[:count], where y[start] lies on a vector's boundary."""
    lanes = VECTOR_BYTES // y.itemsize
    whole = count // lanes * lanes
    _stream(block, y, start, whole)
    for i in range(whole, count):
        y[start + i] = block[i]


@intrinsic
def _stream(typing, block, y, start, count):
    """The same by non-temporal stores for a whole number of vectors."""
    lanes = VECTOR_BYTES // (y.dtype.bitwidth // 8)

    def codegen(context, builder, signature, args):
        source, target = (context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 1))
        start, count = args[2:]
        kind = ir.VectorType(source.type.pointee, lanes).as_pointer()
        past = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        with cgutils.for_range_slice(builder, count.type(0), count, count.type(lanes), count.type) as (i, _):
            value = builder.load(builder.bitcast(builder.gep(source, [i]), kind))
            value.align = y.dtype.bitwidth // 8
            store = builder.store(value, builder.bitcast(builder.gep(target, [builder.add(start, i)]), kind))
            store.align = VECTOR_BYTES
            store.set_metadata("nontemporal", past)
        return context.get_dummy_value()

    return types.void(block, y, types.int64, types.int64), codegen


@intrinsic
def fence(typing):
    """What this thread has streamed comes before what it stores next; on x86 that needs an instruction."""

    def codegen(context, builder, signature, args):
        if _X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse.sfence"), [])
        return context.get_dummy_value()

    return types.void(), codegen
