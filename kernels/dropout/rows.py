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
    return Op("dropout", "dropout", ("x",), cases, bench, bad=bad, bytes=lambda arrays, _: 2 * arrays["x"].nbytes)


OPS = (_dropout(),)
