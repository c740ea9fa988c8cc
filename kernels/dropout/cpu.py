"""Dropout on the CPU.

x, y, dx, dy (...), any shape, read as flat arrays    word, 32 random bits a position

y = x / (1 - rate) where word >= rate 2^32, else 0    dx = dy / (1 - rate) there, else 0

spatial: x (N, M, C), a word for every (n, c)    noise: y = x + stddev n, n of Box and Muller from two words

Words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011). The seed is the key, the counter is (position // 4, step), and
its four words serve four neighbouring positions: nothing is drawn, so a mask depends on neither threads nor history,
and the backward makes it again instead of keeping it. One task owns CHUNK elements; a word takes 0.25 ns.
"""

import math

import numpy as np

from .._cpu.circle import sin_cos_of_turns
from .._cpu.elementwise import CHUNK, unary
from .._cpu.jit import inner, kernel
from .._cpu.memory import empty_like
from .._cpu.threads import spread
from .._cpu.vecmath import constant, fma, log

BLOCK = 1024  # words at a time, 4 KB
FULL = 64  # numbers that are made together: whole vectors, so that a number does not depend on how many there are

_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)  # golden ratio, sqrt(3) - 1
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_STEP, _MIDDLE, _MINUS_TWO = constant(2.0**-23), constant(0.5), constant(-2.0)


def dropout_forward(x, *, rate, seed, step, out=None):
    y = empty_like(x) if out is None else out
    rate = float(rate)
    _dropout(x.reshape(-1), *_halves(seed), *_halves(step), int(rate * 2.0**32), 1 / (1 - rate), y.reshape(-1))
    return y


def dropout_backward(dy, *, rate, seed, step, out=None):
    return dropout_forward(dy, rate=rate, seed=seed, step=step, out=out)


def spatial_dropout_forward(x, *, rate, seed, step, out=None):
    y = empty_like(x) if out is None else out
    N, C, rate = x.shape[0], x.shape[-1], float(rate)
    counters = *_halves(seed), *_halves(step)
    _spatial(x.reshape(-1), N, C, *counters, int(rate * 2.0**32), 1 / (1 - rate), y.reshape(-1))
    return y


def spatial_dropout_backward(dy, *, rate, seed, step, out=None):
    return spatial_dropout_forward(dy, rate=rate, seed=seed, step=step, out=out)


def gaussian_noise_forward(x, *, stddev, seed, step, out=None):
    y = empty_like(x) if out is None else out
    _noise(x.reshape(-1), *_halves(seed), *_halves(step), float(stddev), y.reshape(-1))
    return y


def gaussian_noise_backward(dy, *, out=None):
    return _copy(dy, out=out)


@unary
def _copy(x, parameter):
    return x


def _halves(number):
    """The lower and the upper 32 bits."""
    number = int(number)
    return number & 0xFFFFFFFF, number >> 32


