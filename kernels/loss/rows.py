"""The catalog's rows of losses of elements and of vectors; those of classes are in rows_classes.py."""

import numpy as np

from .._row import Bad, Case, Op, away_from_zero, normal, ragged, uniform
from .rows_classes import OPS as _classes


def some_zero(*shape):
    """Weights, of which a third is 0."""
    return lambda rng, dtype: (rng.uniform(0.5, 2, shape) * (rng.random(shape) > 1 / 3)).astype(dtype)


def _weighted(y, t, options=None, error=2.0):
    """Weights for elements and for samples, and the other reductions."""
    options = options or {}

    def case(why, weights, reduction):
        arrays = {"y": y(23, 7), "t": t(23, 7), **({} if weights is None else {"weights": weights})}
        return Case(why, arrays, {**options, "reduction": reduction}, error, host=True)

    return (
        case("a weight an element", some_zero(23, 7), "mean"),
        case("a weight a sample", some_zero(23), "mean"),
        case("a weight a sample, sum", some_zero(23), "sum"),
        case("all weights 0", lambda rng, dtype: np.zeros(23, dtype), "mean"),
        case("one by one", None, "none"),
        case("one by one, weighted", some_zero(23), "none"),
        case("sum", None, "sum"),
    )


def _bad(op):
    shapes = f"{op}_forward: t has shape (7,), expected (7, 13) because y is (7, 13)"
    return (
        Bad({"t": np.ones(7)}, shapes),
        Bad({"t": np.ones(7), "dloss": 1.0}, shapes.replace("forward", "backward")),
        Bad({"dloss": None}, f"{op}_backward: dloss is None, expected a number"),
        Bad(
            {"weights": np.ones(8)},
            f"{op}_forward: weights has shape (8,), expected (7,) because y is (7, 13)",
        ),
        Bad(
            {"weights": np.ones(7, np.float32)},
            f"{op}_forward: weights is float32, expected float64 because y is float64; "
            "convert it with weights.astype(np.float64)",
        ),
        Bad(
            {"reduction": "average"},
            f"{op}_forward: reduction is 'average', expected one of 'mean', 'sum', 'none'",
        ),
    )


def _elements(op, y=normal, t=normal, bad=(), options=None, cases=(), finite=()):
    """A row of a loss of elements with arrays from the recipes y and t."""
    options = options or {}
    cases = (
        Case("two axes", {"y": y(7, 13), "t": t(7, 13)}, options),
        *(Case(why, {"y": y(*shape), "t": t(*shape)}, options) for why, shape in ragged()),
        *_weighted(y, t, options),
        *cases,
    )
    bench = tuple(
        Case(why, {"y": y(*shape), "t": t(*shape)}, options)
        for why, shape in (("32x1", (32, 1)), ("4 KB", (1024,)), ("in memory", (6_400_000,)))
    )
    bad = (*_bad(op), *bad)
    return Op(op, "loss", ("y",), cases, bench, bad=bad, finite=("weights", *finite))


def _signs(*shape):
    """-1 and 1."""
    return lambda rng, dtype: rng.choice((-1.0, 1.0), shape).astype(dtype)


def _margins(*shape):
    """Numbers whose distance from -1 and from 1 is no rounding error, for losses with a kink there."""

    def recipe(rng, dtype):
        y = rng.choice((-1.0, 1.0), shape) + away_from_zero(*shape)(rng, dtype)
        return y.astype(dtype)

    return recipe


def _apart(*shape):
    """t that y = normal is seldom near: whole numbers from 4 on."""
    return lambda rng, dtype: rng.integers(4, 9, shape).astype(dtype)


def _likely(*shape):
    """Probabilities away from 0 and 1."""
    return uniform(*shape, low=0.05, high=0.95)


