"""The catalog's rows of normalisation by channels; their words are explained in _row.py."""

import math

import numpy as np

from .._row import Bad, Case, Op, normal, read_only, uniform


def _case(why, *shape, scale=1.0, shift=0.0, gamma=True, beta=True, given=False, **options):
    arrays = {"x": _shifted(normal(*shape, scale=scale), shift)}
    if given:
        arrays["mean"], arrays["variance"] = normal(shape[-1]), uniform(shape[-1], low=0.5, high=2)
    if gamma:
        arrays["gamma"] = uniform(shape[-1], low=0.5, high=2)
    if beta:
        arrays["beta"] = normal(shape[-1])
    return Case(why, arrays, options)


def _shifted(recipe, shift):
    return lambda rng, dtype: (recipe(rng, np.float64) + shift).astype(dtype)


def _cases(**options):
    """For every op; gradients at the kink of relu are tested with numbers that happen to stay away from it."""
    return (
        _case("two axes", 7, 13, **options),
        _case("primes, three axes", 5, 3, 7, **options),
        _case("images, relu", 2, 5, 3, 4, activation="relu", **options),
        _case("neither scale nor shift", 5, 6, 12, gamma=False, beta=False, **options),
        _case("a scale alone", 5, 6, 11, beta=False, **options),
        _case("a shift alone, relu", 5, 6, 11, gamma=False, activation="relu", **options),
        _case("hardly any variance beside epsilon", 7, 33, scale=1e-3, **options),
        _case("one channel", 4, 37, 1, **options),
        _case("several blocks, a part of one, few channels", 1, 21851, 3, activation="relu", **options),
        _case("several blocks, full vectors", 2, 900, 48, **options),
        _case("samples that are tasks, threads", 5, 9, 11, 64, activation="relu", **options),
        _case("many channels", 3, 70, 1100, **options),
    )


_WRONG_DY = {"dy": np.ones(13), "mean": np.ones(13), "rstd": np.ones(13)}


def _bad(op, **gradient):
    """Calls that fail alike in all ops, for x (7, 13)."""
    forward, backward = f"{op}_forward", f"{op}_backward"
    return (
        Bad({"gamma": np.ones(12)}, f"{forward}: gamma has shape (12,), expected (13,) because x is (7, 13)"),
        Bad({"beta": np.ones((7, 13))}, f"{forward}: beta has shape (7, 13), expected (13,) because x is (7, 13)"),
        Bad({"epsilon": -1e-3}, f"{forward}: epsilon is -0.001, expected a number from 0 to inf"),
        Bad({"activation": "tanh"}, f"{forward}: activation is 'tanh', expected one of None, 'relu'"),
        Bad({"out": np.ones((13, 7))}, f"{forward}: out has shape (13, 7), expected (7, 13)"),
        Bad({**gradient, "dy": np.ones(13)}, f"{backward}: dy has shape (13,), expected (7, 13) because x is (7, 13)"),
        Bad(
            {**gradient, "dy": np.ones((7, 13)), "activation": "relue"},
            f"{backward}: activation is 'relue', expected one of None, 'relu'; did you mean 'relu'?",
        ),
    )


def _passes(count):
    """Bytes of so many passes over x."""
    return lambda arrays, _: count * arrays["x"].nbytes


_BENCH = (
    ("1 K of 1 channel row, 4 KB", (16, 64)),
    ("dense, 128 x 256", (128, 256)),
    ("images of 28 x 28 x 64, 8", (8, 28, 28, 64)),
    ("images of 56 x 56 x 64, 32", (32, 56, 56, 64)),
    ("images of 14 x 14 x 512, 64", (64, 14, 14, 512)),
    ("images of 112 x 112 x 16, 32", (32, 112, 112, 16)),
    ("dense, 8192 x 1024", (8192, 1024)),
)


def _bench(least=2, **options):
    cases = [_case(why, *shape, **options) for why, shape in _BENCH if len(shape) >= least]
    return (*cases, _case("with relu, 56 x 56 x 64, 32", 32, 56, 56, 64, activation="relu", **options))


def _batch_norm():
    op = "batch_norm"
    saved = {"mean": np.ones(13), "rstd": np.ones(13)}
    own = (
        _case("one row: all deviations are 0", 1, 9),
        _case("no channels", 4, 0),
        _case("a large mean", 40, 9, shift=100.0),
        _case("rows alone: one channel's vector", 50),
        _case("many rows, threads", 4100, 24),
    )
    bad = (
        Bad({"x": np.array(1.0)}, f"{op}_forward: x has 0 axes (shape ()), expected at least 1"),
        Bad(
            {"x": np.ones((0, 13))},
            f"{op}_forward: the number of elements of each of x's channels is 0, expected at least 1",
        ),
        Bad(
            {**saved, "dy": np.ones((7, 13)), "mean": np.ones(7)},
            f"{op}_backward: mean has shape (7,), expected (13,) because x is (7, 13)",
        ),
        *_bad(op, **saved),
    )
    return Op(
        op,
        "norm",
        ("x", "gamma", "beta"),
        _cases() + own,
        _bench(),
        ("mean", "rstd", "variance"),
        bad,
        ("gamma", "beta"),
        bytes=_passes(3),
    )


