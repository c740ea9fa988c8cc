"""The catalog's rows of softmax; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal, ragged, uniform


def _softmax():
    cases = (Case("primes", {"x": normal(7, 13)}),)
    cases += tuple(Case(why, {"x": normal(*shape)}) for why, shape in ragged())
    cases += (
        Case("rows that overflow without their maximum", {"x": uniform(5, 11, low=1000, high=1005)}),
        Case("all but one nearly 0", {"x": normal(5, 11, scale=10)}),
        Case("short rows, threads", {"x": normal(4099, 10)}),
        Case("first axis", {"x": normal(13, 7)}, {"axis": 0}),
        Case("columns that overflow", {"x": uniform(13, 7, low=1000, high=1005)}, {"axis": 0}),
        Case("middle axis", {"x": normal(3, 5, 7)}, {"axis": 1}),
        Case("middle axis, threads", {"x": normal(5, 11, 769)}, {"axis": -2}),
        Case("few columns, threads", {"x": normal(3001, 5, 3)}, {"axis": 1}),
        Case("two blocks of columns", {"x": normal(13, 2, 300)}, {"axis": 1}),
        Case("nothing along the axis", {"x": normal(5, 0)}),
        Case("no columns", {"x": normal(5, 3, 0)}, {"axis": 1}),
    )
    bench = (
        Case("10 classes", {"x": normal(4096, 10)}),
        Case("1,000 classes", {"x": normal(4096, 1000)}),
        Case("attention rows", {"x": normal(32, 256, 256)}),
        Case("first axis", {"x": normal(64, 65536)}, {"axis": 0}),
    )
    backward = {"dy": np.ones((2, 3)), "y": np.ones((2, 3))}
    bad = (
        Bad({"axis": 2}, "softmax_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"axis": -3}, "softmax_forward: axis is -3, expected -2 to 1 because x has 2 axes"),
        Bad({"axis": None}, "softmax_forward: axis is None, expected an integer"),
        Bad({"x": np.array(1.0)}, "softmax_forward: x has 0 axes (shape ()), expected at least 1"),
        Bad({"out": np.ones((13, 7))}, "softmax_forward: out has shape (13, 7), expected (7, 13)"),
        Bad({**backward, "dy": np.ones(3)}, "softmax_backward: dy has shape (3,), expected (2, 3) because y is (2, 3)"),
        Bad({**backward, "axis": 5}, "softmax_backward: axis is 5, expected -2 to 1 because y has 2 axes"),
        Bad({**backward, "out": np.ones((3, 2))}, "softmax_backward: out has shape (3, 2), expected (2, 3)"),
    )
    return Op("softmax", "softmax", ("x",), cases, bench, bad=bad, bytes=lambda arrays, _: 2 * arrays["x"].nbytes)


OPS = (_softmax(),)