def _mse():
    extremes = Case("far apart", {"y": normal(97, 13, scale=1e15), "t": normal(97, 13, scale=1e15)})
    bad = (
        Bad({"t": np.ones((7, 1))}, "mse_forward: t has shape (7, 1), expected (7, 13) because y is (7, 13)"),
        Bad(
            {"t": np.ones((7, 13), np.float32)},
            "mse_forward: t is float32, expected float64 because y is float64; convert it with t.astype(np.float64)",
        ),
        Bad({"dloss": np.ones(1)}, "mse_backward: dloss is array([1.]), expected a number"),
        Bad(
            {"dloss": np.ones(3), "reduction": "none"},
            "mse_backward: dloss has shape (3,), expected (7, 13) because y is (7, 13)",
        ),
        Bad(
            {"reduction": "none", "weights": None, "dloss": 1.0, "t": np.ones((7, 13))},
            "mse_backward: dloss is a float, expected a NumPy array; make one with np.asarray(dloss)",
        ),
        Bad(
            {"reduction": "none", "t": np.ones((7, 13)), "label_smoothing": 0.0, "weights": np.ones((7, 1))},
            "mse_forward: weights has shape (7, 1), expected (7, 13) because y is (7, 13)",
        ),
    )
    return _elements("mse", bad=bad, cases=(extremes,))


def _huber():
    bad = (
        Bad({"delta": 0.0}, "huber_forward: delta is 0.0, expected a number above 0"),
        Bad({"delta": -1, "dloss": 1.0}, "huber_backward: delta is -1, expected a number above 0"),
    )
    cases = (
        Case("narrow", {"y": normal(7, 13), "t": _apart(7, 13)}, {"delta": 0.01}, host=True),
        Case("1e30", {"y": normal(97, 13, scale=1e30), "t": normal(97, 13)}, {"delta": 2.0}, host=True),
    )
    return _elements("huber", bad=bad, cases=cases)


def _log_cosh():
    cases = (
        Case("1e30", {"y": normal(97, 13, scale=1e30), "t": normal(97, 13)}, host=True),
        Case("small", {"y": normal(7, 13, scale=0.1), "t": uniform(7, 13, low=0.0, high=0.1)}, host=True),
    )
    return _elements("log_cosh", cases=cases)


def _binary_cases(options):
    """A binary loss: probabilities, logits, and both with all of its options."""

    def case(why, *shape, scale=1.0, from_logits=True, host=False, **more):
        y = normal(*shape, scale=scale) if from_logits else uniform(*shape, low=0.05, high=0.95)
        return Case(why, {"y": y, "t": uniform(*shape)}, {"from_logits": from_logits, **options, **more}, host=host)

    cases = (
        case("probabilities", 7, 13, from_logits=False),
        *(case(f"probabilities, {why}", *shape, from_logits=False) for why, shape in ragged()),
        *(case(f"logits, {why}", *shape) for why, shape in ragged()),
        case("logits that would overflow", 7, 13, scale=1000.0),
        case("smooth logits", 7, 13, label_smoothing=0.2, host=True),
        case("smooth probabilities", 7, 13, from_logits=False, label_smoothing=0.2, host=True),
        case("logits of 1e30", 97, 13, scale=1e30, host=True),
        *_weighted(normal, uniform, {"from_logits": True, **options}),
        *(
            Case(f"probabilities: {c.why}", c.arrays, c.options, host=True)
            for c in _weighted(_likely, uniform, {"from_logits": False, **options})
        ),
    )
    bench = (case("logits 32x1", 32, 1), case("logits 4 KB", 1024), case("logits, in memory", 6_400_000))
    return case, cases, bench


def _binary_crossentropy():
    op, (_, cases, bench) = "binary_crossentropy", _binary_cases({})
    bad = (
        *_bad(op),
        Bad(
            {"t": np.ones((7, 13), bool)},
            f"{op}_forward: t is bool, expected float32 or float64; convert it with t.astype(np.float32)",
        ),
        Bad({"label_smoothing": 1.5}, f"{op}_forward: label_smoothing is 1.5, expected a number from 0 to 1"),
    )
    return Op(op, "loss", ("y",), cases, bench, bad=bad, finite=("weights",))