def _batch_norm_inference():
    op = "batch_norm_inference"
    own = (_case("no rows", 0, 5, given=True), _case("a large epsilon", 6, 5, given=True, epsilon=2.0))
    bad = (
        Bad({"mean": np.ones(7)}, f"{op}_forward: mean has shape (7,), expected (13,) because x is (7, 13)"),
        Bad({"variance": np.ones(7)}, f"{op}_forward: variance has shape (7,), expected (13,) because x is (7, 13)"),
        *_bad(op),
    )
    return Op(
        op,
        "norm",
        ("x", "gamma", "beta"),
        _cases(given=True) + own,
        _bench(given=True),
        (),
        bad,
        ("gamma", "beta"),
        bytes=_passes(2),
    )


def _batch_norm_update():
    def case(why, *shape, **options):
        rows = {name: normal(*shape) for name in ("running_mean", "mean")}
        rows |= {name: uniform(*shape, low=0.5, high=2) for name in ("running_var", "variance")}
        return Case(why, rows, options)

    op = "batch_norm_update"
    ones = np.ones(13)
    cases = (
        case("the default momentum", 13),
        case("another momentum", 40, momentum=0.9),
        case("one channel", 1, momentum=0.0),
        case("no channels", 0),
    )
    bad = (
        Bad({"variance": np.ones(7)}, f"{op}: variance has shape (7,), expected (13,) because mean is (13,)"),
        Bad(
            {"running_var": np.ones(7)},
            f"{op}: running_var has shape (7,), expected (13,) because running_mean is (13,)",
        ),
        Bad({"momentum": 1.5}, f"{op}: momentum is 1.5, expected a number from 0 to 1"),
        Bad(
            {"running_mean": read_only(ones)},
            f"{op}: running_mean is read-only; pass a writeable array, such as running_mean.copy()",
        ),
    )
    return Op(op, "norm", (), cases, (case("64 channels", 64),), bad=bad, updates=("running_mean", "running_var"))


def _bytes_of_samples(arrays, _):
    """Two passes over x where a sample stays in a cache, else three."""
    x = arrays["x"]
    return (2 if math.prod(x.shape[1:]) * x.itemsize <= 1 << 19 else 3) * x.nbytes


def _group_norm():
    op = "group_norm"
    saved = {"mean": np.ones((7, 1)), "rstd": np.ones((7, 1))}
    cases = tuple(
        Case(case.why, case.arrays, {**case.options, "groups": groups})
        for case, groups in zip(_cases(), (1, 7, 2, 3, 11, 1, 3, 1, 3, 6, 8, 22))
    )
    own = (
        _case("no samples", 0, 3, 4, groups=2),
        _case("one element a group", 3, 1, 4, groups=4),
        _case("several tasks with several blocks", 5, 600, 128, groups=8),
    )
    bad = (
        Bad({"x": np.ones(13)}, f"{op}_forward: x has 1 axes (shape (13,)), expected 2"),
        Bad({"groups": 2}, f"{op}_forward: groups is 2, expected a divisor of 13 because x is (7, 13)"),
        Bad({"groups": 0}, f"{op}_forward: groups is 0, expected at least 1"),
        Bad(
            {"x": np.ones((7, 0)), "gamma": None, "beta": None},
            f"{op}_forward: the size of x's last axis is 0, expected at least 1",
        ),
        Bad({"x": np.ones((7, 0, 13))}, f"{op}_forward: the number of x's positions is 0, expected at least 1"),
        Bad(
            {**saved, "dy": np.ones((7, 13)), "rstd": np.ones(7)},
            f"{op}_backward: rstd has shape (7,), expected (7, 1) because x is (7, 13)",
        ),
        *_bad(op, **saved),
    )
    bench = tuple(Case(case.why, case.arrays, {**case.options, "groups": 8}) for case in _bench(4))
    return Op(
        op,
        "norm",
        ("x", "gamma", "beta"),
        cases + own,
        bench,
        ("mean", "rstd"),
        bad,
        ("gamma", "beta"),
        bytes=_bytes_of_samples,
    )


def _instance_norm():
    op = "instance_norm"
    saved = {"mean": np.ones((7, 13)), "rstd": np.ones((7, 13))}
    own = (_case("no samples", 0, 3, 4), _case("no channels", 2, 3, 0))
    bad = (
        Bad({"x": np.ones(13)}, f"{op}_forward: x has 1 axes (shape (13,)), expected 2"),
        Bad({"x": np.ones((7, 0, 13))}, f"{op}_forward: the number of x's positions is 0, expected at least 1"),
        Bad(
            {**saved, "dy": np.ones((7, 13)), "mean": np.ones(7)},
            f"{op}_backward: mean has shape (7,), expected (7, 13) because x is (7, 13)",
        ),
        *_bad(op, **saved),
    )
    return Op(
        op,
        "norm",
        ("x", "gamma", "beta"),
        _cases() + own,
        _bench(4),
        ("mean", "rstd"),
        bad,
        ("gamma", "beta"),
        bytes=_bytes_of_samples,
    )


OPS = (_batch_norm(), _batch_norm_inference(), _batch_norm_update(), _group_norm(), _instance_norm())
