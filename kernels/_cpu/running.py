"""Running sums along an axis, from its beginning or from its end.

x, y (M, N, R), N along the axis, as flat arrays

y[n] = sum_{i <= n} x[i], or sum_{i >= n} x[i] if `backwards`

Sums are float64. In a row (R = 1) every number would wait for the sum before it: here the sums inside of a part of
64 bytes are made in three steps, each of which adds the sums of the 1, 2 and 4 numbers before, and what is before the
part is added last, so that a part waits for one addition. Columns are added one row after another. The order depends
on the shape alone. A task owns whole rows, or at most COLUMNS columns of one m.
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from .emit import I32, I64, ir_function
from .jit import inner, kernel
from .machine import VECTOR_BYTES
from .norm_rows import AS_WRITTEN, either, write
from .prefetch import FAR, prefetch
from .streaming import fence, stream, streams
from .threads import spread

CHUNK = 1 << 14  # elements of a task
COLUMNS = 1 << 10
AHEAD = 1 << 12  # bytes that memory is asked for in advance: the machine's own prefetching ends with a page
ROWS_AHEAD = 4  # the same for columns
BACKWARDS, STREAMED = 1, 2


@kernel
def running_sums(x, M, N, R, backwards, y):
    """y."""
    streamed = streams(y)
    if R == 1:
        group = max(1, CHUNK // max(1, N))
        flags = (BACKWARDS if backwards else 0) | (STREAMED if streamed and N * y.itemsize % VECTOR_BYTES == 0 else 0)
        spread(_rows, -(-M // group), x.size // 4, (x, M, N, group, flags, y))
        return
    width = max(1, min(R, COLUMNS if M > 1 or R > COLUMNS else COLUMNS // 2))  # two tasks rather than one
    blocks = -(-R // width)
    group = max(1, CHUNK // max(1, N * width)) if blocks == 1 else 1
    streamed &= R * y.itemsize % VECTOR_BYTES == 0 and width * y.itemsize % VECTOR_BYTES == 0
    arguments = (x, M, N, R, blocks, group, width, backwards, streamed, y)
    spread(_columns, -(-M // group) * blocks, x.size // 4, arguments)


@inner
def _rows(task, x, M, N, group, flags, y):
    first = task * group
    running_rows(x, first * N, y, first * N, min(group, M - first), N, flags)
    if flags & STREAMED:
        fence()


@inner
def _columns(task, x, M, N, R, blocks, group, width, backwards, streamed, y):
    first, left = task // blocks * group, task % blocks * width
    columns = min(width, R - left)
    total, row = np.empty(columns), np.empty(columns if streamed else 0, y.dtype)
    for m in range(first, min(first + group, M)):
        for j in range(np.uint64(columns)):
            total[j] = 0
        for i in range(N):
            at = (m * N + (N - 1 - i if backwards else i)) * R + left
            start = np.uint64(at)
            if backwards or columns < R:  # whole rows, in their order, the machine sees coming
                for j in range(0, columns, FAR // x.itemsize):
                    prefetch(x, (at - ROWS_AHEAD * R if backwards else at + ROWS_AHEAD * R) + j, columns - j)
            if streamed:
                for j in range(np.uint64(columns)):
                    total[j] += np.float64(x[start + j])
                    row[j] = total[j]
                stream(row, y, at, columns)
            else:
                for j in range(np.uint64(columns)):
                    total[j] += np.float64(x[start + j])
                    y[start + j] = total[j]
    if streamed:
        fence()


def _emit_rows(v, args):
    x, y, rows, N, flags = args
    b = v.builder
    lanes = VECTOR_BYTES // 8
    parts, long = v.lanes // lanes, ir.VectorType(ir.DoubleType(), lanes)
    zeros, nothing = (ir.Constant(long, [zero] * lanes) for zero in (0.0, -0.0))

    def numbers(*of):
        return ir.Constant(ir.VectorType(I32, len(of)), list(of))

    def sums(part, backwards):
        """The running sums of a vector of doubles: -0.0 comes in where it is moved, which adds nothing to anything.

        LLVM would move 0.0 in by `vexpandpd`, of which one takes as long as all the rest.
        """
        step = 1
        while step < lanes:
            moved = range(step, lanes + step) if backwards else range(lanes - step, 2 * lanes - step)
            pair = (part, nothing) if backwards else (nothing, part)
            part = b.fadd(part, b.shuffle_vector(*pair, numbers(*moved)))
            step *= 2
        return part

    def spread_lane(part, lane):
        return b.shuffle_vector(part, part, numbers(*[lane] * lanes))

    def emit(backwards, streamed):
        last = 0 if backwards else lanes - 1

        def vector(row, i, mask, carry):
            place = b.gep(x, [b.add(row, i)])
            v.prefetch(b.gep(place, [I64((-AHEAD if backwards else AHEAD) // v.size)]))
            value = v.load(place, mask)
            pieces = [b.shuffle_vector(value, value, numbers(*range(k * lanes, (k + 1) * lanes))) for k in range(parts)]
            pieces = [piece if v.size == 8 else b.fpext(piece, long) for piece in pieces]
            pieces = [sums(piece, backwards) for piece in pieces]
            order = range(parts)[::-1] if backwards else range(parts)
            before = b.load(carry)
            for k in order:
                total = spread_lane(pieces[k], last)
                pieces[k], before = b.fadd(pieces[k], before), b.fadd(total, before)
            b.store(before, carry)
            if v.size == 4:
                pieces = [b.fptrunc(piece, ir.VectorType(v.scalar, lanes)) for piece in pieces]
            result = pieces[0] if parts == 1 else b.shuffle_vector(*pieces, numbers(*range(v.lanes)))
            write(v, result, b.gep(y, [b.add(row, i)]), mask, streamed)

        with cgutils.for_range(b, rows, intp=I64) as loop:
            row = b.mul(b.sub(b.sub(rows, loop.index), I64(1)) if backwards else loop.index, N)
            carry = cgutils.alloca_once(b, long)
            b.store(zeros, carry)
            rest = b.and_(N, I64(v.lanes - 1))
            whole = b.sub(N, rest)
            with cgutils.for_range_slice(b, I64(0), whole, I64(v.lanes), intp=I64) as (i, _):
                at = b.sub(b.sub(N, i), I64(v.lanes)) if backwards else i
                vector(row, at, None, carry)
            with b.if_then(b.icmp_signed(">", rest, I64(0))):
                vector(row, I64(0) if backwards else whole, v.first_lanes(rest), carry)

    either(
        v,
        v.flag(flags, BACKWARDS),
        lambda backwards: either(v, v.flag(flags, STREAMED), lambda streamed: emit(backwards, streamed)),
    )


# y of rows of N elements
running_rows = ir_function("running_rows", "aaiii", _emit_rows, AS_WRITTEN)
