"""Attention in other libraries, for the catalog's benchmarks: q, k, v alone, and causal only where T is S.

PyTorch aligns causal rows with the first key and ours with the last, which is the same for T = S.
"""


def torch(t, options):
    """PyTorch's, which wants heads before places; the arrays lie as ours do, and it reads them so."""

    def attend(q, k, v):
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        grouped = {"enable_gqa": True} if q.shape[1] != k.shape[1] else {}
        function = t.nn.functional.scaled_dot_product_attention
        return function(q, k, v, is_causal=options.get("causal", False), **grouped).transpose(1, 2)

    return attend


def jax(j, options):
    """JAX's, whose axes are ours."""
    return lambda q, k, v: j.nn.dot_product_attention(q, k, v, is_causal=options.get("causal", False))
