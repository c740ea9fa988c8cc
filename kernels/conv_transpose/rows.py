"""The catalog's rows of transposed convolution; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal


def _transpose(why, image, filters, bias=True, **options):
    """Padded cases spread: an infinite input and the zeros around dz make NaN in dw, which the reference leaves out."""
    outputs = filters[2] * options.get("groups", 1)
    arrays = {"x": normal(*image), "w": normal(*filters, scale=0.3), "b": normal(outputs) if bias else None}
    arrays = {name: recipe for name, recipe in arrays.items() if recipe}
    winograd = min(filters[2:]) >= 16 and filters[:2] == (3, 3) and options.get("stride", 1) == 1
    return Case(why, arrays, options, 8.0 if winograd else 2.0, spreads=options.get("padding", "valid") != "valid")


_CONV2D_TRANSPOSE = Op(
    "conv2d_transpose",
    "conv_transpose",
    ("x", "w", "b"),
    cases=(
        _transpose("primes", (2, 5, 7, 3), (3, 2, 5, 3)),
        _transpose("without a bias", (2, 5, 7, 3), (3, 2, 5, 3), bias=False),
        _transpose("one pixel", (1, 1, 1, 1), (1, 1, 1, 1)),
        _transpose("one pixel to a window", (2, 1, 1, 3), (4, 3, 2, 3), activation="relu"),
        _transpose("same padding, relu", (2, 4, 5, 2), (3, 3, 4, 2), padding="same", activation="relu"),
        _transpose("same padding, stride", (2, 4, 5, 2), (3, 4, 3, 2), padding="same", stride=(2, 3)),
        _transpose("same padding, window less than the stride", (1, 3, 4, 2), (2, 1, 3, 2), padding="same", stride=4),
        _transpose(
            "same padding, stride, output padding",
            (1, 4, 3, 2),
            (3, 4, 3, 2),
            padding="same",
            stride=3,
            output_padding=(2, 1),
        ),
        _transpose("same padding, dilation", (1, 6, 5, 2), (3, 2, 2, 2), padding="same", dilation=(2, 3)),
        _transpose("valid, window less than the stride, tanh", (2, 3, 4, 2), (2, 1, 3, 2), padding="valid", stride=3),
        _transpose(
            "valid, output padding", (2, 3, 4, 2), (2, 3, 3, 2), padding="valid", stride=(4, 3), output_padding=0
        ),
        _transpose("stride, sigmoid", (2, 4, 3, 3), (4, 4, 2, 3), stride=2, padding=1, activation="sigmoid"),
        _transpose("output padding", (2, 4, 3, 2), (3, 3, 4, 2), stride=2, padding=1, output_padding=1),
        _transpose(
            "output padding beyond the last tap, relu",
            (1, 3, 3, 2),
            (2, 2, 3, 2),
            stride=(5, 4),
            output_padding=(4, 1),
            activation="relu",
        ),
        _transpose("padding more than the window", (1, 7, 6, 2), (2, 2, 3, 2), padding=(3, 2)),
        _transpose("four paddings, stride", (1, 5, 6, 2), (3, 4, 3, 2), padding=(0, 2, 3, 1), stride=(2, 3)),
        _transpose(
            "stride and dilation, tanh", (1, 5, 4, 2), (3, 2, 3, 2), stride=(2, 3), dilation=(3, 2), activation="tanh"
        ),
        _transpose(
            "stride, dilation, output padding",
            (1, 4, 5, 4),
            (3, 3, 1, 4),
            stride=3,
            dilation=2,
            padding=(1, 2),
            output_padding=(0, 2),
            groups=2,
        ),
        _transpose("groups, relu", (2, 5, 4, 6), (3, 3, 2, 6), groups=2, activation="relu"),
        _transpose("groups, stride", (2, 5, 4, 6), (3, 3, 4, 6), groups=3, stride=2, padding="same"),
        _transpose("depthwise, sigmoid", (2, 5, 6, 5), (3, 2, 1, 5), groups=5, padding=1, activation="sigmoid"),
        _transpose("depthwise, stride", (2, 4, 5, 5), (3, 3, 1, 5), groups=5, stride=2, padding="same"),
        _transpose(
            "depthwise, window less than the stride", (1, 4, 3, 3), (2, 2, 1, 3), groups=3, stride=3, activation="relu"
        ),
        _transpose("1 x 1", (2, 4, 5, 7), (1, 1, 3, 7)),
        _transpose("depth blocks, threads", (3, 9, 8, 70), (4, 4, 37, 70), stride=2, padding=1),
        _transpose("few output channels, threads", (5, 28, 28, 32), (5, 5, 3, 32), padding="same"),
        _transpose("winograd in float32", (2, 17, 18, 33), (3, 3, 70, 33), padding="same", activation="relu"),
        _transpose("no images", (0, 5, 5, 2), (3, 3, 3, 2)),
        _transpose("no input channels", (2, 4, 5, 0), (3, 2, 3, 0), stride=2, activation="sigmoid"),
        _transpose("no output channels, groups", (2, 4, 5, 4), (3, 2, 0, 4), groups=2, activation="relu"),
    ),
    bench=(
        _transpose("32x4x4x512 4x4/2 256", (32, 4, 4, 512), (4, 4, 256, 512), stride=2, padding=1),
        _transpose("32x8x8x256 4x4/2 128", (32, 8, 8, 256), (4, 4, 128, 256), stride=2, padding=1),
        _transpose("32x16x16x128 4x4/2 64", (32, 16, 16, 128), (4, 4, 64, 128), stride=2, padding=1),
        _transpose("32x32x32x64 4x4/2 3", (32, 32, 32, 64), (4, 4, 3, 64), stride=2, padding=1, activation="tanh"),
        _transpose("32x14x14x64 3x3/2 32", (32, 14, 14, 64), (3, 3, 32, 64), stride=2, padding=1, output_padding=1),
        _transpose("4x28x28x512 2x2/2 256", (4, 28, 28, 512), (2, 2, 256, 512), stride=2),
        _transpose("16x28x28x128 3x3 128", (16, 28, 28, 128), (3, 3, 128, 128), padding=1),
    ),
    bad=(
        Bad({"x": np.ones((2, 5, 7))}, "conv2d_transpose_forward: x has 3 axes (shape (2, 5, 7)), expected 4"),
        Bad(
            {"w": np.ones((3, 2, 3, 5))},
            "conv2d_transpose_forward: w has shape (3, 2, 3, 5), expected (R, S, K / groups, 3) "
            "because x is (2, 5, 7, 3)",
        ),
        Bad(
            {"w": np.ones((3, 0, 5, 3))},
            "conv2d_transpose_forward: w has shape (3, 0, 5, 3), expected at least one tap",
        ),
        Bad({"groups": 2}, "conv2d_transpose_forward: groups is 2, expected a divisor of the 3 channels of x"),
        Bad({"stride": 0}, "conv2d_transpose_forward: stride is 0, expected at least 1"),
        Bad(
            {"padding": "full"},
            "conv2d_transpose_forward: padding is 'full', expected one of 'valid', 'same'",
        ),
        Bad(
            {"padding": None},
            'conv2d_transpose_forward: padding is None, expected "valid", "same", an integer, a pair or four integers',
        ),
        Bad(
            {"padding": (4, 0)},
            "conv2d_transpose_forward: 5 elements along H would become -1 with padding (4, 0); "
            "use less padding, more output_padding or a larger window",
        ),
        Bad(
            {"x": np.ones((2, 0, 7, 3))},
            "conv2d_transpose_forward: the images have size (0, 7), expected at least one row and one column",
        ),
        Bad(
            {"stride": (2, 3), "output_padding": (1, 3)},
            "conv2d_transpose_forward: output_padding is (1, 3), expected less than the stride (2, 3) because the "
            "convolution of an image so much larger has more outputs",
        ),
        Bad({"output_padding": -1}, "conv2d_transpose_forward: output_padding is -1, expected at least 0"),
        Bad(
            {"output_padding": "same"},
            "conv2d_transpose_forward: output_padding is 'same', expected an integer or a pair of them",
        ),
        Bad({"b": np.ones(3)}, "conv2d_transpose_forward: b has shape (3,), expected (5,) because w is (3, 2, 5, 3)"),
        Bad(
            {"out": np.ones((2, 5, 7, 5))},
            "conv2d_transpose_forward: out has shape (2, 5, 7, 5), expected (2, 7, 8, 5)",
        ),
        Bad(
            {"dy": np.ones((2, 5, 7, 5))},
            "conv2d_transpose_backward: dy has shape (2, 5, 7, 5), expected (2, 7, 8, 5) because x is (2, 5, 7, 3)",
        ),
        Bad(
            {"dy": np.ones((2, 7, 8, 5)), "activation": "tanh"},
            "conv2d_transpose_backward: y is None, expected the forward's result because activation is 'tanh'",
        ),
    ),
    optional=("b",),
    # Whether an infinite weight meets the zeros of the padding (0 * inf is NaN) depends on how y is summed.
    finite=("w",),
    flops=lambda arrays, options: 2 * arrays["x"][..., 0].size * arrays["w"].size,
)

OPS = (_CONV2D_TRANSPOSE,)
