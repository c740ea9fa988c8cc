"""The catalog's rows of embedding; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, labels, normal


def _ids(values, dtype=np.int64):
    return lambda rng, _: np.array(values, dtype)


def _frequent(rows, *shape):
    """Numbers of rows of which small ones are far more frequent, as words are."""
    return lambda rng, dtype: np.minimum(rng.zipf(1.3, shape) - 1, rows - 1)


def _embedding():
    def case(why, ids, rows, columns, **options):
        return Case(why, {"ids": ids, "w": normal(rows, columns)}, options)

    cases = (
        case("primes", labels(11, 5, 7), 11, 13),
        case("one id", labels(1, 1), 1, 1),
        case("no axes", _ids(3), 5, 7),
        case("padding that is a row", labels(5, 4, 6), 5, 3, padding_index=0),
        case("padding that is no row", _ids([[1, -1, 2], [-1, -1, 0]]), 3, 5, padding_index=-1),
        case("other integers", _ids([3, 0, 3], np.uint8), 4, 16),
        case("one row gets all", _ids(np.zeros(300)), 3, 17),
        case("most rows unused, threads", labels(700, 50), 700, 129),
        case("frequent ids, threads", _frequent(300, 40, 50), 300, 33),
        case("no ids", labels(3, 0, 2), 3, 4),
        case("no columns", labels(3, 4), 3, 0),
        case("neither ids nor rows", labels(3, 0), 0, 4),
    )
    op = "embedding"
    given = {"dy": np.ones((5, 7, 13)), "ids": np.zeros((5, 7), int), "rows": 11}
    far = np.zeros((5, 7), int)
    far[2, 3] = 11
    bad = (
        Bad({"w": np.ones(13)}, f"{op}_forward: w has 1 axes (shape (13,)), expected 2"),
        Bad({"ids": far}, f"{op}_forward: ids holds 11 at position (2, 3), expected 0 to 10 because w is (11, 13)"),
        Bad({"ids": -far}, f"{op}_forward: ids holds -11 at position (2, 3), expected 0 to 10 because w is (11, 13)"),
        Bad({"padding_index": 1.5}, f"{op}_forward: padding_index is 1.5, expected an integer"),
        Bad({"out": np.ones((5, 7))}, f"{op}_forward: out has shape (5, 7), expected (5, 7, 13)"),
        Bad(
            {**given, "dy": np.ones((7, 5, 13))},
            f"{op}_backward: dy has shape (7, 5, 13), expected (5, 7, D) because ids is (5, 7)",
        ),
        Bad({**given, "rows": -1}, f"{op}_backward: rows is -1, expected at least 0"),
        Bad(
            {**given, "ids": far},
            f"{op}_backward: ids holds 11 at position (2, 3), expected 0 to 10 because rows is 11",
        ),
    )
    bench = (
        case("32 x 4 ids of 1,000, 8 columns", labels(1000, 32, 4), 1000, 8),
        case("32 x 128 ids of 20,000, 64 columns", _frequent(20_000, 32, 128), 20_000, 64),
        case("32 x 512 ids of 50,000, 512 columns", labels(50_000, 32, 512), 50_000, 512),
        case("64 x 1024 ids of 10,000, 128 columns", labels(10_000, 64, 1024), 10_000, 128),
    )

    def moved(arrays, _):
        return 2 * arrays["ids"].size * arrays["w"].shape[1] * arrays["w"].itemsize

    return Op(op, "embedding", ("w",), cases, bench, bad=bad, bytes=moved)


def _bag():
    def case(why, ids, rows, columns, offsets=None, **options):
        arrays = {"ids": ids, "w": normal(rows, columns)}
        return Case(why, {**arrays, "offsets": offsets} if offsets else arrays, options)

    cases = (
        case("sums of bags of one size", labels(11, 5, 7), 11, 13),
        case("means", labels(11, 5, 7), 11, 13, mode="mean"),
        case("padding", labels(3, 6, 4), 3, 5, mode="mean", padding_index=2),
        case("a bag of padding alone", _ids([[-1, -1], [0, -1]]), 3, 5, mode="mean", padding_index=-1),
        case("offsets", labels(11, 20), 11, 5, _ids([0, 3, 7, 19])),
        case("offsets, empty bags", labels(11, 9), 11, 5, _ids([0, 0, 4, 4, 9], np.int32), mode="mean"),
        case("threads", labels(300, 200, 21), 300, 33, mode="mean"),
        case("bags of nothing", labels(3, 4, 0), 3, 2, mode="mean"),
        case("no bags", labels(3, 0, 4), 3, 2),
        case("no columns", labels(3, 2, 2), 3, 0),
    )
    op = "embedding_bag"
    flat = {"ids": np.zeros(7, int)}
    bad = (
        Bad({"mode": "max"}, f"{op}_forward: mode is 'max', expected one of 'sum', 'mean'; did you mean 'mean'?"),
        Bad(flat, f"{op}_forward: ids has 1 axes (shape (7,)), expected 2"),
        Bad(
            {**flat, "offsets": np.array([1, 3])},
            f"{op}_forward: offsets holds 1 at position 0, expected ascending places from 0 to 7 because ids is (7,)",
        ),
        Bad(
            {**flat, "offsets": np.array([0, 3, 2])},
            f"{op}_forward: offsets holds 2 at position 2, expected ascending places from 0 to 7 because ids is (7,)",
        ),
        Bad(
            {**flat, "offsets": np.array([0, 8])},
            f"{op}_forward: offsets holds 8 at position 1, expected ascending places from 0 to 7 because ids is (7,)",
        ),
        Bad(
            {"ids": np.full((2, 2), 11)},
            f"{op}_forward: ids holds 11 at position (0, 0), expected 0 to 10 because w is (11, 13)",
        ),
        Bad(
            {"dy": np.ones((4, 13)), "rows": 11},
            f"{op}_backward: dy has shape (4, 13), expected (5, D) because ids is (5, 7)",
        ),
    )
    bench = (
        case("32 bags of 20, 64 columns", labels(1000, 32, 20), 1000, 64),
        case("4,096 bags of 20, 64 columns", labels(100_000, 4096, 20), 100_000, 64, mode="mean"),
    )

    def moved(arrays, _):
        return (arrays["ids"].size + arrays["ids"].shape[0]) * arrays["w"].shape[1] * arrays["w"].itemsize

    return Op(op, "embedding", ("w",), cases, bench, bad=bad, optional=("offsets",), bytes=moved)


def _one_hot():
    def case(why, ids, classes, **options):
        return Case(why, {"ids": ids}, {"classes": classes, **options})

    cases = (
        case("primes", labels(11, 5, 7), 11),
        case("float64", labels(3, 4), 3, dtype="float64"),
        case("no axes", _ids(2), 3),
        case("other integers", _ids([3, 0], np.int8), 4),
        case("threads", labels(100, 1003), 100),
        case("no ids", labels(3, 0), 3),
        case("neither ids nor classes", labels(3, 0), 0),
    )
    bad = (
        Bad(
            {"ids": np.array([0, 11])},
            "one_hot_forward: ids holds 11 at position 1, expected 0 to 10 because classes is 11",
        ),
        Bad({"classes": 1.5}, "one_hot_forward: classes is 1.5, expected an integer"),
        Bad({"dtype": "int8"}, "one_hot_forward: dtype is 'int8', expected one of 'float32', 'float64'"),
    )
    bench = (case("32 of 10", labels(10, 32), 10), case("8,192 of 1,000", labels(1000, 8192), 1000))
    return Op(
        "one_hot",
        "embedding",
        (),
        cases,
        bench,
        bad=bad,
    )


OPS = (_embedding(), _bag(), _one_hot())
