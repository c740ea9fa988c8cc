"""Upsampling of images in NumPy, as its formulas read.

x, dx (N, H, W, C)    y, dy (N, P, Q, C)    factor (f, g): P = f H, Q = g W

y = A x B^T along height and width, dx = A^T dy B, with A (P, H) and B (Q, W) of one kind:
nearest   A[p, h] = 1 where h = floor(p / f)
bilinear  s = (p + 1/2) / f - 1/2 is where the centre of p lies; with a = s - floor(s),
          A[p, floor(s)] += 1 - a and A[p, floor(s) + 1] += a, where places outside of the image are its border's
"""

import numpy as np


def upsample2d_forward(x, *, factor=2, interpolation="nearest", out=None):
    f, g = _pair(factor)
    x = _enlarge(x, f, interpolation)
    return _enlarge(x.swapaxes(1, 2), g, interpolation).swapaxes(1, 2).copy()


def upsample2d_backward(dy, *, factor=2, interpolation="nearest"):
    f, g = _pair(factor)
    dy = _shrink(dy, f, interpolation)
    return _shrink(dy.swapaxes(1, 2), g, interpolation).swapaxes(1, 2).copy()


def _pair(factor):
    return (factor, factor) if np.ndim(factor) == 0 else factor


def _enlarge(x, f, interpolation):
    """y = A x along axis 1."""
    low, high, a = _sources(x.shape[1], f, x.dtype)
    if interpolation == "nearest":
        return np.repeat(x, f, 1)
    return x[:, low] * (1 - a) + x[:, high] * a


def _shrink(dy, f, interpolation):
    """dx = A^T dy along axis 1."""
    H = dy.shape[1] // f
    if interpolation == "nearest":
        return dy.reshape(dy.shape[0], H, f, *dy.shape[2:]).sum(2)
    low, high, a = _sources(H, f, dy.dtype)
    dx = np.zeros((dy.shape[0], H, *dy.shape[2:]), dy.dtype)
    np.add.at(dx, (slice(None), low), dy * (1 - a))
    np.add.at(dx, (slice(None), high), dy * a)
    return dx


def _sources(H, f, dtype):
    """(places below and above, weight of the one above) of every place of y."""
    below, over = np.divmod(2 * np.arange(H * f) + 1 - f, 2 * f)  # of s: its whole part, and a in parts of 2 f
    low, high = (np.clip(below + i, 0, max(H - 1, 0)) for i in (0, 1))
    return low, high, (over / (2 * f)).astype(dtype)[:, None, None]
