"""The inner loops of depthwise convolutions as LLVM IR: outputs of a row, and a row's part of the filter's gradient.

Sums stay in registers for a vector of channels at a time. What the next row needs is asked for on the way: whoever
walks over rows of many channels a vector at a time is not followed by the machine's own prefetching.
"""

from numba.core import cgutils

from .emit import I64, ir_function
from .transforms import finish

STRIP = 6  # neighbouring outputs of a row
EDGE = 2  # pixels of a strip that may lie outside the image, on either side
CHAINS = 4


def _strip_code(count):
    """y[u] = f(sum over R x S taps of x[u] * w + bias) for u < count, all channels."""

    def emit(vectors, args):
        x, x_row, x_column, x_step, w, w_row, w_column, y, y_step, packed, bias, flags = args
        builder = vectors.builder
        channels = builder.lshr(packed, I64(32))
        R, S = (builder.and_(builder.lshr(packed, I64(shift)), I64(0xFFFF)) for shift in (16, 0))

        def outputs(c, mask):
            sums = [cgutils.alloca_once(builder, vectors.kind) for _ in range(count)]
            for place in sums:
                builder.store(vectors.zero, place)
            with cgutils.for_range(builder, R, intp=I64) as row, cgutils.for_range(builder, S, intp=I64) as column:
                r, s = row.index, column.index
                tap = builder.add(builder.add(builder.mul(r, w_row), builder.mul(s, w_column)), c)
                weight = vectors.load(builder.gep(w, [tap]), mask)
                pixel = builder.add(builder.add(builder.mul(r, x_row), builder.mul(s, x_column)), c)
                for u, place in enumerate(sums):
                    at = builder.gep(x, [builder.add(pixel, builder.mul(x_step, I64(u)))])
                    builder.store(
                        vectors.multiply_add(vectors.load(at, mask), weight, builder.load(place), False), place
                    )
            end = finish(vectors, bias, flags, c, mask)
            for u, place in enumerate(sums):
                at = builder.gep(y, [builder.add(builder.mul(y_step, I64(u)), c)])
                vectors.store(end(builder.load(place)), at, mask)

        vectors.over(channels, outputs)

    return emit


def _shared_strip_code(S, step):
    """The strip for S neighbouring columns of taps and outputs `step` apart, which share the pixels that they load.

    Of the pixels, those before `low` and from `high` on lie outside the image and are 0; at most EDGE are on a side.
    """
    count = (STRIP - 1) * step + S

    def emit(vectors, args):
        x, x_row, pixel, w, w_row, w_column, y, y_step, packed, bias, flags = args
        builder = vectors.builder
        channels = builder.lshr(packed, I64(32))
        low, high = (builder.and_(builder.lshr(packed, I64(shift)), I64(0xFF)) for shift in (8, 0))
        inside = [vectors.all_lanes(_between(builder, j, low, high)) for j in range(count)]
        always = [EDGE <= j < count - EDGE for j in range(count)]

        def outputs(c, mask):
            sums = [vectors.zero] * STRIP
            below = builder.gep(x, [builder.add(builder.mul(x_row, I64(S)), c)])
            for j in range(count):
                vectors.prefetch(builder.gep(below, [builder.mul(pixel, I64(j))]))
            for u in range(STRIP):
                vectors.prefetch(builder.gep(y, [builder.add(builder.mul(y_step, I64(STRIP + u)), c)]), True)
            for r in range(S):
                row, tap = (
                    builder.gep(base, [builder.add(builder.mul(step_, I64(r)), c)])
                    for base, step_ in ((x, x_row), (w, w_row))
                )
                weights = [vectors.load(builder.gep(tap, [builder.mul(w_column, I64(s))]), mask) for s in range(S)]
                masks = [mask if sure else vectors.both(mask, edge) for sure, edge in zip(always, inside)]
                pixels = [vectors.load(builder.gep(row, [builder.mul(pixel, I64(j))]), masks[j]) for j in range(count)]
                for s in range(S):
                    sums = [
                        vectors.multiply_add(pixels[u * step + s], weights[s], sums[u], False) for u in range(STRIP)
                    ]
            end = finish(vectors, bias, flags, c, mask)
            for u in range(STRIP):
                at = builder.gep(y, [builder.add(builder.mul(y_step, I64(u)), c)])
                vectors.store(end(sums[u]), at, mask)

        vectors.over(channels, outputs)

    return emit


def _between(builder, j, low, high):
    return builder.and_(builder.icmp_signed("<=", low, I64(j)), builder.icmp_signed("<", I64(j), high))


