"""Dropout in NumPy, as its formulas read.

x, y, dy, dx (...)    word (...), 32 random bits a position, in C order four positions a counter

y = x / (1 - rate) where word >= rate 2^32, else 0    dx = dy / (1 - rate) there, else 0

The words are those of Philox4x32-10: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

import numpy as np

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def dropout_forward(x, *, rate, seed, step, out=None):
    keep = words(x.shape, seed, step) >= np.uint64(rate * 2.0**32)
    return np.where(keep, x * (1 / (1 - rate)), np.zeros_like(x))


def dropout_backward(dy, *, rate, seed, step, out=None):
    return dropout_forward(dy, rate=rate, seed=seed, step=step)


def words(shape, seed, step):
    """32 random bits for every position of an array: the words of the counters (position // 4, step) in turn."""
    size = int(np.prod(shape))
    block, seed, step = np.arange(-(-size // 4), dtype=np.uint64), np.uint64(seed), np.uint64(step)
    of_blocks = philox((block & LOW, block >> HALF, step & LOW, step >> HALF), (seed & LOW, seed >> HALF))
    return np.stack(np.broadcast_arrays(*of_blocks), -1).reshape(-1)[:size].reshape(shape)


def philox(counter, key):
    """Philox4x32-10 of counters of four words under a key of two, all held as uint64."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1 = (product1 >> HALF) ^ c1 ^ k0, product1 & LOW
        c2, c3 = (product0 >> HALF) ^ c3 ^ k1, product0 & LOW
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & LOW, (k1 + np.uint64(0xBB67AE85)) & LOW
    return c0, c1, c2, c3
