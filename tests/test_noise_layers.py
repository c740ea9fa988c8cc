"""Layers that are random in training: what they change, seeds, evaluation, errors."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D

MAKES = (
    (lambda **o: Dropout(0.25, **o), (40, 50)),
    (lambda **o: SpatialDropout1D(0.25, **o), (40, 3, 50)),
    (lambda **o: SpatialDropout2D(0.25, **o), (40, 2, 3, 50)),
    (lambda **o: GaussianNoise(0.25, **o), (40, 50)),
)
EACH = pytest.mark.parametrize("make, shape", MAKES, ids=("dropout", "1D", "2D", "noise"))


@EACH
def test_every_call_is_another_and_every_seed_the_same(make, shape):
    x = np.ones(shape, np.float32)
    tw.set_seed(0)
    layer = make()
    first, second = layer(x).numpy(), layer(x).numpy()
    assert (first != second).any()
    tw.set_seed(0)
    np.testing.assert_array_equal(make()(x).numpy(), first)
    assert (make()(x).numpy() != first).any()
    np.testing.assert_array_equal(make(seed=3)(x).numpy(), make(seed=3)(x).numpy())
    assert layer.eval()(x).numpy() is x


@EACH
def test_building_again_keeps_the_seed(make, shape):
    layer = make()
    layer.build(shape)
    seed = layer._seed
    layer.build(shape)
    assert layer._seed == seed


@pytest.mark.parametrize("make, shape", MAKES[1:3], ids=("1D", "2D"))
def test_channels_go_as_a_whole(make, shape):
    y = make(seed=1)(np.ones(shape, np.float32)).numpy().reshape(40, -1, 50)
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.03


def test_noise_is_normal():
    x = np.full((200, 200), 3.0)
    y = GaussianNoise(0.5, seed=1, dtype="float64")(x).numpy() - 3
    assert abs(y.mean()) < 0.01 and abs(y.std() - 0.5) < 0.01 and abs((np.abs(y) < 0.5).mean() - 0.6827) < 0.01
    assert GaussianNoise(0)(x.astype(np.float32)).numpy().mean() == 3


BAD = [
    (lambda: SpatialDropout1D(1), "SpatialDropout1D: rate is 1, expected less"),
    (lambda: SpatialDropout2D(0.5, seed=-1), "SpatialDropout2D: seed is -1, expected at least 0"),
    (lambda: SpatialDropout1D(0.5)(np.ones((2, 3))), r"SpatialDropout1D: x has shape \(2, 3\), expected 3 axes"),
    (lambda: SpatialDropout2D(0.5)(np.ones((2, 3, 3))), r"SpatialDropout2D: x has shape \(2, 3, 3\), expected 4 axes"),
    (lambda: GaussianNoise(-1), "GaussianNoise: stddev is -1, expected a number from 0"),
    (lambda: GaussianNoise("x"), "GaussianNoise: stddev is 'x', expected a number"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
