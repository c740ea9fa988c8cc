"""One row per op: from a row come the op's tests, its benchmarks and its line in the documentation.

The words of a row (Op, Case, Bad, recipes) are explained in _row.py.
"""

import numpy as np

from ._row import Bad, Case, Op, away_from_zero, distinct, labels, normal, probabilities, ragged, uniform


def _read_only(x):
    x.flags.writeable = False
    return x


def _elementwise(name, recipe=normal, saved="y", others=(), bad=()):
    """An activation whose backward takes `saved`; `others` are options that a case of their own tries."""
    cases = tuple(Case(why, {"x": recipe(*shape)}) for why, shape in ragged())
    cases += (Case("far from 0", {"x": normal(7, 13, scale=100)}),)
    cases += tuple(Case(f"{options}", {"x": recipe(5, 11)}, options) for options in others)
    bench = (Case("in the first cache level", {"x": recipe(4096)}), Case("in memory", {"x": recipe(6_400_000)}))
    backward = {"dy": np.ones((2, 3)), saved: np.ones((2, 3))}
    bad += (
        Bad({"out": np.ones(2)}, f"{name}_forward: out has shape (2,), expected (1,)"),
        Bad(
            {"out": np.ones(1, np.float32)},
            f"{name}_forward: out is float32, expected float64, the dtype of the inputs",
        ),
        Bad({"out": _read_only(np.ones(1))}, f"{name}_forward: out is read-only; pass a writeable array"),
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
    return Op(name, "activation", ("x",), cases, bench, bad=bad, bytes=lambda arrays, _: 2 * arrays["x"].nbytes)


def _softmax():
    cases = (Case("primes", {"x": normal(7, 13)}),)
    cases += tuple(Case(why, {"x": normal(*shape)}) for why, shape in ragged())
    cases += (
        Case("rows that overflow without their maximum", {"x": uniform(5, 11, low=1000, high=1005)}),
        Case("all but one nearly 0", {"x": normal(5, 11, scale=10)}),
        Case("short rows, threads", {"x": normal(4099, 10)}),
        Case("first axis", {"x": normal(13, 7)}, {"axis": 0}),
        Case("columns that overflow", {"x": uniform(13, 7, low=1000, high=1005)}, {"axis": 0}),
        Case("middle axis", {"x": normal(3, 5, 7)}, {"axis": 1}),
        Case("middle axis, threads", {"x": normal(5, 11, 769)}, {"axis": -2}),
        Case("few columns, threads", {"x": normal(3001, 5, 3)}, {"axis": 1}),
        Case("two blocks of columns", {"x": normal(13, 2, 300)}, {"axis": 1}),
        Case("nothing along the axis", {"x": normal(5, 0)}),
        Case("no columns", {"x": normal(5, 3, 0)}, {"axis": 1}),
    )
    bench = (
        Case("10 classes", {"x": normal(4096, 10)}),
        Case("1,000 classes", {"x": normal(4096, 1000)}),
        Case("attention rows", {"x": normal(32, 256, 256)}),
        Case("first axis", {"x": normal(64, 65536)}, {"axis": 0}),
    )
    backward = {"dy": np.ones((2, 3)), "y": np.ones((2, 3))}
    bad = (
        Bad({"axis": 2}, "softmax_forward: axis is 2, expected -2 to 1 because x has 2 axes"),
        Bad({"axis": -3}, "softmax_forward: axis is -3, expected -2 to 1 because x has 2 axes"),
        Bad({"axis": None}, "softmax_forward: axis is None, expected an integer"),
        Bad({"x": np.array(1.0)}, "softmax_forward: x has 0 axes (shape ()), expected at least 1"),
        Bad({"out": np.ones((13, 7))}, "softmax_forward: out has shape (13, 7), expected (7, 13)"),
        Bad({**backward, "dy": np.ones(3)}, "softmax_backward: dy has shape (3,), expected (2, 3) because y is (2, 3)"),
        Bad({**backward, "axis": 5}, "softmax_backward: axis is 5, expected -2 to 1 because y has 2 axes"),
        Bad({**backward, "out": np.ones((3, 2))}, "softmax_backward: out has shape (3, 2), expected (2, 3)"),
    )
    return Op("softmax", "softmax", ("x",), cases, bench, bad=bad, bytes=lambda arrays, _: 2 * arrays["x"].nbytes)


def _product(why, M, N, K, transpose_a=False, transpose_b=False):
    a, b = (K, M) if transpose_a else (M, K), (N, K) if transpose_b else (K, N)
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    return Case(why, {"a": normal(*a), "b": normal(*b)}, options)


def _linear(why, M, N, K, bias=True, **options):
    arrays = {"x": normal(M, K), "w": normal(K, N), "b": normal(N) if bias else None}
    return Case(why, {name: recipe for name, recipe in arrays.items() if recipe}, options)


def _convolution(why, image, filters, bias=True, **options):
    winograd = options.get("algorithm") == "winograd"
    arrays = {"x": normal(*image), "w": normal(*filters, scale=0.3), "b": normal(filters[3]) if bias else None}
    return Case(
        why, {name: recipe for name, recipe in arrays.items() if recipe}, options, 8.0 if winograd else 2.0, winograd
    )


_MATMUL = Op(
    "matmul",
    "matmul",
    ("a", "b"),
    cases=(
        _product("primes", 7, 11, 5),
        _product("one element", 1, 1, 1),
        _product("a tile", 8, 32, 4),
        _product("a tile less one", 7, 31, 3),
        _product("a tile and one", 9, 33, 5),
        _product("a transposed", 13, 9, 17, True, False),
        _product("b transposed", 13, 35, 17, False, True),
        _product("both transposed", 13, 35, 17, True, True),
        _product("a depth block and one", 17, 65, 385),
        _product("blocks, threads", 263, 301, 797),
        _product("blocks transposed", 263, 301, 797, True, True),
        _product("no rows", 0, 5, 3),
        _product("no columns", 5, 0, 3),
        _product("no depth", 5, 3, 0),
    ),
    bench=tuple(_product(f"{n} x {n} x {n}", n, n, n) for n in (64, 256, 512, 1024)),
    bad=(
        Bad({"b": np.ones((3, 11))}, "matmul_forward: b has shape (3, 11), expected (5, N) because a is (7, 5)"),
        Bad(
            {"b": np.ones((5, 11), np.float32)},
            "matmul_forward: b is float32, expected float64 because a is float64; convert it with b.astype(np.float64)",
        ),
        Bad({"a": np.ones(5)}, "matmul_forward: a has 1 axes (shape (5,)), expected 2"),
        Bad({"out": np.ones((7, 10))}, "matmul_forward: out has shape (7, 10), expected (7, 11)"),
        Bad({"dy": np.ones((7, 10))}, "matmul_backward: dy has shape (7, 10), expected (7, 11) because b is (5, 11)"),
    ),
    flops=lambda arrays, options: 2 * arrays["a"].size * arrays["b"].shape[not options["transpose_b"]],
)

_LINEAR = Op(
    "linear",
    "matmul",
    ("x", "w", "b"),
    cases=(
        _linear("primes", 7, 11, 5),
        _linear("without a bias", 7, 11, 5, bias=False),
        _linear("relu", 13, 35, 9, activation="relu"),
        _linear("sigmoid", 13, 35, 9, activation="sigmoid"),
        _linear("tanh", 13, 35, 9, activation="tanh"),
        _linear("depth blocks, groups of rows, threads", 131, 97, 797, activation="relu"),
        _linear("no rows", 0, 5, 3),
        _linear("no depth", 5, 3, 0),
    ),
    bench=tuple(
        _linear(f"{M} x {N} x {K}", M, N, K, activation="relu")
        for M, N, K in ((32, 64, 10), (32, 64, 64), (64, 784, 256), (128, 1000, 6272))
    ),
    bad=(
        Bad({"w": np.ones((3, 11))}, "linear_forward: w has shape (3, 11), expected (5, N) because x is (7, 5)"),
        Bad({"b": np.ones(5)}, "linear_forward: b has shape (5,), expected (11,) because w is (5, 11)"),
        Bad(
            {"activation": "rleu"},
            "linear_forward: activation is 'rleu', expected one of None, 'relu', 'sigmoid', 'tanh'; "
            "did you mean 'relu'?",
        ),
        Bad({"dy": np.ones((7, 12))}, "linear_backward: dy has shape (7, 12), expected (7, 11) because w is (5, 11)"),
        Bad(
            {"dy": np.ones((7, 11)), "activation": "relu"},
            "linear_backward: y is None, expected the forward's result because activation is 'relu'",
        ),
    ),
    optional=("b",),
    flops=lambda arrays, _: 2 * arrays["x"].size * arrays["w"].shape[1],
)

_CONV2D = Op(
    "conv2d",
    "conv",
    ("x", "w", "b"),
    cases=(
        _convolution("primes", (2, 7, 5, 3), (3, 2, 3, 5)),
        _convolution("without a bias", (2, 7, 5, 3), (3, 2, 3, 5), bias=False),
        _convolution("one pixel", (1, 1, 1, 1), (1, 1, 1, 1)),
        _convolution("relu, same padding", (2, 6, 7, 2), (3, 3, 2, 4), padding="same", activation="relu"),
        _convolution("sigmoid", (1, 5, 5, 1), (3, 3, 1, 3), activation="sigmoid"),
        _convolution("stride that leaves a rest", (2, 8, 9, 2), (3, 3, 2, 3), stride=(2, 3), padding=1),
        _convolution("stride with same padding", (1, 7, 8, 2), (3, 2, 2, 3), stride=2, padding="same"),
        _convolution("dilation", (1, 9, 8, 2), (3, 3, 2, 3), dilation=(2, 3), padding=(2, 3)),
        _convolution(
            "stride and dilation", (1, 11, 10, 2), (2, 3, 2, 3), stride=(3, 2), dilation=2, padding=(1, 0, 2, 3)
        ),
        _convolution("groups", (2, 5, 6, 6), (3, 3, 3, 4), groups=2, padding=1, activation="tanh"),
        _convolution("depthwise", (1, 5, 6, 4), (3, 3, 1, 8), groups=4),
        _convolution("1 x 1", (2, 4, 5, 7), (1, 1, 7, 3)),
        _convolution("filter of the image's size", (3, 4, 5, 2), (4, 5, 2, 3)),
        _convolution("depth blocks, threads", (3, 13, 12, 50), (3, 3, 50, 37), padding="same", algorithm="direct"),
        _convolution("first layer, threads", (5, 28, 28, 1), (3, 3, 1, 32), activation="relu"),
        _convolution("winograd", (2, 9, 7, 5), (3, 3, 5, 7), algorithm="winograd", activation="relu"),
        _convolution("winograd, padding", (1, 8, 11, 16), (3, 3, 16, 5), padding=(1, 2, 0, 1), algorithm="winograd"),
        _convolution(
            "winograd, channel groups, threads",
            (3, 18, 17, 70),
            (3, 3, 70, 133),
            padding="same",
            algorithm="winograd",
            activation="tanh",
        ),
        _convolution("no images", (0, 5, 5, 2), (3, 3, 2, 3)),
    ),
    bench=(
        _convolution("32x28x28x1 3x3 32", (32, 28, 28, 1), (3, 3, 1, 32), activation="relu"),
        _convolution("32x13x13x32 3x3 64", (32, 13, 13, 32), (3, 3, 32, 64), activation="relu"),
        _convolution("16x28x28x128 3x3 128", (16, 28, 28, 128), (3, 3, 128, 128), padding="same"),
        _convolution("16x56x56x64 1x1 256", (16, 56, 56, 64), (1, 1, 64, 256)),
    ),
    bad=(
        Bad({"x": np.ones((2, 7, 5))}, "conv2d_forward: x has 3 axes (shape (2, 7, 5)), expected 4"),
        Bad(
            {"w": np.ones((3, 2, 4, 5))},
            "conv2d_forward: w has shape (3, 2, 4, 5), expected (R, S, 3, K) because x is (2, 7, 5, 3)",
        ),
        Bad({"groups": 2}, "conv2d_forward: groups is 2, expected a divisor of the 3 channels of x"),
        Bad({"stride": 0}, "conv2d_forward: stride is 0, expected at least 1"),
        Bad(
            {"padding": "smae"},
            "conv2d_forward: padding is 'smae', expected one of 'valid', 'same'; did you mean 'same'?",
        ),
        Bad(
            {"x": np.ones((2, 2, 5, 3))},
            "conv2d_forward: the window spans 3 along H, more than the image's 2 with 0 of padding; "
            'use a smaller window or more padding (padding="same")',
        ),
        Bad({"b": np.ones(3)}, "conv2d_forward: b has shape (3,), expected (5,) because w is (3, 2, 3, 5)"),
        Bad(
            {"dy": np.ones((2, 7, 5, 5))},
            "conv2d_backward: dy has shape (2, 7, 5, 5), expected (2, 5, 4, 5) because x is (2, 7, 5, 3)",
        ),
    ),
    optional=("b",),
    # Whether an infinite weight meets the zeros of the padding (0 * inf is NaN) depends on how dx is summed.
    finite=("w",),
    flops=lambda arrays, options: 2 * arrays["w"][..., 0].size * _outputs(arrays, options),
)


def _outputs(arrays, options):
    """Elements of a convolution's result."""
    from . import _window as window

    (N, H, W, _), (R, S, _, K) = arrays["x"].shape, arrays["w"].shape
    pairs = (window.pair("conv2d", name, options.get(name, 1)) for name in ("stride", "dilation"))
    stride, dilation = pairs
    (P, Q), _ = window.resolve("conv2d", (H, W), (R, S), stride, options.get("padding", 0), dilation)
    return N * P * Q * K


def _pooling(name, saved=()):
    def case(why, *image, **options):
        return Case(why, {"x": distinct(*image)}, options)

    cases = (
        case("primes, a rest at the edges", 2, 5, 7, 3),
        case("one value", 1, 1, 1, 1, window=1),
        case("overlapping windows", 2, 7, 9, 3, window=3, stride=2),
        case("overlapping windows that reach outside", 2, 6, 7, 3, window=3, stride=1, padding="same"),
        case("a gap between windows", 1, 9, 8, 2, window=(2, 1), stride=(3, 2)),
        case("padding of its own on each side", 1, 6, 7, 2, window=(3, 4), stride=(2, 3), padding=(2, 1, 0, 3)),
        case("a window of the image's size", 3, 7, 5, 2, window=(7, 5)),
        case("more places than a byte can number", 1, 17, 19, 2, window=(16, 17), stride=1),
        case("threads", 5, 28, 30, 33),
        case("threads, overlapping windows", 3, 27, 29, 33, window=3, stride=2, padding="same"),
        case("no images", 0, 4, 4, 3),
        case("no channels", 2, 4, 4, 0),
    )
    bench = (
        case("32x28x28x32", 32, 28, 28, 32),
        case("16x112x112x64", 16, 112, 112, 64),
        case("16x56x56x64 3x3/2", 16, 56, 56, 64, window=3, stride=2, padding="same"),
    )
    dy, argmax = np.ones((2, 2, 3, 3)), np.zeros((2, 2, 3, 3), np.uint8)
    given = {"dy": dy, "argmax": argmax, "input_shape": (2, 5, 7, 3)}
    forward, backward = f"{name}_forward", f"{name}_backward"
    bad = (
        Bad({"x": np.ones((5, 7, 3))}, f"{forward}: x has 3 axes (shape (5, 7, 3)), expected 4"),
        Bad(
            {"x": np.ones((2, 0, 7, 3))},
            f"{forward}: the images have size (0, 7), expected at least one row and one column",
        ),
        Bad(
            {"window": 6},
            f"{forward}: the window spans 6 along H, more than the image's 5 with 0 of padding; "
            'use a smaller window or more padding (padding="same")',
        ),
        Bad({"window": "2"}, f"{forward}: window is '2', expected an integer or a pair of them"),
        Bad({"window": 0}, f"{forward}: window is 0, expected at least 1"),
        Bad({"stride": (2, 2, 2)}, f"{forward}: stride is (2, 2, 2), expected an integer or a pair of them"),
        Bad(
            {"padding": "some"}, f"{forward}: padding is 'some', expected one of 'valid', 'same'; did you mean 'same'?"
        ),
        Bad(
            {"padding": [1, 2]},
            f"{forward}: padding is (1, 2), expected less than the window (2, 2) on every side "
            "because a window outside the image holds no value",
        ),
        Bad(
            {**given, "dy": dy[:, 1:].copy()},
            f"{backward}: dy has shape (2, 1, 3, 3), expected (2, 2, 3, 3) because input_shape is (2, 5, 7, 3)",
        ),
        Bad(
            {**given, "input_shape": (2, 5, 7)}, f"{backward}: input_shape is (2, 5, 7), expected a tuple of 4 integers"
        ),
        Bad(
            {**given, "dy": dy.astype(int)},
            f"{backward}: dy is int64, expected float32 or float64; convert it with dy.astype(np.float32)",
        ),
    )
    if saved:
        bad += (
            Bad(
                {**given, "argmax": argmax[:1].copy()},
                f"{backward}: argmax has shape (1, 2, 3, 3), expected (2, 2, 3, 3) because dy is (2, 2, 3, 3)",
            ),
            Bad(
                {**given, "argmax": argmax.astype(np.int32)},
                f"{backward}: argmax is int32, expected uint8 because a window has 4 places",
            ),
            Bad(
                {**given, "argmax": dy},
                f"{backward}: argmax is float64, expected an integer dtype; convert it with argmax.astype(np.int64)",
            ),
        )
    return Op(name, "pool", ("x",), cases, bench, saved, bad, bytes=lambda arrays, _: arrays["x"].nbytes)


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
            {"w": _read_only(np.zeros((7, 13)))}, "sgd_update: w is read-only; pass a writeable array, such as w.copy()"
        ),
        Bad({"learning_rate": -0.1}, "sgd_update: learning_rate is -0.1, expected a number from 0 to inf"),
        Bad({"momentum": 1.5}, "sgd_update: momentum is 1.5, expected a number from 0 to 1"),
        Bad({"momentum": "0.9"}, "sgd_update: momentum is '0.9', expected a number"),
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
    bad = (
        Bad({"m": np.zeros((13, 7))}, "adam_update: m has shape (13, 7), expected (7, 13) because w is (7, 13)"),
        Bad(
            {"v": np.zeros((7, 13), np.float32)},
            "adam_update: v is float32, expected float64 because w is float64; convert it with v.astype(np.float64)",
        ),
        Bad({"dw": np.zeros((13, 7))}, "adam_update: dw has shape (13, 7), expected (7, 13) because w is (7, 13)"),
        Bad(
            {"v": _read_only(np.zeros((7, 13)))},
            "adam_update: v is read-only; pass a writeable array, such as v.copy()",
        ),
        Bad({"step": 0}, "adam_update: step is 0, expected at least 1"),
        Bad({"step": 1.0}, "adam_update: step is 1.0, expected an integer"),
        Bad({"learning_rate": float("nan")}, "adam_update: learning_rate is nan, expected a number from 0 to inf"),
        Bad({"beta_1": 1.0}, "adam_update: beta_1 is 1.0, expected a number from 0 to below 1"),
        Bad({"beta_2": -1}, "adam_update: beta_2 is -1, expected a number from 0 to below 1"),
        Bad({"epsilon": None}, "adam_update: epsilon is None, expected a number"),
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


def _dropout():
    def case(why, *shape, rate=0.4, seed=1234, step=0):
        return Case(why, {"x": normal(*shape)}, {"rate": rate, "seed": seed, "step": step})

    cases = (
        case("nothing dropped", 7, 13, rate=0.0),
        case("nearly all dropped", 7, 13, rate=0.99),
        case("large seed and step", 7, 13, seed=2**64 - 1, step=2**63),
        case("part of a counter's words", 5),
        *(case(why, *shape) for why, shape in ragged()),
    )
    dy = {"dy": np.ones((7, 13))}
    bad = (
        Bad({"rate": 1}, "dropout_forward: rate is 1, expected a number from 0 to below 1"),
        Bad({"rate": -0.5}, "dropout_forward: rate is -0.5, expected a number from 0 to below 1"),
        Bad({"rate": "0.5"}, "dropout_forward: rate is '0.5', expected a number"),
        Bad({"seed": -1}, "dropout_forward: seed is -1, expected at least 0"),
        Bad({"seed": 1.5}, "dropout_forward: seed is 1.5, expected an integer"),
        Bad({"step": 2**64}, "dropout_forward: step is 18446744073709551616, expected less than 2**64"),
        Bad({"out": np.zeros((13, 7))}, "dropout_forward: out has shape (13, 7), expected (7, 13)"),
        Bad({**dy, "rate": 1.0}, "dropout_backward: rate is 1.0, expected a number from 0 to below 1"),
        Bad({**dy, "step": None}, "dropout_backward: step is None, expected an integer"),
    )
    bench = (case("in the first cache level", 4096), case("in memory", 6_400_000))
    return Op("dropout", "dropout", ("x",), cases, bench, bad=bad, bytes=lambda arrays, _: 2 * arrays["x"].nbytes)


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
    _MATMUL,
    _LINEAR,
    _CONV2D,
    _elementwise("relu", away_from_zero),
    _elementwise(
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
    _elementwise(
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
    _elementwise("sigmoid"),
    _elementwise("tanh"),
    _elementwise(
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
    _softmax(),
    _pooling("max_pool2d", saved=("argmax",)),
    _pooling("average_pool2d"),
    _dropout(),
    _mse(),
    _binary_crossentropy(),
    _categorical_crossentropy(),
    _sparse_categorical_crossentropy(),
    _sgd(),
    _adam(),
)

BY_NAME = {op.name: op for op in OPS}
