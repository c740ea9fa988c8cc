"""The catalog's rows of reductions; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, constant, distinct, normal


def _totals(name):
    def case(why, *shape, **options):
        return Case(why, {"x": normal(*shape)}, options)

    cases = (
        case("all of primes", 7, 13),
        Case("no axes", {"x": constant(2.5)}),
        case("last axis", 7, 13, axis=-1),
        case("first axis", 13, 7, axis=0),
        case("middle axis, kept", 3, 5, 7, axis=1, keepdims=True),
        case("neighbours", 3, 5, 2, 7, axis=(1, 2)),
        case("axes apart", 3, 5, 2, 7, axis=(-1, 1)),
        case("axes apart, kept", 3, 4, 5, axis=(0, 2), keepdims=True),
        case("over no axis", 3, 4, axis=()),
        case("one element", 1),
        case("parts of a row, threads", 40_001),
        case("rows of parts, threads", 3, 20_011, axis=1),
        case("short rows, threads", 9001, 5, axis=1),
        case("parts of columns, threads", 1003, 33, axis=0),
        case("blocks of columns, threads", 3, 70, 1031, axis=1),
        case("no rows", 0, 5, axis=1),
        case("no columns", 3, 5, 0, axis=1),
    )
    op = f"{name}_forward"
    bad = (
        Bad({"axis": 2}, f"{op}: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"axis": (0, -2)}, f"{op}: axis is (0, -2), expected every axis at most once"),
        Bad({"axis": 1.0}, f"{op}: axis is 1.0, expected an integer"),
        Bad(
            {"dy": np.ones(7), "input_shape": (7, 13), "axis": 0},
            f"{name}_backward: dy has shape (7,), expected (13,) because input_shape is (7, 13)",
        ),
        Bad(
            {"dy": np.ones(7), "input_shape": (7, 13), "axis": 2},
            f"{name}_backward: axis is 2, expected -2 to 1 because input_shape has 2 axes",
        ),
    )
    bench = (
        case("1,024", 1024),
        case("8,000,000", 8_000_000),
        case("8192 x 1024, last axis", 8192, 1024, axis=1),
        case("8192 x 1024, first axis", 8192, 1024, axis=0),
        case("32 x 512 x 512, middle axis", 32, 512, 512, axis=1),
    )
    return Op(name, "reduce", ("x",), cases, bench, bad=bad)


def _max(name, saved=("argmax",)):
    def case(why, *shape, **options):
        return Case(why, {"x": distinct(*shape)}, options)

    cases = (
        case("last axis", 7, 13),
        case("first axis", 13, 7, axis=0),
        case("middle axis", 3, 5, 7, axis=-2),
        case("one axis", 11),
        case("one element", 1),
        case("one column", 5, 4, 1, axis=1),
        case("rows, threads", 301, 77),
        case("blocks of columns, threads", 3, 7, 2051, axis=1),
        case("no rows", 0, 5),
        case("no columns", 3, 5, 0, axis=1),
    )
    op = f"{name}_forward"
    bad = (
        Bad({"axis": 2}, f"{op}: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"axis": None}, f"{op}: axis is None, expected an integer"),
        Bad({"x": np.ones((3, 0))}, f"{op}: the size of x's axis 1 is 0, expected at least 1"),
        Bad({"x": np.array(1.0)}, f"{op}: x has 0 axes (shape ()), expected at least 1"),
    )
    if saved:
        given = {"dy": np.ones(7), "argmax": np.zeros(7, int), "input_shape": (7, 13)}
        bad += (
            Bad({**given, "axis": 0}, "max_backward: dy has shape (7,), expected (13,) because input_shape is (7, 13)"),
            Bad(
                {**given, "argmax": np.zeros(6, int)},
                "max_backward: argmax has shape (6,), expected (7,) because dy is (7,)",
            ),
        )
    bench = (
        case("32 x 10", 32, 10),
        case("8192 x 1024, last axis", 8192, 1024),
        case("8192 x 1024, first axis", 8192, 1024, axis=0),
    )
    return Op(name, "reduce", ("x",) * bool(saved), cases, bench, saved, bad)


def _top_k():
    def case(why, *shape, recipe=distinct, **options):
        return Case(why, {"x": recipe(*shape)}, options)

    def few(*shape):
        """Many equal values, zeros of both signs among them."""
        return lambda rng, dtype: (rng.integers(-2, 3, shape) * 0.5 * rng.choice((-1, 1), shape)).astype(dtype)

    def rising(*shape):
        return lambda rng, dtype: np.arange(np.prod(shape)).reshape(shape).astype(dtype)

    cases = (
        case("last axis", 7, 13, k=5),
        case("first axis", 13, 7, k=3, axis=0),
        case("middle axis", 3, 5, 7, k=2, axis=-2),
        case("one axis", 11, k=4),
        case("the largest", 5, 9, k=1),
        case("all, sorted", 5, 37, k=37),
        case("all of columns, sorted", 37, 5, k=37, axis=0),
        case("one element", 1, k=1),
        case("rows of blocks and a rest, threads", 301, 177, k=5),
        case("a long row", 20_011, k=40),
        case("rising", 3, 3001, recipe=rising, k=17),
        case("rising columns", 1500, 3, recipe=rising, k=17, axis=0),
        case("equal values", 31, 301, recipe=few, k=33),
        case("equal values, few of them", 31, 301, recipe=few, k=3),
        case("equal values in columns", 2, 301, 37, recipe=few, k=33, axis=1),
        case("blocks of columns, threads", 3, 47, 251, k=6, axis=1),
        case("no rows", 0, 5, k=2),
        case("no columns", 3, 5, 0, k=2, axis=1),
    )
    op = "top_k"
    given = {"dy": np.ones((7, 2)), "indices": np.zeros((7, 2), int), "input_shape": (7, 13)}
    bad = (
        Bad({"k": 14}, f"{op}_forward: k is 14, expected at most 13, the size of x's axis 1"),
        Bad({"k": 0}, f"{op}_forward: k is 0, expected at least 1"),
        Bad({"k": 2.0}, f"{op}_forward: k is 2.0, expected an integer"),
        Bad({"axis": 2}, f"{op}_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"x": np.array(1.0)}, f"{op}_forward: x has 0 axes (shape ()), expected at least 1"),
        Bad(
            {**given, "dy": np.ones((6, 2)), "indices": np.zeros((6, 2), int)},
            f"{op}_backward: dy has shape (6, 2), expected (7, k) because input_shape is (7, 13)",
        ),
        Bad(
            {**given, "indices": np.zeros(7, int)},
            f"{op}_backward: indices has shape (7,), expected (7, 2) because dy is (7, 2)",
        ),
        Bad(
            {**given, "indices": np.full((7, 2), 13, np.int32)},
            f"{op}_backward: indices holds 13 at position (0, 0), expected 0 to 12 because input_shape is (7, 13)",
        ),
        Bad({**given, "axis": 2}, f"{op}_backward: axis is 2, expected -2 to 1 because input_shape has 2 axes"),
    )
    bench = (
        case("32 x 32, 5 of the last axis", 32, 32, k=5, recipe=normal),
        case("8192 x 1024, 5 of the last axis", 8192, 1024, k=5, recipe=normal),
        case("256 x 50,000, 50 of the last axis", 256, 50_000, k=50, recipe=normal),
        case("8192 x 1024, 5 of the first axis", 8192, 1024, k=5, axis=0, recipe=normal),
    )
    return Op(op, "reduce", ("x",), cases, bench, ("indices",), bad)


def _cumsum():
    def case(why, *shape, **options):
        return Case(why, {"x": normal(*shape)}, options)

    cases = (
        case("last axis", 7, 13),
        case("first axis", 13, 7, axis=0),
        case("middle axis", 3, 5, 7, axis=-2),
        case("one element", 1),
        case("rows, threads", 301, 77),
        case("blocks of columns, threads", 3, 7, 2051, axis=1),
        case("no rows", 0, 5),
        case("nothing along the axis", 3, 0, 5, axis=1),
    )
    bad = (
        Bad({"axis": 2}, "cumsum_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"dy": np.ones(3), "axis": 1}, "cumsum_backward: axis is 1, expected -1 to 0 because dy has 1 axis"),
    )
    bench = (
        case("32 x 10", 32, 10),
        case("8192 x 1024, last axis", 8192, 1024),
        case("8192 x 1024, first axis", 8192, 1024, axis=0),
    )
    return Op("cumsum", "reduce", ("x",), cases, bench, bad=bad)


OPS = (_totals("sum"), _totals("mean"), _max("max"), _max("argmax", ()), _top_k(), _cumsum())
