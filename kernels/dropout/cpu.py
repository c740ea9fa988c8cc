"""Dropout on the CPU.

x, y, dx, dy (...), any shape, read as flat arrays    word, 32 random bits a position

y = x / (1 - rate) where word >= rate 2^32, else 0    dx = dy / (1 - rate) there, else 0

Words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011). The seed is the key, the counter is (position // 4, step), and
its four words serve four neighbouring positions: nothing is drawn, so a mask depends on neither threads nor history,
and the backward makes it again instead of keeping it. One task owns CHUNK elements; a word takes 0.25 ns.
"""

import numpy as np

from .._cpu.elementwise import CHUNK
from .._cpu.jit import inner, kernel
from .._cpu.memory import empty_like
from .._cpu.threads import spread

BLOCK = 1024  # words at a time, 4 KB

_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)  # golden ratio, sqrt(3) - 1
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def dropout_forward(x, *, rate, seed, step, out=None):
    y = empty_like(x) if out is None else out
    seed, step, rate = int(seed), int(step), float(rate)
    low = 0xFFFFFFFF
    _dropout(
        x.reshape(-1),
        seed & low,
        seed >> 32,
        step & low,
        step >> 32,
        int(rate * 2.0**32),
        1 / (1 - rate),
        y.reshape(-1),
    )
    return y


def dropout_backward(dy, *, rate, seed, step, out=None):
    return dropout_forward(dy, rate=rate, seed=seed, step=step, out=out)


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
