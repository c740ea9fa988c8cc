"""Attention and positions in NumPy, as their formulas read.

q, y, dy, dq (B, T, H, D)    k, v, dk, dv (B, S, G, D)    bias, dbias (B or 1, H or 1, T or 1, S)    mask (B, S)
weights and what is like them (B, H, T, S)    lse, delta (B, H, T)    x (B, T, H, D)

weights = e**(logits - lse)    logits = scale q k^T + bias, -inf where a key is hidden    lse = log sum_S e**logits
y = drop(weights) v            dv = drop(weights)^T dy
d logits = weights (drop(dy v^T) - delta)    delta = sum_D(dy y)
dq = scale dlogits k    dk = scale dlogits^T q    dbias = dlogits

Vaswani et al. 2017, arXiv:1706.03762, equation 1; gradients as in Dao et al. 2022, arXiv:2205.14135, appendix B.2.
What a query does not see adds nothing, whatever it holds.
"""

import numpy as np

LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def attention_forward(q, k, v, bias=None, *, mask=None, scale=None, causal=False, rate=0.0, seed=0, step=0, out=None):
    q, k, v = _by_heads(q, k, v)
    seen = _seen(q, k, mask, causal)
    logits = _logits(q, k, bias, seen, scale)
    m = logits.max(-1, keepdims=True, initial=-np.inf)
    weights = np.exp(logits - np.where(m == -np.inf, 0, m).astype(q.dtype))
    total = weights.sum(-1, keepdims=True)
    weights = weights / np.where(total == 0, 1, total).astype(q.dtype)
    y = _product(_drop(weights, rate, seed, step), v, seen)
    with np.errstate(divide="ignore"):
        lse = m + np.log(total)
    return np.ascontiguousarray(y.swapaxes(1, 2)), lse[..., 0]


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
    delta = (dy * y).sum(-1).swapaxes(1, 2)[..., None]
    groups = k.shape[2]
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    q, k, v = _by_heads(q, k, v)
    dy = dy.swapaxes(1, 2)
    seen = _seen(q, k, mask, causal)
    weights = np.exp(_logits(q, k, bias, seen, scale) - np.where(lse == -np.inf, 0, lse).astype(q.dtype)[..., None])
    dlogits = weights * (_drop(dy @ v.swapaxes(2, 3), rate, seed, step) - delta)
    dlogits = np.where(seen, dlogits, np.zeros_like(dlogits))
    over_queries, seen_by = dlogits.swapaxes(2, 3), seen.swapaxes(2, 3)
    dq = scale * _product(dlogits, k, seen)
    dk = scale * _product(over_queries, q, seen_by)
    dv = _product(_drop(weights, rate, seed, step).swapaxes(2, 3), dy, seen_by)
    dbias = None
    if bias is not None and need_dbias:
        dbias = dlogits.sum(tuple(n for n in range(3) if bias.shape[n] == 1), keepdims=True)
    return np.ascontiguousarray(dq.swapaxes(1, 2)), _by_groups(dk, groups), _by_groups(dv, groups), dbias


def _by_heads(q, k, v):
    """(B, H, T, D), and keys and values of every head (B, H, S, D)."""
    shared = q.shape[2] // max(k.shape[2], 1)
    return q.swapaxes(1, 2), *(np.repeat(x, shared, 2).swapaxes(1, 2) for x in (k, v))


def _by_groups(gradient, groups):
    """The sums over heads that share keys, (B, S, G, D), of (B, H, S, D)."""
    B, H, S, D = gradient.shape
    gradient = gradient.reshape(B, groups, H // max(groups, 1), S, D).sum(2)
    return np.ascontiguousarray(gradient.swapaxes(1, 2))


def _seen(q, k, mask, causal):
    """Which keys a query sees, (B, 1, T, S)."""
    (B, _, T, _), S = q.shape, k.shape[2]
    seen = np.ones((B, 1, T, S), bool) if mask is None else np.broadcast_to(mask[:, None, None], (B, 1, T, S))
    return seen & np.tri(T, S, S - T, dtype=bool) if causal else seen


def _logits(q, k, bias, seen, scale):
    logits = q @ k.swapaxes(2, 3) * (q.shape[-1] ** -0.5 if scale is None else scale)
    return np.where(seen, logits if bias is None else logits + bias, q.dtype.type(-np.inf))


def _product(weights, x, seen):
    """weights @ x over what is seen: 0 times NaN would be NaN."""
    if np.isfinite(x).all() and np.isfinite(weights).all():
        return weights @ x
    return np.sum(weights[..., None] * x[:, :, None], 3, where=seen[..., None])


def _drop(weights, rate, seed, step):
    if rate == 0:
        return weights
    kept = _words(weights.shape, seed, step) >= np.uint64(rate * 2.0**32)
    return np.where(kept, weights * (1 / (1 - rate)), np.zeros_like(weights))


def _words(shape, seed, step):
    """The random words of kernels/dropout/reference.py, where they are explained."""
    size = int(np.prod(shape))
    block, seed, step = np.arange(-(-size // 4), dtype=np.uint64), np.uint64(seed), np.uint64(step)
    c0, c1, c2, c3 = block & LOW, block >> HALF, step & LOW, step >> HALF
    k0, k1 = seed & LOW, seed >> HALF
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (product1 >> HALF) ^ c1 ^ k0, product1 & LOW, (product0 >> HALF) ^ c3 ^ k1, product0 & LOW
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & LOW, (k1 + np.uint64(0xBB67AE85)) & LOW
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), -1).reshape(-1)[:size].reshape(shape)


def rotary_forward(x, *, base=10000.0, offset=0, interleaved=False, out=None):
    return _turned(x, 1, base, offset, interleaved)


def rotary_backward(dy, *, base=10000.0, offset=0, interleaved=False, out=None):
    return _turned(dy, -1, base, offset, interleaved)


def _turned(x, sign, base, offset, interleaved):
    _, T, _, D = x.shape
    angle = ((offset + np.arange(T))[:, None] * base ** (-2 * np.arange(D // 2) / max(D, 1)))[:, None]
    cos, sin = np.cos(angle).astype(x.dtype), sign * np.sin(angle).astype(x.dtype)
    halves = np.s_[..., : D // 2], np.s_[..., D // 2 :]
    first, second = (np.s_[..., 0::2], np.s_[..., 1::2]) if interleaved else halves
    y = np.empty_like(x)
    y[first] = x[first] * cos - x[second] * sin
    y[second] = x[second] * cos + x[first] * sin
    return y


def sinusoidal_positions(T, D, *, base=10000.0, dtype=np.float32):
    angle = np.arange(T)[:, None] * base ** (-(np.arange(D) // 2 * 2) / max(D, 1))
    return np.where(np.arange(D) % 2, np.cos(angle), np.sin(angle)).astype(dtype)
