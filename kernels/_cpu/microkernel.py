"""The register tile of every matrix product, written as LLVM IR.

    C[i, j] (+)= sum_k A[i, k] * B[k, j]  (+ bias[j])  (then relu)       i < rows    j < columns    k < depth

A (rows, depth), by rows: element (i, k) lies at a + i*lda + k, or by columns: at a + k*lda + i.
B (depth, columns): row k lies at b + k*ldb and is read in whole vectors.
C (rows, columns): row i lies at c + i*ldc; of the last vector only the columns that exist are written.

Every element of C is one chain of fused multiply-adds in the order of k, whatever the tile, the edge or the thread:
that is why a product's bits depend on its depth blocks alone. The accumulators live in registers for the whole loop
(ROWS x vectors of them); a tile with fewer columns runs a variant with fewer vectors. A goes in by broadcast, by rows
without any packing: rows beyond the edge point at the last one that exists and are not written.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from .jit import c_kernel
from .machine import FUSED, TILE_ROWS, TILE_VECTORS, VECTOR_BYTES
from .symbols import PREFIX, provide, provider

ACCUMULATE, BIAS, RELU = 1, 2, 4  # flags: add to what C holds; add bias[j]; then max(., 0)
UNROLL = 4  # iterations of k a turn

_I64 = ir.IntType(64)
_I32 = ir.IntType(32)


@intrinsic
def tile_by_rows(typing, a, a0, lda, b, b0, ldb, c, c0, ldc, bias, bias0, depth, rows, columns, flags):
    """One tile with A by rows; arrays with their element offsets."""
    return _tile_call("rows", a, b, c, bias)


@intrinsic
def tile_by_columns(typing, a, a0, lda, b, b0, ldb, c, c0, ldc, bias, bias0, depth, rows, columns, flags):
    """One tile with A by columns; arrays with their element offsets."""
    return _tile_call("columns", a, b, c, bias)


def _tile_call(layout, a, b, c, bias):
    """Signature and code of a call of the tile's C function, by name."""
    i = types.int64

    def codegen(context, builder, signature, args):
        def pointer(n):
            array = context.make_array(signature.args[n])(context, builder, args[n])
            return builder.ptrtoint(builder.gep(array.data, [args[n + 1]]), _I64)

        name = provide(f"{PREFIX}tile_{layout}_{c.dtype}")
        kind = ir.FunctionType(ir.VoidType(), [_I64] * 11)
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        builder.call(function, [pointer(0), args[2], pointer(3), args[5], pointer(6), args[8], pointer(9), *args[11:]])
        return context.get_dummy_value()

    return types.void(a, i, i, b, i, i, c, i, i, bias, i, i, i, i, i), codegen


def _provide_tile(layout, dtype):
    """Register the C function tile(a, lda, b, ldb, c, ldc, bias, depth, rows, columns, flags), pointers as integers."""

    @intrinsic
    def emit(typing, a, lda, b, ldb, c, ldc, bias, depth, rows, columns, flags):
        def codegen(context, builder, signature, args):
            scalar = context.get_data_type(dtype)
            lanes = VECTOR_BYTES // (dtype.bitwidth // 8)
            call = [builder.inttoptr(v, scalar.as_pointer()) if n in (0, 2, 4, 6) else v for n, v in enumerate(args)]
            vectors = builder.sdiv(builder.add(args[9], _int(lanes - 1)), _int(lanes))
            one_row = builder.icmp_signed("==", args[8], _int(1))
            variant = builder.add(vectors, builder.select(one_row, _int(TILE_VECTORS), _int(0)))
            done = builder.append_basic_block("tile.done")
            switch = builder.switch(variant, done)
            for rows in (TILE_ROWS, 1):
                for n in range(1, TILE_VECTORS + 1):
                    block = builder.append_basic_block(f"tile.{rows}.{n}")
                    switch.add_case(_int(n + TILE_VECTORS * (rows == 1)), block)
                    builder.position_at_end(block)
                    builder.call(_tile_function(builder.module, layout, scalar, lanes, rows, n), call)
                    builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 11), codegen

    def tile(a, lda, b, ldb, c, ldc, bias, depth, rows, columns, flags):
        emit(a, lda, b, ldb, c, ldc, bias, depth, rows, columns, flags)

    tile.__qualname__ = f"tile_{layout}_{dtype}"

    @provider(tile.__qualname__)
    def make():
        return c_kernel(tile, signature(types.void, *[types.int64] * 11))


