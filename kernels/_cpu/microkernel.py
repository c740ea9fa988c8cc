"""The register tile of every matrix product, written as LLVM IR.

    C[i, j] (+)= sum_k A[i, k] * B[k, j]  (+ bias[j])  (then relu)       i < rows    j < columns    k < depth

A (rows, depth), by rows: element (i, k) lies at a + i*lda + k, or by columns: at a + k*lda + i, where elements beyond
the last row are read and dropped. Gathered, depth is a number of runs, and
k = r*run + t lies at a + places[i] + offsets[r] + t*step, as do the pixels that an output of a convolution sees of an
image; `rows` may then be any number.
B (depth, columns): row k lies at b + k*ldb and is read in whole vectors.
C (rows, columns): row i lies at c + i*ldc; of the last vector only the columns that exist are written.

Every element of C is one chain of fused multiply-adds in the order of k, whatever the tile, the edge or the thread:
that is why a product's bits depend on its depth blocks alone. The accumulators live in registers for the whole loop
(ROWS x vectors of them); a tile with fewer columns runs a variant with fewer vectors. A goes in by broadcast, by rows
without any packing: rows beyond the edge point at the last one that exists and are not written.
"""

from llvmlite import ir
from numba.core import cgutils

from .emit import I64, Vectors, ir_function
from .machine import FUSED, TILE_ROWS, TILE_VECTORS

ACCUMULATE, BIAS, RELU = 1, 2, 4  # flags: add to what C holds; add bias[j]; then max(., 0)
UNROLL = 4  # iterations of k a turn


def _tile(layout):
    """`tile(a, a0, lda, b, b0, ldb, c, c0, ldc, bias, bias0, depth, rows, columns, flags)` for use in kernels.

    Gathered, `places, places0, offsets, offsets0, run, step` stand instead of lda, and depth counts the runs.
    """

    def emit(vectors, args):
        builder = vectors.builder
        rows, columns = args[-3:-1]
        whole = builder.sdiv(builder.add(columns, I64(vectors.lanes - 1)), I64(vectors.lanes))
        done = builder.append_basic_block("tile.done")
        switch = builder.switch(whole, done)
        for count in range(1, TILE_VECTORS + 1):
            block = builder.append_basic_block(f"tile.{count}")
            switch.add_case(I64(count), block)
            builder.position_at_end(block)
            if layout == "gathered":
                _all_rows(vectors, count, args)
            else:
                one_row = builder.icmp_signed("==", rows, I64(1))
                with builder.if_else(one_row) as (one, many):
                    with one:
                        builder.call(_tile_function(vectors, layout, 1, count, args), args)
                    with many:
                        builder.call(_tile_function(vectors, layout, TILE_ROWS, count, args), args)
            builder.branch(done)
        builder.position_at_end(done)

    operand = "aooii" if layout == "gathered" else "ai"
    return ir_function(f"tile_{layout}", f"{operand}aiaiaiiii", emit)


def _all_rows(vectors, count, args):
    """Whole tiles, and a last one of fewer rows or of one."""
    builder = vectors.builder
    a, places, offsets, run, step, b, ldb, c, ldc, bias, depth, rows, columns, flags = args
    with cgutils.for_range_slice(builder, I64(0), rows, I64(TILE_ROWS), intp=I64) as (i, _):
        left = builder.sub(rows, i)
        high = builder.select(builder.icmp_signed("<", left, I64(TILE_ROWS)), left, I64(TILE_ROWS))
        here, to = builder.gep(places, [i]), builder.gep(c, [builder.mul(i, ldc)])
        part = [a, here, offsets, run, step, b, ldb, to, ldc, bias, depth, high, columns, flags]
        with builder.if_else(builder.icmp_signed("==", left, I64(1))) as (one, many):
            with one:
                builder.call(_tile_function(vectors, "gathered", 1, count, args), part)
            with many:
                builder.call(_tile_function(vectors, "gathered", TILE_ROWS, count, args), part)


