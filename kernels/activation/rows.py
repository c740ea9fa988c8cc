"""The catalog's rows of activations; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, away_from_zero, normal, ragged, read_only

SIZES = {"4 KB": 1 << 10, "256 KB": 1 << 16, "2 MB": 1 << 19, "25 MB": 6_400_000, "50 MB": 12_800_000}  # of float32


def away_from(*kinks, scale=1.0, gap=0.1):
    """Recipes of normal numbers with a gap around every kink of a function in pieces, which must lie 2 gaps apart."""

    def of_shape(*shape):
        def recipe(rng, dtype):
            x = rng.standard_normal(shape) * scale
            for kink in kinks:
                x = np.where(np.abs(x - kink) < gap, kink + np.copysign(gap, x - kink), x)
            return x.astype(dtype)

        return recipe

    return of_shape


def elementwise(name, recipe=normal, saved="y", others=(), bad=(), folder="activation"):
    """An activation whose backward takes `saved`; `others` are options that a case of their own tries."""
    cases = tuple(Case(why, {"x": recipe(*shape)}) for why, shape in ragged())
    cases += (Case("far from 0", {"x": normal(7, 13, scale=100)}),)
    cases += tuple(Case(f"{options}", {"x": recipe(5, 11)}, options) for options in others)
    bench = tuple(Case(why, {"x": recipe(size)}) for why, size in SIZES.items())
    backward = {"dy": np.ones((2, 3)), saved: np.ones((2, 3))}
    bad += (
        Bad({"out": np.ones(2)}, f"{name}_forward: out has shape (2,), expected (1,)"),
        Bad(
            {"out": np.ones(1, np.float32)},
            f"{name}_forward: out is float32, expected float64, the dtype of the inputs",
        ),
        Bad({"out": read_only(np.ones(1))}, f"{name}_forward: out is read-only; pass a writeable array"),
        Bad(
            {**backward, "dy": np.ones(3)},
            f"{name}_backward: dy has shape (3,), expected (2, 3) because {saved} is (2, 3)",
        ),
        Bad(
            {**backward, "dy": np.ones((2, 3), np.float32)},
            f"{name}_backward: dy is float32, expected float64 because {saved} is float64; "
            "convert it with dy.astype(np.float64)",
        ),
        Bad(
            {**backward, saved: [1.0]},
            f"{name}_backward: {saved} is a list, expected a NumPy array; make one with np.asarray({saved})",
        ),
        Bad({**backward, "out": np.ones((3, 2))}, f"{name}_backward: out has shape (3, 2), expected (2, 3)"),
    )
    return Op(name, folder, ("x",), cases, bench, bad=bad)


OPS = (
    elementwise("relu", away_from_zero),
    elementwise("relu6", away_from(0, 6, scale=4)),
    elementwise(
        "leaky_relu",
        away_from_zero,
        others=({"negative_slope": 0.0}, {"negative_slope": 2}),
        bad=(
            Bad(
                {"negative_slope": -0.1}, "leaky_relu_forward: negative_slope is -0.1, expected a number from 0 to inf"
            ),
            Bad({"negative_slope": "0.1"}, "leaky_relu_forward: negative_slope is '0.1', expected a number"),
            Bad(
                {"dy": np.ones(1), "y": np.ones(1), "negative_slope": -0.1},
                "leaky_relu_backward: negative_slope is -0.1, expected a number from 0 to inf",
            ),
        ),
    ),
    elementwise(
        "elu",
        away_from_zero,
        others=({"alpha": 0.3}, {"alpha": 2}),
        bad=(
            Bad({"alpha": -1.0}, "elu_forward: alpha is -1.0, expected a number from 0 to inf"),
            Bad({"alpha": None}, "elu_forward: alpha is None, expected a number"),
            Bad(
                {"dy": np.ones(1), "y": np.ones(1), "alpha": -1.0},
                "elu_backward: alpha is -1.0, expected a number from 0 to inf",
            ),
        ),
    ),
    elementwise("selu", away_from_zero),
    elementwise(
        "celu",
        others=({"alpha": 0.3}, {"alpha": 2}),
        bad=(
            Bad({"alpha": 0}, "celu_forward: alpha is 0, expected a number above 0"),
            Bad({"alpha": "1"}, "celu_forward: alpha is '1', expected a number"),
            Bad(
                {"dy": np.ones(1), "y": np.ones(1), "alpha": -1.0},
                "celu_backward: alpha is -1.0, expected a number above 0",
            ),
        ),
    ),
    elementwise("sigmoid"),
    elementwise("hard_sigmoid", away_from(-3, 3, scale=3)),
    elementwise("tanh"),
    elementwise("hard_tanh", away_from(-1, 1)),
    elementwise("softplus"),
    elementwise("softsign", saved="x"),
    elementwise(
        "gelu",
        saved="x",
        others=({"approximate": True},),
        bad=(
            Bad({"approximate": "tanh"}, "gelu_forward: approximate is 'tanh', expected one of False, True"),
            Bad(
                {"dy": np.ones(1), "x": np.ones(1), "approximate": None},
                "gelu_backward: approximate is None, expected one of False, True",
            ),
        ),
    ),
)
