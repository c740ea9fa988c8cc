"""Dropout on the CPU.

x, y, dx, dy (...), any shape, read as flat arrays    word, 32 random bits a position

y = x / (1 - rate) where word >= rate 2^32, else 0    dx = dy / (1 - rate) there, else 0

spatial: x (N, M, C), a word for every (n, c)    noise: y = x + stddev n, n of Box and Muller from two words

Words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011). The seed is the key, the counter is (position // 4, step), and
its four words serve four neighbouring positions: nothing is drawn, so a mask depends on neither threads nor history,
and the backward makes it again instead of keeping it. One task owns CHUNK elements, or STREAM_CHUNK of a result that is
streamed; both divide 2^34, so that a task's counters have their upper halves in common, as `_cpu/philox.py` wants it.
"""

import math

import numpy as np

from .._cpu.circle import sin_cos_of_turns
from .._cpu.elementwise import CHUNK, STREAM_CHUNK, unary
from .._cpu.jit import inner, kernel
from .._cpu.keep import drop, drop_past, keep
from .._cpu.memory import empty_like
from .._cpu.philox import GROUP, fill, schedule
from .._cpu.prefetch import prefetch
from .._cpu.streaming import fence, stream, streams
from .._cpu.threads import spread
from .._cpu.vecmath import constant, fma, log
from .._varying import derived

BLOCK = 1024  # words at a time, 4 KB
FULL = max(GROUP, 64)  # numbers made together: whole vectors, so that one does not depend on how many there are

_STEP, _MIDDLE, _MINUS_TWO = constant(2.0**-23), constant(0.5), constant(-2.0)


def dropout_forward(x, *, rate, seed, step, out=None):
    y = empty_like(x) if out is None else out
    rate = float(rate)
    _dropout(x.ravel(), *_halves(seed), *_halves(step), int(rate * 2.0**32), 1 / (1 - rate), y.ravel())
    return y


def dropout_backward(dy, *, rate, seed, step, out=None):
    return dropout_forward(dy, rate=rate, seed=seed, step=step, out=out)


def spatial_dropout_forward(x, *, rate, seed, step, out=None):
    y = empty_like(x) if out is None else out
    N, C, rate = x.shape[0], x.shape[-1], float(rate)
    counters = *_halves(seed), *_halves(step)
    _spatial(x.ravel(), N, C, *counters, int(rate * 2.0**32), 1 / (1 - rate), y.ravel())
    return y


def spatial_dropout_backward(dy, *, rate, seed, step, out=None):
    return spatial_dropout_forward(dy, rate=rate, seed=seed, step=step, out=out)


def gaussian_noise_forward(x, *, stddev, seed, step, out=None):
    y = empty_like(x) if out is None else out
    _noise(x.ravel(), *_halves(seed), *_halves(step), float(stddev), y.ravel())
    return y


def gaussian_noise_backward(dy, *, out=None):
    return _copy(dy, out=out)


@unary
def _copy(x, parameter):
    return x


def _halves(number):
    """The lower and the upper 32 bits."""
    return derived(_low, number), derived(_high, number)


def _low(number):
    return int(number) & 0xFFFFFFFF


def _high(number):
    return int(number) >> 32


@inner
def _joined(low, high):
    return np.uint64(high) << np.uint64(32) | np.uint64(low)


@kernel
def _dropout(x, key0, key1, step0, step1, threshold, scale, y):
    past = streams(y)
    size = STREAM_CHUNK if past else CHUNK
    keys, step = schedule(_joined(key0, key1)), _joined(step0, step1)
    arguments = (x, keys, step, np.uint32(threshold), x.dtype.type(scale), y, size, past)
    spread(_dropout_chunk, -(-x.size // size), x.size // 8, arguments)


@inner
def _dropout_chunk(task, x, keys, step, threshold, scale, y, size, past):
    start = task * size
    count = min(size, x.size - start)
    whole = count // GROUP * GROUP
    if past:
        drop_past(x, y, start, whole, keys, step, threshold, scale)
    else:
        drop(x, y, start, whole, keys, step, threshold, scale)
    if whole < count:
        words = np.empty(GROUP, np.uint32)
        fill(words, GROUP, (start + whole) // 4, keys, step)
        keep(x, y, start + whole, count - whole, words, 0, threshold, scale, past)
    if past:
        fence()


@kernel
def _spatial(x, N, C, key0, key1, step0, step1, threshold, scale, y):
    words = np.empty(-(-N * C // GROUP) * GROUP, np.uint32)
    fill(words, words.size, 0, schedule(_joined(key0, key1)), _joined(step0, step1))
    past = streams(y)
    size = STREAM_CHUNK if past else CHUNK
    arguments = (x, words, x.size // max(1, N), C, np.uint32(threshold), x.dtype.type(scale), y, size, past)
    spread(_spatial_chunk, -(-x.size // size), x.size // 8, arguments)


@inner
def _spatial_chunk(task, x, words, image, C, threshold, scale, y, size, past):
    """Few channels are repeated to a row of BLOCK words from any of them on: only the ends of images cut a block."""
    row, first, known = words, 0, -1
    if C < BLOCK:
        row = np.empty(-(-BLOCK // C) * C + C, np.uint32)
    at, last = task * size, min((task + 1) * size, x.size)
    while at < last:
        n, place, channel = at // image, at % image, at % C
        if n != known and C < BLOCK:
            channels = np.uint64(n * C)
            for copy in range(0, min(row.size, image), C):
                for c in range(np.uint64(C)):
                    row[np.uint64(copy) + c] = words[channels + c]
        if C >= BLOCK:
            first = n * C
        known = n
        count = min(last - at, image - place, C - channel if C >= BLOCK else BLOCK)
        keep(x, y, at, count, row, first + channel, threshold, scale, past)
        at += count
    if past:
        fence()


@inner
def _put(block, y, start, count, past):
    """y[start : start + count] = block[:count]."""
    if past:
        stream(block, y, start, count)
    else:
        for i in range(np.uint64(count)):
            y[np.uint64(start) + i] = block[i]


@kernel
def _noise(x, key0, key1, step0, step1, stddev, y):
    past = streams(y)
    size = STREAM_CHUNK if past else CHUNK
    arguments = (x, schedule(_joined(key0, key1)), _joined(step0, step1), x.dtype.type(stddev), y, size, past)
    spread(_noise_chunk, -(-x.size // size), 2 * x.size, arguments)


@inner
def _noise_chunk(task, x, keys, step, stddev, y, size, past):
    words, noise = np.empty(BLOCK, np.uint32), np.empty(BLOCK, x.dtype)
    for start in range(task * size, min((task + 1) * size, x.size), BLOCK):
        count = min(BLOCK, x.size - start)
        full = -(-count // FULL) * FULL
        prefetch(x, start, count)
        fill(words, full, start // 4, keys, step)
        for i in range(np.uint64(full // 2)):
            first = i * np.uint64(2)
            noise[first], noise[first + np.uint64(1)] = _normal(
                _uniform(words[first], stddev), _uniform(words[first + np.uint64(1)], stddev)
            )
        for i in range(np.uint64(count)):
            noise[i] = fma(stddev, noise[i], x[np.uint64(start) + i])
        _put(noise, y, start, count, past)
    if past:
        fence()


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
