"""Normalisation of rows as vector code: sums of each row, and the passes that write from them.

x, y, dy, dx (rows, width)    mean, rstd, totals, moments (rows,)    gamma, beta, dgamma, dbeta (width,)

Compiled loops over one short row spend as long on their beginnings and ends as on the row. Here TOGETHER rows go side
by side: the sums of one do not wait for another's, and what belongs to a column is read once for all of them. Sums
across lanes are added to float64 totals; the order is the same for a row in a group and for one alone.
"""

import functools

from llvmlite import ir
from numba.core import cgutils

from .emit import I32, I64, ir_function
from .machine import VECTOR_BYTES

TOGETHER = 4


def _groups(v, rows, body):
    """body(first, count) for every TOGETHER rows, then for each of the rest."""
    whole = v.builder.and_(rows, I64(-TOGETHER))
    for start, stop, count in ((I64(0), whole, TOGETHER), (whole, rows, 1)):
        with cgutils.for_range_slice(v.builder, start, stop, I64(count), intp=I64) as (first, _):
            body(first, count)


def _over(v, count, chains, body):
    """body(column, mask, chain) for every vector of `count` elements, as many chains at a time."""
    builder, span = v.builder, chains * v.lanes
    whole = builder.and_(count, I64(-span))
    if chains > 1:
        with cgutils.for_range_slice(builder, I64(0), whole, I64(span), intp=I64) as (first, _):
            for chain in range(chains):
                body(builder.add(first, I64(chain * v.lanes)), None, chain)
        rest = builder.sub(count, whole)
        v.over(rest, lambda column, mask: body(builder.add(whole, column), mask, 0))
    else:
        v.over(count, lambda column, mask: body(column, mask, 0))


def _sums(v, count):
    """Vectors of zeros that a loop adds to."""
    places = [cgutils.alloca_once(v.builder, v.kind) for _ in range(count)]
    for place in places:
        v.builder.store(v.zero, place)
    return places


def _add(v, place, value):
    v.builder.store(v.builder.fadd(v.builder.load(place), value), place)


def _add_product(v, place, a, b):
    v.builder.store(v.multiply_add(a, b, v.builder.load(place), fused=False), place)


def add_products(v, a, b):
    """The sum of the products of two lists of vectors, one after the other."""
    total = v.builder.fmul(a[0], b[0])
    for one, other in zip(a[1:], b[1:]):
        total = v.multiply_add(one, other, total, fused=False)
    return total


def _add_lanes(v, totals, row, places):
    """totals[row] += the lanes of a row's sums, halves added to halves."""
    builder, lanes = v.builder, v.lanes
    values = [builder.load(place) for place in places]
    while len(values) > 1:
        values = [builder.fadd(*pair) for pair in zip(values[::2], values[1::2])]
    value = values[0]
    while lanes > 1:
        lanes //= 2
        low, high = (ir.Constant(ir.VectorType(I32, lanes), list(range(k, k + lanes))) for k in (0, lanes))
        value = builder.fadd(builder.shuffle_vector(value, value, low), builder.shuffle_vector(value, value, high))
    value = builder.extract_element(value, I32(0))
    value = value if v.size == 8 else builder.fpext(value, ir.DoubleType())
    place = builder.gep(totals, [row])
    builder.store(builder.fadd(builder.load(place), value), place)


def _at(v, array, row):
    return v.splat(v.builder.load(v.builder.gep(array, [row])))


def _rows_of(v, first, count):
    return [v.builder.add(first, I64(r)) for r in range(count)]


def _kept(v, value, mask):
    """The lanes inside of a mask, 0 outside."""
    return value if mask is None else v.builder.select(mask, value, v.zero)


def _place(v, array, row, width, column):
    return v.builder.gep(array, [v.builder.add(v.builder.mul(row, width), column)])


def write(v, value, place, mask, streamed):
    """Store, past the caches where it is streamed: then vectors are whole and on their boundaries."""
    if not streamed or mask is not None:
        v.store(value, place, mask)
    else:
        store = v.builder.store(value, v.builder.bitcast(place, v.kind.as_pointer()))
        store.align = VECTOR_BYTES
        store.set_metadata("nontemporal", v.builder.module.add_metadata([ir.Constant(I32, 1)]))


def either(v, flag, emit):
    """emit(True) where the flag is set, else emit(False)."""
    with v.builder.if_else(flag) as (then, otherwise):
        with then:
            emit(True)
        with otherwise:
            emit(False)


def _emit_sums(v, args, squares):
    x, *center, totals, stride, rows, width = args
    totals = v.builder.bitcast(totals, ir.DoubleType().as_pointer())

    def group(first, count):
        chains = TOGETHER // count
        sums, at = _sums(v, TOGETHER), _rows_of(v, first, count)
        centers = [_at(v, center[0], row) for row in at] if squares else []

        def body(column, mask, chain):
            for r, row in enumerate(at):
                value = v.load(_place(v, x, row, stride, column), mask)
                if squares:
                    value = _kept(v, v.builder.fsub(value, centers[r]), mask)
                    _add_product(v, sums[r + chain], value, value)
                else:
                    _add(v, sums[r + chain], value)

        _over(v, width, chains, body)
        for r, row in enumerate(at):
            _add_lanes(v, totals, row, sums[r::count])

    _groups(v, rows, group)


