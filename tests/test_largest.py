"""What the catalog cannot say of reductions and pooling: long axes, cut into blocks and parts, and streamed results."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.pool import reference as pool
from tilewright.kernels.reduce import reference

STREAMED = 1 << 25  # bytes, more than any result must have to be streamed


@pytest.mark.parametrize("axis, shape", [(1, (3, 9001)), (0, (9001, 67)), (1, (2, 9001, 33))])
@pytest.mark.parametrize("places", [(), (0,), (2047, 2048), (4500, 8999), (9000,)])
@pytest.mark.parametrize("value", [np.nan, np.inf, 9.0])
def test_the_first_of_equal_values_and_the_first_nan_win_on_long_axes(axis, shape, places, value):
    x = np.random.default_rng(0).integers(-8, 8, shape).astype(np.float32)
    for place in places:
        np.moveaxis(x, axis, 0)[place] = value
    for got, want in zip(kernels.max_forward(x, axis=axis), reference.max_forward(x, axis=axis), strict=True):
        np.testing.assert_array_equal(got, want)


def test_minus_infinity_has_a_place():
    y, argmax = kernels.max_forward(np.full((2, 5000), -np.inf, np.float32))
    assert (y == -np.inf).all()
    assert (argmax == 0).all()


@pytest.mark.parametrize("shape, axis", [((8192, 1024), 1), ((8192, 1024), 0), ((9, 1024, 1024), 1)])
def test_streamed_reductions(shape, axis):
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    assert x.nbytes >= STREAMED
    y, argmax = kernels.max_forward(x, axis=axis)
    want = reference.max_backward(y, argmax, input_shape=shape, axis=axis)
    np.testing.assert_array_equal(kernels.max_backward(y, argmax, input_shape=shape, axis=axis), want)
    for got, exact in (
        (kernels.cumsum_forward(x, axis=axis), np.cumsum(x, axis, np.float64)),
        (kernels.cumsum_backward(x, axis=axis), np.flip(np.cumsum(np.flip(x, axis), axis, np.float64), axis)),
    ):
        np.testing.assert_allclose(got, exact, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("C", (64, 24, 20))  # whole vectors, rows of whole vectors, neither
@pytest.mark.parametrize("options", ({}, {"window": 3, "stride": 2, "padding": "same"}), ids=("2x2", "3x3"))
def test_streamed_gradients_of_pooling(C, options):
    shape = (-(-STREAMED // (4 * 64 * 66 * C)), 64, 66, C)
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    y, argmax = kernels.max_pool2d_forward(x, **options)
    dy = np.rint(y * 64)  # sums of few whole numbers are exact
    got = kernels.max_pool2d_backward(dy, argmax, input_shape=shape, **options)
    part = kernels.max_pool2d_backward(dy[:1].copy(), argmax[:1].copy(), input_shape=(1, *shape[1:]), **options)
    np.testing.assert_array_equal(part, pool.max_pool2d_backward(dy[:1], argmax[:1], input_shape=part.shape, **options))
    np.testing.assert_array_equal(got[:1], part)
    last = kernels.max_pool2d_backward(dy[-1:].copy(), argmax[-1:].copy(), input_shape=part.shape, **options)
    np.testing.assert_array_equal(got[-1:], last)
    got = kernels.average_pool2d_backward(y, input_shape=shape, **options)
    part = kernels.average_pool2d_backward(y[-1:].copy(), input_shape=part.shape, **options)
    np.testing.assert_array_equal(got[-1:], part)