@kernel
def _dropout(x, key0, key1, step0, step1, threshold, scale, y):
    words = (np.uint64(key0), np.uint64(key1), np.uint64(step0), np.uint64(step1))
    arguments = (x, words, np.uint32(threshold), x.dtype.type(scale), y)
    spread(_dropout_chunk, -(-x.size // CHUNK), x.size // 4, arguments)


@inner
def _dropout_chunk(task, x, key_and_step, threshold, scale, y):
    zero = x.dtype.type(0)
    words = np.empty(BLOCK, np.uint32)
    for start in range(task * CHUNK, min((task + 1) * CHUNK, x.size), BLOCK):
        count = min(BLOCK, x.size - start)
        _fill(words, count, start // 4, key_and_step)
        for i in range(np.uint64(count)):
            y[np.uint64(start) + i] = x[np.uint64(start) + i] * scale if words[i] >= threshold else zero


@kernel
def _spatial(x, N, C, key0, key1, step0, step1, threshold, scale, y):
    words = np.empty(-(-N * C // 4) * 4, np.uint32)
    _fill(words, N * C, 0, (np.uint64(key0), np.uint64(key1), np.uint64(step0), np.uint64(step1)))
    rows = x.size // max(1, N * C)
    group = max(1, CHUNK // max(1, C))
    groups = -(-rows // group)
    arguments = (x, words, rows, group, groups, C, np.uint32(threshold), x.dtype.type(scale), y)
    spread(_spatial_rows, N * groups, x.size // 8, arguments)


@inner
def _spatial_rows(task, x, words, rows, group, groups, C, threshold, scale, y):
    """A group of rows of one image; nothing else writes there."""
    zero = x.dtype.type(0)
    n, first = task // groups, task % groups * group
    word = np.uint64(n * C)
    for row in range(first, min(first + group, rows)):
        start = np.uint64((n * rows + row) * C)
        for c in range(np.uint64(C)):
            y[start + c] = x[start + c] * scale if words[word + c] >= threshold else zero


@kernel
def _noise(x, key0, key1, step0, step1, stddev, y):
    words = (np.uint64(key0), np.uint64(key1), np.uint64(step0), np.uint64(step1))
    spread(_noise_chunk, -(-x.size // CHUNK), 2 * x.size, (x, words, x.dtype.type(stddev), y))


@inner
def _noise_chunk(task, x, key_and_step, stddev, y):
    words, noise = np.empty(BLOCK, np.uint32), np.empty(BLOCK, x.dtype)
    for start in range(task * CHUNK, min((task + 1) * CHUNK, x.size), BLOCK):
        count = min(BLOCK, x.size - start)
        full = -(-count // FULL) * FULL
        _fill(words, full, start // 4, key_and_step)
        for i in range(np.uint64(full // 2)):
            first = i * np.uint64(2)
            noise[first], noise[first + np.uint64(1)] = _normal(
                _uniform(words[first], stddev), _uniform(words[first + np.uint64(1)], stddev)
            )
        for i in range(np.uint64(count)):
            y[np.uint64(start) + i] = fma(stddev, noise[i], x[np.uint64(start) + i])


@inner(forceinline=True)
def _uniform(word, like):
    """(k + 1/2) / 2**23 of the upper 23 bits k, exact in float32."""
    k = type(like)(np.int32(word >> np.uint32(9)))
    return (k + _MIDDLE(like)) * _STEP(like)


@inner(forceinline=True)
def _normal(u, v):
    """Two normal numbers by Box and Muller."""
    radius = math.sqrt(_MINUS_TWO(u) * log(u))
    sine, cosine = sin_cos_of_turns(v)
    return radius * cosine, radius * sine


@inner
def _fill(words, count, block, key_and_step):
    """The words of the counters from `block` on; the last one is whole, whatever the count."""
    k0, k1, c2, c3 = key_and_step
    for i in range(np.uint64(-(-count // 4))):
        at = np.uint64(block) + i
        w0, w1, w2, w3 = philox(at & _LOW, at >> _HALF, c2, c3, k0, k1)
        first = i * np.uint64(4)
        words[first], words[first + np.uint64(1)] = np.uint32(w0), np.uint32(w1)
        words[first + np.uint64(2)], words[first + np.uint64(3)] = np.uint32(w2), np.uint32(w3)


@inner(forceinline=True)
def philox(c0, c1, c2, c3, k0, k1):
    """Four random words of a counter; all are uint64 below 2^32. Written out, because a loop would not vectorise."""
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + _WEYL0, k1 + _WEYL1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + np.uint64(2) * _WEYL0, k1 + np.uint64(2) * _WEYL1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + np.uint64(3) * _WEYL0, k1 + np.uint64(3) * _WEYL1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + np.uint64(4) * _WEYL0, k1 + np.uint64(4) * _WEYL1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + np.uint64(5) * _WEYL0, k1 + np.uint64(5) * _WEYL1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + np.uint64(6) * _WEYL0, k1 + np.uint64(6) * _WEYL1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + np.uint64(7) * _WEYL0, k1 + np.uint64(7) * _WEYL1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0 + np.uint64(8) * _WEYL0, k1 + np.uint64(8) * _WEYL1)
    return _round(c0, c1, c2, c3, k0 + np.uint64(9) * _WEYL0, k1 + np.uint64(9) * _WEYL1)


@inner(forceinline=True)
def _round(c0, c1, c2, c3, k0, k1):
    product0, product1 = _MULTIPLIER0 * c0, _MULTIPLIER1 * c2
    return (
        (product1 >> _HALF) ^ c1 ^ (k0 & _LOW),
        product1 & _LOW,
        (product0 >> _HALF) ^ c3 ^ (k1 & _LOW),
        product0 & _LOW,
    )
