"""The catalog's rows of optimizers; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal, ragged, read_only, uniform


def _sgd():
    def case(why, *shape, **options):
        arrays = {"w": normal(*shape), "dw": normal(*shape), "velocity": normal(*shape)}
        if not options.get("momentum"):
            del arrays["velocity"]
            options["velocity"] = None
        return Case(why, arrays, options)

    momentum, nesterov = {"momentum": 0.9, "learning_rate": 0.1}, {"momentum": 0.7, "nesterov": True}
    cases = (case("momentum", 7, 13, **momentum),)
    cases += tuple(case(f"momentum, {why}", *shape, **momentum) for why, shape in ragged())
    cases += tuple(case(f"Nesterov's momentum, {why}", *shape, **nesterov) for why, shape in ragged())
    cases += tuple(case(why, *shape) for why, shape in ragged())
    bad = (
        Bad(
            {"velocity": None},
            "sgd_update: velocity is None, expected an array because momentum is 0.9; start with np.zeros_like(w)",
        ),
        Bad({"velocity": np.zeros(7)}, "sgd_update: velocity has shape (7,), expected (7, 13) because w is (7, 13)"),
        Bad({"dw": np.zeros(7)}, "sgd_update: dw has shape (7,), expected (7, 13) because w is (7, 13)"),
        Bad(
            {"dw": np.zeros((7, 13), np.float32)},
            "sgd_update: dw is float32, expected float64 because w is float64; convert it with dw.astype(np.float64)",
        ),
        Bad(
            {"w": read_only(np.zeros((7, 13)))}, "sgd_update: w is read-only; pass a writeable array, such as w.copy()"
        ),
        Bad({"learning_rate": -0.1}, "sgd_update: learning_rate is -0.1, expected a number from 0 to inf"),
        Bad({"momentum": 1.5}, "sgd_update: momentum is 1.5, expected a number from 0 to 1"),
        Bad({"momentum": "0.9"}, "sgd_update: momentum is '0.9', expected a number"),
        Bad(
            {"w": [np.zeros((7, 13))], "dw": [np.zeros((7, 13))]},
            "sgd_update: velocity is one array, expected a list of arrays because w is one",
        ),
        Bad(
            {"w": [np.zeros(3)] * 2, "dw": [np.zeros(3)] * 2, "velocity": (np.zeros(3),)},
            "sgd_update: velocity has 1 arrays, expected 2 because w has 2",
        ),
        Bad({"w": [], "dw": [], "velocity": []}, "sgd_update: w is an empty list, expected at least one array"),
    )
    bench = (case("in the first cache level", 64, 64), case("momentum, in memory", 6_400_000, **momentum))
    return Op(
        "sgd_update",
        "optim",
        (),
        cases,
        bench,
        bad=bad,
        updates=("w", "velocity"),
        bytes=lambda arrays, _: (2 * len(arrays) - 1) * arrays["w"].nbytes,
    )


def _adam():
    def case(why, *shape, **options):
        arrays = {"w": normal(*shape), "dw": normal(*shape), "m": normal(*shape), "v": uniform(*shape)}
        return Case(why, arrays, {"step": 3, **options})

    cases = (
        case("the first step", 7, 13, step=1),
        case("a late step", 7, 13, step=100_000),
        case("other settings", 7, 13, learning_rate=0.1, beta_1=0.5, beta_2=0.0, epsilon=1.0),
        *(case(why, *shape) for why, shape in ragged()),
    )
    lists = {name: [np.zeros(3), np.zeros(2)] for name in ("w", "dw", "m", "v")}
    bad = (
        Bad({"m": np.zeros((13, 7))}, "adam_update: m has shape (13, 7), expected (7, 13) because w is (7, 13)"),
        Bad(
            {"v": np.zeros((7, 13), np.float32)},
            "adam_update: v is float32, expected float64 because w is float64; convert it with v.astype(np.float64)",
        ),
        Bad({"dw": np.zeros((13, 7))}, "adam_update: dw has shape (13, 7), expected (7, 13) because w is (7, 13)"),
        Bad(
            {"v": read_only(np.zeros((7, 13)))},
            "adam_update: v is read-only; pass a writeable array, such as v.copy()",
        ),
        Bad({"step": 0}, "adam_update: step is 0, expected at least 1"),
        Bad({"step": 1.0}, "adam_update: step is 1.0, expected an integer"),
        Bad({"learning_rate": float("nan")}, "adam_update: learning_rate is nan, expected a number from 0 to inf"),
        Bad({"beta_1": 1.0}, "adam_update: beta_1 is 1.0, expected a number from 0 to below 1"),
        Bad({"beta_2": -1}, "adam_update: beta_2 is -1, expected a number from 0 to below 1"),
        Bad({"epsilon": None}, "adam_update: epsilon is None, expected a number"),
        Bad({**lists, "m": None}, "adam_update: m is None, expected a list of arrays because w is one"),
        Bad(
            {**lists, "dw": [np.zeros(3), np.zeros(3)]},
            "adam_update: dw[1] has shape (3,), expected (2,) because w[1] is (2,)",
        ),
        Bad(
            {**lists, "v": (np.zeros(3), read_only(np.zeros(2)))},
            "adam_update: v[1] is read-only; pass a writeable array, such as v[1].copy()",
        ),
        Bad(
            {**lists, "dw": [np.zeros(3, np.float32), np.zeros(2)]},
            "adam_update: dw[0] is float32, expected float64 because w[0] is float64; "
            "convert it with dw[0].astype(np.float64)",
        ),
    )
    bench = (case("in the first cache level", 64, 64), case("in memory", 6_400_000))
    return Op(
        "adam_update",
        "optim",
        (),
        cases,
        bench,
        bad=bad,
        updates=("w", "m", "v"),
        bytes=lambda arrays, _: 7 * arrays["w"].nbytes,
    )


OPS = (
    _sgd(),
    _adam(),
)
