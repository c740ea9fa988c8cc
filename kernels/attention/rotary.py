"""Rotary positions on the CPU.

x, y (B, T, H, D), read as rows (B T, H D)    cos, sin (T, D / 2)

y1 = x1 cos - x2 sin    y2 = x2 cos + x1 sin    for the features (x1, x2) of a pair; the gradient turns back, sin < 0

Su et al. 2021, arXiv:2104.09864, equation 34. The tables are computed in float64 and kept for the next call. A task
owns about CHUNK elements; a pair is read before it is written, so that `out` may be x.
"""

from functools import lru_cache

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty_like
from .._cpu.threads import spread

CHUNK = 1 << 13


def rotary_forward(x, *, base=10000.0, offset=0, interleaved=False, out=None):
    return _turned(x, 1.0, base, offset, interleaved, out)


def rotary_backward(dy, *, base=10000.0, offset=0, interleaved=False, out=None):
    return _turned(dy, -1.0, base, offset, interleaved, out)


def _turned(x, sign, base, offset, interleaved, out):
    y = empty_like(x) if out is None else out
    _, T, H, D = x.shape
    cos, sin = _tables(T, D, float(base), int(offset), x.dtype)
    _turn(x.ravel(), cos, sin, sign, bool(interleaved), T, H, D, y.ravel())
    return y


@lru_cache(maxsize=8)
def _tables(T, D, base, offset, dtype):
    angle = (offset + np.arange(T))[:, None] * base ** (-2 * np.arange(D // 2) / max(D, 1))
    return np.cos(angle).astype(dtype).reshape(-1), np.sin(angle).astype(dtype).reshape(-1)


@kernel
def _turn(x, cos, sin, sign, interleaved, T, H, D, y):
    sign = x.dtype.type(sign)
    rows = max(CHUNK // max(H * D, 1), 1)
    count = x.size // max(H * D, 1)
    spread(_turn_task, -(-count // rows), x.size, (x, cos, sin, sign, interleaved, T, H, D, rows, count, y))


@inner
def _turn_task(task, x, cos, sin, sign, interleaved, T, H, D, rows, count, y):
    """Whole rows: all heads of some places."""
    half = np.uint64(D // 2)
    for row in range(task * rows, min((task + 1) * rows, count)):
        table = np.uint64(row % T * (D // 2))
        for h in range(H):
            place = np.uint64((row * H + h) * D)
            if interleaved:
                for i in range(half):
                    j = place + i + i
                    c, s = cos[table + i], sin[table + i] * sign
                    first, second = x[j], x[j + np.uint64(1)]
                    y[j], y[j + np.uint64(1)] = first * c - second * s, second * c + first * s
            else:
                for i in range(half):
                    j = place + i
                    c, s = cos[table + i], sin[table + i] * sign
                    first, second = x[j], x[j + half]
                    y[j], y[j + half] = first * c - second * s, second * c + first * s
