"""Dropout in NumPy, as its formulas read.

x, y, dy, dx (...)    word (...), 32 random bits a position, in C order four positions a counter

y = x / (1 - rate) where word >= rate 2^32, else 0    dx = dy / (1 - rate) there, else 0

spatial: one word for all places of a channel of an image    noise: y = x + stddev n, n of two words

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


def spatial_dropout_forward(x, *, rate, seed, step, out=None):
    keep = words((x.shape[0], x.shape[-1]), seed, step) >= np.uint64(rate * 2.0**32)
    keep = keep.reshape(x.shape[0], *[1] * (x.ndim - 2), x.shape[-1])
    return np.where(keep, x * (1 / (1 - rate)), np.zeros_like(x))


def spatial_dropout_backward(dy, *, rate, seed, step, out=None):
    return spatial_dropout_forward(dy, rate=rate, seed=seed, step=step)


def gaussian_noise_forward(x, *, stddev, seed, step, out=None):
    return x + x.dtype.type(stddev) * normal(x.shape, seed, step, x.dtype)


def gaussian_noise_backward(dy, *, out=None):
    return dy.copy()


def normal(shape, seed, step, dtype):
    """Normal numbers by Box and Muller: sqrt(-2 log u) times cos and sin of 2 pi v, u and v of neighbouring words.

    A word's upper 23 bits k are the number (k + 1/2) / 2**23, in which float32 is exact.
    """
    size = int(np.prod(shape))
    uniform = ((words(((size + 1) // 2 * 2,), seed, step) >> np.uint64(9)) + 0.5) / 2.0**23
    u, v = uniform.astype(dtype).reshape(-1, 2).T
    radius, angle = np.sqrt(-2 * np.log(u)), dtype.type(2 * np.pi) * v
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(-1)[:size].reshape(shape)


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