def _gradient_of_3x3_code(vectors, args):
    """total[r, s] += sum over q < count of x[r, q + s - left] * dz[q], all channels, for 3 x 3 taps of stride 1.

    Rows of x from `low` to `high` lie inside the image; pixels before 0 and from `width` on count as 0.
    """
    x, x_row, pixel, dz, dz_step, total, t_row, t_column, packed, bounds = args[:10]
    builder = vectors.builder
    channels, count = builder.lshr(packed, I64(32)), builder.and_(packed, I64(0xFFFFFFFF))
    left, width = builder.lshr(bounds, I64(48)), builder.and_(bounds, I64(0xFFFFFFFF))
    low, high = (builder.and_(builder.lshr(bounds, I64(shift)), I64(0xFF)) for shift in (40, 32))
    rows = [vectors.all_lanes(_between(builder, r, low, high)) for r in range(3)]

    def channel(c, mask):
        def load(r, column):
            """Row r of x at a column, or 0 outside."""
            there = builder.and_(builder.icmp_signed("<=", I64(0), column), builder.icmp_signed("<", column, width))
            place = builder.add(builder.add(builder.mul(x_row, I64(r)), builder.mul(pixel, column)), c)
            inside = builder.and_(rows[r], vectors.all_lanes(there))
            return vectors.load(builder.gep(x, [place]), vectors.both(mask, inside))

        sums = [[cgutils.alloca_once(builder, vectors.kind) for _ in range(3)] for _ in range(3)]
        window = [[cgutils.alloca_once(builder, vectors.kind) for _ in range(2)] for _ in range(3)]
        for r in range(3):
            for place in sums[r]:
                builder.store(vectors.zero, place)
            for s, place in enumerate(window[r]):
                builder.store(load(r, builder.sub(I64(s), left)), place)
        with cgutils.for_range(builder, count, intp=I64) as loop:
            here = builder.add(builder.mul(loop.index, dz_step), c)
            d = vectors.load(builder.gep(dz, [here]), mask)
            vectors.prefetch(builder.gep(dz, [builder.add(here, builder.mul(count, dz_step))]))
            below = builder.add(builder.add(builder.mul(x_row, I64(3)), builder.mul(pixel, loop.index)), c)
            vectors.prefetch(builder.gep(x, [below]))
            for r in range(3):
                newest = load(r, builder.sub(builder.add(loop.index, I64(2)), left))
                pixels = [*(builder.load(place) for place in window[r]), newest]
                for value, place in zip(pixels, sums[r]):
                    builder.store(vectors.multiply_add(value, d, builder.load(place), False), place)
                for value, place in zip(pixels[1:], window[r]):
                    builder.store(value, place)
        for r in range(3):
            for s in range(3):
                offset = builder.add(builder.add(builder.mul(t_row, I64(r)), builder.mul(t_column, I64(s))), c)
                at = builder.gep(total, [offset])
                vectors.store(builder.fadd(vectors.load(at, mask), builder.load(sums[r][s])), at, mask)

    vectors.over(channels, channel)


def _row_code(vectors, args):
    """total += sum over u < count of x[u] * dz[u], all channels."""
    x, x_step, dz, dz_step, count, total, channels = args[:7]
    builder = vectors.builder

    def channel(c, mask):
        sums = [cgutils.alloca_once(builder, vectors.kind) for _ in range(CHAINS)]
        for place in sums:
            builder.store(vectors.zero, place)
        whole = builder.and_(count, I64(-CHAINS))
        for first, end, step in ((I64(0), whole, CHAINS), (whole, count, 1)):
            with cgutils.for_range_slice(builder, first, end, I64(step), intp=I64) as (u, _):
                for chain, place in enumerate(sums[:step]):
                    v = builder.add(u, I64(chain))
                    a = vectors.load(builder.gep(x, [builder.add(builder.mul(v, x_step), c)]), mask)
                    b = vectors.load(builder.gep(dz, [builder.add(builder.mul(v, dz_step), c)]), mask)
                    builder.store(vectors.multiply_add(a, b, builder.load(place), False), place)
        value = vectors.load(builder.gep(total, [c]), mask)
        for place in sums:
            value = builder.fadd(value, builder.load(place))
        vectors.store(value, builder.gep(total, [c]), mask)

    vectors.over(channels, channel)


one_output = ir_function("depthwise_one", "aiiiaiiaiiai", _strip_code(1))
strip_of_outputs = ir_function("depthwise_strip", "aiiiaiiaiiai", _strip_code(STRIP))
strip_3, strip_3_by_2, strip_5, strip_5_by_2 = (
    ir_function(f"depthwise_{S}_by_{step}", "aiiaiiaiiai", _shared_strip_code(S, step))
    for S, step in ((3, 1), (3, 2), (5, 1), (5, 2))
)
gradient_of_3x3 = ir_function("depthwise_gradient_3x3", "aiiaiaiiii", _gradient_of_3x3_code)
row_product = ir_function("depthwise_row", "aiaiiai", _row_code)
