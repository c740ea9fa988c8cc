"""The catalog's rows of optimizers; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal, ragged, read_only, uniform
from ._treatment import Treatment

PENALTY = {"treatment": Treatment(l1=0.01, l2=0.1, clipvalue=0.5), "weight_decay": 0.1}
PENALTY_AND_NORM = {"treatment": Treatment(l1=0.01, l2=0.1, clipnorm=0.7)}
NORM = {"treatment": Treatment(global_clipnorm=0.7), "weight_decay": 0.1}
WIDE_NORM = {"treatment": Treatment(clipnorm=1e6)}


def _maker(kept, **always):
    """case(why, *shape, **options) with arrays w, dw and what is kept, by its recipes."""

    def case(why, *shape, also=(), error=2.0, **options):
        arrays = {"w": normal(*shape), "dw": normal(*shape)}
        arrays |= {name: recipe(*shape) for name, recipe in (*kept.items(), *also)}
        host = bool(also or {"treatment", "weight_decay"} & options.keys())
        return Case(why, arrays, {**always, **options}, error, host=host)

    return case


def _treated(case):
    """Cases of what all steps have in common."""
    return (
        case("penalties, decay, clipped values", 3, 5501, **PENALTY),
        case("penalties, clipped norm", 3, 5501, **PENALTY_AND_NORM),
        case("decay, clipped global norm", 3, 5501, **NORM),
        case("a norm that is small enough", 7, 13, **WIDE_NORM),
        case("a norm of nothing", 0, 5, **NORM),
    )


def _bad(op, kept):
    """Bad calls that all steps have in common, where the first case is of shape (7, 13)."""
    last = list(kept)[-1]
    lists = {name: [np.zeros(3), np.zeros(2)] for name in ("w", "dw", *kept)}
    return (
        Bad({last: np.zeros((13, 7))}, f"{op}: {last} has shape (13, 7), expected (7, 13) because w is (7, 13)"),
        Bad(
            {last: np.zeros((7, 13), np.float32)},
            f"{op}: {last} is float32, expected float64 because w is float64; "
            f"convert it with {last}.astype(np.float64)",
        ),
        Bad(
            {"dw": np.zeros((7, 13), np.float32)},
            f"{op}: dw is float32, expected float64 because w is float64; convert it with dw.astype(np.float64)",
        ),
        Bad({"w": read_only(np.zeros((7, 13)))}, f"{op}: w is read-only; pass a writeable array, such as w.copy()"),
        Bad({"learning_rate": -0.1}, f"{op}: learning_rate is -0.1, expected a number from 0 to inf"),
        Bad({"weight_decay": None}, f"{op}: weight_decay is None, expected a number"),
        Bad({"treatment": 1.0}, f"{op}: treatment is 1.0, expected a tw.kernels.Treatment or None"),
        Bad({**lists, "dw": (None, None)}, f"{op}: dw[0] is None, expected a NumPy array of float32 or float64"),
        Bad({**lists, last: np.zeros(3)}, f"{op}: {last} is one array, expected a list of arrays because w is one"),
        Bad({**lists, last: (np.zeros(3),)}, f"{op}: {last} has 1 arrays, expected 2 because w has 2"),
        Bad({name: [] for name in lists}, f"{op}: w is an empty list, expected at least one array"),
        Bad(
            {**lists, "dw": [np.zeros(3), np.zeros(3)]},
            f"{op}: dw[1] has shape (3,), expected (2,) because w[1] is (2,)",
        ),
        Bad(
            {**lists, last: (np.zeros(3), read_only(np.zeros(2)))},
            f"{op}: {last}[1] is read-only; pass a writeable array, such as {last}[1].copy()",
        ),
        Bad(
            {**lists, "dw": [np.zeros(3, np.float32), np.zeros(2)]},
            f"{op}: dw[0] is float32, expected float64 because w[0] is float64; "
            "convert it with dw[0].astype(np.float64)",
        ),
    )


def _row(name, kept, cases, bench, bad=(), changed=None, **more):
    """An op that reads and writes w and what is kept, and reads dw."""
    return Op(
        name,
        "optim",
        (),
        tuple(cases),
        tuple(bench),
        bad=(*_bad(name, kept), *bad),
        updates=("w", *(changed or kept)),
        bytes=lambda arrays, _: (2 * len(arrays) - 1) * arrays["w"].nbytes,
        **more,
    )


def _sizes(case, **options):
    return (
        case("in the first cache level", 1024, **options),
        case("in the second cache level", 64, 1024, **options),
        case("in memory", 6_400_000, **options),
    )


def _sgd():
    plain, case = _maker({}, velocity=None), _maker({"velocity": normal})
    momentum, nesterov = {"momentum": 0.9, "learning_rate": 0.1}, {"momentum": 0.7, "nesterov": True}
    cases = (case("momentum", 7, 13, **momentum),)
    cases += tuple(case(f"momentum, {why}", *shape, **momentum) for why, shape in ragged())
    cases += tuple(case(f"Nesterov's momentum, {why}", *shape, **nesterov) for why, shape in ragged())
    cases += tuple(plain(why, *shape) for why, shape in ragged())
    cases += _treated(plain)
    bad = (
        Bad(
            {"velocity": None},
            "sgd_update: velocity is None, expected an array because momentum is 0.9; start with np.zeros_like(w)",
        ),
        Bad({"momentum": 1.5}, "sgd_update: momentum is 1.5, expected a number from 0 to 1"),
        Bad({"momentum": "0.9"}, "sgd_update: momentum is '0.9', expected a number"),
    )
    bench = (plain("in the first cache level", 64, 64), case("momentum, in memory", 6_400_000, **momentum))
    return _row("sgd_update", {"velocity": normal}, cases, bench, bad)


def _adam():
    kept = {"m": normal, "v": uniform}
    case = _maker(kept, step=3)
    cases = (
        case("the first step", 7, 13, step=1),
        case("a late step", 7, 13, step=100_000),
        case("other settings", 7, 13, learning_rate=0.1, beta_1=0.5, beta_2=0.0, epsilon=1.0),
        *(case(why, *shape) for why, shape in ragged()),
        *(case(f"AMSGrad, {why}", *shape, also=[("v_hat", uniform)]) for why, shape in ragged()),
        *_treated(case),
    )
    bad = (
        Bad({"step": 0}, "adam_update: step is 0, expected at least 1"),
        Bad({"step": 1.0}, "adam_update: step is 1.0, expected an integer"),
        Bad({"learning_rate": float("nan")}, "adam_update: learning_rate is nan, expected a number from 0 to inf"),
        Bad({"beta_1": 1.0}, "adam_update: beta_1 is 1.0, expected a number from 0 to below 1"),
        Bad({"beta_2": -1}, "adam_update: beta_2 is -1, expected a number from 0 to below 1"),
        Bad({"epsilon": None}, "adam_update: epsilon is None, expected a number"),
        Bad(
            {"v_hat": np.zeros((7, 12))}, "adam_update: v_hat has shape (7, 12), expected (7, 13) because w is (7, 13)"
        ),
    )
    bench = (case("in the first cache level", 64, 64), case("in memory", 6_400_000))
    return _row("adam_update", kept, cases, bench, bad, ("m", "v", "v_hat"))


def _rmsprop():
    case = _maker({"v": uniform})
    centered = {"also": [("v", lambda *shape: uniform(*shape, low=2, high=3)), ("mean", uniform)]}
    momentum = {"momentum": 0.9, "learning_rate": 0.1}
    rolling = {"also": [("velocity", normal)], **momentum}
    both = {"also": [*centered["also"], ("velocity", normal)], **momentum}
    cases = (
        case("the first step", 7, 13, rho=0.5, epsilon=0.1),
        *(case(why, *shape) for why, shape in ragged()),
        *(case(f"momentum, {why}", *shape, **rolling) for why, shape in ragged()),
        *(case(f"centered, {why}", *shape, **centered) for why, shape in ragged()),
        *(case(f"centered, momentum, {why}", *shape, **both) for why, shape in ragged()),
        *_treated(case),
    )
    bad = (
        Bad({"rho": 2}, "rmsprop_update: rho is 2, expected a number from 0 to 1"),
        Bad({"epsilon": -1}, "rmsprop_update: epsilon is -1, expected a number from 0 to inf"),
        Bad({"momentum": 2.0}, "rmsprop_update: momentum is 2.0, expected a number from 0 to 1"),
        Bad(
            {"momentum": 0.9},
            "rmsprop_update: velocity is None, expected an array because momentum is 0.9; start with np.zeros_like(w)",
        ),
        Bad({"mean": np.zeros(7)}, "rmsprop_update: mean has shape (7,), expected (7, 13) because w is (7, 13)"),
    )
    return _row("rmsprop_update", {"v": uniform}, cases, _sizes(case), bad, ("v", "mean", "velocity"))


def _adagrad():
    kept = {"total": uniform}
    case = _maker(kept)
    cases = (
        case("other settings", 7, 13, learning_rate=1.0, epsilon=0.5),
        *(case(why, *shape) for why, shape in ragged()),
        *_treated(case),
    )
    bad = (Bad({"epsilon": "0"}, "adagrad_update: epsilon is '0', expected a number"),)
    return _row("adagrad_update", kept, cases, _sizes(case), bad)


def _adadelta():
    kept = {"v": uniform, "u": uniform}
    case = _maker(kept)
    cases = (
        case("the paper's rate", 7, 13, learning_rate=1.0, rho=0.5, epsilon=0.5),
        *(case(why, *shape) for why, shape in ragged()),
        *_treated(case),
    )
    bad = (Bad({"rho": -1}, "adadelta_update: rho is -1, expected a number from 0 to 1"),)
    return _row("adadelta_update", kept, cases, _sizes(case), bad)


def _lion():
    kept = {"m": normal}
    case = _maker(kept)
    cases = (
        case("other settings", 7, 13, learning_rate=1.0, beta_1=0.5, beta_2=0.75),
        *(case(why, *shape) for why, shape in ragged()),
        *_treated(case),
    )
    bad = (Bad({"beta_2": 2}, "lion_update: beta_2 is 2, expected a number from 0 to 1"),)
    return _row("lion_update", kept, cases, _sizes(case), bad)


def _lamb():
    kept = {"m": normal, "v": uniform}
    case = _maker(kept, step=3)
    cases = (
        case("the first step", 7, 13, step=1, learning_rate=0.1),
        *(case(why, *shape) for why, shape in ragged()),
        *_treated(case),
    )
    bad = (Bad({"step": 0}, "lamb_update: step is 0, expected at least 1"),)
    return _row("lamb_update", kept, cases, _sizes(case), bad)


def _muon():
    kept = {"m": normal}
    case = _maker(kept, learning_rate=0.1)
    shapes = {
        "one element": (1, 1),
        "a row": (1, 31),
        "tall": (67, 13),
        "square": (33, 33),
        "several chunks, threads": (97, 301),
        "no rows": (0, 5),
        "no columns": (5, 0),
    }
    cases = (
        case("primes", 7, 13),
        *(case(why, *shape) for why, shape in shapes.items()),
        case("without Nesterov's momentum", 7, 13, nesterov=False),
        case("no iteration", 7, 13, ns_steps=0),
        case("five iterations, as its author has it", 13, 7, ns_steps=5, momentum=0.9),
        *_treated(case)[:-1],
    )
    bad = (
        Bad({"ns_steps": -1}, "muon_update: ns_steps is -1, expected at least 0"),
        Bad({"momentum": 2}, "muon_update: momentum is 2, expected a number from 0 to 1"),
        Bad({name: np.zeros(3) for name in ("w", "dw", "m")}, "muon_update: w has 1 axes (shape (3,)), expected 2"),
    )
    bench = (case("small", 64, 64), case("a layer", 1024, 1024))
    return _row("muon_update", kept, cases, bench, bad)


def _ema():
    def case(why, *shape, **options):
        return Case(why, {"average": normal(*shape), "w": normal(*shape)}, options)

    cases = (
        case("other momentum", 7, 13, momentum=0.5),
        case("a copy", 7, 13, momentum=0.0),
        *(case(why, *shape) for why, shape in ragged()),
    )
    bad = (
        Bad({"momentum": 2}, "ema_update: momentum is 2, expected a number from 0 to 1"),
        Bad({"w": np.zeros(3)}, "ema_update: w has shape (3,), expected (7, 13) because average is (7, 13)"),
        Bad({"average": [], "w": []}, "ema_update: average is an empty list, expected at least one array"),
    )
    bench = (case("in the first cache level", 1024), case("in memory", 6_400_000))
    return Op(
        "ema_update",
        "optim",
        (),
        cases,
        bench,
        bad=bad,
        updates=("average",),
        bytes=lambda arrays, _: 3 * arrays["w"].nbytes,
    )


def _clip():
    def case(why, *shape, max_norm):
        return Case(why, {"dw": normal(*shape)}, {"max_norm": max_norm})

    cases = (
        case("clipped", 7, 13, max_norm=0.5),
        case("to nothing", 7, 13, max_norm=0),
        *(case(f"clipped, {why}", *shape, max_norm=0.7) for why, shape in ragged()),
        *(case(f"small enough, {why}", *shape, max_norm=1e6) for why, shape in ragged()),
    )
    bad = (
        Bad({"max_norm": -1}, "clip_by_global_norm: max_norm is -1, expected a number from 0 to inf"),
        Bad(
            {"dw": [np.zeros(3), read_only(np.zeros(3))]},
            "clip_by_global_norm: dw[1] is read-only; pass a writeable array, such as dw[1].copy()",
        ),
    )
    bench = (case("in the first cache level", 1024, max_norm=0.5), case("in memory", 6_400_000, max_norm=0.5))
    return Op(
        "clip_by_global_norm",
        "optim",
        (),
        cases,
        bench,
        bad=bad,
        updates=("dw",),
        bytes=lambda arrays, _: 3 * arrays["dw"].nbytes,
    )


OPS = (_sgd(), _adam(), _rmsprop(), _adagrad(), _adadelta(), _lion(), _lamb(), _muon(), _ema(), _clip())
