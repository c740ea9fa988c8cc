"""The catalog's rows of pooling; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, distinct


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
        case("channels in fours", 2, 5, 6, 8),
        case("channels in fours, windows that reach outside", 2, 5, 6, 8, window=(3, 2), stride=1, padding=1),
        case("channels in fours, more places than a byte can number", 1, 17, 17, 4, window=(16, 17)),
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
    return Op(name, "pool", ("x",), cases, bench, saved, bad)


def _sequences(name, saved=()):
    def case(why, *shape, **options):
        return Case(why, {"x": distinct(*shape)}, options)

    cases = (
        case("primes, a rest at the end", 2, 11, 3),
        case("one value", 1, 1, 1, window=1),
        case("overlapping windows", 2, 9, 5, window=3, stride=2),
        case("overlapping windows that reach outside", 2, 9, 5, window=4, stride=1, padding="same"),
        case("causal", 2, 7, 3, window=3, stride=1, padding="causal"),
        case("padding of its own on each side", 1, 7, 4, window=4, stride=2, padding=(1, 3)),
        case("a gap between windows", 2, 8, 3, window=1, stride=3),
        case("more places than a byte can number", 1, 303, 2, window=300, stride=2),
        case("threads", 40, 300, 33, window=3),
        case("no sequences", 0, 4, 3),
        case("no channels", 2, 4, 0),
    )
    forward, backward = f"{name}_forward", f"{name}_backward"
    dy, argmax = np.ones((2, 5, 3)), np.zeros((2, 5, 3), np.uint8)
    given = {"dy": dy, "argmax": argmax, "input_shape": (2, 11, 3)}
    bad = (
        Bad({"x": np.ones((5, 7))}, f"{forward}: x has 2 axes (shape (5, 7)), expected 3"),
        Bad({"x": np.ones((2, 0, 3))}, f"{forward}: the sequences have no elements, expected at least one"),
        Bad({"window": (2, 2)}, f"{forward}: window is (2, 2), expected an integer"),
        Bad({"stride": 0}, f"{forward}: stride is 0, expected at least 1"),
        Bad(
            {"window": 12},
            f"{forward}: the window spans 12 along L, more than the sequence's 11 with 0 of padding; "
            'use a smaller window or more padding (padding="same")',
        ),
        Bad(
            {"padding": 2},
            f"{forward}: padding is 2, expected less than the window 2 on both sides "
            "because a window outside the sequence holds no value",
        ),
        Bad(
            {**given, "dy": dy[:, 1:].copy()},
            f"{backward}: dy has shape (2, 4, 3), expected (2, 5, 3) because input_shape is (2, 11, 3)",
        ),
        Bad({**given, "input_shape": (2, 11)}, f"{backward}: input_shape is (2, 11), expected a tuple of 3 integers"),
    )
    if saved:
        bad += (
            Bad(
                {**given, "argmax": argmax.astype(np.int32)},
                f"{backward}: argmax is int32, expected uint8 because a window has 2 places",
            ),
        )
    bench = (case("64x1024x128", 64, 1024, 128), case("32x100x64, 3/1", 32, 100, 64, window=3, stride=1))
    return Op(name, "pool", ("x",), cases, bench, saved, bad)


def _adaptive(name, saved=()):
    def case(why, *shape, size):
        return Case(why, {"x": distinct(*shape)}, {"size": size})

    cases = (
        case("primes, windows that overlap", 2, 5, 7, 3, size=(2, 3)),
        case("one value", 1, 1, 1, 1, size=1),
        case("one window", 2, 5, 7, 3, size=1),
        case("windows of one size", 2, 6, 8, 4, size=(3, 4)),
        case("a window for every place", 2, 3, 4, 5, size=(3, 4)),
        case("more windows than places", 1, 2, 3, 2, size=(5, 4)),
        case("threads", 5, 29, 30, 33, size=7),
        case("no images", 0, 4, 4, 3, size=2),
        case("no channels", 2, 4, 4, 0, size=2),
    )
    forward, backward = f"{name}_forward", f"{name}_backward"
    given = {"dy": np.ones((2, 2, 3, 3)), "argmax": np.zeros((2, 2, 3, 3), np.int32), "input_shape": (2, 5, 7, 3)}
    bad = (
        Bad({"x": np.ones((5, 7, 3))}, f"{forward}: x has 3 axes (shape (5, 7, 3)), expected 4"),
        Bad({"size": (2, 0)}, f"{forward}: size is 0, expected at least 1"),
        Bad({"size": None}, f"{forward}: size is None, expected an integer or a pair of them"),
        Bad(
            {"x": np.ones((2, 5, 0, 3))},
            f"{forward}: the images have size (5, 0), expected at least one place along each axis",
        ),
        Bad(
            {**given, "input_shape": (2, 5, 7, 4)},
            f"{backward}: dy has shape (2, 2, 3, 3), expected (2, P, Q, 4) because input_shape is (2, 5, 7, 4)",
        ),
    )
    if saved:
        bad += (
            Bad(
                {**given, "argmax": np.zeros((2, 2, 3, 3), np.uint8)},
                f"{backward}: argmax is uint8, expected int32 because places are numbered in the image",
            ),
        )
    bench = (case("32x56x56x64 to 7x7", 32, 56, 56, 64, size=7), case("32x10x10x64 to 3x3", 32, 10, 10, 64, size=3))
    return Op(name, "pool", ("x",), cases, bench, saved, bad)


def _global(name, axes, saved=()):
    def case(why, *shape):
        return Case(why, {"x": distinct(*shape)})

    shapes = {
        "primes": (3, 5, 7, 3),
        "one value": (1, 1, 1, 1),
        "as many places as are added one by one": (2, 4, 4, 5),
        "threads": (5, 29, 31, 33),
        "no sequences": (0, 3, 2, 3),
        "no channels": (2, 3, 2, 0),
    }
    bench = {"32x7x7x512": (32, 7, 7, 512), "32x56x56x64": (32, 56, 56, 64)}
    if axes == 1:
        shapes, bench = ({why: (s[0], s[1] * s[2], s[3]) for why, s in table.items()} for table in (shapes, bench))
    cases = tuple(case(why, *shape) for why, shape in shapes.items())
    first, forward, backward = shapes["primes"], f"{name}_forward", f"{name}_backward"
    given = {"dy": np.ones((3, 3)), "argmax": np.zeros((3, 3), np.int32), "input_shape": first}
    bad = (
        Bad({"x": np.ones((5, 7))}, f"{forward}: x has 2 axes (shape (5, 7)), expected {axes + 2}"),
        Bad(
            {"x": np.ones((2, *[0] * axes, 3))},
            f"{forward}: the {'images' if axes == 2 else 'sequences'} have size {(0,) * axes}, expected at least one "
            "place along each axis",
        ),
        Bad(
            {**given, "dy": np.ones((3, 4))},
            f"{backward}: dy has shape (3, 4), expected (3, 3) because input_shape is {first}",
        ),
    )
    if saved:
        bad += (
            Bad(
                {**given, "argmax": np.zeros((3, 3), int)},
                f"{backward}: argmax is int64, expected int32 because places are numbered in the image",
            ),
        )
    bench = tuple(case(why, *shape) for why, shape in bench.items())
    return Op(name, "pool", ("x",), cases, bench, saved, bad)


OPS = (
    _pooling("max_pool2d", saved=("argmax",)),
    _pooling("average_pool2d"),
    _sequences("max_pool1d", saved=("argmax",)),
    _sequences("average_pool1d"),
    _adaptive("adaptive_max_pool2d", saved=("argmax",)),
    _adaptive("adaptive_average_pool2d"),
    _global("global_max_pool2d", 2, saved=("argmax",)),
    _global("global_average_pool2d", 2),
    _global("global_max_pool1d", 1, saved=("argmax",)),
    _global("global_average_pool1d", 1),
)
