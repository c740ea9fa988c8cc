"""Attention on the CPU; how it is computed is told in forward.py and backward.py, positions in rotary.py.

q, y, dy, dq (B, T, H, D)    k, v, dk, dv (B, S, G, D)    lse, delta (B, H, T)    bias (B or 1, H or 1, T or 1, S)

Memory beside the results: copies of the operands in the layout that the register tile wants, and dq once for every part
of the keys, TASKS at most and 1 from TASKS heads in all on. It grows with T and S, never with their product.
"""

import math

import numpy as np

from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import aligned, empty, empty_like
from .._cpu.panels import empty_panels
from .backward import backward
from .blocks import KEYS, TASKS, Options, Sizes
from .forward import forward
from .rotary import rotary_backward, rotary_forward  # noqa: F401

_NO_MASK = np.zeros(1, bool)
_LOW = 0xFFFFFFFF


def attention_forward(q, k, v, bias=None, *, mask=None, scale=None, causal=False, rate=0.0, seed=0, step=0, out=None):
    sizes, options = _sizes(q, k), _options(q, k, bias, mask, scale, causal, rate, seed, step)
    y = empty_like(q) if out is None else out
    lse = empty((sizes.B, sizes.H, sizes.T), q.dtype)
    pairs = sizes.B * sizes.G
    keys, values = empty_panels(sizes.D, sizes.S, q.dtype, pairs), empty_panels(sizes.S, sizes.D, q.dtype, pairs)
    flat = [x.reshape(-1) for x in (q, k, v)]
    forward(*flat, sizes, options, keys, values, y.reshape(-1), lse.reshape(-1))
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
    sizes, options = _sizes(q, k), _options(q, k, bias, mask, scale, causal, rate, seed, step)
    B, T, S, H, G, D = sizes
    dq, dk, dv = empty_like(q), empty_like(k), empty_like(v)
    dbias = np.zeros(bias.shape if bias is not None and need_dbias else 0, q.dtype)
    together_b = B if dbias.size and bias.shape[0] == 1 else 1
    together_g = G if dbias.size and bias.shape[1] == 1 else 1
    owners = max(B * G // (together_b * together_g), 1)
    parts = max(min(-(-TASKS // owners), -(-S // KEYS)), 1)
    lanes = VECTOR_BYTES // q.itemsize
    copied = B * H * T * -(-D // lanes) * lanes
    rows, dq_parts = aligned(2 * copied, q.dtype), aligned(parts * copied, q.dtype)
    flat = [x.reshape(-1) for x in (dy, q, k, v, y, lse)]
    work = together_b, together_g, rows, empty(B * H * T, q.dtype), dq_parts
    backward(*flat, sizes, options, parts, *work, *(x.reshape(-1) for x in (dq, dk, dv, dbias)))
    return dq, dk, dv, dbias if bias is not None and need_dbias else None


def _sizes(q, k):
    B, T, H, D = q.shape
    _, S, G, _ = k.shape
    return Sizes(B, T, S, H, G, D)


def _options(q, k, bias, mask, scale, causal, rate, seed, step):
    """The `Options` for compiled code."""
    if bias is None:
        array, strides = q.reshape(-1), (0, 0, 0)
    else:
        array = bias.reshape(-1)
        strides = [0 if size == 1 else stride // q.itemsize for size, stride in zip(bias.shape[:3], bias.strides)]
    return Options(
        q.dtype.type(1 / math.sqrt(q.shape[3]) if scale is None else scale),
        bool(causal),
        mask is not None,
        _NO_MASK if mask is None else mask.reshape(-1),
        bias is not None,
        array,
        *strides,
        rate > 0,
        tuple(np.uint64(word) for number in (int(seed), int(step)) for word in (number & _LOW, number >> 32)),
        np.uint32(int(rate * 2.0**32)),
        q.dtype.type(1 / (1 - rate)),
    )
