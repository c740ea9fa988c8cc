"""Pooling as vector code: one row of windows, or one row of an image's gradient, a call.

x, dx rows of an image, `row` elements apart, places of C channels    y, dy, argmax rows of Q windows
down, across (…, 3), covering (W, 2), numbers of places: as in pooling.py

A compiled loop over the channels of one place spends longer on its beginning and end than on 64 channels. Here what is
found so far of TOGETHER vectors of channels stays in registers over all places of a window, and every element is
written once; past the caches where it is STREAMED.
"""

import contextlib

from llvmlite import ir
from numba.core import cgutils

from .emit import I32, I64, ir_function
from .norm_rows import AS_WRITTEN, either, write

TOGETHER = 4
MANY = 16  # places of a window; up to here an error is no larger than NumPy's
AHEAD = 1 << 12  # bytes that memory is asked for in advance: the machine's own prefetching ends with a page
STREAMED, BYTES = 1, 2  # flags; the second: places have numbers of one byte, else of four


def _loop(v, start, stop, step=1):
    return cgutils.for_range_slice(v.builder, start, stop, I64(step), intp=I64)


def _channels(v, C, body):
    """body(first channels of vectors, mask): TOGETHER vectors at a time, then one, then a part of one."""
    builder = v.builder
    groups, singles = builder.and_(C, I64(-TOGETHER * v.lanes)), builder.and_(C, I64(-v.lanes))
    for start, stop, count in ((I64(0), groups, TOGETHER), (groups, singles, 1)):
        with _loop(v, start, stop, count * v.lanes) as (first, _):
            body([builder.add(first, I64(k * v.lanes)) for k in range(count)], None)
    with builder.if_then(builder.icmp_signed("<", singles, C)):
        body([singles], v.first_lanes(builder.sub(C, singles)))


def _table(v, table, row, width):
    """A row of a table."""
    place = v.builder.mul(row, I64(width))
    return [v.builder.load(v.builder.gep(table, [v.builder.add(place, I64(k))])) for k in range(width)]


def _product_sum(v, *pairs):
    """a * b + c * d + …, of integers."""
    total = I64(0)
    for a, b in pairs:
        total = v.builder.add(total, v.builder.mul(a, b))
    return total


def _start(v, values):
    """Variables with these values."""
    places = [cgutils.alloca_once(v.builder, value.type) for value in values]
    for place, value in zip(places, values):
        v.builder.store(value, place)
    return places


def _put(v, values, array, to, channels, mask, flags):
    """Write the vectors of a block of channels."""

    def put(streamed):
        for c, value in zip(channels, values):
            write(v, value, v.builder.gep(array, [v.builder.add(to, c)]), mask, streamed)

    if mask is None:
        either(v, v.flag(flags, STREAMED), put)
    else:
        put(False)


def _over_places(v, rows, columns, visit):
    """visit(r, s) for every place of a window; 2x2 ones, which nearly everyone uses, without loops."""
    b = v.builder
    two = b.and_(b.icmp_signed("==", rows, I64(2)), b.icmp_signed("==", columns, I64(2)))

    def walk(few):
        if few:
            for r, s in ((0, 0), (0, 1), (1, 0), (1, 1)):
                visit(I64(r), I64(s))
        else:
            with _loop(v, I64(0), rows) as (r, _), _loop(v, I64(0), columns) as (s, _):
                visit(r, s)

    either(v, two, walk)


