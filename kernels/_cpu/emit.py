"""Functions written as LLVM IR, where what the compiler makes of a loop is not good enough, and vectors for them.

`ir_function` turns an emitter into something that kernels call; its code is compiled once a dtype and called by name
(`symbols.py`). `Vectors` knows how to load, store and spread a vector of the machine's width, whole or under a mask.
"""

from inspect import Parameter, Signature

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from .jit import FASTMATH, c_kernel
from .machine import VECTOR_BYTES
from .symbols import PREFIX, provide, provider

MOST = 14  # arguments of a C function; all take as many, the last ones unused
I1, I32, I64 = (ir.IntType(bits) for bits in (1, 32, 64))


def ir_function(name, arguments, emit, fastmath=FASTMATH):
    """`run(...)` for use in kernels, with the code that `emit(vectors, args)` writes.

    arguments  a letter each: "a" an array, "o" an array of 64-bit integers, both followed by the offset in elements
               from which on they are seen, "i" an integer. The first array's dtype chooses between the float32 and the
               float64 code.
    emit       gets a `Vectors` and one LLVM value an argument: pointers to elements, 64-bit integers
    fastmath   what LLVM may do to the code's arithmetic; with an empty set products are rounded as they are written
    """
    for dtype in (types.float32, types.float64):
        _provide(name, arguments, emit, dtype, fastmath)

    def run(typing, *given):
        wanted, arrays = [], []
        for letter in arguments:
            if letter != "i":
                arrays.append(given[len(wanted)])
                wanted.append(arrays[-1])
            wanted.append(types.int64)

        def codegen(context, builder, sig, args):
            values, args = [], iter(zip(sig.args, args))
            for letter in arguments:
                kind, value = next(args)
                if letter != "i":
                    array = context.make_array(kind)(context, builder, value)
                    value = builder.ptrtoint(builder.gep(array.data, [next(args)[1]]), I64)
                values.append(value)
            symbol = provide(f"{PREFIX}{name}_{arrays[0].dtype}")
            kind = ir.FunctionType(ir.VoidType(), [I64] * MOST)
            values += [I64(0)] * (MOST - len(values))
            builder.call(cgutils.get_or_insert_function(builder.module, kind, symbol), values)
            return context.get_dummy_value()

        return types.void(*wanted), codegen

    # Numba looks at the signature for the number of arguments: the typing context, and two for every array.
    names = ["typing", *(f"_{n}" for n in range(2 * len(arguments) - arguments.count("i")))]
    run.__signature__ = Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names])
    return intrinsic(run)


def _provide(name, arguments, emit, dtype, fastmath):
    """Register the C function of one dtype; pointers go in as integers."""

    @intrinsic
    def code(typing, packed):
        def codegen(context, builder, sig, args):
            vectors = Vectors(builder, context.get_data_type(dtype), dtype.bitwidth // 8)
            values = cgutils.unpack_tuple(builder, args[0], MOST)
            pointers = {"a": vectors.scalar.as_pointer(), "o": I64.as_pointer()}
            values = [builder.inttoptr(v, pointers[a]) if a in pointers else v for a, v in zip(arguments, values)]
            emit(vectors, values)
            return context.get_dummy_value()

        return types.void(packed), codegen

    def function(a, b, c, d, e, f, g, h, i, j, k, m, n, o):
        code((a, b, c, d, e, f, g, h, i, j, k, m, n, o))

    function.__qualname__ = f"{name}_{dtype}"

    @provider(function.__qualname__)
    def make():
        return c_kernel(function, signature(types.void, *[types.int64] * MOST), fastmath)


class Vectors:
    """Vectors of one element type, as wide as the machine's, for code that `builder` writes."""

    def __init__(self, builder, scalar, size):
        self.builder, self.scalar, self.size = builder, scalar, size
        self.lanes = VECTOR_BYTES // size
        self.kind = ir.VectorType(scalar, self.lanes)
        self.zero = ir.Constant(self.kind, [0.0] * self.lanes)

    def load(self, place, mask=None):
        """The vector at a pointer to an element; lanes outside the mask are 0 and not read."""
        place = self.builder.bitcast(place, self.kind.as_pointer())
        if mask is None:
            value = self.builder.load(place)
            value.align = self.size
            return value
        kind = ir.FunctionType(self.kind, [place.type, I32, mask.type, self.kind])
        return self.builder.call(self._intrinsic(kind, "masked.load", ".p0"), [place, I32(self.size), mask, self.zero])

    def store(self, value, place, mask=None):
        """Write a vector; lanes outside the mask are left as they are."""
        place = self.builder.bitcast(place, self.kind.as_pointer())
        if mask is None:
            self.builder.store(value, place).align = self.size
            return
        kind = ir.FunctionType(ir.VoidType(), [self.kind, place.type, I32, mask.type])
        self.builder.call(self._intrinsic(kind, "masked.store", ".p0"), [value, place, I32(self.size), mask])

    def prefetch(self, place, write=False):
        """Ask for the cache line of a place, which need not exist."""
        place = self.builder.bitcast(place, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, I32, I32, I32])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        self.builder.call(function, [place, I32(int(write)), I32(3), I32(1)])

    def multiply_add(self, a, b, c, fused=True):
        """a * b + c with one rounding; not `fused`, with one or two, as is faster."""
        kind = ir.FunctionType(self.kind, [self.kind] * 3)
        return self.builder.call(self._intrinsic(kind, "fma" if fused else "fmuladd"), [a, b, c])

    def splat(self, value):
        """One value in all lanes."""
        kind = ir.VectorType(value.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
        return self.builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes))

    def first_lanes(self, count):
        """The mask of the first `count` lanes."""
        numbers = ir.Constant(ir.VectorType(I64, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", numbers, self.splat(count))

    def all_lanes(self, condition):
        """A mask of all lanes or of none."""
        return self.splat(condition)

    def both(self, mask, other):
        """The lanes in both masks, of which the first may be None."""
        return other if mask is None else self.builder.and_(mask, other)

    def flag(self, flags, bit):
        """Whether a bit is set."""
        return self.builder.icmp_signed("!=", self.builder.and_(flags, I64(bit)), I64(0))

    def cut_below_zero(self, value, on):
        """max(value, 0) if `on`; a comparison with NaN is false, so NaN stays."""
        negative = self.builder.fcmp_ordered("<", value, self.zero)
        return self.builder.select(self.builder.and_(negative, self.splat(on)), self.zero, value)

    def over(self, count, body):
        """body(first element, mask) for every whole vector of `count` elements, and once for the rest of them."""
        builder = self.builder
        whole = builder.and_(count, I64(-self.lanes))
        with cgutils.for_range_slice(builder, I64(0), whole, I64(self.lanes), intp=I64) as (first, _):
            body(first, None)
        with builder.if_then(builder.icmp_signed("<", whole, count)):
            body(whole, self.first_lanes(builder.sub(count, whole)))

    def _intrinsic(self, kind, name, suffix=""):
        name = f"llvm.{name}.v{self.lanes}f{8 * self.size}{suffix}"
        return cgutils.get_or_insert_function(self.builder.module, kind, name)
