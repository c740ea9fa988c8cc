"""Convolutions in which every channel has a filter of its own: no matrix product, but sums over taps for all channels.

Where a view's divisors are 1 (`image.py`), the taps that lie inside the image are a rectangle, r0 <= r < r1 and
s0 <= s < s1, and the same rectangle serves neighbouring outputs of a row except at its ends. A strip of STRIP such
outputs is summed up in registers, a vector of channels at a time. The gradient to the filter sums x dy along the
rows, in four interleaved chains.
"""

from collections import namedtuple

from numba.core import cgutils

from .bias import RELU, activate
from .emit import I64, ir_function
from .image import add_parts
from .jit import inner, kernel
from .microkernel import RELU as CUT
from .threads import spread
from .transforms import finish

# Output (n, p, q) of channel 0 lies at start + n * image + p * row + q * column.
Grid = namedtuple("Grid", "start image row column")

STRIP = 6
EDGE = 2  # pixels of a strip that may lie outside the image, on either side
MULTIPLIES = 8  # that one core does in a nanosecond, at least
ROWS = 8  # rows of outputs whose part of the filter's gradient one task sums up
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


_one_output = ir_function("depthwise_one", "aiiiaiiaiiai", _strip_code(1))
_strip_of_outputs = ir_function("depthwise_strip", "aiiiaiiaiiai", _strip_code(STRIP))
_strip_3, _strip_3_by_2, _strip_5, _strip_5_by_2 = (
    ir_function(f"depthwise_{S}_by_{step}", "aiiaiiaiiai", _shared_strip_code(S, step))
    for S, step in ((3, 1), (3, 2), (5, 1), (5, 2))
)
_gradient_of_3x3 = ir_function("depthwise_gradient_3x3", "aiiaiaiiii", _gradient_of_3x3_code)
_row_product = ir_function("depthwise_row", "aiaiiai", _row_code)


@kernel
def depthwise_product(x, view, w, taps, bias, flags, code, N, y, grid):
    """y = f(sum over taps of x * w (R * S, C) + bias) for the outputs of N images; the view's divisors are 1.

    Output (n, p, q) lies in y, flat, where the `grid` says.
    """
    work = N * view.P * view.Q * view.C * taps.size // MULTIPLIES
    flags |= CUT if code == RELU else 0
    spread(_output_row, N * view.P, work, (x.reshape(-1), view, w.reshape(-1), taps, bias, flags, code, y, grid))


@inner
def taps_inside(first, step, count, size):
    """(low, high) of the t < count for which 0 <= first + t * step < size; low = high where there is none."""
    low = max(0, -(first // step))
    high = min(count, -((first - size) // step))
    return low, max(low, high)


@inner
def _output_row(row, x, view, w, taps, bias, flags, code, y, grid):
    """Row `row % P` of image `row // P`."""
    n, p = row // view.P, row % view.P
    C, y_step = view.C, grid.column
    y_start = grid.start + n * grid.image + p * grid.row
    h = p * view.step_h + view.base_h
    r0, r1 = taps_inside(h, view.dilation_h, view.R, view.H)
    tap = taps[0] if taps.size else 0
    w_row = (taps[view.S] - taps[0]) * C if view.R > 1 else 0
    w_column = (taps[1] - taps[0]) * C if view.S > 1 else 0
    x_row, x_column, x_step = view.dilation_h * view.W * C, view.dilation_w * C, view.step_w * C
    shared = view.dilation_w == 1 and (view.S == 3 or view.S == 5) and (view.step_w == 1 or view.step_w == 2)
    seen = (STRIP - 1) * view.step_w + (view.S - 1) * view.dilation_w + 1  # pixels of a strip
    start = (n * view.H + h + r0 * view.dilation_h) * view.W
    q = 0
    while q < view.Q:
        first = min(q, view.Q - STRIP)  # the last strip does some outputs again
        left = first * view.step_w + view.base_w
        low, high = max(0, -left), min(seen, view.W - left)
        to = y_start + first * y_step
        if first >= 0 and shared and low <= EDGE and high >= seen - EDGE and r1 - r0 == view.S:
            pixel, weight = (start + left) * C, tap * C + r0 * w_row
            packed = (C << 32) | (low << 8) | high
            if view.S == 3 and view.step_w == 1:
                _strip_3(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            elif view.S == 3:
                _strip_3_by_2(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            elif view.step_w == 1:
                _strip_5(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            else:
                _strip_5_by_2(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            q = first + STRIP
            continue
        whole = first >= 0 and low == 0 and high == seen
        if not whole:
            first = q
        left = first * view.step_w + view.base_w
        s0, s1 = taps_inside(left, view.dilation_w, view.S, view.W)
        pixel, weight = (start + left + s0 * view.dilation_w) * C, tap * C + r0 * w_row + s0 * w_column
        if r0 == r1 or s0 == s1:  # nothing is read then
            pixel, weight = 0, 0
        packed = (C << 32) | ((r1 - r0) << 16) | (s1 - s0)
        to = y_start + first * y_step
        if whole:
            _strip_of_outputs(
                x, pixel, x_row, x_column, x_step, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags
            )
            q = first + STRIP
        else:
            _one_output(
                x, pixel, x_row, x_column, x_step, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags
            )
            q += 1
    if code > RELU:
        activate(y, y_start, y_step, view.Q, C, code)


def depthwise_parts(N, P):
    """How many partial sums `depthwise_filter_gradient` makes."""
    return max(1, -(-N * P // ROWS))


@kernel
def depthwise_filter_gradient(x, view, dz, parts, dw):
    """dw (R * S, C) = sum over outputs of x * dz (N, P, Q, C), through `parts` (count, R * S, C)."""
    work = dz.size * view.R * view.S // MULTIPLIES
    spread(_gradient_part, parts.shape[0], work, (x.reshape(-1), view, dz, parts))
    add_parts(parts, dw)


@inner
def _is_3x3(view):
    return view.R == view.S == 3 and view.step_w == view.dilation_h == view.dilation_w == 1


@inner
def _gradient_part(part, x, view, dz, parts):
    """The part of ROWS rows of dz."""
    C = view.C
    parts[part] = 0
    total, gradients = parts.reshape(-1), dz.reshape(-1)
    for row in range(part * ROWS, min((part + 1) * ROWS, dz.shape[0] * view.P)):
        n, p = row // view.P, row % view.P
        h = p * view.step_h + view.base_h
        r0, r1 = taps_inside(h, view.dilation_h, view.R, view.H)
        if _is_3x3(view):
            pixel, to = (n * view.H + h) * view.W * C, part * 9 * C
            packed, bounds = (C << 32) | view.Q, (-view.base_w << 48) | (r0 << 40) | (r1 << 32) | view.W
            _gradient_of_3x3(
                x, pixel, view.W * C, C, gradients, row * view.Q * C, C, total, to, 3 * C, C, packed, bounds
            )
            continue
        for r in range(r0, r1):
            for s in range(view.S):
                first = view.base_w + s * view.dilation_w
                q0, q1 = taps_inside(first, view.step_w, view.Q, view.W)
                if q0 == q1:
                    continue
                pixel = ((n * view.H + h + r * view.dilation_h) * view.W + first + q0 * view.step_w) * C
                to = (part * view.R * view.S + r * view.S + s) * C
                _row_product(x, pixel, view.step_w * C, gradients, (row * view.Q + q0) * C, C, q1 - q0, total, to, C)