def _binary_focal_crossentropy():
    op, (case, cases, bench) = "binary_focal_crossentropy", _binary_cases({})
    cases += (
        case("balanced logits", 7, 13, alpha=0.3, gamma=1.5, host=True),
        case("balanced probabilities", 7, 13, alpha=0.3, gamma=3.0, from_logits=False, host=True),
        case("gamma below 1", 7, 13, gamma=0.5, host=True),
        case("no focus", 7, 13, gamma=0.0, host=True),
    )
    bad = (
        *_bad(op),
        Bad({"gamma": -1.0}, f"{op}_forward: gamma is -1.0, expected a number from 0 to inf"),
        Bad({"alpha": -0.5, "dloss": 1.0}, f"{op}_backward: alpha is -0.5, expected a number from 0 to inf"),
    )
    return Op(op, "loss", ("y",), cases, bench, bad=bad, finite=("weights", "t"))


def _vectors(op, y, t, cases=(), names=("y", "t"), differentiable=("y",), bad=(), finite=()):
    """A row of a loss of vectors, with a weight a row."""

    def case(why, *shape, weights=None, **options):
        arrays = {name: recipe(*shape) for name, recipe in zip(names, (y, t, t))}
        if weights is not None:
            arrays["weights"] = weights
        return Case(why, arrays, options)

    shapes = {
        "primes": (7, 13),
        "one element": (1, 1),
        "a task's rows": (409, 10),
        "a row more": (410, 10),
        "long rows, threads": (5, 4999),
        "threads": (1009, 33),
        "no rows": (0, 5),
    }
    cases = (
        *(case(why, *shape) for why, shape in shapes.items()),
        case("a weight a row", 23, 7, weights=some_zero(23)),
        case("all weights 0", 23, 7, weights=lambda rng, dtype: np.zeros(23, dtype)),
        case("one by one", 23, 7, reduction="none"),
        case("one by one, weighted", 23, 7, weights=some_zero(23), reduction="none"),
        case("sum", 23, 7, reduction="sum"),
        *cases,
    )
    bench = (case("32x10", 32, 10), case("128x1000", 128, 1000), case("50,000x128", 50_000, 128))
    leader, second = names[:2]
    bad = (
        Bad({leader: np.ones(13)}, f"{op}_forward: {leader} has 1 axes (shape (13,)), expected 2"),
        Bad(
            {second: np.ones((8, 13)), "dloss": 1.0},
            f"{op}_backward: {second} has shape (8, 13), expected (7, 13) because {leader} is (7, 13)",
        ),
        Bad(
            {"weights": np.ones(8)},
            f"{op}_forward: weights has shape (8,), expected (7,) because {leader} is (7, 13)",
        ),
        Bad({"dloss": None}, f"{op}_backward: dloss is None, expected a number"),
        *bad,
    )
    finite = ("weights", *finite)
    return Op(op, "loss", differentiable, cases, bench, bad=bad, finite=finite)


def _triplet():
    options = {"names": ("anchor", "positive", "negative"), "differentiable": ("anchor", "positive", "negative")}
    bad = (Bad({"margin": -1.0}, "triplet_forward: margin is -1.0, expected a number from 0 to inf"),)
    return _vectors("triplet", normal, normal, bad=bad, **options)


OPS = (
    _mse(),
    _elements("mae", t=_apart),
    _huber(),
    _log_cosh(),
    _elements("hinge", y=_margins, t=_signs),
    _elements("squared_hinge", y=_margins, t=_signs),
    _binary_crossentropy(),
    _binary_focal_crossentropy(),
    *_classes,
    _vectors("kl_divergence", _likely, _likely),
    _vectors("cosine_similarity", normal, normal),
    _triplet(),
)
