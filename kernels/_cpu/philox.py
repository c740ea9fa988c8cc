"""Philox4x32-10 in vectors, written as LLVM IR: random words of neighbouring counters.

counter (block, step), 64 bits each, of which block counts up    key, 64 bits    words: four a counter, 32 bits each

Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3". A round takes the counter's words
c0 … c3 and the key's k0, k1 to

    high(M1 c2) ^ c1 ^ k0,  low(M1 c2),  high(M0 c0) ^ c3 ^ k1,  low(M0 c0)        k0 += W0, k1 += W1

A lane is 64 bits, of which a word is the lower half and the upper half is ignored: the two products of a round, kept
whole, are the next round's c1 and c3, and a round is two multiplications, two shifts, two exclusive ors of three. What
is the same for all counters of a loop (c1, c2, c3 of the first round and what follows from them in the next two) is
computed once, and the first product counts up by addition: 61 instructions for LANES counters, of which four put the
words in order. MANY vectors are made at a time, since a round waits long
for its products (docs/ladder/dropout.md).
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .emit import I32, I64
from .jit import inner
from .machine import VECTOR_BYTES, has

LANES = VECTOR_BYTES // 8  # counters of a vector
MANY, FEW = (6, 2) if has("avx512f") else (2, 1)  # vectors at a time, of which each takes four registers, and of a rest
GROUP = 4 * LANES * FEW  # words

_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85  # golden ratio, sqrt(3) - 1
_ROUNDS = 10
_LOW, _HALF, _FOUR = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(4)
WORDS, _QUADS = ir.VectorType(I32, 2 * LANES), ir.VectorType(I64, LANES)


@inner
def schedule(key):
    """The keys of all rounds, k0 and k1 of each in turn. Loops read them: they are too many for registers."""
    keys = np.empty(2 * _ROUNDS, np.uint64)
    for r in range(_ROUNDS):
        keys[2 * r] = (key + np.uint64(r * _W0)) & _LOW
        keys[2 * r + 1] = ((key >> _HALF) + np.uint64(r * _W1)) & _LOW
    return keys


@inner
def fill(words, count, block, keys, step):
    """words[:count] = the words of the counters from `block` on; GROUP divides count, GROUP // 4 divides block."""
    done = np.uint64(0)
    while done < np.uint64(count):  # once, but where the counters' upper half changes
        at = np.uint64(block) + done // _FOUR
        part = min(np.uint64(count) - done, (_LOW + np.uint64(1) - (at & _LOW)) * _FOUR)
        _fill(words, done, part, at, keys, step)
        done += part


@intrinsic
def _fill(typing, words, start, count, block, keys, step):
    """words[start : start + count], where the counters' upper halves are alike."""

    def codegen(context, builder, signature, args):
        places = (context.make_array(kind)(context, builder, args[i]).data for kind, i in ((words, 0), (keys, 4)))
        place, keys_at = places
        _, start, count, block, _, step = args

        def store(i, vector):
            here = builder.gep(place, [builder.add(start, i)])
            builder.store(vector, builder.bitcast(here, WORDS.as_pointer())).align = 4

        for_words(builder, count, block, keys_at, step, store)
        return context.get_dummy_value()

    return types.void(words, types.uint64, types.uint64, types.uint64, keys, types.uint64), codegen


def for_words(builder, count, block, keys, step, use):
    """use(i, vector of words i, i + 1, …) for `count` words of the counters from `block` on.

    GROUP divides count; block + count / 4 does not pass a multiple of 2**32; keys points at a `schedule`.
    """
    low, shift = I64(0xFFFFFFFF), I64(32)

    def key(half, r):
        return builder.load(builder.gep(keys, [I64(2 * r + half)]))

    # The rounds that begin with constants: the first with c1, c2, c3, the second with c0, c1, c3, the third with c3.
    first = builder.mul(I64(_M1), builder.and_(step, low))
    c0 = builder.xor(builder.xor(builder.lshr(first, shift), builder.lshr(block, shift)), key(0, 0))
    second = builder.mul(I64(_M0), c0)
    constants = (
        builder.xor(builder.lshr(step, shift), key(1, 0)),
        builder.xor(first, key(0, 1)),
        builder.xor(builder.lshr(second, shift), key(1, 1)),
        builder.xor(second, key(1, 2)),
    )
    constants = [splat(builder, value, LANES) for value in constants]
    numbers = builder.add(splat(builder, builder.and_(block, low), LANES), ir.Constant(_QUADS, list(range(LANES))))
    products = cgutils.alloca_once_value(builder, builder.mul(numbers, _same(_M0)))
    size = I64(4 * LANES * MANY)
    most = builder.mul(builder.udiv(count, size), size)
    for start, stop, vectors in ((I64(0), most, MANY), (most, count, FEW)):
        with cgutils.for_range_slice(builder, start, stop, I64(4 * LANES * vectors), intp=I64) as (i, _):
            product = builder.load(products)
            builder.store(builder.add(product, _same(_M0 * LANES * vectors)), products)
            starts = [builder.add(product, _same(_M0 * LANES * v)) for v in range(vectors)]
            for v, state in enumerate(_rounds(builder, starts, constants, key)):
                for half, vector in enumerate(_in_order(builder, state)):
                    use(builder.add(i, I64((2 * v + half) * 2 * LANES)), vector)


def _rounds(builder, products, constants, key):
    """The words of counters whose first products are given: for every vector of these four, in the lower halves."""

    def high(x):
        return builder.lshr(x, _same(32))

    def times(factor, words):
        return [builder.mul(builder.and_(word, _same(0xFFFFFFFF)), _same(factor)) for word in words]

    def mixed(products, others, word):
        return [builder.xor(builder.xor(high(p), other), word) for p, other in zip(products, others)]

    first, second, third, fourth = constants
    product1 = times(_M1, [builder.xor(high(p), first) for p in products])
    c0 = [builder.xor(high(p), second) for p in product1]
    c1, c2, c3 = product1, [builder.xor(p, third) for p in products], None  # c3 is part of `fourth`
    for r in range(2, _ROUNDS):
        key0, key1 = (splat(builder, key(half, r), LANES) for half in (0, 1))
        product0, product1 = times(_M0, c0), times(_M1, c2)
        c0 = mixed(product1, c1, key0)
        c2 = [builder.xor(high(p), fourth) for p in product0] if r == 2 else mixed(product0, c3, key1)
        c1, c3 = product1, product0
    return zip(c0, c1, c2, c3)


def _in_order(builder, state):
    """Two vectors of the words of LANES counters in turn, from a vector of first words, one of second words, …"""
    pairs = [n for lane in range(0, 2 * LANES, 2) for n in (lane, 2 * LANES + lane)]  # lower halves come first
    turns = [n for lane in range(LANES) for n in (lane, LANES + lane)]
    c0, c1, c2, c3 = (builder.bitcast(vector, WORDS) for vector in state)
    left, right = (builder.bitcast(shuffle(builder, *two, pairs), _QUADS) for two in ((c0, c1), (c2, c3)))
    halves = (shuffle(builder, left, right, part) for part in (turns[:LANES], turns[LANES:]))
    return [builder.bitcast(half, WORDS) for half in halves]


def shuffle(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes)))


def splat(builder, value, lanes):
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined), value, I32(0))
    return shuffle(builder, one, one, [0] * lanes)


def _same(number):
    return ir.Constant(_QUADS, [number] * LANES)