def _tile_function(vectors, layout, height, count, args):
    """The function of one variant: `height` rows, `count` vectors of columns."""
    name = f"tile.{layout}.{vectors.scalar}.{height}.{count}"
    if name in vectors.builder.module.globals:
        return vectors.builder.module.globals[name]
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in args])
    function = ir.Function(vectors.builder.module, kind, name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    _Variant(Vectors(builder, vectors.scalar, vectors.size), layout, height, count, list(function.args)).emit()
    builder.ret_void()
    return function


class _Variant:
    """Emits one variant: the loop over k, unrolled, and what is done with the sums at its end."""

    def __init__(self, vectors, layout, height, count, args):
        self.vectors, self.builder = vectors, vectors.builder
        self.layout, self.height, self.count = layout, height, count
        if layout == "gathered":
            self.a, self.places, self.offsets, self.run, self.step, *args = args
        else:
            self.a, self.lda, *args = args
        self.b, self.ldb, self.c, self.ldc, self.bias, self.depth, self.rows, self.columns, self.flags = args

    def emit(self):
        builder = self.builder
        # Memory in form only: the compiler keeps the sums in registers.
        sums = [
            [cgutils.alloca_once(builder, self.vectors.kind) for _ in range(self.count)] for _ in range(self.height)
        ]
        for place in (place for row in sums for place in row):
            builder.store(self.vectors.zero, place)
        starts = [builder.gep(self.a, [self._row_start(i)]) for i in range(self.height)]
        self._prefetch_result()
        self._gather(starts, sums) if self.layout == "gathered" else self._sum_up(starts, sums)
        self._finish(sums)

    def _prefetch_result(self):
        """Ask for C's lines now: a C that is not in the cache would be waited for at the end."""
        for i in range(self.height):
            row = self.builder.gep(self.c, [self.builder.mul(I64(i), self.ldc)])
            for j in range(self.count):
                self.vectors.prefetch(self._vector(row, j), True)

    def _sum_up(self, starts, sums):
        """sums += A B, UNROLL columns of A a turn."""
        builder = self.builder
        whole = builder.and_(self.depth, I64(-UNROLL))
        for first, end, turn in ((I64(0), whole, UNROLL), (whole, self.depth, 1)):
            with cgutils.for_range_slice(builder, first, end, I64(turn), intp=I64) as (k, _):
                for u in range(turn):
                    column = builder.add(k, I64(u))
                    offset = column if self.layout == "rows" else builder.mul(column, self.lda)
                    self._rank_one(offset, column, starts, sums)

    def _gather(self, starts, sums):
        """sums += A B, one column of A a turn: runs may be short, and eight places leave no register for more."""
        builder = self.builder
        with cgutils.for_range(builder, self.depth, intp=I64) as runs:
            offset = builder.load(builder.gep(self.offsets, [runs.index]))
            first = builder.mul(runs.index, self.run)
            with cgutils.for_range(builder, self.run, intp=I64) as loop:
                here = builder.add(offset, builder.mul(loop.index, self.step))
                self._rank_one(here, builder.add(first, loop.index), starts, sums)

    def _row_start(self, i):
        """The offset of row i of A; beyond the edge, but for columns, of the last row that exists."""
        builder = self.builder
        if self.layout == "columns":
            return I64(i)
        inside = builder.icmp_signed("<", I64(i), self.rows)
        row = builder.select(inside, I64(i), builder.sub(self.rows, I64(1)))
        if self.layout == "gathered":
            return builder.load(builder.gep(self.places, [row]))
        return builder.mul(row, self.lda)

    def _rank_one(self, offset, k, starts, sums):
        """sums += A[:, k] B[k, :]; A's column lies `offset` behind its rows' starts."""
        builder, vectors = self.builder, self.vectors
        b = builder.gep(self.b, [builder.mul(k, self.ldb)])
        row = [vectors.load(self._vector(b, j)) for j in range(self.count)]
        for start, places in zip(starts, sums):
            a = vectors.splat(builder.load(builder.gep(start, [offset])))
            for element, place in zip(row, places):
                builder.store(vectors.multiply_add(a, element, builder.load(place), FUSED), place)

    def _finish(self, sums):
        """Write the rows that exist: whole vectors, and the last one under a mask."""
        builder, vectors = self.builder, self.vectors
        edge = vectors.first_lanes(builder.sub(self.columns, I64((self.count - 1) * vectors.lanes)))
        masks = [None] * (self.count - 1) + [edge]
        relu = vectors.flag(self.flags, RELU)
        for i in range(self.height):
            with builder.if_then(builder.icmp_signed("<", I64(i), self.rows)):
                row = builder.gep(self.c, [builder.mul(I64(i), self.ldc)])
                for bit, base in ((ACCUMULATE, row), (BIAS, self.bias)):
                    with builder.if_then(vectors.flag(self.flags, bit)):
                        for j, place in enumerate(sums[i]):
                            added = vectors.load(self._vector(base, j), masks[j])
                            builder.store(builder.fadd(builder.load(place), added), place)
                for j, place in enumerate(sums[i]):
                    value = vectors.cut_below_zero(builder.load(place), relu)
                    vectors.store(value, self._vector(row, j), masks[j])

    def _vector(self, base, j):
        return self.builder.gep(base, [I64(j * self.vectors.lanes)])


tile_by_rows = _tile("rows")
tile_by_columns = _tile("columns")
tile_gathered = _tile("gathered")
