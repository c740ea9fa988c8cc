"""The catalog's rows of broadcasting arithmetic and moves; their words are explained in _row.py."""

import math

import numpy as np

from .._row import Bad, Case, Op, constant, labels, normal


def _pairs(name):
    def case(why, a, b):
        return Case(why, {"a": normal(*a), "b": normal(*b)})

    cases = (
        case("one shape", (7, 13), (7, 13)),
        case("a row", (7, 13), (13,)),
        case("a column", (7, 13), (7, 1)),
        case("a row to a column", (7, 1), (13,)),
        case("one number", (7, 13), (1,)),
        case("to a number", (1, 1), (7, 13)),
        case("the middle", (3, 5, 7), (3, 1, 7)),
        case("ends", (3, 5, 7), (1, 5, 1)),
        case("both repeated, in turn", (3, 1, 4, 1), (5, 1, 6)),
        case("long rows, threads", (2, 20_011), (20_011,)),
        case("channels, threads", (9, 21, 22, 33), (33,)),
        case("images, threads", (9, 300, 33), (9, 1, 33)),
        case("numbers, threads", (3001, 17), (3001, 1)),
        case("no rows", (0, 5), (5,)),
        case("nothing repeated along an axis", (4, 0), (4, 1)),
    )
    op = f"{name}_forward"
    bad = (
        Bad(
            {"b": np.ones((13, 7))},
            f"{op}: the axes of a (7, 13) and b (13, 7) do not broadcast; each pair must be equal or 1",
        ),
        Bad(
            {"b": np.ones(13, np.float32)},
            f"{op}: b is float32, expected float64 because a is float64; convert it with b.astype(np.float64)",
        ),
        Bad({"out": np.ones((13, 7))}, f"{op}: out has shape (13, 7), expected (7, 13)"),
        Bad({"dy": np.ones(13)}, f"{name}_backward: dy has shape (13,), expected (7, 13)"),
    )
    bench = (
        case("1,024 and as many", (1024,), (1024,)),
        case("8192 x 1024 and as many", (8192, 1024), (8192, 1024)),
        case("8192 x 1024 and a row", (8192, 1024), (1024,)),
        case("8192 x 1024 and a column", (8192, 1024), (8192, 1)),
        case("32 x 3136 x 64 and 32 x 1 x 64", (32, 3136, 64), (32, 1, 64)),
    )

    return Op(name, "shape", ("a", "b"), cases, bench, bad=bad, unread=("a", "b") if name == "add" else ())


