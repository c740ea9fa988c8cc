"""The catalog's rows of convolution; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal


def _convolution(why, image, filters, bias=True, **options):
    winograd = options.get("algorithm") == "winograd"
    arrays = {"x": normal(*image), "w": normal(*filters, scale=0.3), "b": normal(filters[3]) if bias else None}
    return Case(
        why, {name: recipe for name, recipe in arrays.items() if recipe}, options, 8.0 if winograd else 2.0, winograd
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
        _convolution("two filters a channel", (1, 5, 6, 4), (3, 3, 1, 8), groups=4),
        _convolution("depthwise", (2, 5, 6, 5), (3, 2, 1, 5), groups=5, padding=1, activation="relu"),
        _convolution("depthwise, dilation", (1, 9, 8, 3), (3, 3, 1, 3), groups=3, padding=5, dilation=(2, 3)),
        _convolution("depthwise, stride, threads", (2, 41, 40, 70), (3, 3, 1, 70), groups=70, stride=2, padding="same"),
        _convolution("depthwise, wide stride", (1, 9, 9, 3), (2, 2, 1, 3), groups=3, stride=(4, 3), activation="tanh"),
        _convolution("one filter", (2, 5, 6, 4), (3, 3, 4, 1), padding=1),
        _convolution("one filter a group", (2, 5, 6, 6), (3, 3, 2, 3), groups=3, stride=2),
        _convolution("1 x 1", (2, 4, 5, 7), (1, 1, 7, 3)),
        _convolution("filter of the image's size", (3, 4, 5, 2), (4, 5, 2, 3)),
        _convolution("depth blocks, threads", (3, 13, 12, 50), (3, 3, 50, 37), padding="same", algorithm="direct"),
        _convolution("first layer, threads", (5, 28, 28, 1), (3, 3, 1, 32), activation="relu"),
        _convolution("in place, edges", (2, 9, 21, 3), (3, 3, 3, 16), padding="same", activation="relu"),
        _convolution("in place, stride", (1, 17, 19, 3), (7, 7, 3, 32), stride=2, padding=3),
        _convolution("in place, no inside", (2, 4, 2, 3), (3, 3, 3, 16), padding=2, activation="sigmoid"),
        _convolution("in place, padding wider than the image", (2, 5, 1, 3), (3, 3, 3, 16), padding=(1, 1, 4, 0)),
        _convolution("in place, dilation down", (1, 11, 12, 2), (3, 2, 2, 48), dilation=(3, 1), padding=(4, 1)),
        _convolution("few channels, bands, depth blocks", (1, 40, 37, 3), (5, 3, 3, 300), stride=(2, 3), padding=2),
        _convolution("in place, long rows", (1, 3, 301, 2), (2, 3, 2, 16), dilation=(1, 2)),
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
        _convolution("no input channels", (2, 5, 6, 0), (3, 2, 0, 5), padding=1, activation="sigmoid"),
        _convolution("no input channels, groups, no bias", (2, 5, 6, 0), (3, 2, 0, 4), groups=2, bias=False),
        _convolution("no input channels, one output", (1, 3, 3, 0), (3, 3, 0, 3), algorithm="winograd"),
        _convolution("no output channels", (2, 5, 6, 3), (3, 2, 3, 0), stride=2, activation="relu"),
        _convolution("no output channels, groups, no bias", (2, 5, 6, 4), (3, 3, 2, 0), groups=2, bias=False),
        _convolution("no channels at all", (2, 5, 6, 0), (3, 3, 0, 0), padding="same"),
    ),
    bench=(
        _convolution("32x28x28x1 3x3 32", (32, 28, 28, 1), (3, 3, 1, 32)),
        _convolution("32x13x13x32 3x3 64", (32, 13, 13, 32), (3, 3, 32, 64)),
        _convolution("32x32x32x3 3x3 64", (32, 32, 32, 3), (3, 3, 3, 64), padding="same"),
        _convolution("32x16x16x64 3x3 128", (32, 16, 16, 64), (3, 3, 64, 128), padding="same"),
        _convolution("16x56x56x64 3x3 64", (16, 56, 56, 64), (3, 3, 64, 64), padding="same"),
        _convolution("16x28x28x128 3x3 128", (16, 28, 28, 128), (3, 3, 128, 128), padding="same"),
        _convolution("16x14x14x256 3x3 256", (16, 14, 14, 256), (3, 3, 256, 256), padding="same"),
        _convolution("16x7x7x512 3x3 512", (16, 7, 7, 512), (3, 3, 512, 512), padding="same"),
        _convolution("16x56x56x64 1x1 256", (16, 56, 56, 64), (1, 1, 64, 256)),
        _convolution("8x224x224x3 7x7/2 64", (8, 224, 224, 3), (7, 7, 3, 64), stride=2, padding=3),
        _convolution("16x28x28x192 3x3 depthwise", (16, 28, 28, 192), (3, 3, 1, 192), groups=192, padding="same"),
    ),
    bad=(
        Bad({"x": np.ones((2, 7, 5))}, "conv2d_forward: x has 3 axes (shape (2, 7, 5)), expected 4"),
        Bad(
            {"w": np.ones((3, 2, 4, 5))},
            "conv2d_forward: w has shape (3, 2, 4, 5), expected (R, S, 3, K) because x is (2, 7, 5, 3)",
        ),
        Bad(
            {"w": np.ones((0, 2, 3, 5))},
            "conv2d_forward: w has shape (0, 2, 3, 5), expected at least one tap",
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
    note=lambda arrays, options: "winograd" if _goes_by_winograd(arrays, options) else "",
    flops=lambda arrays, options: 2 * arrays["w"][..., 0].size * _outputs(arrays, options),
)


def _goes_by_winograd(arrays, options):
    from . import cpu

    names = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    view = cpu.forward_view(arrays["x"].shape, arrays["w"].shape, *(options.get(n, d) for n, d in names.items()))
    x, K, algorithm = arrays["x"], arrays["w"].shape[3], options.get("algorithm", "auto")
    return cpu.uses_winograd(view, x.shape[0], K, x.dtype, algorithm)


def _outputs(arrays, options):
    """Elements of a convolution's result."""
    from .. import _window as window

    (N, H, W, _), (R, S, _, K) = arrays["x"].shape, arrays["w"].shape
    pairs = (window.pair("conv2d", name, options.get(name, 1)) for name in ("stride", "dilation"))
    stride, dilation = pairs
    (P, Q), _ = window.resolve("conv2d", (H, W), (R, S), stride, options.get("padding", 0), dilation)
    return N * P * Q * K


OPS = (_CONV2D,)
