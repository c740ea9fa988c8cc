"""Attention on the CPU; how it is computed is told in forward.py and backward.py, positions in rotary.py.

q, y, dy, dq (B, T, H, D)    k, v, dk, dv (B, S, G, D)    lse, delta (B, H, T)    bias (B or 1, H or 1, T or 1, S)

Memory beside the results: copies of the operands in the layout that the register tile wants, and dq once for every part
of the keys, TASKS at most and 1 from TASKS heads in all on. It grows with T and S, never with their product.
"""

import math
from functools import lru_cache

import numpy as np

from .._cpu.machine import TILE_VECTORS, VECTOR_BYTES
from .._cpu.memory import empty, empty_like
from .backward import backward
from .blocks import KEYS, TASKS
from .forward import forward
from .rotary import rotary_backward, rotary_forward  # noqa: F401

_NO_MASK = np.zeros((1, 1), bool)
_LOW = 0xFFFFFFFF


def attention_forward(q, k, v, bias=None, *, mask=None, scale=None, causal=False, rate=0.0, seed=0, step=0, out=None):
    (B, T, H, D), (_, S, G, _), width = q.shape, k.shape, TILE_VECTORS * VECTOR_BYTES // q.itemsize
    numbers = _numbers(q.shape, S, G, bias is not None and bias.shape, mask is None, scale, causal, rate, seed, step)
    y = empty_like(q) if out is None else out
    lse = empty((B, H, T), q.dtype)
    panels = empty(B * G * (-(-S // width) * D + -(-D // width) * S) * width, q.dtype)
    forward(q, k, v, q if bias is None else bias, _NO_MASK if mask is None else mask, *numbers, panels, y, lse)
    return y, lse


def attention_backward(
    dy,
    q,
    k,
    v,
    bias=None,
    *,
    y,
    lse,
    mask=None,
    scale=None,
    causal=False,
    rate=0.0,
    seed=0,
    step=0,
    need_dbias=True,
):
    (B, T, H, D), (_, S, G, _), lanes = q.shape, k.shape, VECTOR_BYTES // q.itemsize
    numbers = _numbers(q.shape, S, G, bias is not None and bias.shape, mask is None, scale, causal, rate, seed, step)
    dq, dk, dv, dbias = empty_like(q), empty_like(k), empty_like(v), None
    together_b = together_g = 1
    if bias is not None and need_dbias:
        dbias = np.zeros(bias.shape, q.dtype)
        together_b, together_g = (max(all_, 1) if size == 1 else 1 for all_, size in zip((B, G), bias.shape))
    owners = max(B // together_b * (G // together_g), 1)
    parts = max(min(-(-TASKS // owners), -(-S // KEYS)), 1)
    room = empty(B * H * T * ((2 + parts) * -(-D // lanes) * lanes + 1), q.dtype)
    inputs = dy, q, k, v, q if bias is None else bias, _NO_MASK if mask is None else mask, y, lse
    results = dq, dk, dv, dbias is not None, q if dbias is None else dbias
    backward(*inputs, *numbers, parts, together_b, together_g, room, *results)
    return dq, dk, dv, dbias


@lru_cache(maxsize=1024)
def _numbers(shape, S, G, bias, no_mask, scale, causal, rate, seed, step):
    """What `unpacked` makes sizes and options of; `bias` is its shape or False."""
    strides = []
    for n, size in enumerate((bias or (1, 1, 1))[:3]):
        strides.append(0 if size == 1 else math.prod(bias[n + 1 :]))
    words = (word for number in (int(seed), int(step)) for word in (number & _LOW, number >> 32))
    flags = not no_mask, bool(bias), bool(causal), rate > 0
    integers = np.array([*shape, S, G, *strides, *flags, *words, int(rate * 2.0**32)], np.int64)
    return integers, np.array([1 / math.sqrt(shape[3]) if scale is None else scale, 1 / (1 - rate)], np.float64)
