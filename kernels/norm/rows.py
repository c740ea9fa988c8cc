"""The catalog's rows of normalisation; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal, ragged, uniform
from .channel_rows import OPS as _by_channels


def _layer_norm():
    def case(why, *shape, scale=1.0, gamma=True, beta=True, **options):
        arrays = {"x": normal(*shape, scale=scale)}
        if gamma:
            arrays["gamma"] = uniform(shape[-1], low=0.5, high=2)
        if beta:
            arrays["beta"] = normal(shape[-1])
        return Case(why, arrays, options)

    cases = (
        case("two axes", 7, 13),
        *(case(why, *shape) for why, shape in ragged()),
        case("three axes", 2, 3, 16, epsilon=1e-5),
        case("neither scale nor shift", 5, 12, gamma=False, beta=False),
        case("a scale alone", 5, 11, beta=False),
        case("a shift alone", 5, 11, gamma=False),
        case("hardly any variance beside epsilon", 7, 33, scale=1e-3),
        case("several tasks of the gradient, threads", 1030, 40),
        case("long rows, threads", 70, 515),
    )
    op = "layer_norm"
    x, saved = np.ones((7, 13)), np.ones(7)
    backward = {"dy": x, "mean": saved, "rstd": saved}
    bad = (
        Bad({"x": np.array(1.0)}, f"{op}_forward: x has 0 axes (shape ()), expected at least 1"),
        Bad({"gamma": np.ones(12)}, f"{op}_forward: gamma has shape (12,), expected (13,) because x is (7, 13)"),
        Bad({"beta": np.ones((7, 13))}, f"{op}_forward: beta has shape (7, 13), expected (13,) because x is (7, 13)"),
        Bad(
            {"gamma": None, "beta": np.ones(13, np.float32)},
            f"{op}_forward: beta is float32, expected float64 because x is float64; convert it with "
            "beta.astype(np.float64)",
        ),
        Bad({"epsilon": -1e-3}, f"{op}_forward: epsilon is -0.001, expected a number from 0 to inf"),
        Bad(
            {"x": np.ones((7, 0)), "gamma": None, "beta": None},
            f"{op}_forward: the size of x's last axis is 0, expected at least 1",
        ),
        Bad({"out": np.ones((13, 7))}, f"{op}_forward: out has shape (13, 7), expected (7, 13)"),
        Bad(
            {**backward, "dy": np.ones(13)}, f"{op}_backward: dy has shape (13,), expected (7, 13) because x is (7, 13)"
        ),
        Bad(
            {**backward, "mean": np.ones((7, 1))},
            f"{op}_backward: mean has shape (7, 1), expected (7,) because x is (7, 13)",
        ),
        Bad(
            {**backward, "rstd": np.ones(13)},
            f"{op}_backward: rstd has shape (13,), expected (7,) because x is (7, 13)",
        ),
        Bad(
            {**backward, "rstd": saved.astype(np.float32)},
            f"{op}_backward: rstd is float32, expected float64 because x is float64; convert it with "
            "rstd.astype(np.float64)",
        ),
    )
    bench = tuple(case(f"rows of {N}", (1 << 23) // N, N) for N in (64, 256, 768, 1024, 4096))
    return Op(
        op,
        "norm",
        ("x", "gamma", "beta"),
        cases,
        bench,
        ("mean", "rstd"),
        bad,
        ("gamma", "beta"),
    )


def _rms_norm():
    def case(why, *shape, scale=1.0, gamma=True, **options):
        arrays = {"x": normal(*shape, scale=scale)}
        if gamma:
            arrays["gamma"] = uniform(shape[-1], low=0.5, high=2)
        return Case(why, arrays, options)

    cases = (
        case("two axes", 7, 13),
        # of one element dx is what is left of 1 - 1 beside epsilon
        *(case(why, *shape, epsilon=0.1 if shape == (1,) else 1e-6) for why, shape in ragged()),
        case("three axes", 2, 3, 16, epsilon=1e-3),
        case("no scale", 5, 12, gamma=False),
        case("hardly anything beside epsilon", 7, 33, scale=1e-3),
        case("several tasks of the gradient, threads", 1030, 40),
        case("long rows, threads", 70, 515),
    )
    op = "rms_norm"
    backward = {"dy": np.ones((7, 13)), "rstd": np.ones(7)}
    bad = (
        Bad({"x": np.array(1.0)}, f"{op}_forward: x has 0 axes (shape ()), expected at least 1"),
        Bad({"gamma": np.ones(12)}, f"{op}_forward: gamma has shape (12,), expected (13,) because x is (7, 13)"),
        Bad({"epsilon": -1e-3}, f"{op}_forward: epsilon is -0.001, expected a number from 0 to inf"),
        Bad(
            {"x": np.ones((7, 0)), "gamma": None},
            f"{op}_forward: the size of x's last axis is 0, expected at least 1",
        ),
        Bad({"out": np.ones((13, 7))}, f"{op}_forward: out has shape (13, 7), expected (7, 13)"),
        Bad(
            {**backward, "dy": np.ones(13)}, f"{op}_backward: dy has shape (13,), expected (7, 13) because x is (7, 13)"
        ),
        Bad(
            {**backward, "rstd": np.ones(13)},
            f"{op}_backward: rstd has shape (13,), expected (7,) because x is (7, 13)",
        ),
    )
    sizes = ((1024, 64), (1 << 23, 64), (1 << 23, 256), (1 << 23, 1024), (1 << 23, 4096))
    bench = tuple(case(f"rows of {N}" + ", 4 KB" * (size == 1024), size // N, N) for size, N in sizes)
    return Op(
        op,
        "norm",
        ("x", "gamma"),
        cases,
        bench,
        ("rstd",),
        bad,
        ("gamma",),
    )


OPS = (_layer_norm(), _rms_norm()) + _by_channels
