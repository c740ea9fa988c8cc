"""Normalisation of columns as vector code: sums of each column of a block, and the passes that write from them.

x, y, dy, dx: `count` elements in rows of `width`, the last one perhaps a part of a row
mean, scale, beta and all other arrays (width,)

TOGETHER rows go side by side, so that what belongs to a column is read, and its sums are written, once for all of them.
"""

from numba.core import cgutils

from .emit import I64, ir_function
from .norm_rows import AS_WRITTEN, TOGETHER, add_products, either, write

RELU, STREAMED, CONSTANT = 1, 2, 4  # flags of a pass; the last: statistics do not depend on x


def _rows(v, count, width, body):
    """body(first, rows, columns) for every TOGETHER rows, for each of the rest, and for the part of a row."""
    builder = v.builder
    rows = builder.udiv(count, width)
    whole = builder.and_(rows, I64(-TOGETHER))
    for start, stop, together in ((I64(0), whole, TOGETHER), (whole, rows, 1)):
        with cgutils.for_range_slice(builder, start, stop, I64(together), intp=I64) as (first, _):
            body(first, together, width)
    body(rows, 1, builder.sub(count, builder.mul(rows, width)))


def _loop(v, count, width, body):
    """body(column, mask, places) for every vector of columns, of which `places` are the rows' elements."""

    def rows(first, together, columns):
        starts = [v.builder.mul(v.builder.add(first, I64(r)), width) for r in range(together)]

        def vector(column, mask):
            body(column, mask, [v.builder.add(start, column) for start in starts])

        v.over(columns, vector)

    _rows(v, count, width, rows)


def _column(v, arrays, column, mask):
    return [v.load(v.builder.gep(array, [column]), mask) for array in arrays]


def _keep(v, arrays, values, column, mask):
    for array, value in zip(arrays, values):
        v.store(value, v.builder.gep(array, [column]), mask)


def _tree(v, values):
    """The sum, neighbours first."""
    while len(values) > 1:
        values = [v.builder.fadd(*pair) for pair in zip(values[::2], values[1::2])]
    return values[0]


def _read(v, array, place, mask):
    return v.load(v.builder.gep(array, [place]), mask)


def _emit_sums(v, args):
    x, sums, width, count = args

    def body(column, mask, places):
        values = _tree(v, [_read(v, x, place, mask) for place in places])
        _keep(v, [sums], [v.builder.fadd(v.load(v.builder.gep(sums, [column]), mask), values)], column, mask)

    _loop(v, count, width, body)


def _emit_deviations(v, args):
    x, shift, sums, squares, width, count, ahead = args

    def body(column, mask, places):
        center, total, square = _column(v, (shift, sums, squares), column, mask)
        for place in places:
            v.prefetch(v.builder.gep(x, [v.builder.add(place, ahead)]))
        values = [v.builder.fsub(_read(v, x, place, mask), center) for place in places]
        total = v.builder.fadd(total, _tree(v, values))
        square = v.builder.fadd(square, add_products(v, values, values))
        _keep(v, (sums, squares), (total, square), column, mask)

    _loop(v, count, width, body)


def _emit_write(v, args):
    x, mean, scale, beta, y, width, count, flags, ahead = args
    relu, streamed = v.flag(flags, RELU), v.flag(flags, STREAMED)

    def loop(streamed):
        def body(column, mask, places):
            center, factor, shift = _column(v, (mean, scale, beta), column, mask)
            for place in places:
                v.prefetch(v.builder.gep(x, [v.builder.add(place, ahead)]))
                value = v.builder.fsub(_read(v, x, place, mask), center)
                value = v.cut_below_zero(v.multiply_add(value, factor, shift, fused=False), relu)
                write(v, value, v.builder.gep(y, [place]), mask, streamed)

        _loop(v, count, width, body)

    either(v, streamed, loop)


def _gradient(v, dy, x, center, factor, shift, relu, place, mask):
    """(dy of what is before the activation, x - mean), with the activation's input as the forward computes it."""
    gradient, value = (_read(v, array, place, mask) for array in (dy, x))
    value = v.builder.fsub(value, center)
    passed = v.builder.fcmp_ordered(">", v.multiply_add(value, factor, shift, fused=False), v.zero)
    passed = v.builder.or_(passed, v.splat(v.builder.not_(relu)))
    return v.builder.select(passed, gradient, v.zero), value


def _emit_gradient_sums(v, args):
    dy, x, mean, scale, beta, dgamma, dbeta, width, count, flags, ahead = args
    relu = v.flag(flags, RELU)

    def body(column, mask, places):
        center, factor, shift, scaled, shifted = _column(v, (mean, scale, beta, dgamma, dbeta), column, mask)
        for place in places:
            for array in (dy, x):
                v.prefetch(v.builder.gep(array, [v.builder.add(place, ahead)]))
        pairs = [_gradient(v, dy, x, center, factor, shift, relu, place, mask) for place in places]
        gradients, values = zip(*pairs)
        scaled = v.builder.fadd(scaled, add_products(v, gradients, values))
        shifted = v.builder.fadd(shifted, _tree(v, list(gradients)))
        _keep(v, (dgamma, dbeta), (scaled, shifted), column, mask)

    _loop(v, count, width, body)


def _emit_gradient_write(v, args):
    dy, x, mean, scale, beta, gamma, rstd, a, b, dx, width, count, flags, ahead = args
    relu, streamed = v.flag(flags, RELU), v.flag(flags, STREAMED)
    varying = v.splat(v.builder.not_(v.flag(flags, CONSTANT)))

    def loop(streamed):
        def body(column, mask, places):
            center, factor, shift, *rest = _column(v, (mean, scale, beta, gamma, rstd, a, b), column, mask)
            weight, outer, average, slope = rest
            for place in places:
                for array in (dy, x):
                    v.prefetch(v.builder.gep(array, [v.builder.add(place, ahead)]))
                gradient, value = _gradient(v, dy, x, center, factor, shift, relu, place, mask)
                value = v.builder.select(varying, value, v.zero)  # an infinity times 0 would be NaN
                # The product is rounded: inside of a multiply-add, g - mean(g) would not cancel.
                value = v.multiply_add(
                    v.builder.fneg(value), slope, v.builder.fsub(v.builder.fmul(gradient, weight), average), fused=False
                )
                write(v, v.builder.fmul(outer, value), v.builder.gep(dx, [place]), mask, streamed)

        _loop(v, count, width, body)

    either(v, streamed, loop)


# sums += sum of x
add_columns = ir_function("norm_add_columns", "aaii", _emit_sums, AS_WRITTEN)
# sums += sum of (x - shift), squares += sum of its squares
add_deviations = ir_function("norm_add_deviations", "aaaaiii", _emit_deviations, AS_WRITTEN)
# y = f((x - mean) scale + beta); x `ahead` elements further is asked for
write_columns = ir_function("norm_write_columns", "aaaaaiiii", _emit_write, AS_WRITTEN)
# dgamma += sum dz (x - mean), dbeta += sum dz, with dz = dy f'((x - mean) scale + beta)
add_column_gradients = ir_function("norm_add_column_gradients", "aaaaaaaiiii", _emit_gradient_sums, AS_WRITTEN)
# dx = rstd (dz gamma - a - (x - mean) b)
write_column_gradients = ir_function("norm_write_column_gradients", "aaaaaaaaaaiiii", _emit_gradient_write, AS_WRITTEN)
