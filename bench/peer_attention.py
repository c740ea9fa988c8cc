"""Attention and rotary positions in PyTorch and JAX, for bench/peers.py: q, k, v alone, and causal only where T is S.

PyTorch aligns causal rows with the first key and ours with the last, which is the same for T = S. Neither has rotary
positions: they are written as the formula reads, with tables of cos and sin from before.
"""

import functools

import numpy as np

from .peer_calls import jax_peers, torch_peers


def _torch(t, options):
    """PyTorch's, which wants heads before places; the arrays lie as ours do, and it reads them so."""

    def attend(q, k, v):
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        grouped = {"enable_gqa": True} if q.shape[1] != k.shape[1] else {}
        function = t.nn.functional.scaled_dot_product_attention
        return function(q, k, v, is_causal=options.get("causal", False), **grouped).transpose(1, 2)

    return attend


def _jax(j, options):
    """JAX's, whose axes are ours."""
    return lambda q, k, v: j.nn.dot_product_attention(q, k, v, is_causal=options.get("causal", False))


def _rotary(join, number, options):
    """Of arrays that have NumPy's methods, as PyTorch's and JAX's do."""
    base, offset = options.get("base", 10000.0), options.get("offset", 0)

    @functools.cache
    def tables(T, D, dtype):
        angle = ((offset + np.arange(T))[:, None] * base ** (-2 * np.arange(D // 2) / max(D, 1)))[:, None]
        return number(np.cos(angle), dtype), number(np.sin(angle), dtype)

    def turn(x):
        cos, sin = tables(x.shape[1], x.shape[3], x.dtype)
        if options.get("interleaved"):
            a, b = x[..., 0::2], x[..., 1::2]
            return join([a * cos - b * sin, b * cos + a * sin], True).reshape(x.shape)
        half = x.shape[3] // 2
        a, b = x[..., :half], x[..., half:]
        return join([a * cos - b * sin, b * cos + a * sin], False)

    return turn


def _torch_rotary(t, options):
    return _rotary(
        lambda parts, pairs: (t.stack if pairs else t.cat)(parts, -1), lambda x, d: t.as_tensor(x, dtype=d), options
    )


def _jax_rotary(j, options):
    np_ = j.numpy
    return _rotary(
        lambda parts, pairs: (np_.stack if pairs else np_.concatenate)(parts, -1), lambda x, d: x.astype(d), options
    )


TORCH = torch_peers({"attention": _torch, "rotary": _torch_rotary})
JAX = jax_peers({"attention": _jax, "rotary": _jax_rotary})
