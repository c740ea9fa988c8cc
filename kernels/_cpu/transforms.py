"""Small linear transforms of squares of pixels, for all channels: Y = F X F^T, written as LLVM IR.

A transform is given as a function of n values that returns m; values know +, - and multiplication with a number, so
it reads like its formula. The code made of it loads n x n vectors of channels, applies the function down the columns
and along the rows, in registers, and stores m x m vectors.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from .jit import c_kernel
from .machine import VECTOR_BYTES
from .microkernel import BIAS, RELU
from .symbols import PREFIX, provide, provider

_I64 = ir.IntType(64)
_I32 = ir.IntType(32)


def transform(name, f, n, m):
    """`run(x, x0, x_row, x_column, y, y0, y_row, y_column, channels, bias, bias0, flags)` for use in kernels.

    Element (i, j, c) of the square lies at x0 + i * x_row + j * x_column + c, and likewise for y. `flags` are the
    tile's: BIAS adds bias[bias0 + c], RELU follows.
    """
    for dtype in (types.float32, types.float64):
        _provide(name, f, n, m, dtype)

    @intrinsic
    def run(typing, x, x0, x_row, x_column, y, y0, y_row, y_column, channels, bias, bias0, flags):
        i = types.int64

        def codegen(context, builder, sig, args):
            def pointer(k):
                array = context.make_array(sig.args[k])(context, builder, args[k])
                return builder.ptrtoint(builder.gep(array.data, [args[k + 1]]), _I64)

            symbol = provide(f"{PREFIX}{name}_{y.dtype}")
            kind = ir.FunctionType(ir.VoidType(), [_I64] * 9)
            function = cgutils.get_or_insert_function(builder.module, kind, symbol)
            builder.call(function, [pointer(0), args[2], args[3], pointer(4), *args[6:9], pointer(9), args[11]])
            return context.get_dummy_value()

        return types.void(x, i, i, i, y, i, i, i, i, bias, i, i), codegen

    return run


def _provide(name, f, n, m, dtype):
    """Register the C function (x, x_row, x_column, y, y_row, y_column, channels, bias, flags)."""

    @intrinsic
    def emit(typing, x, x_row, x_column, y, y_row, y_column, channels, bias, flags):
        def codegen(context, builder, sig, args):
            _Emitter(context.get_data_type(dtype), dtype.bitwidth // 8, builder, f, n, m, args).emit()
            return context.get_dummy_value()

        return types.void(*[types.int64] * 9), codegen

    def function(x, x_row, x_column, y, y_row, y_column, channels, bias, flags):
        emit(x, x_row, x_column, y, y_row, y_column, channels, bias, flags)

    function.__qualname__ = f"{name}_{dtype}"

    @provider(function.__qualname__)
    def make():
        return c_kernel(function, signature(types.void, *[types.int64] * 9))


class _Emitter:
    """The loop over vectors of channels, and a last one under a mask."""

    def __init__(self, scalar, size, builder, f, n, m, args):
        self.builder, self.f, self.n, self.m = builder, f, n, m
        self.scalar, self.size, self.lanes = scalar, size, VECTOR_BYTES // size
        self.vector = ir.VectorType(scalar, self.lanes)
        x, self.x_row, self.x_column, y, self.y_row, self.y_column, self.channels, bias, self.flags = args
        self.x, self.y, self.bias = (builder.inttoptr(p, scalar.as_pointer()) for p in (x, y, bias))
        bits = f"v{self.lanes}f{8 * size}.p0"
        self.kind = ir.VectorType(ir.IntType(1), self.lanes)
        pointer = self.vector.as_pointer()
        self.masked_load = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(self.vector, [pointer, _I32, self.kind, self.vector]),
            f"llvm.masked.load.{bits}",
        )
        self.masked_store = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [self.vector, pointer, _I32, self.kind]),
            f"llvm.masked.store.{bits}",
        )

    def emit(self):
        builder = self.builder
        whole = builder.and_(self.channels, _I64(-self.lanes))
        with cgutils.for_range_slice(builder, _I64(0), whole, _I64(self.lanes), intp=_I64) as (c, _):
            self._square(c, None)
        with builder.if_then(builder.icmp_signed("<", whole, self.channels)):
            left = builder.sub(self.channels, whole)
            steps = ir.Constant(ir.VectorType(_I64, self.lanes), list(range(self.lanes)))
            self._square(whole, builder.icmp_signed("<", steps, self._splat(left, _I64)))

    def _square(self, c, mask):
        n, m = self.n, self.m
        x = [[self._load(self.x, self.x_row, self.x_column, i, j, c, mask) for j in range(n)] for i in range(n)]
        columns = [self.f([x[i][j] for i in range(n)]) for j in range(n)]  # [j][i]
        rows = [self.f([columns[j][i] for j in range(n)]) for i in range(m)]
        finish = self._finish(c, mask)
        for i in range(m):
            for j in range(m):
                self._store(finish(rows[i][j].value), i, j, c, mask)

    def _finish(self, c, mask):
        """What adds the bias and cuts below 0, as the flags say."""
        builder = self.builder
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        place = cgutils.alloca_once_value(builder, zero)
        builder.store(zero, place)
        with builder.if_then(builder.icmp_signed("!=", builder.and_(self.flags, _I64(BIAS)), _I64(0))):
            builder.store(self._load_vector(builder.gep(self.bias, [c]), mask), place)
        bias = builder.load(place)
        relu = self._splat(builder.icmp_signed("!=", builder.and_(self.flags, _I64(RELU)), _I64(0)), ir.IntType(1))

        def finish(value):
            value = builder.fadd(value, bias)
            return builder.select(builder.and_(builder.fcmp_ordered("<", value, zero), relu), zero, value)

        return finish

    def _place(self, base, row, column, i, j, c):
        builder = self.builder
        offset = builder.add(builder.mul(row, _I64(i)), builder.mul(column, _I64(j)))
        return builder.gep(base, [builder.add(offset, c)])

    def _load(self, base, row, column, i, j, c, mask):
        return _Value(self, self._load_vector(self._place(base, row, column, i, j, c), mask))

    def _load_vector(self, place, mask):
        place = self.builder.bitcast(place, self.vector.as_pointer())
        if mask is None:
            value = self.builder.load(place)
            value.align = self.size
            return value
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        return self.builder.call(self.masked_load, [place, _I32(self.size), mask, zero])

    def _store(self, value, i, j, c, mask):
        place = self._place(self.y, self.y_row, self.y_column, i, j, c)
        place = self.builder.bitcast(place, self.vector.as_pointer())
        if mask is None:
            self.builder.store(value, place).align = self.size
        else:
            self.builder.call(self.masked_store, [value, place, _I32(self.size), mask])

    def _splat(self, value, element):
        kind = ir.VectorType(element, self.lanes)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, _I32(0))
        return self.builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_I32, self.lanes), [0] * self.lanes))


class _Value:
    """A vector of channels in a formula."""

    def __init__(self, emitter, value):
        self.emitter, self.value = emitter, value

    def __add__(self, other):
        return self._made("fadd", other.value)

    def __sub__(self, other):
        return self._made("fsub", other.value)

    def __rmul__(self, number):
        return self._made("fmul", ir.Constant(self.emitter.vector, [float(number)] * self.emitter.lanes))

    def _made(self, instruction, other):
        value = getattr(self.emitter.builder, instruction)(self.value, other, flags=("contract",))
        return _Value(self.emitter, value)
