"""The catalog's rows of losses; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, labels, normal, probabilities, ragged, uniform


def _loss_bytes(arrays, _):
    return sum(x.nbytes for x in arrays.values())


def _mse():
    cases = (
        Case("two axes", {"y": normal(7, 13), "t": normal(7, 13)}),
        *(Case(why, {"y": normal(*shape), "t": normal(*shape)}) for why, shape in ragged()),
    )
    bad = (
        Bad({"t": np.ones((7, 1))}, "mse_forward: t has shape (7, 1), expected (7, 13) because y is (7, 13)"),
        Bad(
            {"t": np.ones((7, 13), np.float32)},
            "mse_forward: t is float32, expected float64 because y is float64; convert it with t.astype(np.float64)",
        ),
        Bad({"t": np.ones(7), "dloss": 1.0}, "mse_backward: t has shape (7,), expected (7, 13) because y is (7, 13)"),
        Bad({"dloss": np.ones(1)}, "mse_backward: dloss is array([1.]), expected a number"),
    )
    bench = (
        Case("32x1", {"y": normal(32, 1), "t": normal(32, 1)}),
        Case("in memory", {"y": normal(6_400_000), "t": normal(6_400_000)}),
    )
    return Op("mse", "loss", ("y",), cases, bench, bad=bad, bytes=_loss_bytes)


def _binary_crossentropy():
    def case(why, *shape, scale=1.0, from_logits=True):
        y = normal(*shape, scale=scale) if from_logits else uniform(*shape, low=0.05, high=0.95)
        return Case(why, {"y": y, "t": uniform(*shape)}, {"from_logits": from_logits})

    cases = (
        case("probabilities", 7, 13, from_logits=False),
        *(case(f"probabilities, {why}", *shape, from_logits=False) for why, shape in ragged()),
        *(case(f"logits, {why}", *shape) for why, shape in ragged()),
        case("logits that would overflow", 7, 13, scale=1000.0),
    )
    op = "binary_crossentropy"
    bad = (
        Bad({"t": np.ones(7)}, f"{op}_forward: t has shape (7,), expected (7, 13) because y is (7, 13)"),
        Bad(
            {"t": np.ones((7, 13), bool)},
            f"{op}_forward: t is bool, expected float32 or float64; convert it with t.astype(np.float32)",
        ),
        Bad({"t": np.ones(7), "dloss": 1.0}, f"{op}_backward: t has shape (7,), expected (7, 13) because y is (7, 13)"),
        Bad({"dloss": None}, f"{op}_backward: dloss is None, expected a number"),
    )
    bench = (case("logits 32x1", 32, 1), case("logits, in memory", 6_400_000))
    return Op(op, "loss", ("y",), cases, bench, bad=bad, bytes=_loss_bytes)


def _class_cases(target):
    """Cases of a cross-entropy over classes, whose target is `target(M, N)`."""

    def case(why, M, N, scale=1.0, from_logits=True):
        y = normal(M, N, scale=scale) if from_logits else uniform(M, N, low=0.05, high=0.95)
        return Case(why, {"y": y, "t": target(M, N)}, {"from_logits": from_logits})

    shapes = {
        "primes": (7, 13),
        "one row, one class": (1, 1),
        "a task's rows": (409, 10),
        "a row more": (410, 10),
        "long rows, threads": (5, 4999),
        "threads": (1009, 33),
        "no rows": (0, 5),
    }
    cases = (
        *(case(f"probabilities, {why}", *shape, from_logits=False) for why, shape in shapes.items()),
        *(case(f"logits, {why}", *shape) for why, shape in shapes.items()),
        case("logits that would overflow", 7, 13, scale=1000.0),
    )
    bench = (
        case("probabilities 32x10", 32, 10, from_logits=False),
        case("logits 32x10", 32, 10),
        case("logits 128x1000", 128, 1000),
        case("logits 256x32000", 256, 32000),
    )
    return cases, bench


def _categorical_crossentropy():
    op = "categorical_crossentropy"
    bad = (
        Bad({"y": np.ones(13)}, f"{op}_forward: y has 1 axes (shape (13,)), expected 2"),
        Bad({"t": np.ones((8, 13))}, f"{op}_forward: t has shape (8, 13), expected (7, 13) because y is (7, 13)"),
        Bad(
            {"t": np.zeros(7, int)},
            f"{op}_forward: t is int64, expected float32 or float64; convert it with t.astype(np.float32)",
        ),
        Bad(
            {"y": np.ones((7, 0)), "t": np.ones((7, 0))},
            f"{op}_forward: the number of classes in y is 0, expected at least 1",
        ),
        Bad(
            {"t": np.ones((7, 1)), "dloss": 1.0},
            f"{op}_backward: t has shape (7, 1), expected (7, 13) because y is (7, 13)",
        ),
        Bad({"dloss": "1"}, f"{op}_backward: dloss is '1', expected a number"),
    )
    return Op(op, "loss", ("y",), *_class_cases(probabilities), bad=bad, bytes=_loss_bytes)


def _sparse_categorical_crossentropy():
    op = "sparse_categorical_crossentropy"
    out_of_range, negative = np.array([0, 1, 2, 13, 3, 4, 14]), np.array([0, 1, -1, 2, 3, 4, 5], np.int8)
    bad = (
        Bad(
            {"t": out_of_range},
            f"{op}_forward: t holds 13 at position 3, expected labels from 0 to 12 because y is (7, 13)",
        ),
        Bad(
            {"t": negative},
            f"{op}_forward: t holds -1 at position 2, expected labels from 0 to 12 because y is (7, 13)",
        ),
        Bad(
            {"t": np.full(7, 2**64 - 1, np.uint64)},
            f"{op}_forward: t holds 18446744073709551615 at position 0, expected labels from 0 to 12 "
            "because y is (7, 13)",
        ),
        Bad({"t": np.zeros(8, int)}, f"{op}_forward: t has shape (8,), expected (7,) because y is (7, 13)"),
        Bad({"t": np.zeros((7, 1), int)}, f"{op}_forward: t has 2 axes (shape (7, 1)), expected 1"),
        Bad(
            {"t": np.zeros(7)},
            f"{op}_forward: t is float64, expected an integer dtype; convert it with t.astype(np.int64)",
        ),
        Bad(
            {"t": np.zeros(7, bool)},
            f"{op}_forward: t is bool, expected an integer dtype; convert it with t.astype(np.int64)",
        ),
        Bad({"y": np.ones((7, 0))}, f"{op}_forward: the number of classes in y is 0, expected at least 1"),
        Bad(
            {"t": out_of_range, "dloss": 1.0},
            f"{op}_backward: t holds 13 at position 3, expected labels from 0 to 12 because y is (7, 13)",
        ),
        Bad({"dloss": 1j}, f"{op}_backward: dloss is 1j, expected a number"),
    )
    return Op(op, "loss", ("y",), *_class_cases(lambda M, N: labels(N, M)), bad=bad, bytes=_loss_bytes)


OPS = (
    _mse(),
    _binary_crossentropy(),
    _categorical_crossentropy(),
    _sparse_categorical_crossentropy(),
)
