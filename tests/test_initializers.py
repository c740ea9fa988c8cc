"""Initial weights: their statistics, seeds, names and errors."""

import math
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Conv2D, Dense, initializers
from tilewright.layers.initializers import (
    INITIALIZERS,
    Constant,
    GlorotUniform,
    HeNormal,
    Identity,
    Initializer,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)

SHAPE = (200, 300)
TRUNCATED = 0.87962566103423978  # standard deviation of a standard normal cut at -2 and 2

# name: (mean, standard deviation, largest distance from the mean) for SHAPE
STATISTICS = {
    "zeros": (0, 0, 0),
    "ones": (1, 0, 0),
    "constant": (0, 0, 0),
    "normal": (0, 0.05, math.inf),
    "random_normal": (0, 0.05, math.inf),
    "truncated_normal": (0, 0.05 * TRUNCATED, 0.1),
    "uniform": (0, 0.05 / math.sqrt(3), 0.05),
    "random_uniform": (0, 0.05 / math.sqrt(3), 0.05),
    "variance_scaling": (0, math.sqrt(1 / 200), 2 * math.sqrt(1 / 200) / TRUNCATED),
    "glorot_uniform": (0, math.sqrt(2 / 500), math.sqrt(6 / 500)),
    "glorot_normal": (0, math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / TRUNCATED),
    "he_uniform": (0, math.sqrt(2 / 200), math.sqrt(6 / 200)),
    "he_normal": (0, math.sqrt(2 / 200), 2 * math.sqrt(2 / 200) / TRUNCATED),
    "lecun_uniform": (0, math.sqrt(1 / 200), math.sqrt(3 / 200)),
    "lecun_normal": (0, math.sqrt(1 / 200), 2 * math.sqrt(1 / 200) / TRUNCATED),
    "orthogonal": (0, math.sqrt(1 / 300), math.inf),
    "identity": (1 / 300, math.sqrt(1 / 300), 1),
}


def test_every_name_is_tested():
    assert STATISTICS.keys() == INITIALIZERS.keys()
    assert all(isinstance(one, Initializer) for one in INITIALIZERS.values())
    classes = {c for c in vars(initializers).values() if isinstance(c, type) and issubclass(c, Initializer)}
    named = {type(one) for one in INITIALIZERS.values()}
    assert {c for c in classes if not c.__name__.startswith("_")} - named == {Initializer}


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("name", STATISTICS)
def test_statistics(name, dtype):
    tw.set_seed(0)
    mean, deviation, reach = STATISTICS[name]
    values = INITIALIZERS[name](SHAPE, dtype)
    assert values.shape == SHAPE and values.dtype == dtype and values.flags.c_contiguous
    assert abs(values.mean() - mean) <= 5 * deviation / math.sqrt(values.size)
    assert abs(values.std() - deviation) <= 0.02 * deviation
    assert np.abs(values - mean).max() <= reach * 1.00001
    if 0 < reach < math.inf:
        assert np.abs(values - mean).max() > 0.98 * reach


def test_fans_of_filters():
    tw.set_seed(0)
    for name, variance in (("he_normal", 2 / (3 * 5 * 16)), ("glorot_uniform", 2 / (3 * 5 * (16 + 64)))):
        values = INITIALIZERS[name]((3, 5, 16, 64))
        assert abs(values.var() / variance - 1) < 0.05


def test_options_of_objects():
    assert (Constant(0.25)((3,)) == 0.25).all()
    normal = RandomNormal(3.0, 0.5, seed=1)((200, 200), "float64")
    assert abs(normal.mean() - 3) < 0.02 and abs(normal.std() - 0.5) < 0.01 and np.abs(normal - 3).max() > 1.5
    cut = TruncatedNormal(3.0, 0.5, seed=1)((200, 200), "float64")
    assert 0.98 < np.abs(cut - 3).max() <= 1
    uniform = RandomUniform(2, 4, seed=1)((200, 200), "float64")
    assert 2 <= uniform.min() < 2.01 and 3.99 < uniform.max() <= 4
    scaled = VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1)(SHAPE, "float64")
    assert abs(scaled.var() * 300 / 3 - 1) < 0.02
    np.testing.assert_array_equal(
        VarianceScaling(1.0, "fan_avg", "uniform", seed=4)(SHAPE), GlorotUniform(seed=4)(SHAPE)
    )
    np.testing.assert_array_equal(Identity(2.0)((2, 3)), [[2, 0, 0], [0, 2, 0]])


