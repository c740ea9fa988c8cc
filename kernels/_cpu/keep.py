"""Elements kept or dropped by random words, written as LLVM IR.

`drop` makes the words where it uses them, so that arithmetic and memory run side by side, and `keep` takes them from an
array. Both work in place too, where no compiler makes vector code of such a loop, can store past the caches, and ask
early for what they will read: with all the arithmetic between two loads, a core sees only a few of them ahead.
"""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .emit import I32, I64, Vectors
from .jit import inner
from .machine import VECTOR_BYTES
from .philox import LANES, WORDS, for_words, shuffle, splat

VECTOR = 2 * LANES  # words of a vector
AHEAD = 4096  # bytes; 1024 to 8192 are within 5 %, and without it dropout in memory takes three to five times as long


@inner
def keep(x, y, start, count, words, first, threshold, scale, past):
    """y[start + i] = x[start + i] * scale where words[first + i] >= threshold, else 0, also of NaN, for i < count.

    y may be x. `past`: y is streamed (`streaming.py`) where a vector begins at `start`, which needs a `fence`.
    """
    whole = count // VECTOR * VECTOR
    if past and start % VECTOR == 0:
        _keep_past(x, y, start, whole, words, first, threshold, scale)
    else:
        _keep(x, y, start, whole, words, first, threshold, scale)
    for i in range(whole, count):
        y[start + i] = x[start + i] * scale if words[first + i] >= threshold else x.dtype.type(0)


def _kept(context, builder, x, y, args, past):
    """use(i, words), which emits the code for a vector of words; args are x, y, start, …, threshold, scale."""
    (start, *_, threshold, scale), arrays = args[2:], zip((x, y), args)
    data = (context.make_array(kind)(context, builder, array).data for kind, array in arrays)
    source, target = (builder.gep(place, [start]) for place in data)
    vectors = Vectors(builder, scale.type, x.dtype.bitwidth // 8)
    threshold, scale = splat(builder, threshold, VECTOR), vectors.splat(scale)
    mark = builder.module.add_metadata([I32(1)])

    def use(i, words):
        kept = builder.icmp_unsigned(">=", words, threshold)
        for lane in range(0, VECTOR, vectors.lanes):
            here = builder.add(i, I64(lane))
            vectors.prefetch(builder.gep(source, [builder.add(here, I64(AHEAD // vectors.size))]))
            value = builder.fmul(vectors.load(builder.gep(source, [here])), scale)
            value = builder.select(shuffle(builder, kept, kept, range(lane, lane + vectors.lanes)), value, vectors.zero)
            store = builder.store(value, builder.bitcast(builder.gep(target, [here]), vectors.kind.as_pointer()))
            store.align = VECTOR_BYTES if past else vectors.size
            if past:
                store.set_metadata("nontemporal", mark)

    return use


def _with_words(past):
    """y[start : start + count] by words[first : first + count]; VECTOR divides count."""

    @intrinsic
    def keep(typing, x, y, start, count, words, first, threshold, scale):
        def codegen(context, builder, signature, args):
            use = _kept(context, builder, x, y, args, past)
            place = builder.gep(context.make_array(words)(context, builder, args[4]).data, [args[5]])
            with cgutils.for_range_slice(builder, I64(0), args[3], I64(VECTOR), intp=I64) as (i, _):
                vector = builder.load(builder.bitcast(builder.gep(place, [i]), WORDS.as_pointer()))
                vector.align = 4
                use(i, vector)
            return context.get_dummy_value()

        return types.void(x, y, types.int64, types.int64, words, types.int64, types.uint32, x.dtype), codegen

    return keep


def _making_words(past):
    """y[start : start + count] by the words of these positions; both as `for_words` wants them."""

    @intrinsic
    def drop(typing, x, y, start, count, keys, step, threshold, scale):
        def codegen(context, builder, signature, args):
            use = _kept(context, builder, x, y, args, past)
            schedule = context.make_array(keys)(context, builder, args[4]).data
            for_words(builder, args[3], builder.lshr(args[2], I64(2)), schedule, args[5], use)
            return context.get_dummy_value()

        return types.void(x, y, types.int64, types.int64, keys, types.uint64, types.uint32, x.dtype), codegen

    return drop


_keep, _keep_past = _with_words(False), _with_words(True)
drop, drop_past = _making_words(False), _making_words(True)
