"""What the catalog cannot say of pooling: which place wins where values are equal, NaN or minus infinity."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.pool import reference

FACES = pytest.mark.parametrize("face", (kernels, reference), ids=("public", "reference"))


@FACES
@pytest.mark.parametrize(
    "window, number",
    [
        ((3.0, 3.0, 1.0, 3.0), 0),
        ((1.0, 3.0, 3.0, 2.0), 1),
        ((1.0, np.nan, np.inf, np.nan), 1),
        ((-np.inf, -np.inf, -np.inf, -np.inf), 0),
        ((-np.inf, -np.inf, -np.inf, np.nan), 3),
    ],
)
def test_the_first_of_equal_values_and_the_first_nan_win(face, window, number):
    x = np.array(window).reshape(1, 2, 2, 1)
    y, argmax = face.max_pool2d_forward(x)
    assert argmax.item() == number
    np.testing.assert_array_equal(y.item(), window[number])


@FACES
def test_padding_never_wins(face):
    x = np.full((1, 3, 3, 1), -np.inf)
    y, argmax = face.max_pool2d_forward(x, padding=1)
    assert (y == -np.inf).all()
    assert argmax[0, :, :, 0].tolist() == [[3, 2], [1, 0]]
    dx = face.max_pool2d_backward(np.ones_like(y), argmax, input_shape=x.shape, padding=1)
    assert dx[0, :, :, 0].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


@FACES
def test_an_average_counts_no_padding(face):
    y = face.average_pool2d_forward(np.full((1, 3, 3, 1), 2.0), window=2, stride=2, padding="same")
    assert (y == 2).all()


@pytest.mark.parametrize("C", (1, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65))
@pytest.mark.parametrize("options", ({}, {"window": 3, "stride": 2, "padding": "same"}), ids=("2x2", "3x3"))
def test_numbers_of_channels_around_a_vector(C, options):
    x = np.random.default_rng(C).standard_normal((2, 6, 7, C)).astype(np.float32)
    for got, want in zip(
        kernels.max_pool2d_forward(x, **options), reference.max_pool2d_forward(x, **options), strict=True
    ):
        np.testing.assert_array_equal(got, want)


def test_any_argmax_is_safe():
    """A wrong argmax gives a wrong gradient, never a write elsewhere."""
    dy, argmax = np.ones((1, 2, 2, 1)), np.full((1, 2, 2, 1), 255, np.uint8)
    assert not kernels.max_pool2d_backward(dy, argmax, input_shape=(1, 4, 4, 1)).any()
