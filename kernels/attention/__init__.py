"""Attention: every query gets a mean of the values, weighted by how well their keys fit; and positions for it.

    weights = softmax(scale q k^T + bias)    y = weights v

Scaled dot-product attention of Vaswani et al. 2017, arXiv:1706.03762, equation 1, over sequences (B, T, H, D): the
heads of a projection (B, T, H D) lie in it without a copy. The weights are never stored: memory grows with T, not with
T^2. Rotary positions turn queries and keys by angles that grow with their place; sinusoidal ones are a table to add.
"""

import numpy as np

from .. import _check as check
from .._dispatch import Faces
from . import reference as _reference

_faces = Faces(__name__)


def attention_forward(q, k, v, bias=None, *, mask=None, scale=None, causal=False, rate=0.0, seed=0, step=0, out=None):
    """Attention, y = drop(softmax(scale q k^T + bias)) v for every head; returns (y, lse).

    q (B, T, H, D), k, v (B, S, G, D) -> y (B, T, H, D), lse (B, H, T), the logarithm of each row's sum of e**logit.
    float32 or float64. H is a multiple of G: H / G neighbouring heads share keys and values (Ainslie et al. 2023,
    arXiv:2305.13245). bias (B or 1, H or 1, T or 1, S) is added to the logits. mask (B, S), bool, says which keys are
    there. `causal` hides later keys from a query; the last query is aligned with the last key: query t sees the keys
    up to t + S - T. A query that sees no key gets 0, and -inf for lse. scale is 1 / sqrt(D) if None. `rate`, from 0 to
    below 1, is the share of the weights that are dropped, those that `dropout_forward` would drop of weights
    (B, H, T, S) with the same seed and step. `out` takes y. Raises TypeError or ValueError.

    >>> import numpy as np
    >>> q = np.zeros((1, 2, 1, 1))
    >>> v = np.array([2.0, 4.0]).reshape(1, 2, 1, 1)
    >>> y, lse = attention_forward(q, q, v, causal=True)
    >>> y[0, :, 0, 0]
    array([2., 3.])
    """
    op = "attention_forward"
    _check(op, q, k, v, bias, mask, scale, rate, seed, step)
    if out is not None:
        check.out(op, out, q.shape, q, q=q, k=k, v=v, bias=bias)
    options = {"mask": mask, "scale": scale, "causal": causal, "rate": rate, "seed": seed, "step": step}
    return _faces(q).attention_forward(q, k, v, bias, **options, out=out)


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
    """Gradients of `attention_forward`, from its y and lse; the weights are made again, block by block.

    dy (B, T, H, D), the others as in the forward -> dq (B, T, H, D), dk, dv (B, S, G, D), and dbias of bias's shape, or
    None where bias is None or `need_dbias` false. A query that sees no key, and a key that nobody sees, get zeros.
    """
    op = "attention_backward"
    _check(op, q, k, v, bias, mask, scale, rate, seed, step)
    check.floats(op, None, q=q, dy=dy, y=y, lse=lse)
    B, T, H, _ = shape = q.shape
    if dy.shape != shape or y.shape != shape:
        check.same_shape(op, q=q, dy=dy, y=y)
    if lse.shape != (B, H, T):
        check.shape(op, "lse", lse, (B, H, T), ("q", q))
    options = {"mask": mask, "scale": scale, "causal": causal, "rate": rate, "seed": seed, "step": step}
    return _faces(q).attention_backward(dy, q, k, v, bias, y=y, lse=lse, **options, need_dbias=need_dbias)


def rotary_forward(x, *, base=10000.0, offset=0, interleaved=False, out=None):
    """Rotary positions: pairs of features of x at place t are turned by the angle (offset + t) base**(-2 i / D).

    x (B, T, H, D), float32 or float64, D even -> y (B, T, H, D). Pair i is the features (i, i + D / 2), or,
    interleaved, (2 i, 2 i + 1). Products of turned queries and keys then depend on the distance of their places alone.
    Angles are computed in float64. `offset` is the place of the first t; `out` may be x. Raises TypeError, ValueError.
    Su et al. 2021, arXiv:2104.09864, equation 34.

    >>> import numpy as np
    >>> rotary_forward(np.array([1.0, 0.0]).reshape(1, 1, 1, 2), offset=2).round(3)[0, 0, 0]
    array([-0.416,  0.909])
    """
    op = "rotary_forward"
    _check_rotary(op, "x", x, base, offset)
    check.out(op, out, x.shape, x)
    return _faces(x).rotary_forward(x, base=base, offset=offset, interleaved=interleaved, out=out)


def rotary_backward(dy, *, base=10000.0, offset=0, interleaved=False, out=None):
    """Gradient of `rotary_forward`: dy turned back, dx (B, T, H, D). `out` may be dy."""
    op = "rotary_backward"
    _check_rotary(op, "dy", dy, base, offset)
    check.out(op, out, dy.shape, dy)
    return _faces(dy).rotary_backward(dy, base=base, offset=offset, interleaved=interleaved, out=out)


def sinusoidal_positions(T, D, *, base=10000.0, dtype=np.float32):
    """The table (T, D) of positions of Vaswani et al. 2017, arXiv:1706.03762, section 3.5, computed in float64.

    Feature 2 i of row t is sin(t base**(-2 i / D)), feature 2 i + 1 is cos of the same. Raises TypeError or ValueError.

    >>> sinusoidal_positions(2, 4).round(3)
    array([[0.   , 1.   , 0.   , 1.   ],
           [0.841, 0.54 , 0.01 , 1.   ]], dtype=float32)
    """
    op = "sinusoidal_positions"
    check.whole(op, "T", T)
    check.whole(op, "D", D)
    check.positive(op, "base", base)
    if dtype not in (np.float32, np.float64):
        check.choice(op, "dtype", dtype, ("float32", "float64"))
    return _reference.sinusoidal_positions(T, D, base=base, dtype=dtype)


def _check(op, q, k, v, bias, mask, scale, rate, seed, step):
    if bias is None:
        check.floats(op, 4, q=q, k=k, v=v)
    else:
        check.floats(op, 4, q=q, k=k, v=v, bias=bias)
    (B, T, H, D), (_, S, G, _) = q.shape, k.shape
    if k.shape[0] != B or k.shape[3] != D:
        check.shape(op, "k", k, (B, "S", "G", D), ("q", q))
    if v.shape != k.shape:
        check.shape(op, "v", v, k.shape, ("k", k))
    check.whole(op, "the size of q's last axis", D, 1)
    check.multiple(op, "the number of q's heads", H, G, "that of k's")
    if bias is not None:
        check.spread_over(op, "bias", bias, (B, H, T, S))
    if mask is not None:
        check.booleans(op, "mask", mask)
        check.shape(op, "mask", mask, (B, S), ("k", k))
    if scale is not None:
        check.number(op, "scale", scale)
    check.fraction(op, "rate", rate)
    check.word(op, "seed", seed)
    check.word(op, "step", step)


def _check_rotary(op, name, x, base, offset):
    check.floats(op, 4, **{name: x})
    check.multiple(op, f"the size of {name}'s last axis", x.shape[3], 2, "for features in pairs")
    check.positive(op, "base", base)
    check.whole(op, "offset", offset)
