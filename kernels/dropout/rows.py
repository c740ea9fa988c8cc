"""The catalog's rows of dropout; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal, ragged


def _dropout():
    def case(why, *shape, rate=0.4, seed=1234, step=0):
        return Case(why, {"x": normal(*shape)}, {"rate": rate, "seed": seed, "step": step})

    cases = (
        case("nothing dropped", 7, 13, rate=0.0),
        case("nearly all dropped", 7, 13, rate=0.99),
        case("large seed and step", 7, 13, seed=2**64 - 1, step=2**63),
        case("part of a counter's words", 5),
        *(case(why, *shape) for why, shape in ragged()),
    )
    dy = {"dy": np.ones((7, 13))}
    bad = (
        Bad({"rate": 1}, "dropout_forward: rate is 1, expected a number from 0 to below 1"),
        Bad({"rate": -0.5}, "dropout_forward: rate is -0.5, expected a number from 0 to below 1"),
        Bad({"rate": "0.5"}, "dropout_forward: rate is '0.5', expected a number"),
        Bad({"seed": -1}, "dropout_forward: seed is -1, expected at least 0"),
        Bad({"seed": 1.5}, "dropout_forward: seed is 1.5, expected an integer"),
        Bad({"step": 2**64}, "dropout_forward: step is 18446744073709551616, expected less than 2**64"),
        Bad({"out": np.zeros((13, 7))}, "dropout_forward: out has shape (13, 7), expected (7, 13)"),
        Bad({**dy, "rate": 1.0}, "dropout_backward: rate is 1.0, expected a number from 0 to below 1"),
        Bad({**dy, "step": None}, "dropout_backward: step is None, expected an integer"),
    )
    bench = (case("in the first cache level", 4096), case("in memory", 6_400_000))
    return Op("dropout", "dropout", ("x",), cases, bench, bad=bad)


def _spatial():
    def case(why, *shape, rate=0.4, seed=1234, step=0):
        return Case(why, {"x": normal(*shape)}, {"rate": rate, "seed": seed, "step": step})

    cases = (
        case("primes", 7, 5, 13),
        case("images", 3, 5, 4, 16, seed=2**64 - 1, step=2**63),
        case("no axis between", 7, 13),
        case("nothing dropped", 3, 4, 5, rate=0.0),
        case("threads", 3, 40, 30, 33),
        case("wide rows, threads", 2, 7, 9001),
        case("nothing between", 3, 0, 5),
        case("no images", 0, 4, 5),
        case("no channels", 2, 4, 0),
    )
    op = "spatial_dropout"
    bad = (
        Bad({"x": np.ones(3)}, f"{op}_forward: x has shape (3,), expected (N, ..., C)"),
        Bad({"rate": 1}, f"{op}_forward: rate is 1, expected a number from 0 to below 1"),
        Bad({"step": 2**64}, f"{op}_forward: step is 18446744073709551616, expected less than 2**64"),
        Bad({"out": np.zeros((13, 7))}, f"{op}_forward: out has shape (13, 7), expected (7, 5, 13)"),
        Bad({"dy": np.ones((7, 5, 13)), "seed": -1}, f"{op}_backward: seed is -1, expected at least 0"),
    )
    bench = (case("32x4x4x8", 32, 4, 4, 8), case("32x56x56x64", 32, 56, 56, 64))
    return Op(op, "dropout", ("x",), cases, bench, bad=bad)


def _noise():
    def case(why, *shape, stddev=0.5, seed=1234, step=0):
        return Case(why, {"x": normal(*shape)}, {"stddev": stddev, "seed": seed, "step": step})

    cases = (
        case("large seed and step", 7, 13, seed=2**64 - 1, step=2**63),
        case("no noise", 7, 13, stddev=0),
        case("far more noise than signal", 9, 5, stddev=100.0),
        *(case(why, *shape) for why, shape in ragged()),
    )
    op = "gaussian_noise"
    bad = (
        Bad({"stddev": -0.5}, f"{op}_forward: stddev is -0.5, expected a number from 0 to inf"),
        Bad({"stddev": "1"}, f"{op}_forward: stddev is '1', expected a number"),
        Bad({"seed": 1.5}, f"{op}_forward: seed is 1.5, expected an integer"),
        Bad({"step": -1}, f"{op}_forward: step is -1, expected at least 0"),
        Bad({"out": np.zeros((13, 7))}, f"{op}_forward: out has shape (13, 7), expected (7, 13)"),
    )
    bench = (case("in the first cache level", 4096), case("in memory", 6_400_000))
    return Op(op, "dropout", ("x",), cases, bench, bad=bad)


OPS = (_dropout(), _spatial(), _noise())
