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
        Case("1,000 classes, in memory", {"x": normal(8192, 1000)}),
        Case("attention rows, in memory", {"x": normal(32, 512, 512)}),
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
    return Op("softmax", "softmax", ("x",), cases, bench, bad=bad)


def _in_memory(**options):
    return (
        Case("10 classes", {"x": normal(4096, 10)}, options),
        Case("attention rows", {"x": normal(32, 256, 256)}, options),
        Case("attention rows, in memory", {"x": normal(32, 512, 512)}, options),
    )


def _seen(*shape, seed=0, share=0.6):
    return np.random.default_rng(seed).random(shape) < share


def _masked_softmax():
    def case(why, shape, mask, **options):
        return Case(why, {"x": normal(*shape)}, {"mask": mask, **options})

    nothing = _seen(7, 13)
    nothing[2] = False
    cases = (
        case("primes", (7, 13), _seen(7, 13)),
        case("rows of which nothing is seen", (7, 13), nothing),
        case("nothing is seen", (7, 13), np.zeros((1, 1), bool)),
        case("one mask for all rows", (7, 13), _seen(13)),
        case("whole rows", (7, 13), _seen(7, 1)),
        case("of each batch, for all heads", (2, 3, 5, 7), _seen(2, 1, 5, 7)),
        case("of keys", (2, 3, 5, 7), _seen(2, 1, 1, 7)),
        case("short rows, threads", (4099, 10), _seen(4099, 10)),
        case("long rows, threads", (3, 11003), _seen(11003)),
        case("first axis", (13, 7), _seen(13, 7), axis=0),
        case("a middle axis and its mask", (3, 5, 7), _seen(5, 1), axis=1),
        case("a middle axis, and one behind it of size 1", (3, 5, 1), _seen(3, 5, 1), axis=1),
        case("large", (5, 11), _seen(5, 11), axis=-1),
        case("no rows", (0, 5), _seen(5)),
        case("nothing along the axis", (5, 0), _seen(1, 1)),
    )
    op = "masked_softmax_forward"
    bad = (
        Bad({"mask": None}, f"{op}: mask is None, expected a NumPy array of bool"),
        Bad({"mask": np.ones(13)}, f"{op}: mask is float64, expected bool; convert it with mask.astype(bool)"),
        Bad(
            {"mask": np.ones((8, 13), bool)},
            f"{op}: mask has shape (8, 13), expected one that broadcasts to (7, 13)",
        ),
        Bad(
            {"mask": np.ones((1, 7, 13), bool)},
            f"{op}: mask has shape (1, 7, 13), expected one that broadcasts to (7, 13)",
        ),
    )
    bench = _in_memory(mask=np.ones((1, 1), bool))[:1] + (
        case("attention rows", (32, 256, 256), _seen(256, 256)),
        case("attention rows, in memory", (32, 512, 512), _seen(512, 512)),
    )
    return Op("masked_softmax", "softmax", ("x",), cases, bench, bad=bad)


def _causal_softmax():
    cases = (
        Case("square", {"x": normal(7, 7)}),
        Case("more columns than rows", {"x": normal(3, 5, 11)}),
        Case("more rows than columns: the first see nothing", {"x": normal(2, 11, 5)}),
        Case("threads", {"x": normal(3, 129, 131)}),
        Case("no rows", {"x": normal(0, 5)}),
    )
    op = "causal_softmax_forward"
    bad = (
        Bad({"x": np.ones(3)}, f"{op}: x has 1 axes (shape (3,)), expected at least 2"),
        Bad({"out": np.ones((7, 8))}, f"{op}: out has shape (7, 8), expected (7, 7)"),
    )
    return Op("causal_softmax", "softmax", ("x",), cases, _in_memory(), bad=bad)


def _axes():
    """Cases along every axis."""
    cases = (
        Case("primes", {"x": normal(7, 13)}),
        *(Case(why, {"x": normal(*shape)}) for why, shape in ragged()),
        Case("rows that overflow without their maximum", {"x": uniform(5, 11, low=1000, high=1005)}),
        Case("1e30", {"x": normal(190, 11, scale=1e30)}),
        Case("short rows, threads", {"x": normal(4099, 10)}),
        Case("first axis", {"x": normal(13, 7)}, {"axis": 0}),
        Case("middle axis", {"x": normal(3, 5, 7)}, {"axis": 1}),
        Case("middle axis, threads", {"x": normal(5, 11, 769)}, {"axis": -2}),
        Case("few columns, threads", {"x": normal(3001, 5, 3)}, {"axis": 1}),
        Case("no columns", {"x": normal(5, 3, 0)}, {"axis": 1}),
    )
    bench = (*_in_memory(), Case("first axis", {"x": normal(64, 65536)}, {"axis": 0}))
    return cases, bench


def _log_softmax():
    bad = (
        Bad({"axis": 2}, "log_softmax_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"out": np.ones((13, 7))}, "log_softmax_forward: out has shape (13, 7), expected (7, 13)"),
    )
    return Op("log_softmax", "softmax", ("x",), *_axes(), bad=bad)


def _logsumexp():
    bad = (
        Bad({"axis": 2}, "logsumexp_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"out": np.ones((7, 13))}, "logsumexp_forward: out has shape (7, 13), expected (7,)"),
        Bad(
            {"dy": np.ones(13), "y": np.ones(7)},
            "logsumexp_backward: dy has shape (13,), expected (7,) because x is (7, 13)",
        ),
    )
    return Op("logsumexp", "softmax", ("x",), *_axes(), bad=bad)


OPS = (_softmax(), _masked_softmax(), _causal_softmax(), _log_softmax(), _logsumexp())
