"""The catalog's rows of losses of classes; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, labels, normal, probabilities, uniform


def _some_zero(*shape):
    """Weights, of which a third is 0."""
    return lambda rng, dtype: (rng.uniform(0.5, 2, shape) * (rng.random(shape) > 1 / 3)).astype(dtype)


def _class_cases(target, sparse=False, smooth=True):
    """Cases of a cross-entropy over classes, whose target is `target(M, N)`."""

    def case(why, M, N, scale=1.0, from_logits=True, weights=None, class_weights=None, host=False, **options):
        y = normal(M, N, scale=scale) if from_logits else uniform(M, N, low=0.05, high=0.95)
        arrays = {"y": y, "t": target(M, N)}
        if weights is not None:
            arrays["weights"] = weights
        if class_weights is not None:
            arrays["class_weights"] = class_weights
        return Case(why, arrays, {"from_logits": from_logits, **options}, host=host)

    def both(why, M, N, **options):
        return tuple(
            case(f"{why} of {kind}", M, N, from_logits=kind == "logits", host=True, **options)
            for kind in ("logits", "probabilities")
        )

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
        case("1e30 for logits", 211, 13, scale=1e30, host=True),
        *both("a weight a row", 23, 7, weights=_some_zero(23)),
        *both("a weight a class", 23, 7, class_weights=_some_zero(7)),
        *both("weights for both", 23, 7, weights=_some_zero(23), class_weights=_some_zero(7), reduction="sum"),
        *both("all weights 0", 23, 7, weights=lambda rng, dtype: np.zeros(23, dtype)),
        *both("one by one", 23, 7, reduction="none"),
        *both("one by one and weighted", 23, 7, weights=_some_zero(23), reduction="none"),
    )
    if smooth:
        cases += both("smooth", 23, 7, label_smoothing=0.2)
    if sparse:
        cases += both("an ignored label", 23, 7, ignore_index=3)
        cases += both("one label, ignored", 23, 1, ignore_index=0)
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
        Bad(
            {"class_weights": np.ones(7)},
            f"{op}_forward: class_weights has shape (7,), expected (13,) because y is (7, 13)",
        ),
        Bad({"weights": np.ones((7, 13))}, f"{op}_forward: weights has 2 axes (shape (7, 13)), expected 1"),
        Bad({"label_smoothing": -0.1}, f"{op}_forward: label_smoothing is -0.1, expected a number from 0 to 1"),
    )
    return _op(op, _class_cases(probabilities), bad)


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
        Bad({"ignore_index": 1.5}, f"{op}_forward: ignore_index is 1.5, expected an integer"),
        Bad(
            {"t": out_of_range, "ignore_index": 13},
            f"{op}_forward: t holds 14 at position 6, expected labels from 0 to 12 because y is (7, 13)",
        ),
        Bad(
            {"dloss": np.ones(8), "reduction": "none"},
            f"{op}_backward: dloss has shape (8,), expected (7,) because y is (7, 13)",
        ),
    )
    return _op(op, _class_cases(_labels, sparse=True), bad)


def _focal(op, target, **options):
    cases, bench = _class_cases(target, **options)
    more = tuple(
        Case(f"{case.why}, gamma {gamma}", case.arrays, {**case.options, "alpha": 0.5, "gamma": gamma})
        for gamma in (0.5, 1.5)
        for case in cases
        if case.why.endswith("primes")
    )
    bad = (
        Bad({"gamma": -1.0}, f"{op}_forward: gamma is -1.0, expected a number from 0 to inf"),
        Bad({"alpha": -1.0, "dloss": 1.0}, f"{op}_backward: alpha is -1.0, expected a number from 0 to inf"),
    )
    return _op(op, (cases + more, bench), bad, ("t",))


def _op(op, cases, bad, finite=()):
    finite = ("weights", "class_weights", *finite)
    return Op(op, "loss", ("y",), *cases, bad=bad, finite=finite)


def _labels(M, N):
    return labels(N, M)


OPS = (
    _categorical_crossentropy(),
    _sparse_categorical_crossentropy(),
    _focal("categorical_focal_crossentropy", probabilities),
    _focal("sparse_categorical_focal_crossentropy", _labels, sparse=True, smooth=False),
)
