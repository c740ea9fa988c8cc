"""The catalog's rows of broadcasting arithmetic and transposes; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal


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

    def moved(arrays, _):
        a, b = arrays["a"], arrays["b"]
        return a.nbytes + b.nbytes + max(a.nbytes, b.nbytes)

    return Op(name, "shape", ("a", "b"), cases, bench, bad=bad, bytes=moved)


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
    return Op("transpose", "shape", ("x",), cases, bench, bad=bad, bytes=lambda arrays, _: 2 * arrays["x"].nbytes)


OPS = (_pairs("add"), _pairs("multiply"), _transpose())
