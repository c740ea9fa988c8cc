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
    return Op(name, "pool", ("x",), cases, bench, saved, bad, bytes=lambda arrays, _: arrays["x"].nbytes)


OPS = (
    _pooling("max_pool2d", saved=("argmax",)),
    _pooling("average_pool2d"),
)
