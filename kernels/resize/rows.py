"""The catalog's row of upsampling; its words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal


def _upsample2d():
    def case(why, *image, **options):
        return Case(why, {"x": normal(*image)}, options)

    linear = {"interpolation": "bilinear"}
    cases = (
        case("nearest", 2, 5, 7, 3),
        case("nearest, a factor for each side", 2, 3, 4, 2, factor=(3, 1)),
        case("nearest, one value", 1, 1, 1, 1, factor=4),
        case("nearest, no change", 1, 3, 5, 2, factor=1),
        case("nearest, a vector of channels and one, threads", 2, 13, 11, 17, factor=2),
        case("nearest, no images", 0, 3, 5, 2),
        case("nearest, no rows", 2, 0, 5, 2),
        case("bilinear", 2, 5, 7, 3, **linear),
        case("bilinear, odd factors", 1, 4, 3, 2, factor=(3, 5), **linear),
        case("bilinear, one side alone", 2, 3, 4, 5, factor=(1, 4), **linear),
        case("bilinear, one value", 1, 1, 1, 1, factor=4, **linear),
        case("bilinear, one row", 1, 1, 6, 2, factor=3, **linear),
        case("bilinear, one channel", 2, 5, 9, 1, **linear),
        case("bilinear, no change", 1, 3, 5, 2, factor=1, **linear),
        case("bilinear, a vector of channels and one, threads", 2, 13, 11, 17, factor=2, **linear),
        case("bilinear, a large factor", 1, 3, 2, 4, factor=16, **linear),
        case("bilinear, no images", 0, 3, 5, 2, **linear),
        case("bilinear, no columns", 2, 3, 0, 2, **linear),
        case("bilinear, no channels", 2, 3, 5, 0, **linear),
    )
    op = "upsample2d"
    bad = (
        Bad({"x": np.ones((5, 7, 3))}, f"{op}_forward: x has 3 axes (shape (5, 7, 3)), expected 4"),
        Bad({"factor": 0}, f"{op}_forward: factor is 0, expected at least 1"),
        Bad({"factor": 1.5}, f"{op}_forward: factor is 1.5, expected an integer or a pair of them"),
        Bad(
            {"interpolation": "bilin"},
            f"{op}_forward: interpolation is 'bilin', expected one of 'nearest', 'bilinear'; did you mean 'bilinear'?",
        ),
        Bad({"out": np.ones((2, 5, 7, 3))}, f"{op}_forward: out has shape (2, 5, 7, 3), expected (2, 10, 14, 3)"),
        Bad(
            {"dy": np.ones((2, 5, 8, 3))},
            f"{op}_backward: the height of dy is 5, expected a multiple of 2, the factor",
        ),
    )
    bench = (
        case("2 x 8 x 8 x 8", 2, 8, 8, 8),
        case("32 x 28 x 28 x 128", 32, 28, 28, 128),
        case("32 x 112 x 112 x 3", 32, 112, 112, 3),
        case("2 x 8 x 8 x 8, bilinear", 2, 8, 8, 8, **linear),
        case("32 x 28 x 28 x 128, bilinear", 32, 28, 28, 128, **linear),
        case("32 x 112 x 112 x 3, bilinear", 32, 112, 112, 3, **linear),
    )

    return Op(op, "resize", ("x",), cases, bench, bad=bad)


OPS = (_upsample2d(),)