def _emit_write(v, args):
    x, mean, rstd, gamma, beta, y, width, rows, ahead, streamed = args

    def group(first, count, streamed):
        at = _rows_of(v, first, count)
        centers, scales = ([_at(v, array, row) for row in at] for array in (mean, rstd))

        def body(column, mask):
            weight, shift = (v.load(v.builder.gep(array, [column]), mask) for array in (gamma, beta))
            for r, row in enumerate(at):
                place = _place(v, x, row, width, column)
                v.prefetch(v.builder.gep(place, [ahead]))
                value = v.builder.fmul(v.builder.fsub(v.load(place, mask), centers[r]), scales[r])
                value = v.multiply_add(value, weight, shift, fused=False)
                write(v, value, _place(v, y, row, width, column), mask, streamed)

        v.over(width, body)

    either(v, v.flag(streamed, 1), lambda past: _groups(v, rows, lambda first, count: group(first, count, past)))


def _emit_gradient_sums(v, args):
    dy, x, mean, rstd, gamma, dgamma, dbeta, totals, moments, stride, rows, width = args
    totals, moments = (v.builder.bitcast(array, ir.DoubleType().as_pointer()) for array in (totals, moments))

    def group(first, count):
        chains = TOGETHER // count
        total, moment, at = _sums(v, TOGETHER), _sums(v, TOGETHER), _rows_of(v, first, count)
        centers, scales = ([_at(v, array, row) for row in at] for array in (mean, rstd))

        def body(column, mask, chain):
            weight, scaled, shifted = (v.load(v.builder.gep(array, [column]), mask) for array in (gamma, dgamma, dbeta))
            for r, row in enumerate(at):
                gradient = v.load(_place(v, dy, row, stride, column), mask)
                value = v.builder.fsub(v.load(_place(v, x, row, stride, column), mask), centers[r])
                value = _kept(v, v.builder.fmul(value, scales[r]), mask)
                g = v.builder.fmul(gradient, weight)
                _add(v, total[r + chain], g)
                _add_product(v, moment[r + chain], g, value)
                scaled = v.multiply_add(gradient, value, scaled, fused=False)
                shifted = v.builder.fadd(shifted, gradient)
            v.store(scaled, v.builder.gep(dgamma, [column]), mask)
            v.store(shifted, v.builder.gep(dbeta, [column]), mask)

        _over(v, width, chains, body)
        for r, row in enumerate(at):
            _add_lanes(v, totals, row, total[r::count])
            _add_lanes(v, moments, row, moment[r::count])

    _groups(v, rows, group)


def _emit_gradient_write(v, args):
    dy, x, mean, rstd, gamma, a, b, dx, width, rows, ahead, streamed = args

    def group(first, count, streamed):
        at = _rows_of(v, first, count)
        centers, scales, means, slopes = ([_at(v, array, row) for row in at] for array in (mean, rstd, a, b))

        def body(column, mask):
            weight = v.load(v.builder.gep(gamma, [column]), mask)
            for r, row in enumerate(at):
                places = [_place(v, array, row, width, column) for array in (dy, x)]
                for place in places:
                    v.prefetch(v.builder.gep(place, [ahead]))
                gradient, value = (v.load(place, mask) for place in places)
                value = v.builder.fmul(v.builder.fsub(value, centers[r]), scales[r])
                # The product is rounded: inside of a multiply-add, g - mean(g) would not cancel.
                gradient = v.builder.fsub(v.builder.fmul(gradient, weight), means[r])
                gradient = v.multiply_add(v.builder.fneg(value), slopes[r], gradient, fused=False)
                write(v, v.builder.fmul(scales[r], gradient), _place(v, dx, row, width, column), mask, streamed)

        v.over(width, body)

    either(v, v.flag(streamed, 1), lambda past: _groups(v, rows, lambda first, count: group(first, count, past)))


AS_WRITTEN = frozenset()
# totals[row] += sum of row's first `width` elements, and of their (x - center)^2; the rows are `stride` apart
add_rows = ir_function("norm_add_rows", "aaiii", functools.partial(_emit_sums, squares=False), AS_WRITTEN)
add_squares = ir_function("norm_add_squares", "aaaiii", functools.partial(_emit_sums, squares=True), AS_WRITTEN)
# y = (x - mean) rstd gamma + beta; x `ahead` elements further is asked for
write_rows = ir_function("norm_write_rows", "aaaaaaiiii", _emit_write, AS_WRITTEN)
# totals += sum g, moments += sum g xhat, dgamma += dy xhat, dbeta += dy, of `width` columns, with g = dy gamma
add_gradients = ir_function("norm_add_gradients", "aaaaaaaaaiii", _emit_gradient_sums, AS_WRITTEN)
# dx = rstd (dy gamma - a - xhat b)
write_gradients = ir_function("norm_write_gradients", "aaaaaaaaiiii", _emit_gradient_write, AS_WRITTEN)