def _emit_max(v, args):
    x, across, y, argmax, Q, C, rows, row, number, width, flags = args
    b, whole = v.builder, ir.IntType(8 * v.size)
    least = ir.Constant(v.kind, [float("-inf")] * v.lanes)

    def window(q):
        s0, s1, base = _table(v, across, q, 3)
        corner, to = b.mul(s0, C), b.mul(q, C)
        first = b.add(number, b.sub(s0, base))

        def block(channels, mask):
            best = _start(v, [least for _ in channels])
            places = _start(v, [v.splat(b.trunc(first, whole)) for _ in channels])

            def visit(r, s):
                at = b.add(corner, _product_sum(v, (r, row), (s, C)))
                here = v.splat(b.trunc(b.add(b.add(first, s), b.mul(r, width)), whole))
                for c in channels:
                    v.prefetch(b.gep(x, [b.add(b.add(at, c), I64(AHEAD // v.size))]))
                for c, most, place in zip(channels, best, places):
                    value, old = v.load(b.gep(x, [b.add(at, c)]), mask), b.load(most)
                    # A NaN is larger than everything, and the first NaN stays.
                    better = b.and_(b.fcmp_unordered(">", value, old), b.fcmp_ordered("ord", old, old))
                    b.store(b.select(better, value, old), most)
                    b.store(b.select(better, here, b.load(place)), place)

            _over_places(v, rows, b.sub(s1, s0), visit)
            _put(v, [b.load(one) for one in best], y, to, channels, mask, flags)
            _put_numbers(v, [b.load(one) for one in places], argmax, to, channels, mask, flags)

        _channels(v, C, block)

    with _loop(v, I64(0), Q) as (q, _):
        window(q)


def _put_numbers(v, values, argmax, to, channels, mask, flags):
    """Write the numbers of places, as bytes or as four bytes."""
    b = v.builder

    def put(bytes_):
        for c, value in zip(channels, values):
            place, kind = _numbers(v, argmax, b.add(to, c), bytes_)
            value = value if value.type == kind else b.trunc(value, kind)
            if mask is None:
                b.store(value, place).align = 1 if bytes_ else 4
            else:
                function = ir.FunctionType(ir.VoidType(), [kind, place.type, I32, mask.type])
                name = f"llvm.masked.store.v{v.lanes}i{8 if bytes_ else 32}.p0"
                store = cgutils.get_or_insert_function(b.module, function, name)
                b.call(store, [value, place, I32(1 if bytes_ else 4), mask])

    either(v, v.flag(flags, BYTES), put)


def _numbers(v, argmax, at, bytes_):
    """(pointer to a vector of numbers of places, the vector's type)."""
    element = ir.IntType(8) if bytes_ else I32
    kind = ir.VectorType(element, v.lanes)
    place = v.builder.gep(v.builder.bitcast(argmax, element.as_pointer()), [at])
    return v.builder.bitcast(place, kind.as_pointer()), kind


def _read_numbers(v, argmax, at, mask, bytes_):
    b = v.builder
    place, kind = _numbers(v, argmax, at, bytes_)
    if mask is None:
        value = b.load(place)
        value.align = 1 if bytes_ else 4
        return value
    function = ir.FunctionType(kind, [place.type, I32, mask.type, kind])
    name = f"llvm.masked.load.v{v.lanes}i{8 if bytes_ else 32}.p0"
    load = cgutils.get_or_insert_function(b.module, function, name)
    zeros = ir.Constant(kind, [0] * v.lanes)
    return b.call(load, [place, I32(1 if bytes_ else 4), mask, zeros])


def _emit_gradient(v, W, C, windows_down, covering, dx, flags, gradient, ask):
    """dx of all places of a row; ask(p, q, channels) asks memory for what lies behind a window.

    gradient(p, q) -> parts(c, mask) -> part(s): what window (p, q) adds to channels c of column s, where `parts` reads
    what is the same for all columns that the same windows cover.
    """
    b, (p0, p1) = v.builder, windows_down

    def columns(s, q0, q1, alike):
        single = b.and_(b.icmp_signed("==", b.sub(p1, p0), I64(1)), b.icmp_signed("==", b.sub(q1, q0), I64(1)))

        def sum_up(only):
            if only:
                of = gradient(p0, q0)

                def block(channels, mask):
                    ask(p0, q0, channels)
                    parts = [of(c, mask) for c in channels]
                    with _loop(v, s, b.add(s, alike)) as (t, _):
                        _put(v, [part(t) for part in parts], dx, b.mul(t, C), channels, mask, flags)

                _channels(v, C, block)
                return

            def block(channels, mask):
                ask(b.sub(p1, I64(1)), b.sub(q1, I64(1)), channels)
                totals = _start(v, [v.zero for _ in channels])
                with _loop(v, p0, p1) as (p, _), _loop(v, q0, q1) as (q, _):
                    of = gradient(p, q)
                    for c, total in zip(channels, totals):
                        b.store(b.fadd(b.load(total), of(c, mask)(s)), total)
                _put(v, [b.load(total) for total in totals], dx, b.mul(s, C), channels, mask, flags)

            _channels(v, C, block)

        either(v, single, sum_up)
        return b.select(single, alike, I64(1))

    with _while_less(v, W) as (s, advance):
        advance(columns(s, *_table(v, covering, s, 3)))


@contextlib.contextmanager
def _while_less(v, end):
    """(index, advance): from 0 on, as long as the index is less than `end`."""
    b = v.builder
    place = cgutils.alloca_once_value(b, I64(0))
    head, body, after = (b.append_basic_block(name) for name in ("while", "do", "done"))
    b.store(I64(0), place)
    b.branch(head)
    b.position_at_end(head)
    index = b.load(place)
    b.cbranch(b.icmp_signed("<", index, end), body, after)
    b.position_at_end(body)
    yield index, lambda step: b.store(b.add(index, step), place)
    b.branch(head)
    b.position_at_end(after)


def _emit_max_gradient(v, args):
    dy, argmax, down, across, covering, dx, W, Q, C, p0, p1, h, width, flags = args
    b = v.builder

    def emit(bytes_):
        element = ir.IntType(8) if bytes_ else I32

        def ask(p, q, channels):
            start = b.add(b.mul(b.add(b.mul(p, Q), q), C), I64(AHEAD // v.size))
            places = [b.add(start, c) for c in channels]
            for at in places:
                v.prefetch(b.gep(dy, [at]))
            for at in places[: 1 if bytes_ else None]:
                v.prefetch(_numbers(v, argmax, at, bytes_)[0])

        def gradient(p, q):
            start = b.mul(b.add(b.mul(p, Q), q), C)
            top, left = _table(v, down, p, 3)[2], _table(v, across, q, 3)[2]
            first = b.sub(b.mul(b.sub(h, top), width), left)

            def parts(c, mask):
                at = b.add(start, c)
                places, value = _read_numbers(v, argmax, at, mask, bytes_), v.load(b.gep(dy, [at]), mask)

                def part(s):
                    number = v.splat(b.trunc(b.add(first, s), element))
                    return b.select(b.icmp_signed("==", places, number), value, v.zero)

                return part

            return parts

        _emit_gradient(v, W, C, (p0, p1), covering, dx, flags, gradient, ask)

    either(v, v.flag(flags, BYTES), emit)


def _emit_average(v, args):
    x, across, y, Q, C, rows, row, flags = args
    b, double = v.builder, ir.DoubleType()
    long = ir.VectorType(double, v.lanes)

    def sums(corner, channels, mask, kind):
        totals = _start(v, [ir.Constant(kind, [0.0] * v.lanes) for _ in channels])

        def visit(r, s):
            at = b.add(corner, _product_sum(v, (r, row), (s, C)))
            for c in channels:
                v.prefetch(b.gep(x, [b.add(b.add(at, c), I64(AHEAD // v.size))]))
            for c, total in zip(channels, totals):
                value = v.load(b.gep(x, [b.add(at, c)]), mask)
                value = value if value.type == kind else b.fpext(value, kind)
                b.store(b.fadd(b.load(total), value), total)

        return totals, visit

    def window(q):
        s0, s1, _ = _table(v, across, q, 3)
        corner, to, columns = b.mul(s0, C), b.mul(q, C), b.sub(s1, s0)
        places = b.mul(rows, columns)

        def emit(few):
            kind = v.kind if few else long
            count = b.sitofp(places, kind.element)

            def block(channels, mask):
                totals, visit = sums(corner, channels, mask, kind)
                if few:
                    _over_places(v, rows, columns, visit)
                else:
                    with _loop(v, I64(0), rows) as (r, _), _loop(v, I64(0), columns) as (s, _):
                        visit(r, s)

                def share(exactly):
                    factor = v.splat(b.fdiv(ir.Constant(kind.element, 1.0), count) if exactly else count)
                    values = [(b.fmul if exactly else b.fdiv)(b.load(total), factor) for total in totals]
                    values = [value if value.type == v.kind else b.fptrunc(value, v.kind) for value in values]
                    _put(v, values, y, to, channels, mask, flags)

                either(v, b.icmp_signed("==", places, b.and_(places, b.neg(places))), share)  # a power of two

            _channels(v, C, block)

        if v.size == 8:
            emit(True)
        else:
            either(v, b.icmp_signed("<=", places, I64(MANY)), emit)

    with _loop(v, I64(0), Q) as (q, _):
        window(q)


def _emit_average_gradient(v, args):
    dy, down, across, covering, dx, W, Q, C, p0, p1, flags = args
    b = v.builder

    def gradient(p, q):
        start = b.mul(b.add(b.mul(p, Q), q), C)
        (top, bottom, _), (left, right, _) = _table(v, down, p, 3), _table(v, across, q, 3)
        count = b.sitofp(b.mul(b.sub(bottom, top), b.sub(right, left)), ir.DoubleType())
        share = b.fdiv(ir.Constant(ir.DoubleType(), 1.0), count)
        share = v.splat(share if v.size == 8 else b.fptrunc(share, v.scalar))

        def parts(c, mask):
            value = b.fmul(v.load(b.gep(dy, [b.add(start, c)]), mask), share)
            return lambda s: value

        return parts

    def ask(p, q, channels):
        start = b.add(b.mul(b.add(b.mul(p, Q), q), C), I64(AHEAD // v.size))
        for c in channels:
            v.prefetch(b.gep(dy, [b.add(start, c)]))

    _emit_gradient(v, W, C, (p0, p1), covering, dx, flags, gradient, ask)


# x from the window row's first row on; number of the place in column `base` there
max_row = ir_function("pool_max_row", "aoaaiiiiiii", _emit_max, AS_WRITTEN)
# dx of row h, which windows p0 … p1 - 1 cover; dy and argmax of the image
max_gradient_row = ir_function("pool_max_gradient_row", "aaoooaiiiiiiii", _emit_max_gradient, AS_WRITTEN)
average_row = ir_function("pool_average_row", "aoaiiiii", _emit_average, AS_WRITTEN)
average_gradient_row = ir_function("pool_average_gradient_row", "aoooaiiiiii", _emit_average_gradient, AS_WRITTEN)