for _layout in ("rows", "columns"):
    for _dtype in (types.float32, types.float64):
        _provide_tile(_layout, _dtype)


def _tile_function(module, layout, scalar, lanes, rows, vectors):
    """The function of one variant, defined in `module` at its first use."""
    name = f"tile.{layout}.{scalar}.{rows}.{vectors}"
    if name in module.globals:
        return module.globals[name]
    p = scalar.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [p, _I64, p, _I64, p, _I64, p, _I64, _I64, _I64, _I64])
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    _Tile(function, layout, scalar, lanes, rows, vectors).emit()
    return function


class _Tile:
    """Emits one variant: the loop over k, unrolled, and what is done with the sums at its end."""

    def __init__(self, function, layout, scalar, lanes, height, vectors):
        self.function, self.layout, self.lanes = function, layout, lanes
        self.height, self.vectors = height, vectors
        self.vector = ir.VectorType(scalar, lanes)
        self.bytes = VECTOR_BYTES // lanes
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        (
            self.a,
            self.lda,
            self.b,
            self.ldb,
            self.c,
            self.ldc,
            self.bias,
            self.depth,
            self.rows,
            self.columns,
            self.flags,
        ) = function.args
        bits = {4: "f32", 8: "f64"}[self.bytes]
        self.fma = cgutils.get_or_insert_function(
            function.module,
            ir.FunctionType(self.vector, [self.vector] * 3),
            f"llvm.{'fma' if FUSED else 'fmuladd'}.v{lanes}{bits}",
        )
        self.masked = [
            cgutils.get_or_insert_function(function.module, kind, f"llvm.masked.{name}.v{lanes}{bits}.p0")
            for name, kind in (("load", self._masked_load_type()), ("store", self._masked_store_type()))
        ]

    def emit(self):
        builder = self.builder
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        sums = [[zero] * self.vectors for _ in range(self.height)]
        starts = self._row_starts() if self.layout == "rows" else None
        whole = builder.and_(self.depth, _int(-UNROLL))
        k, sums = self._loop(_int(0), whole, UNROLL, starts, sums)
        k, sums = self._loop(k, self.depth, 1, starts, sums)
        self._finish(sums)
        builder.ret_void()

    def _row_starts(self):
        builder, starts = self.builder, []
        last = builder.sub(self.rows, _int(1))
        for i in range(self.height):
            row = builder.select(builder.icmp_signed("<", _int(i), self.rows), _int(i), last)
            starts.append(builder.gep(self.a, [builder.mul(row, self.lda)]))
        return starts

    def _loop(self, first, end, step, starts, sums):
        """for k in range(first, end, step): `step` rank-1 updates of all the sums."""
        builder = self.builder
        before = builder.block
        loop, after = (self.function.append_basic_block(name) for name in ("k", "k.done"))
        builder.cbranch(builder.icmp_signed("<", first, end), loop, after)
        builder.position_at_end(loop)
        k = builder.phi(_I64)
        k.add_incoming(first, before)
        held = [[builder.phi(self.vector) for _ in row] for row in sums]
        new = [list(row) for row in held]
        for u in range(step):
            self._rank_one(builder.add(k, _int(u)), k, u, starts, new)
        following = builder.add(k, _int(step))
        k.add_incoming(following, builder.block)
        for phis, olds, news in zip(held, sums, new):
            for phi, old, value in zip(phis, olds, news):
                phi.add_incoming(old, before)
                phi.add_incoming(value, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, end), loop, after)
        last = builder.block
        builder.position_at_end(after)
        k_out = builder.phi(_I64)
        k_out.add_incoming(first, before)
        k_out.add_incoming(following, last)
        results = []
        for olds, news in zip(sums, new):
            results.append([])
            for old, value in zip(olds, news):
                phi = builder.phi(self.vector)
                phi.add_incoming(old, before)
                phi.add_incoming(value, last)
                results[-1].append(phi)
        return k_out, results

    def _rank_one(self, k_now, k, u, starts, sums):
        builder = self.builder
        b = builder.gep(self.b, [builder.mul(k_now, self.ldb)])
        row = [self._load(b, j) for j in range(self.vectors)]
        if self.layout == "columns":
            column = builder.gep(self.a, [builder.mul(k_now, self.lda)])
        for i in range(self.height):
            if self.layout == "rows":
                element = builder.gep(builder.gep(starts[i], [k]), [_int(u)])
            else:
                element = builder.gep(column, [_int(i)])
            a = self._splat(builder.load(element))
            for j in range(self.vectors):
                sums[i][j] = builder.call(self.fma, [a, row[j], sums[i][j]])

    def _finish(self, sums):
        """Write the sums: rows that exist, whole vectors first, the last one under a mask."""
        builder = self.builder
        left = builder.sub(self.columns, _int((self.vectors - 1) * self.lanes))
        steps = ir.Constant(ir.VectorType(_I64, self.lanes), list(range(self.lanes)))
        mask = builder.icmp_signed("<", steps, self._splat(left, _I64))
        zero = ir.Constant(self.vector, [0.0] * self.lanes)

        def added(vectors, flag, base):
            on = builder.icmp_signed("!=", builder.and_(self.flags, _int(flag)), _int(0))
            before = builder.block
            with builder.if_then(on):
                with_ = [builder.fadd(v, self._load_edge(base, j, mask)) for j, v in enumerate(vectors)]
                inside = builder.block
            results = []
            for old, new in zip(vectors, with_):
                phi = builder.phi(self.vector)
                phi.add_incoming(old, before)
                phi.add_incoming(new, inside)
                results.append(phi)
            return results

        relu = builder.icmp_signed("!=", builder.and_(self.flags, _int(RELU)), _int(0))
        for i in range(self.height):
            with builder.if_then(builder.icmp_signed("<", _int(i), self.rows)):
                row = builder.gep(self.c, [builder.mul(_int(i), self.ldc)])
                out = added(added(sums[i], ACCUMULATE, row), BIAS, self.bias)
                for j, value in enumerate(out):
                    negative = builder.fcmp_ordered("<", value, zero)  # false for NaN, which stays
                    value = builder.select(builder.and_(negative, self._splat(relu, ir.IntType(1))), zero, value)
                    self._store_edge(value, row, j, mask)

    def _address(self, base, j):
        return self.builder.bitcast(self.builder.gep(base, [_int(j * self.lanes)]), self.vector.as_pointer())

    def _load(self, base, j):
        value = self.builder.load(self._address(base, j))
        value.align = self.bytes
        return value

    def _load_edge(self, base, j, mask):
        if j < self.vectors - 1:
            return self._load(base, j)
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        return self.builder.call(self.masked[0], [self._address(base, j), _I32(self.bytes), mask, zero])

    def _store_edge(self, value, base, j, mask):
        if j < self.vectors - 1:
            self.builder.store(value, self._address(base, j)).align = self.bytes
        else:
            self.builder.call(self.masked[1], [value, self._address(base, j), _I32(self.bytes), mask])

    def _masked_load_type(self):
        return ir.FunctionType(self.vector, [self.vector.as_pointer(), _I32, self._mask_type(), self.vector])

    def _masked_store_type(self):
        return ir.FunctionType(ir.VoidType(), [self.vector, self.vector.as_pointer(), _I32, self._mask_type()])

    def _mask_type(self):
        return ir.VectorType(ir.IntType(1), self.lanes)

    def _splat(self, value, element=None):
        kind = ir.VectorType(element or self.vector.element, self.lanes)
        undefined = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(undefined, value, _I32(0))
        return self.builder.shuffle_vector(
            one, undefined, ir.Constant(ir.VectorType(_I32, self.lanes), [0] * self.lanes)
        )


def _int(value):
    return ir.Constant(_I64, value)
