"""Small linear transforms of squares of pixels, for all channels: Y = F X F^T.

A transform is given as a function of n values that returns m; values know +, - and multiplication with a number, so
it reads like its formula. The code made of it loads n x n vectors of channels, applies the function down the columns
and along the rows, in registers, and stores m x m vectors.
"""

from llvmlite import ir
from numba.core import cgutils

from .emit import I64, ir_function
from .microkernel import BIAS, RELU


def transform(name, f, n, m):
    """`run(x, x0, x_row, x_column, y, y0, y_row, y_column, channels, bias, bias0, flags)` for use in kernels.

    Element (i, j, c) of the square lies at x0 + i * x_row + j * x_column + c, and likewise for y. `flags` are the
    tile's: BIAS adds bias[bias0 + c], RELU follows.
    """

    def emit(vectors, args):
        x, x_row, x_column, y, y_row, y_column, channels, bias, flags = args

        def square(c, mask):
            pixels = [[vectors.load(at(x, x_row, x_column, i, j, c), mask) for j in range(n)] for i in range(n)]
            pixels = [[_Value(vectors, pixel) for pixel in row] for row in pixels]
            columns = [f([pixels[i][j] for i in range(n)]) for j in range(n)]  # [j][i]
            rows = [f([columns[j][i] for j in range(n)]) for i in range(m)]
            end = finish(vectors, bias, flags, c, mask)
            for i in range(m):
                for j in range(m):
                    vectors.store(end(rows[i][j].value), at(y, y_row, y_column, i, j, c), mask)

        def at(base, row, column, i, j, c):
            builder = vectors.builder
            offset = builder.add(builder.mul(row, I64(i)), builder.mul(column, I64(j)))
            return builder.gep(base, [builder.add(offset, c)])

        vectors.over(channels, square)

    return ir_function(name, "aiiaiiiai", emit)


def finish(vectors, bias, flags, c, mask):
    """A function of a vector that adds the bias of channels c …, and cuts below 0, as the flags say."""
    builder = vectors.builder
    place = cgutils.alloca_once(builder, vectors.kind)
    builder.store(vectors.zero, place)
    with builder.if_then(vectors.flag(flags, BIAS)):
        builder.store(vectors.load(builder.gep(bias, [c]), mask), place)
    added = builder.load(place)
    relu = vectors.flag(flags, RELU)
    return lambda value: vectors.cut_below_zero(builder.fadd(value, added), relu)


class _Value:
    """A vector of channels in a formula."""

    def __init__(self, vectors, value):
        self.vectors, self.value = vectors, value

    def __add__(self, other):
        return self._made("fadd", other.value)

    def __sub__(self, other):
        return self._made("fsub", other.value)

    def __rmul__(self, number):
        return self._made("fmul", ir.Constant(self.vectors.kind, [float(number)] * self.vectors.lanes))

    def _made(self, instruction, other):
        value = getattr(self.vectors.builder, instruction)(self.value, other, flags=("contract",))
        return _Value(self.vectors, value)