def _transpose():
    def case(why, shape, axes=None):
        return Case(why, {"x": normal(*shape)}, {"axes": axes})

    cases = (
        case("two axes of primes", (7, 13)),
        case("one axis", (11,)),
        case("no move", (3, 5), (0, 1)),
        case("squares and rests, threads", (131, 201)),
        case("whole squares", (64, 128)),
        case("last two of three", (3, 17, 34), (0, -1, -2)),
        case("first two of three, threads", (37, 41, 33), (1, 0, 2)),
        case("heads of attention", (2, 9, 4, 8), (0, 2, 1, 3)),
        case("channels first", (2, 5, 7, 3), (0, 3, 1, 2)),
        case("channels last", (2, 3, 5, 7), (0, 2, 3, 1)),
        case("all turned round", (2, 3, 4, 5)),
        case("a cycle of four", (2, 3, 4, 5), (1, 3, 0, 2)),
        case("five axes", (2, 3, 2, 3, 4), (4, 1, 3, 0, 2)),
        case("axes of one element", (1, 5, 1, 7), (3, 2, 0, 1)),
        case("an axis of one element between neighbours", (5, 1, 7, 3), (3, 0, 2, 1)),
        case("nothing", (0, 5)),
    )
    bad = (
        Bad({"axes": (0,)}, "transpose_forward: axes is (0,), expected each of the 2 axes of x once"),
        Bad({"axes": (0, 0)}, "transpose_forward: axes is (0, 0), expected each of the 2 axes of x once"),
        Bad({"axes": (0, 2)}, "transpose_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"out": np.ones((7, 13))}, "transpose_forward: out has shape (7, 13), expected (13, 7)"),
    )
    bench = (
        case("32 x 32", (32, 32)),
        case("4096 x 2048", (4096, 2048)),
        case("32 x 56 x 56 x 64, channels first", (32, 56, 56, 64), (0, 3, 1, 2)),
        case("16 x 512 x 8 x 64, heads", (16, 512, 8, 64), (0, 2, 1, 3)),
    )
    return Op("transpose", "shape", ("x",), cases, bench, bad=bad)


def _pad():
    def case(why, shape, *width, **options):
        return Case(why, {"x": normal(*shape)}, {"width": width, **options})

    cases = (
        case("two axes of primes", (7, 13), (2, 1), (0, 3)),
        case("nothing to do", (7, 13), (0, 0), (0, 0)),
        case("one axis, a value", (11,), (3, 5), value=-2.5),
        Case("no axes", {"x": constant(2.5)}, {"width": ()}),
        case("an image", (2, 5, 7, 3), (0, 0), (1, 2), (3, 0), (0, 0)),
        case("channels", (2, 5, 3), (0, 0), (0, 0), (1, 4), value=1),
        case("every axis", (2, 3, 2, 3, 4), *((i, 2) for i in range(5))),
        case("more than there is", (1, 2), (5, 0), (0, 7)),
        case("rows of several tasks", (2, 20_011), (1, 0), (30_001, 5)),
        case("many rows, threads", (3, 61, 47, 5), (0, 1), (2, 1), (1, 2), (0, 0)),
        case("no rows", (0, 5), (0, 0), (1, 1)),
        case("around nothing", (0, 5), (2, 1), (1, 0), value=3.0),
    )
    op = "pad_forward"
    pairs = "expected a pair (before, after) for each of the 2 axes of x"
    bad = (
        Bad({"width": 1}, f"{op}: width is 1, {pairs}"),
        Bad({"width": ((1, 1),)}, f"{op}: width is ((1, 1),), {pairs}"),
        Bad({"width": [[1, 1], [1]]}, f"{op}: width is [[1, 1], [1]], {pairs}"),
        Bad({"width": ((1, 1), (0, -1))}, f"{op}: width is -1, expected at least 0"),
        Bad({"width": ((1, 1), (0, 0.5))}, f"{op}: width is 0.5, expected an integer"),
        Bad({"value": "edge"}, f"{op}: value is 'edge', expected a number"),
        Bad({"out": np.ones((7, 13))}, f"{op}: out has shape (7, 13), expected (10, 16)"),
        Bad(
            {"dy": np.ones((2, 16))},
            "pad_backward: width is ((2, 1), (0, 3)), which takes 3 from axis 0, expected at most 2 because dy is "
            "(2, 16)",
        ),
    )
    bench = (
        case("32 x 32 by 1", (32, 32), (1, 1), (1, 1)),
        case("32 x 56 x 56 x 64 by 1", (32, 56, 56, 64), (0, 0), (1, 1), (1, 1), (0, 0)),
        case("32 x 224 x 224 x 3 by 3", (32, 224, 224, 3), (0, 0), (3, 3), (3, 3), (0, 0)),
        case("32 x 56 x 56 x 120, channels to 128", (32, 56, 56, 120), (0, 0), (0, 0), (0, 0), (0, 8)),
        case("64 x 200 x 512 to 256 steps", (64, 200, 512), (0, 0), (0, 56), (0, 0)),
    )

    return Op("pad", "shape", ("x",), cases, bench, bad=bad)


def _crop():
    def case(why, shape, *width):
        return Case(why, {"x": normal(*shape)}, {"width": width})

    cases = (
        case("two axes of primes", (7, 13), (2, 1), (0, 3)),
        case("nothing to do", (7, 13), (0, 0), (0, 0)),
        case("one axis", (11,), (3, 5)),
        Case("no axes", {"x": constant(2.5)}, {"width": ()}),
        case("an image", (2, 6, 7, 3), (0, 0), (1, 2), (3, 0), (0, 0)),
        case("channels", (2, 5, 8), (0, 0), (0, 0), (1, 4)),
        case("every axis", (3, 3, 4, 3, 4), *((1, i % 2) for i in range(5))),
        case("one element", (5, 7), (4, 0), (0, 6)),
        case("rows of several tasks", (3, 50_021), (1, 0), (10_001, 5)),
        case("many rows, threads", (4, 61, 47, 5), (0, 1), (2, 1), (1, 2), (0, 0)),
        case("no rows", (0, 5), (0, 0), (1, 1)),
        case("all of an axis", (3, 5), (1, 2), (1, 0)),
    )
    op = "crop_forward"
    bad = (
        Bad(
            {"width": ((0, 0), (9, 5))},
            f"{op}: width is ((0, 0), (9, 5)), which takes 14 from axis 1, expected at most 13 because x is (7, 13)",
        ),
        Bad(
            {"width": ((0, 0),)},
            f"{op}: width is ((0, 0),), expected a pair (before, after) for each of the 2 axes of x",
        ),
        Bad({"width": ((0, 0), (-1, 0))}, f"{op}: width is -1, expected at least 0"),
        Bad({"out": np.ones((7, 13))}, f"{op}: out has shape (7, 13), expected (4, 10)"),
        Bad(
            {"dy": np.ones(4)},
            "crop_backward: width is ((2, 1), (0, 3)), expected a pair (before, after) for each of the 1 axes of dy",
        ),
    )
    bench = (
        case("34 x 34 by 1", (34, 34), (1, 1), (1, 1)),
        case("32 x 58 x 58 x 64 by 1", (32, 58, 58, 64), (0, 0), (1, 1), (1, 1), (0, 0)),
        case("32 x 256 x 256 x 3 by 16", (32, 256, 256, 3), (0, 0), (16, 16), (16, 16), (0, 0)),
        case("64 x 256 x 512 to 200 steps", (64, 256, 512), (0, 0), (0, 56), (0, 0)),
    )

    def moved(arrays, options):
        x = arrays["x"]
        return 2 * x.itemsize * math.prod(n - sum(pair) for n, pair in zip(x.shape, options["width"]))

    return Op("crop", "shape", ("x",), cases, bench, bad=bad, bytes=moved)


def _gather():
    def case(why, shape, indices, **options):
        return Case(why, {"x": normal(*shape), "indices": indices}, options)

    def chosen(*values, dtype=np.int64):
        return lambda rng, _: np.array(values, dtype)

    cases = (
        case("rows of primes", (7, 13), labels(7, 5, 3)),
        case("last axis", (7, 13), labels(13, 11), axis=-1),
        case("middle axis", (3, 5, 7), labels(5, 2, 4), axis=1),
        case("one axis", (11,), labels(11, 20)),
        case("one index without axes", (5, 3), lambda rng, _: np.array(2), axis=1),
        case("one element", (1,), labels(1, 1)),
        case("int32", (4, 3), chosen(3, 0, 3, dtype=np.int32)),
        case("int32, last axis", (4, 3), chosen(2, 2, 0, 1, dtype=np.int32), axis=1),
        case("one row gets all", (3, 17), chosen(*[1] * 40)),
        case("one slice gets all", (2, 3, 5), chosen(*[2] * 40), axis=1),
        case("rows, threads", (301, 129), labels(301, 400)),
        case("slices, threads", (37, 23, 19), labels(23, 61), axis=1),
        case("elements, threads", (301, 77), labels(77, 150), axis=1),
        case("blocks of columns, threads", (2, 7, 2051), labels(7, 11), axis=1),
        case("no indices", (3, 5), labels(3, 0, 2)),
        case("no columns", (3, 4, 0), labels(4, 5), axis=1),
        case("nothing of nothing", (2, 0, 3), labels(1, 0), axis=1),
    )
    op = "gather"
    far = np.zeros((5, 3), int)
    far[4, 1] = 7
    given = {"dy": np.ones((5, 3, 13)), "input_shape": (7, 13)}
    bad = (
        Bad(
            {"indices": far},
            f"{op}_forward: indices holds 7 at position (4, 1), expected 0 to 6 because x is (7, 13)",
        ),
        Bad(
            {"indices": np.array([0, -1], np.int32)},
            f"{op}_forward: indices holds -1 at position 1, expected 0 to 6 because x is (7, 13)",
        ),
        Bad({"axis": 2}, f"{op}_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"out": np.ones((5, 3))}, f"{op}_forward: out has shape (5, 3), expected (5, 3, 13)"),
        Bad(
            {**given, "dy": np.ones((3, 5, 13))},
            f"{op}_backward: dy has shape (3, 5, 13), expected (5, 3, 13) because input_shape is (7, 13)",
        ),
        Bad(
            {**given, "indices": far},
            f"{op}_backward: indices holds 7 at position (4, 1), expected 0 to 6 because input_shape is (7, 13)",
        ),
        Bad({**given, "axis": 2}, f"{op}_backward: axis is 2, expected -2 to 1 because input_shape has 2 axes"),
    )
    bench = (
        case("32 of 64 rows of 32", (64, 32), labels(64, 32)),
        case("65,536 of 100,000 rows of 128", (100_000, 128), labels(100_000, 65_536)),
        case("64 x 400 x 256, 400 of the middle axis", (64, 400, 256), labels(400, 400), axis=1),
        case("8192 x 1024, 1024 of the last axis", (8192, 1024), labels(1024, 1024), axis=1),
    )

    def moved(arrays, options):
        x, axis = arrays["x"], options.get("axis", 0)
        return 2 * arrays["indices"].size * x.nbytes // x.shape[axis] + arrays["indices"].nbytes

    return Op(op, "shape", ("x",), cases, bench, bad=bad, bytes=moved)


OPS = (_pairs("add"), _pairs("multiply"), _transpose(), _pad(), _crop(), _gather())
