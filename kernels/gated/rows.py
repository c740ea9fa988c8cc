"""The catalog's rows of gated activations; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal, read_only
from ..activation.rows import SIZES, away_from, elementwise


def _halves(name):
    shapes = {
        "one pair": (2,),
        "primes": (7, 26),
        "halves of one element": (5, 2),
        "rows longer than a chunk": (3, 16386),
        "rows within a chunk": (2, 700, 22),
        "rows that begin and end chunks": (5, 8192),
        "no rows": (0, 6),
        "no columns": (3, 0),
    }
    cases = tuple(Case(why, {"x": normal(*shape)}) for why, shape in shapes.items())
    cases += (Case("far from 0", {"x": normal(7, 26, scale=100)}),)
    bench = tuple(Case(why, {"x": normal(size // 1024, 1024)}) for why, size in SIZES.items())
    backward = {"dy": np.ones((2, 3)), "x": np.ones((2, 6))}
    bad = (
        Bad(
            {"x": np.ones((2, 3))},
            f"{name}_forward: x has shape (2, 3), expected an even number along the last axis",
        ),
        Bad({"x": np.ones(())}, f"{name}_forward: x has shape (), expected an even number along the last axis"),
        Bad({"out": np.ones(2)}, f"{name}_forward: out has shape (2,), expected (1,)"),
        Bad({"out": read_only(np.ones(1))}, f"{name}_forward: out is read-only; pass a writeable array"),
        Bad(
            {**backward, "dy": np.ones((2, 6))},
            f"{name}_backward: dy has shape (2, 6), expected (2, 3) because x is (2, 6)",
        ),
        Bad(
            {**backward, "dy": np.ones((2, 3), np.float32)},
            f"{name}_backward: dy is float32, expected float64 because x is float64; "
            "convert it with dy.astype(np.float64)",
        ),
        Bad(
            {**backward, "x": np.ones((2, 7))},
            f"{name}_backward: x has shape (2, 7), expected an even number along the last axis",
        ),
        Bad({**backward, "out": np.ones((2, 3))}, f"{name}_backward: out has shape (2, 3), expected (2, 6)"),
    )
    return Op(name, "gated", ("x",), cases, bench, bad=bad)


OPS = (
    elementwise("silu", saved="x", folder="gated"),
    elementwise("hard_swish", away_from(-3, 3, scale=3), saved="x", folder="gated"),
    elementwise("mish", saved="x", folder="gated"),
    _halves("glu"),
    _halves("swiglu"),
)