@pytest.mark.parametrize("shape", ((6, 4), (4, 6), (3, 2, 4)))
def test_orthogonal_matrices(shape):
    w = Orthogonal(3.0, seed=0)(shape, "float64").reshape(-1, shape[-1])
    product = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_favour_no_sign():
    tw.set_seed(0)
    signs = np.sign([INITIALIZERS["orthogonal"]((2, 2))[0, 0] for _ in range(200)])
    assert abs(signs.mean()) < 0.3


@pytest.mark.parametrize("name", STATISTICS)
def test_seeds(name):
    tw.set_seed(7)
    first, second = INITIALIZERS[name]((4, 4)), INITIALIZERS[name]((4, 4))
    tw.set_seed(7)
    np.testing.assert_array_equal(INITIALIZERS[name]((4, 4)), first)
    one = type(INITIALIZERS[name])
    if "seed" not in INITIALIZERS[name].config():
        np.testing.assert_array_equal(first, second)
        return
    assert (first != second).any()
    seeded = one(seed=3)
    np.testing.assert_array_equal(seeded((4, 4)), seeded((4, 4)))
    np.testing.assert_array_equal(seeded((4, 4)), one(**seeded.config())((4, 4)))
    assert (seeded((4, 4)) != one(seed=4)((4, 4))).any()


def test_objects_are_their_arguments():
    assert repr(HeNormal(seed=1)) == "HeNormal(seed=1)"
    assert HeNormal(seed=1) == HeNormal(seed=1) != HeNormal(seed=2) and HeNormal() != GlorotUniform()
    assert len({Constant(1), Constant(1), Constant(2)}) == 2
    assert pickle.loads(pickle.dumps(RandomNormal(1.0, 2.0, 3))) == RandomNormal(1.0, 2.0, 3)


def test_layers_take_names_objects_and_functions():
    layer = Dense(3, kernel_initializer=Constant(0.5), bias_initializer=lambda shape, dtype: np.arange(3))
    layer.build((None, 2))
    assert (layer.w.value == 0.5).all() and layer.b.value.tolist() == [0, 1, 2] and layer.b.value.dtype == np.float32
    conv = Conv2D(2, 3, kernel_initializer=HeNormal(seed=5))
    conv.build((None, 8, 8, 4))
    np.testing.assert_array_equal(conv.w.value, HeNormal(seed=5)((3, 3, 4, 2)))


BAD = [
    (lambda: Dense(2, kernel_initializer="he"), ValueError, "Dense: kernel_initializer is 'he', expected one of 'zer"),
    (lambda: Dense(2, kernel_initializer=HeNormal), TypeError, r".*write HeNormal\(\), an object of it"),
    (lambda: Dense(2, bias_initializer=0), TypeError, "Dense: bias_initializer is 0, expected a name or an object"),
    (lambda: HeNormal(seed=0.5), TypeError, "HeNormal: seed is 0.5, expected an integer"),
    (lambda: RandomNormal(stddev=-1), ValueError, "RandomNormal: stddev is -1, expected a number from 0"),
    (lambda: RandomUniform(1, 0), ValueError, "RandomUniform: maxval is 0, expected a number from 1"),
    (lambda: Constant("1"), TypeError, "Constant: value is '1', expected a number"),
    (lambda: VarianceScaling(0), ValueError, "VarianceScaling: scale is 0, expected a number above 0"),
    (lambda: VarianceScaling(mode="fan"), ValueError, "VarianceScaling: mode is 'fan', expected one of .*did you mean"),
    (lambda: Orthogonal()((3,)), ValueError, r"Orthogonal: the shape is \(3,\), expected at least 2 axes"),
    (lambda: Identity()((3, 3, 3)), ValueError, r"Identity: the shape is \(3, 3, 3\), expected 2 axes"),
    (
        lambda: Dense(2, kernel_initializer=lambda shape, dtype: np.ones(3))(np.ones((1, 2))),
        ValueError,
        r".*the values have shape \(3,\), expected \(2, 2\)",
    ),
]


@pytest.mark.parametrize("call, kind, message", BAD, ids=[message[:40] for *_, message in BAD])
def test_bad_calls_say_what_is_wrong(call, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        call()
