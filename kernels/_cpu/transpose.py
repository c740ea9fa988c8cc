"""Transposing squares of as many rows as a vector has lanes, in registers.

log2(lanes) rounds, the first over pairs of rows half a square apart, exchange blocks of halving size: 4 shuffles for
each of 16 rows, where a loop over elements would need 16 loads and 16 stores.
"""

from llvmlite import ir
from numba.core import cgutils

from .emit import I32, I64, ir_function


def _emit(vectors, args):
    x, x_stride, y, y_stride, count = args
    builder, lanes = vectors.builder, vectors.lanes
    with cgutils.for_range(builder, count, intp=I64) as loop:
        first = builder.mul(loop.index, I64(lanes))
        x, y = builder.gep(x, [first]), builder.gep(y, [builder.mul(first, y_stride)])
        rows = [vectors.load(builder.gep(x, [builder.mul(x_stride, I64(j))])) for j in range(lanes)]
        half = lanes // 2
        while half:
            keep = [k if not k & half else k - half + lanes for k in range(lanes)]
            swap = [k + half if not k & half else k + lanes for k in range(lanes)]
            for j in (j for j in range(lanes) if not j & half):
                a, b = rows[j], rows[j + half]
                for row, mask in ((j, keep), (j + half, swap)):
                    rows[row] = builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, lanes), mask))
            half //= 2
        for i in range(lanes):
            vectors.store(rows[i], builder.gep(y, [builder.mul(y_stride, I64(i))]))


# transpose_squares(x, x0, x_stride, y, y0, y_stride, count):
# y[y0 + i * y_stride + j] = x[x0 + j * x_stride + i] for i < count * lanes and j < lanes
transpose_squares = ir_function("transpose", "aiaii", _emit)
