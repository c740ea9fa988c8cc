"""Dropout on CUDA: the very bits of the CPU's masks.

x, y, dx, dy (...), any shape, read as flat arrays    word, 32 random bits a position

y = x / (1 - rate) where word >= rate 2^32, else 0    dx = dy / (1 - rate) there, else 0

Words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011). The seed is the key, the counter is (position // 4, step), and
its four words serve four neighbouring positions, which one thread owns: a mask depends on neither grid nor history. The
step may vary in a recorded step of training (numbers.py); seed and rate are as recorded.
"""

import numpy as np
from numba import cuda

from .._cuda import launch
from .._cuda.access import is_wide, load4, store4
from .._cuda.elementwise import multiprocessors
from .._cuda.jit import device, kernel
from .._cuda.memory import empty_like
from .._cuda.numbers import number
from .._cuda.stream import start
from .._cuda.usage import Compiled

_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)  # golden ratio, sqrt(3) - 1
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def dropout_forward(x, *, rate, seed, step, out=None):
    y = empty_like(x) if out is None else out
    flat_x, flat_y, p = x.reshape(-1), y.reshape(-1), x.dtype.type
    keys = np.uint32(int(seed) & 0xFFFFFFFF), np.uint32(int(seed) >> 32)
    settings = np.uint32(int(float(rate) * 2.0**32)), p(1 / (1 - float(rate)))
    grid = launch.strided(launch.ceil_div(x.size, 4), multiprocessors())
    start(_dropout[is_wide(flat_x, flat_y)], *grid, flat_x, number(step, np.uint64), *keys, *settings, flat_y)
    return y


def dropout_backward(dy, *, rate, seed, step, out=None):
    return dropout_forward(dy, rate=rate, seed=seed, step=step, out=out)


def _narrow(x, step, k0, k1, threshold, scale, y):
    for group in range(cuda.grid(1), (x.size + 3) // 4, cuda.gridsize(1)):
        words = _words(group, step[0], k0, k1)
        _few(x, 4 * group, words, threshold, scale, y)


def _wide(x, step, k0, k1, threshold, scale, y):
    groups = x.size // 4
    for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
        w0, w1, w2, w3 = _words(group, step[0], k0, k1)
        a, b, c, d = load4(x, 4 * group)
        a, b = _kept(a, w0, threshold, scale), _kept(b, w1, threshold, scale)
        c, d = _kept(c, w2, threshold, scale), _kept(d, w3, threshold, scale)
        store4(y, 4 * group, (a, b, c, d))
    if cuda.grid(1) == 0 and 4 * groups < x.size:  # the last elements, less than a group
        words = _words(groups, step[0], k0, k1)
        _few(x, 4 * groups, words, threshold, scale, y)


@device
def _few(x, i, words, threshold, scale, y):
    """The elements of a group, of which the last one has fewer."""
    w0, w1, w2, w3 = words
    y[i] = _kept(x[i], w0, threshold, scale)
    if i + 1 < x.size:
        y[i + 1] = _kept(x[i + 1], w1, threshold, scale)
    if i + 2 < x.size:
        y[i + 2] = _kept(x[i + 2], w2, threshold, scale)
    if i + 3 < x.size:
        y[i + 3] = _kept(x[i + 3], w3, threshold, scale)


@device
def _kept(x, word, threshold, scale):
    """x times scale, or 0, also of NaN."""
    p = type(x)
    return x * scale if word >= threshold else p(0)


@device
def _halves(word):
    """(low, high) 32 bits of 64."""
    return np.uint32(word & _LOW), np.uint32(word >> _HALF)


@device
def _words(group, step, k0, k1):
    """The four random words of a group of positions, uint32."""
    c0, c1 = _halves(np.uint64(group))
    c2, c3 = _halves(step)
    for _ in range(10):
        low0, high0 = _halves(_MULTIPLIER0 * np.uint64(c0))
        low1, high1 = _halves(_MULTIPLIER1 * np.uint64(c2))
        c0, c1, c2, c3 = np.uint32(high1 ^ c1 ^ k0), low1, np.uint32(high0 ^ c3 ^ k1), low0
        k0, k1 = np.uint32(np.uint64(k0) + _WEYL0 & _LOW), np.uint32(np.uint64(k1) + _WEYL1 & _LOW)
    return c0, c1, c2, c3


_dropout = kernel(_narrow), kernel(_wide)
COMPILED = tuple(
    Compiled(
        function,
        f"void({dtype}[::1], uint64[::1], uint32, uint32, uint32, {dtype}, {dtype}[::1])",
        f"dropout_forward-{dtype}-{way}",
    )
    for function, dtype, way in (
        (_narrow, "float32", "narrow"),
        (_wide, "float32", "wide"),
        (_narrow, "float64", "narrow"),
    )
)
