"""The largest value along an axis, its place, and the gradient.

x, dx (M, N, R), N along the axis    y, dy, argmax (M, R)    all as flat arrays

max   y = x[argmax]    dx = dy where n is argmax, else 0

Of equal values the first counts; a NaN is larger than everything, and the first NaN stays. The largest value of a row
(R = 1) is looked for BLOCK elements at a time, and its place afterwards in the one block that holds it, which is still
in a cache: two passes of few instructions are less than one that carries the places along. Columns carry them along.
A task owns rows, or a part of N of at most COLUMNS columns; the parts of a column are compared in their order. A
gradient far larger than the caches is streamed.
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from .emit import I1, I32, I64, ir_function
from .jit import inner, kernel
from .machine import VECTOR_BYTES
from .norm_rows import AS_WRITTEN
from .streaming import fence, stream, streams
from .threads import spread

CHUNK = 1 << 14  # elements of a task
PART = 1 << 18  # elements of a task that leaves its largest values to be compared with others'
COLUMNS = 1 << 10
OWN = 1 << 14  # elements of a row of a gradient that is streamed, at most
BLOCK = 1 << 11
AHEAD = 1 << 12  # bytes that memory is asked for in advance: the machine's own prefetching ends with a page
CHAINS = 4  # vectors of a row at a time: one maximum does not wait for the one before


@kernel
def largest(x, M, N, R, y, argmax):
    """y and argmax."""
    if R == 1:
        group = max(1, CHUNK // max(1, N))
        spread(_rows, -(-M // group), x.size // 12, (x, M, N, group, y, argmax))
        return
    width = max(1, min(R, COLUMNS))
    blocks, size = -(-R // width), max(1, PART // width)
    pieces = max(1, N // size)
    if pieces == 1 or M * blocks >= pieces:
        group = max(1, CHUNK // max(1, N * width)) if blocks == 1 else 1
        spread(_columns, -(-M // group) * blocks, x.size // 6, (x, M, N, R, blocks, group, width, y, argmax))
        return
    best, places = np.empty(M * pieces * R, x.dtype), np.empty(M * pieces * R, np.int64)
    spread(_part, M * pieces * blocks, x.size // 6, (x, N, R, pieces, blocks, width, best, places))
    for m in range(M):
        for piece in range(pieces):
            to, start = np.uint64(m * R), np.uint64((m * pieces + piece) * R)
            for r in range(np.uint64(R)):
                if piece == 0:
                    y[to + r], argmax[to + r] = best[start + r], places[start + r]
                else:
                    y[to + r], argmax[to + r] = _larger(y[to + r], argmax[to + r], best[start + r], places[start + r])


@inner(forceinline=True)
def _larger(best, place, value, number):
    """The larger one and where it is: the first of equal ones, and the first NaN."""
    better = (not value <= best) and best == best
    return value if better else best, number if better else place


@inner
def _rows(task, x, M, N, group, y, argmax):
    first = task * group
    largest_rows(x, first * N, y, first, argmax, first, min(group, M - first), N, BLOCK)


@inner
def _columns(task, x, M, N, R, blocks, group, width, y, argmax):
    """Some m, columns block * width and on."""
    first, left = task // blocks * group, task % blocks * width
    for m in range(first, min(first + group, M)):
        _largest_of_columns(x, m * N * R + left, N, R, min(width, R - left), 0, y, argmax, m * R + left)


@inner
def _part(task, x, N, R, pieces, blocks, width, best, places):
    """The rows of a piece of one m, columns block * width and on."""
    m, rest = task // (pieces * blocks), task % (pieces * blocks)
    piece, left = rest // blocks, rest % blocks * width
    n, end, to = N * piece // pieces, N * (piece + 1) // pieces, (m * pieces + piece) * R + left
    _largest_of_columns(x, (m * N + n) * R + left, end - n, R, min(width, R - left), n, best, places, to)


@inner
def _largest_of_columns(x, start, rows, R, columns, first, y, argmax, to):
    """y and argmax of columns from `to` on, of rows that are numbered from `first` on."""
    best, places = np.empty(columns, x.dtype), np.empty(columns, np.int32)
    for j in range(np.uint64(columns)):
        best[j], places[j] = x[np.uint64(start) + j], 0
    for n in range(1, rows):
        row, number = np.uint64(start + n * R), np.int32(n)
        for j in range(np.uint64(columns)):
            best[j], places[j] = _larger(best[j], places[j], x[row + j], number)
    for j in range(np.uint64(columns)):
        y[np.uint64(to) + j], argmax[np.uint64(to) + j] = best[j], np.int64(places[j]) + first


@kernel
def largest_gradient(dy, argmax, M, N, R, dx):
    """dx; no value of argmax is used as an index unless it is one."""
    streamed = streams(dx)
    if R == 1:
        group = max(1, CHUNK // max(1, N))
        streamed &= N <= OWN and N * dx.itemsize % VECTOR_BYTES == 0
        spread(_gradients_of_rows, -(-M // group), dx.size // 16, (dy, argmax, M, N, group, streamed, dx))
        return
    width = max(1, min(R, COLUMNS))
    blocks, size = -(-R // width), max(1, CHUNK // width)
    streamed &= R * dx.itemsize % VECTOR_BYTES == 0 and width * dx.itemsize % VECTOR_BYTES == 0
    pieces = -(-N // size)
    arguments = (dy, argmax, N, R, pieces, blocks, size, width, streamed, dx)
    spread(_gradient_of_columns, M * pieces * blocks, dx.size // 8, arguments)


@inner
def _gradients_of_rows(task, dy, argmax, M, N, group, streamed, dx):
    first, last = task * group, min((task + 1) * group, M)
    if not streamed:
        for i in range(np.uint64(first * N), np.uint64(last * N)):
            dx[i] = 0
        for m in range(first, last):
            if 0 <= argmax[m] < N:
                dx[m * N + argmax[m]] = dy[m]
        return
    row = np.zeros(N, dx.dtype)
    for m in range(first, last):
        place = argmax[m]
        inside = 0 <= place < N
        if inside:
            row[place] = dy[m]
        stream(row, dx, m * N, N)
        if inside:
            row[place] = 0
    fence()


@inner
def _gradient_of_columns(task, dy, argmax, N, R, pieces, blocks, size, width, streamed, dx):
    """Some rows of one m, columns block * width and on."""
    m, rest = task // (pieces * blocks), task % (pieces * blocks)
    piece, left = rest // blocks, rest % blocks * width
    columns, source, zero = min(width, R - left), np.uint64(m * R + left), dx.dtype.type(0)
    places, row = np.empty(columns, np.int32), np.empty(columns if streamed else 0, dx.dtype)
    for j in range(np.uint64(columns)):
        place = argmax[source + j]
        places[j] = place if 0 <= place < N else -1
    for n in range(piece * size, min((piece + 1) * size, N)):
        to, number = (m * N + n) * R + left, np.int32(n)
        if streamed:
            for j in range(np.uint64(columns)):
                row[j] = dy[source + j] if places[j] == number else zero
            stream(row, dx, to, columns)
        else:
            for j in range(np.uint64(columns)):
                dx[np.uint64(to) + j] = dy[source + j] if places[j] == number else zero
    if streamed:
        fence()


def _loop(v, start, stop, step=1):
    return cgutils.for_range_slice(v.builder, start, stop, I64(step), intp=I64)


def _start(v, *values):
    """Variables with these values."""
    places = [cgutils.alloca_once(v.builder, value.type) for value in values]
    for place, value in zip(places, values):
        v.builder.store(value, place)
    return places


def _emit_rows(v, args):
    x, y, argmax, rows, N, size = args
    b = v.builder
    least = ir.Constant(v.kind, [float("-inf")] * v.lanes)
    nothing = ir.Constant(ir.VectorType(I1, v.lanes), [0] * v.lanes)

    def greater(a, b_):
        return b.select(b.fcmp_ordered(">", a, b_), a, b_)

    def maximum(start, count):
        """(largest number of a block, whether it has a NaN)."""
        most = _start(v, *[least] * CHAINS)
        unordered = _start(v, *[nothing] * CHAINS)

        def take(k, value):
            b.store(greater(value, b.load(most[k])), most[k])

        def note(k, one, other):
            b.store(b.or_(b.load(unordered[k]), b.fcmp_unordered("uno", one, other)), unordered[k])

        span = CHAINS * v.lanes
        whole = b.and_(count, I64(-span))
        with _loop(v, I64(0), whole, span) as (i, _):
            places = [b.gep(x, [b.add(start, b.add(i, I64(k * v.lanes)))]) for k in range(CHAINS)]
            for place in places:
                v.prefetch(b.gep(place, [I64(AHEAD // v.size)]))
            values = [v.load(place) for place in places]
            for k, value in enumerate(values):
                take(k, value)
            for k in range(0, CHAINS, 2):
                note(k, values[k], values[k + 1])

        def rest(i, mask):
            value = v.load(b.gep(x, [b.add(start, b.add(whole, i))]), mask)
            note(0, value, value)
            take(0, value if mask is None else b.select(mask, value, least))

        v.over(b.sub(count, whole), rest)
        values, flags = ([b.load(place) for place in places] for places in (most, unordered))
        value = greater(greater(values[0], values[1]), greater(values[2], values[3]))
        lanes = v.lanes
        while lanes > 1:
            lanes //= 2
            low, high = (ir.Constant(ir.VectorType(I32, lanes), list(range(k, k + lanes))) for k in (0, lanes))
            value = greater(b.shuffle_vector(value, value, low), b.shuffle_vector(value, value, high))
        bits = b.bitcast(b.or_(flags[0], flags[2]), ir.IntType(v.lanes))
        return b.extract_element(value, I32(0)), b.icmp_unsigned("!=", bits, bits.type(0))

    def place_of(start, count, value, unordered):
        """The first place of a value that is there, or of the first NaN."""
        found = _start(v, I64(0))[0]
        wanted, any_nan = v.splat(value), v.splat(unordered)
        near, after = b.append_basic_block("near"), b.append_basic_block("found")

        def hits(i, mask=None):
            here = v.load(b.gep(x, [b.add(start, i)]), mask)
            return b.or_(
                b.and_(b.fcmp_unordered("uno", here, here), any_nan),
                b.and_(b.fcmp_ordered("==", here, wanted), b.not_(any_nan)),
            )

        span = CHAINS * v.lanes  # a question for as many vectors, then one for each
        with _loop(v, I64(0), b.and_(count, I64(-span)), span) as (i, _):
            hit = hits(i)
            for k in range(1, CHAINS):
                hit = b.or_(hit, hits(b.add(i, I64(k * v.lanes))))
            bits = b.bitcast(hit, ir.IntType(v.lanes))
            next_span = b.append_basic_block("next_span")
            b.store(i, found)
            b.cbranch(b.icmp_unsigned("!=", bits, bits.type(0)), near, next_span)
            b.position_at_end(next_span)
        b.store(b.and_(count, I64(-span)), found)
        b.branch(near)
        b.position_at_end(near)
        first = b.load(found)

        def look(i, mask):
            i = b.add(first, i)
            hit = hits(i, mask)
            hit = hit if mask is None else b.and_(hit, mask)
            bits = b.bitcast(hit, ir.IntType(v.lanes))
            yes, no = b.append_basic_block("hit"), b.append_basic_block("miss")
            b.cbranch(b.icmp_unsigned("!=", bits, bits.type(0)), yes, no)
            b.position_at_end(yes)
            b.store(b.add(i, b.zext(b.cttz(bits, I1(0)), I64)), found)
            b.branch(after)
            b.position_at_end(no)

        v.over(b.sub(count, first), look)
        b.branch(after)
        b.position_at_end(after)
        return b.load(found)

    with _loop(v, I64(0), rows) as (m, _):
        row = b.mul(m, N)
        best, nan, block = _start(v, ir.Constant(v.scalar, float("-inf")), I1(0), I64(0))
        with cgutils.for_range_slice(b, I64(0), N, size, intp=I64) as (i, _):
            rest = b.sub(N, i)
            count = b.select(b.icmp_signed("<", rest, size), rest, size)
            value, unordered = maximum(b.add(row, i), count)
            better = b.and_(b.or_(unordered, b.fcmp_ordered(">", value, b.load(best))), b.not_(b.load(nan)))
            b.store(b.select(better, value, b.load(best)), best)
            b.store(b.select(better, i, b.load(block)), block)
            b.store(b.or_(unordered, b.load(nan)), nan)
        first = b.load(block)
        rest = b.sub(N, first)
        count = b.select(b.icmp_signed("<", rest, size), rest, size)
        place = b.add(first, place_of(b.add(row, first), count, b.load(best), b.load(nan)))
        b.store(place, b.gep(argmax, [m]))
        b.store(b.load(b.gep(x, [b.add(row, place)])), b.gep(y, [m]))


# y and argmax of rows of N elements; `size` of them are searched at a time
largest_rows = ir_function("largest_rows", "aaoiii", _emit_rows, AS_WRITTEN)
