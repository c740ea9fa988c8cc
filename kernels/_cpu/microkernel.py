"""The register tile of every matrix product, written as LLVM IR.

    C[i, j] (+)= sum_k A[i, k] * B[k, j]  (+ bias[j])  (then relu)       i < rows    j < columns    k < depth

A (rows, depth), by rows: element (i, k) lies at a + i*lda + k, or by columns: at a + k*lda + i, where elements beyond
the last row are read and dropped; by guarded columns they are not read. By patches, depth is a number of runs of
memory: k = r*run + t lies at a + i*lda + r*gap + t, as do the pixels that a row of outputs sees of an image.
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

    By patches, `gap` follows lda, and depth is `runs << 32 | run`.
    """

    def emit(vectors, args):
        builder = vectors.builder
        rows, columns = args[-3:-1]
        whole = builder.sdiv(builder.add(columns, I64(vectors.lanes - 1)), I64(vectors.lanes))
        one_row = builder.icmp_signed("==", rows, I64(1))
        variant = builder.add(whole, builder.select(one_row, I64(TILE_VECTORS), I64(0)))
        done = builder.append_basic_block("tile.done")
        switch = builder.switch(variant, done)
        for height in (TILE_ROWS, 1):
            for n in range(1, TILE_VECTORS + 1):
                block = builder.append_basic_block(f"tile.{height}.{n}")
                switch.add_case(I64(n + TILE_VECTORS * (height == 1)), block)
                builder.position_at_end(block)
                builder.call(_tile_function(vectors, layout, height, n, args), args)
                builder.branch(done)
        builder.position_at_end(done)

    gap = "i" if layout == "patches" else ""
    return ir_function(f"tile_{layout}", f"ai{gap}aiaiaiiii", emit)


def _tile_function(vectors, layout, height, count, args):
    """The function of one variant: `height` rows, `count` vectors of columns."""
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in args])
    function = ir.Function(vectors.builder.module, kind, f"tile.{layout}.{vectors.scalar}.{height}.{count}")
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
        self.gap = args.pop(2) if layout == "patches" else None
        self.a, self.lda, self.b, self.ldb, self.c, self.ldc, self.bias, depth, rows, columns, flags = args
        self.depth, self.rows, self.columns, self.flags = depth, rows, columns, flags

    def emit(self):
        builder = self.builder
        # Memory in form only: the compiler keeps the sums in registers.
        sums = [
            [cgutils.alloca_once(builder, self.vectors.kind) for _ in range(self.count)] for _ in range(self.height)
        ]
        for place in (place for row in sums for place in row):
            builder.store(self.vectors.zero, place)
        starts = [builder.gep(self.a, [self._row_start(i)]) for i in range(self.height)]
        if self.layout == "patches":
            run = builder.and_(self.depth, I64(0xFFFFFFFF))
            with cgutils.for_range(builder, builder.lshr(self.depth, I64(32)), intp=I64) as loop:
                offset, b = builder.mul(loop.index, self.gap), builder.mul(builder.mul(loop.index, run), self.ldb)
                moved = [builder.gep(start, [offset]) for start in starts]
                self._run(moved, builder.gep(self.b, [b]), run, sums)
        else:
            self._run(starts, self.b, self.depth, sums)
        self._finish(sums)

    def _run(self, starts, b, depth, sums):
        """sums += A[:, :depth] B[:depth, :]."""
        builder = self.builder
        whole = builder.and_(depth, I64(-UNROLL))
        for first, end, step in ((I64(0), whole, UNROLL), (whole, depth, 1)):
            with cgutils.for_range_slice(builder, first, end, I64(step), intp=I64) as (k, _):
                for u in range(step):
                    self._rank_one(builder.add(k, I64(u)), starts, b, sums)

    def _row_start(self, i):
        """The offset of row i of A; beyond the edge, but for plain columns, of the last row that exists."""
        builder = self.builder
        if self.layout == "columns":
            return I64(i)
        inside = builder.icmp_signed("<", I64(i), self.rows)
        row = builder.select(inside, I64(i), builder.sub(self.rows, I64(1)))
        return row if self.layout == "guarded_columns" else builder.mul(row, self.lda)

    def _rank_one(self, k, starts, b, sums):
        """sums += A[:, k] B[k, :]."""
        builder, vectors = self.builder, self.vectors
        b = builder.gep(b, [builder.mul(k, self.ldb)])
        row = [vectors.load(self._vector(b, j)) for j in range(self.count)]
        offset = k if self.layout in ("rows", "patches") else builder.mul(k, self.lda)
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
tile_by_guarded_columns = _tile("guarded_columns")
tile_by_patches = _tile("patches")
