"""The catalog's rows of convolutions of sequences; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal


def _convolution(why, sequence, filters, bias=True, **options):
    arrays = {"x": normal(*sequence), "w": normal(*filters, scale=0.3), "b": normal(filters[2]) if bias else None}
    return Case(why, {name: recipe for name, recipe in arrays.items() if recipe}, options)


def _flops(arrays, options):
    """Of a forward: two a tap, an input channel of the group, and an output."""
    from .. import _window as window

    (N, L, _), (R, _, _) = arrays["x"].shape, arrays["w"].shape
    stride, padding, dilation = (options.get(*one) for one in (("stride", 1), ("padding", 0), ("dilation", 1)))
    P, _ = window.resolve_1d("conv1d", L, R, stride, padding, dilation)
    return 2 * N * P * arrays["w"].size


_CONV1D = Op(
    "conv1d",
    "conv1d",
    ("x", "w", "b"),
    cases=(
        _convolution("primes", (2, 7, 3), (3, 3, 5)),
        _convolution("without a bias", (2, 7, 3), (2, 3, 5), bias=False),
        _convolution("one element", (1, 1, 1), (1, 1, 1)),
        _convolution("same padding, even window, relu", (2, 9, 2), (4, 2, 3), padding="same", activation="relu"),
        _convolution("same padding, stride", (2, 11, 2), (3, 2, 5), padding="same", stride=3, activation="sigmoid"),
        _convolution("same padding, dilation", (1, 11, 3), (3, 3, 2), padding="same", dilation=3),
        _convolution("valid, stride that leaves a rest", (2, 12, 2), (3, 2, 3), padding="valid", stride=4),
        _convolution("causal", (2, 9, 3), (3, 3, 4), padding="causal", activation="tanh"),
        _convolution("causal, dilation", (2, 13, 2), (2, 2, 5), padding="causal", dilation=4),
        _convolution("causal, stride, longer than the sequence", (1, 4, 2), (3, 2, 3), padding="causal", stride=2),
        _convolution("a pair of paddings", (2, 6, 2), (3, 2, 3), padding=(0, 3)),
        _convolution("stride and dilation", (1, 14, 2), (3, 2, 3), stride=2, dilation=3, padding=2),
        _convolution("stride wider than the window", (2, 11, 3), (2, 3, 4), stride=4, padding=1),
        _convolution("groups", (2, 8, 6), (3, 3, 4), groups=2, padding=1, activation="tanh"),
        _convolution("depthwise", (2, 9, 5), (4, 1, 5), groups=5, padding="causal", activation="relu"),
        _convolution("depthwise, threads", (3, 401, 70), (5, 1, 70), groups=70, padding="same", stride=2),
        _convolution("one tap", (2, 9, 7), (1, 7, 3)),
        _convolution("window of the sequence's length", (3, 6, 2), (6, 2, 5)),
        _convolution("depth blocks, threads", (3, 211, 70), (5, 70, 37), padding="same"),
        _convolution("one channel, threads", (5, 1009, 1), (9, 1, 32), activation="relu"),
        _convolution("no sequences", (0, 5, 2), (3, 2, 3)),
        _convolution("no input channels", (2, 5, 0), (3, 0, 4), padding="causal", activation="sigmoid"),
        _convolution("no output channels", (2, 5, 3), (3, 3, 0), activation="tanh"),
    ),
    bench=(
        _convolution("32x16000x1 80/4 32", (32, 16000, 1), (80, 1, 32), stride=4),
        _convolution("32x1000x40 5 64", (32, 1000, 40), (5, 40, 64), padding=2),
        _convolution("32x500x128 3 128", (32, 500, 128), (3, 128, 128), padding=1),
        _convolution("32x200x300 5 128", (32, 200, 300), (5, 300, 128)),
        _convolution("8x1024x256 3 causal/8 256", (8, 1024, 256), (3, 256, 256), padding="causal", dilation=8),
        _convolution("8x1024x768 4 causal depthwise", (8, 1024, 768), (4, 1, 768), padding="causal", groups=768),
        _convolution("16x300x512 1 512", (16, 300, 512), (1, 512, 512)),
    ),
    bad=(
        Bad({"x": np.ones((2, 7, 3, 1))}, "conv1d_forward: x has 4 axes (shape (2, 7, 3, 1)), expected 3"),
        Bad(
            {"w": np.ones((3, 4, 5))},
            "conv1d_forward: w has shape (3, 4, 5), expected (R, 3, K) because x is (2, 7, 3)",
        ),
        Bad({"w": np.ones((0, 3, 5))}, "conv1d_forward: w has shape (0, 3, 5), expected at least one tap"),
        Bad({"groups": 2}, "conv1d_forward: groups is 2, expected a divisor of the 3 channels of x"),
        Bad({"stride": 0}, "conv1d_forward: stride is 0, expected at least 1"),
        Bad({"stride": (1, 1)}, "conv1d_forward: stride is (1, 1), expected an integer"),
        Bad({"dilation": 1.5}, "conv1d_forward: dilation is 1.5, expected an integer"),
        Bad(
            {"padding": "casual"},
            "conv1d_forward: padding is 'casual', expected one of 'valid', 'same', 'causal'; did you mean 'causal'?",
        ),
        Bad(
            {"padding": (1, 2, 3)},
            'conv1d_forward: padding is (1, 2, 3), expected "valid", "same", "causal", an integer or a pair of them',
        ),
        Bad(
            {"padding": None},
            'conv1d_forward: padding is None, expected "valid", "same", "causal", an integer or a pair of them',
        ),
        Bad({"padding": -1}, "conv1d_forward: padding is -1, expected at least 0"),
        Bad(
            {"x": np.ones((2, 2, 3))},
            "conv1d_forward: the window spans 3 along L, more than the sequence's 2 with 0 of padding; "
            'use a smaller window or more padding (padding="same")',
        ),
        Bad({"b": np.ones(3)}, "conv1d_forward: b has shape (3,), expected (5,) because w is (3, 3, 5)"),
        Bad({"out": np.ones((2, 7, 5))}, "conv1d_forward: out has shape (2, 7, 5), expected (2, 5, 5)"),
        Bad(
            {"dy": np.ones((2, 7, 5))},
            "conv1d_backward: dy has shape (2, 7, 5), expected (2, 5, 5) because x is (2, 7, 3)",
        ),
        Bad(
            {"dy": np.ones((2, 5, 5)), "activation": "relu"},
            "conv1d_backward: y is None, expected the forward's result because activation is 'relu'",
        ),
    ),
    optional=("b",),
    # Whether an infinite weight meets the zeros of the padding (0 * inf is NaN) depends on how dx is summed.
    finite=("w",),
    flops=_flops,
)

OPS = (_CONV1D,)
