"""The catalog's rows of attention and positions; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal

_FULL = (None, None, None)  # of the bias: sizes as in the weights


def _some_keys(B, S):
    """A mask that leaves the first key to everyone."""

    def recipe(rng, dtype):
        mask = rng.random((B, S)) < 0.7
        mask[:, :1] = True
        return mask

    return recipe


def _case(why, B, T, H, D, *, S=None, G=None, bias=None, mask=False, times=1.0, error=2.0, **options):
    """q (B, T, H, D) `times` standard normal, k, v (B, S, G, D); `bias` gives its axes, None for the whole size."""
    S, G = T if S is None else S, H if G is None else G
    arrays = {"q": normal(B, T, H, D, scale=times), "k": normal(B, S, G, D), "v": normal(B, S, G, D)}
    if bias is not None:
        sizes = (given or size for given, size in zip(bias, (B, H, T)))
        arrays["bias"] = normal(*sizes, S)
    if mask:
        arrays["mask"] = _some_keys(B, S)
    # A hidden 0 times NaN is NaN in blocks that are seen in part, and 0 in the reference.
    spreads = bool(options.get("causal") or (mask and bias is not None))
    return Case(why, arrays, options, error, spreads)


def _flops(arrays, options):
    B, T, H, D = arrays["q"].shape
    S = arrays["k"].shape[1]
    seen = T * S if not options.get("causal") else sum(min(S, max(t + 1 + S - T, 0)) for t in range(T))
    return 4 * B * H * seen * D


def _attention():
    op = "attention"
    cases = (
        _case("grouped heads, other keys, a bias", 2, 5, 4, 6, S=7, G=2, bias=_FULL),
        _case("primes", 2, 7, 3, 5, S=13),
        _case("one query", 2, 1, 2, 8, S=9),
        _case("one feature", 1, 9, 2, 1, S=11),
        _case("all heads share keys", 1, 6, 4, 8, G=1),
        _case("a scale", 1, 6, 2, 8, scale=-0.7),
        _case("causal", 2, 9, 2, 8, causal=True),
        _case("causal, more keys", 1, 5, 2, 8, S=9, causal=True),
        _case("causal, one query", 1, 1, 2, 8, S=9, causal=True),
        _case("a mask", 3, 5, 2, 8, S=11, mask=True),
        _case("a mask, grouped heads, causal", 2, 9, 4, 4, G=2, mask=True, causal=True),
        _case("a bias of heads", 2, 5, 3, 4, S=7, bias=(1, None, 1)),
        _case("a bias of queries", 2, 5, 3, 4, S=7, bias=(1, 1, None)),
        _case("a bias of samples, a mask", 2, 5, 4, 4, S=7, G=2, bias=(None, 1, 1), mask=True),
        _case("dropout", 2, 7, 2, 8, S=13, rate=0.3, seed=5, step=2),
        _case("dropout, large seed and step", 1, 7, 2, 8, S=14, rate=0.3, seed=2**64 - 1, step=2**63),
        _case("everything", 2, 9, 4, 4, S=11, G=2, bias=(1, None, None), mask=True, causal=True, rate=0.2, seed=7),
        _case("blocks, threads", 1, 131, 3, 40, S=517),
        _case("blocks less one", 2, 31, 2, 64, S=255),
        _case("whole blocks", 2, 32, 2, 128, S=256),
        _case("blocks and one, causal", 2, 33, 2, 64, S=257, causal=True),
        _case("long features", 1, 67, 2, 300, S=70),
        _case("parts of the keys, causal", 1, 530, 1, 16, causal=True),
        _case("a shared bias over blocks", 2, 70, 4, 16, S=530, G=2, bias=(1, 1, None)),
        _case("a bias of heads over blocks", 3, 70, 4, 16, S=300, G=4, bias=(1, None, 1)),
        _case(
            "everything over blocks", 2, 131, 4, 24, S=523, G=2, bias=_FULL, mask=True, causal=True, rate=0.1, seed=3
        ),
        _case("logits of 10,000", 2, 33, 4, 64, S=65, times=3000.0),
        _case("no queries", 2, 0, 2, 8, S=5),
        _case("no samples", 0, 5, 2, 8),
        _case("no heads", 2, 5, 0, 8),
    )
    bench = (
        *(_case(f"8 x 8 heads, T {T}, D 64{', causal' * causal}", 8, T, 8, 64, causal=causal)
          for T in (128, 512, 2048) for causal in (False, True)),
        _case("grouped heads, T 512", 8, 512, 8, 64, G=2),
        _case("one head of 16, T 64", 1, 64, 1, 16),
        _case("one query, 4096 keys", 1, 1, 8, 64, S=4096),
    )  # fmt: skip
    q, lse = np.ones((2, 5, 4, 6)), np.ones((2, 4, 5))
    saved = {"dy": q, "y": q, "lse": lse}
    bad = (
        Bad({"q": np.ones((5, 4, 6))}, f"{op}_forward: q has 3 axes (shape (5, 4, 6)), expected 4"),
        Bad(
            {"k": np.ones((2, 7, 2, 5))},
            f"{op}_forward: k has shape (2, 7, 2, 5), expected (2, S, G, 6) because q is (2, 5, 4, 6)",
        ),
        Bad(
            {"v": np.ones((2, 6, 2, 6))},
            f"{op}_forward: v has shape (2, 6, 2, 6), expected (2, 7, 2, 6) because k is (2, 7, 2, 6)",
        ),
        Bad(
            {"k": np.ones((2, 7, 3, 6)), "v": np.ones((2, 7, 3, 6))},
            f"{op}_forward: the number of q's heads is 4, expected a multiple of 3, that of k's",
        ),
        Bad(
            {"q": np.ones((2, 5, 4, 0)), "k": np.ones((2, 7, 2, 0)), "v": np.ones((2, 7, 2, 0))},
            f"{op}_forward: the size of q's last axis is 0, expected at least 1",
        ),
        Bad(
            {"bias": np.ones((2, 4, 2, 7))},
            f"{op}_forward: bias has shape (2, 4, 2, 7), expected (2 or 1, 4 or 1, 5 or 1, 7)",
        ),
        Bad(
            {"bias": np.ones((2, 4, 5, 1))},
            f"{op}_forward: bias has shape (2, 4, 5, 1), expected (2 or 1, 4 or 1, 5 or 1, 7)",
        ),
        Bad(
            {"mask": np.ones((2, 7))},
            f"{op}_forward: mask is float64, expected bool; convert it with mask.astype(bool)",
        ),
        Bad({"mask": [True]}, f"{op}_forward: mask is a list, expected a NumPy array of bool"),
        Bad(
            {"mask": np.ones((2, 5), bool)},
            f"{op}_forward: mask has shape (2, 5), expected (2, 7) because k is (2, 7, 2, 6)",
        ),
        Bad({"scale": "1"}, f"{op}_forward: scale is '1', expected a number"),
        Bad({"rate": 1.0}, f"{op}_forward: rate is 1.0, expected a number from 0 to below 1"),
        Bad({"seed": -1}, f"{op}_forward: seed is -1, expected at least 0"),
        Bad({"step": 0.5}, f"{op}_forward: step is 0.5, expected an integer"),
        Bad({"out": np.ones((2, 4, 5, 6))}, f"{op}_forward: out has shape (2, 4, 5, 6), expected (2, 5, 4, 6)"),
        Bad(
            {**saved, "dy": np.ones((2, 4, 5, 6))},
            f"{op}_backward: dy has shape (2, 4, 5, 6), expected (2, 5, 4, 6) because q is (2, 5, 4, 6)",
        ),
        Bad(
            {**saved, "lse": np.ones((2, 5, 4))},
            f"{op}_backward: lse has shape (2, 5, 4), expected (2, 4, 5) because q is (2, 5, 4, 6)",
        ),
        Bad({**saved, "rate": -1}, f"{op}_backward: rate is -1, expected a number from 0 to below 1"),
    )
    return Op(
        op, op, ("q", "k", "v", "bias"), cases, bench, ("lse",), bad, optional=("bias",), flops=_flops,
        float64=1e-11,  # a logit of 10,000 is exact to 1e-12 itself
    )  # fmt: skip


def _rotary():
    op = "rotary"

    def case(why, *shape, **options):
        return Case(why, {"x": normal(*shape)}, options)

    cases = (
        case("two heads", 2, 5, 2, 6),
        case("two heads, interleaved", 2, 5, 2, 6, interleaved=True),
        case("one pair", 1, 7, 1, 2),
        case("an offset and a base", 1, 5, 3, 8, offset=1000, base=500.0),
        case("threads", 2, 67, 3, 64),
        case("threads, interleaved", 2, 67, 3, 66, interleaved=True),
        case("no places", 2, 0, 3, 8),
        case("no features", 2, 3, 3, 0),
    )
    bench = (
        case("8 x 512 x 8 x 64", 8, 512, 8, 64),
        case("8 x 512 x 8 x 64, interleaved", 8, 512, 8, 64, interleaved=True),
        case("one place", 1, 1, 8, 64, offset=100),
    )
    bad = (
        Bad({"x": np.ones((5, 2, 6))}, f"{op}_forward: x has 3 axes (shape (5, 2, 6)), expected 4"),
        Bad(
            {"x": np.ones((2, 5, 2, 7))},
            f"{op}_forward: the size of x's last axis is 7, expected a multiple of 2, for features in pairs",
        ),
        Bad({"base": 0.0}, f"{op}_forward: base is 0.0, expected a number above 0"),
        Bad({"offset": -1}, f"{op}_forward: offset is -1, expected at least 0"),
        Bad({"offset": 0.5}, f"{op}_forward: offset is 0.5, expected an integer"),
        Bad({"out": np.ones((2, 5, 2, 8))}, f"{op}_forward: out has shape (2, 5, 2, 8), expected (2, 5, 2, 6)"),
        Bad(
            {"dy": np.ones((1, 1, 1, 3))},
            f"{op}_backward: the size of dy's last axis is 3, expected a multiple of 2, for features in pairs",
        ),
    )
    return Op(op, "attention", ("x",), cases, bench, bad=bad)


OPS = (_attention(), _rotary())
