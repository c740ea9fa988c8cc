"""Convolutions: what a row of the catalog cannot say."""

import numpy as np
import pytest
from tilewright import kernels

# Of keras.ops.conv_transpose, Keras 3.15: padding, output_padding, stride, dilation, filter size, y of x = [1, 10] and
# the filter [1, 2, 3, …].
KERAS = [
    ("same", None, 2, 1, 3, [1, 2, 13, 20]),
    ("same", None, 2, 1, 4, [2, 13, 24, 30]),
    ("same", None, 3, 1, 2, [1, 2, 0, 10, 20, 0]),
    ("same", None, 1, 2, 3, [2, 20]),
    ("same", 0, 2, 1, 3, [2, 13, 20]),
    ("same", 1, 2, 1, 3, [1, 2, 13, 20]),
    ("same", 1, 2, 1, 4, [2, 13, 24]),
    ("same", 2, 3, 1, 2, [1, 2, 0, 10, 20]),
    ("valid", None, 2, 1, 3, [1, 2, 13, 20, 30]),
    ("valid", None, 3, 1, 2, [1, 2, 0, 10, 20, 0]),
    ("valid", 0, 3, 1, 2, [1, 2, 0, 10, 20]),
    ("valid", 1, 2, 1, 3, [1, 2, 13, 20, 30, 0]),
]


@pytest.mark.parametrize("padding, output_padding, stride, dilation, R, y", KERAS)
def test_transposed_convolution_has_the_places_of_keras(padding, output_padding, stride, dilation, R, y):
    x, w = np.array([1.0, 10.0]), np.arange(1.0, R + 1)
    more = None if output_padding is None else (output_padding, 0)
    options = {"padding": padding, "output_padding": more, "stride": (stride, 1), "dilation": (dilation, 1)}
    got = kernels.conv2d_transpose_forward(x.reshape(1, 2, 1, 1), w.reshape(R, 1, 1, 1), **options)
    np.testing.assert_array_equal(got, np.reshape(y, (1, -1, 1, 1)))


@pytest.mark.parametrize("stride", (1, 2, (3, 1)))
@pytest.mark.parametrize("filters", ((3, 3, 20, 17), (4, 1, 3, 5)), ids=("3 x 3", "4 x 1"))
@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_transposed_convolution_is_the_gradient_of_a_convolution(stride, filters, dtype):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in ((2, 9, 7, filters[3]), filters))
    y = kernels.conv2d_transpose_forward(x, w, stride=stride, padding="same")
    dx, _, _ = kernels.conv2d_backward(x, np.zeros_like(y), w, stride=stride, padding="same")
    np.testing.assert_array_equal(y, dx)


@pytest.mark.parametrize("C, K", ((3, 4), (0, 4), (3, 0)))
@pytest.mark.parametrize("op", ("conv1d", "conv2d", "conv2d_transpose"))
def test_out_takes_the_result(op, C, K):
    rng = np.random.default_rng(0)
    taps, channels = (3,) if op == "conv1d" else (3, 2), (K, C) if op == "conv2d_transpose" else (C, K)
    x, w, b = (rng.standard_normal(shape) for shape in ((2, *[6] * len(taps), C), (*taps, *channels), (K,)))
    forward = getattr(kernels, f"{op}_forward")
    y = forward(x, w, b, stride=2, padding=1, activation="tanh")
    out = np.full_like(y, np.nan)
    assert forward(x, w, b, stride=2, padding=1, activation="tanh", out=out) is out
    np.testing.assert_array_equal(out, y)
