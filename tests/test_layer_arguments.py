"""Arguments of layers that are set after construction: they take effect, or an error says why they cannot."""

import copy
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    GRU,
    Activation,
    AveragePooling1D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    DepthwiseConv2D,
    Embedding,
    MaxPooling2D,
    MultiHeadAttention,
    Residual,
    SeparableConv2D,
    TransformerEncoder,
)
from tilewright.layers.regularizers import L2

random = np.random.default_rng(0)
ROWS, SEQUENCES = random.standard_normal((64, 4), "f"), random.standard_normal((2, 6, 4), "f")
IMAGES = random.standard_normal((2, 6, 6, 2), "f")


def alike(layer, x, **changed):
    """A layer of the same weights, constructed with other arguments."""
    other = type(layer)(**{**layer.config(), **changed})
    other.build(x.shape)
    other.set_weights(layer.get_weights())
    return other


@pytest.mark.parametrize(
    "make, x",
    [
        (lambda: Dense(3, "softmax"), ROWS),
        (lambda: Conv2D(3, 2, activation="gelu"), IMAGES),
        (lambda: Conv1D(3, 2, activation="relu"), SEQUENCES),
        (lambda: DepthwiseConv2D(2, activation="tanh"), IMAGES),
        (lambda: Conv2DTranspose(3, 2, activation="relu"), IMAGES),
        (lambda: SeparableConv2D(3, 2, activation="relu"), IMAGES),
        (lambda: BatchNormalization(activation="relu"), IMAGES),
        (lambda: Residual([Dense(4)], activation="relu"), ROWS),
    ],
)
@pytest.mark.parametrize("activation", [None, "sigmoid", "softsign", "relu"])
def test_an_activation_that_is_set_takes_effect(make, x, activation):
    layer = make()
    layer(x)
    for one in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        one.activation = activation
        assert one.config()["activation"] == activation
        np.testing.assert_array_equal(one(x).numpy(), alike(layer, x, activation=activation)(x).numpy())


def test_a_removed_softmax_is_gone_in_predictions_and_in_the_file(tmp_path):
    model = tw.Sequential([Dense(3, "softmax", input_shape=(4,))])
    model.layers[-1].activation = None
    scores = model.predict(ROWS)
    np.testing.assert_allclose(scores, ROWS @ model.layers[0].w.value, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "a.tw")
    np.testing.assert_array_equal(tw.load(tmp_path / "a.tw").predict(ROWS), scores)


def test_an_activation_that_is_a_layer_cannot_be_none():
    layer = Activation("relu")
    layer.activation = "tanh"
    np.testing.assert_array_equal(layer(ROWS).numpy(), tw.tanh(ROWS).numpy())
    with pytest.raises(ValueError, match="Activation: activation is None, expected one of"):
        layer.activation = None
    assert layer.activation == "tanh"


def test_an_epsilon_that_is_set_takes_effect():
    layer = BatchNormalization()
    layer(ROWS)
    layer.epsilon = 3
    layer.eval()
    np.testing.assert_allclose(layer(ROWS).numpy() * np.sqrt(layer.moving_variance.value + 3),
                               ROWS - layer.moving_mean.value, rtol=1e-4, atol=1e-5)  # fmt: skip
    with pytest.raises(ValueError, match="BatchNormalization: epsilon is -1"):
        layer.epsilon = -1
    assert layer.epsilon == 3


def test_a_change_between_two_fits_is_followed_by_replayed_steps():
    y = random.standard_normal((64, 2), "f")

    def fitted(model):
        return model.fit(ROWS, y, epochs=4, batch_size=16, shuffle=False, verbose=0).history["loss"]

    model = tw.Sequential([Dense(8, "relu", input_shape=(4,)), BatchNormalization(), Dense(2)])
    model.compile("sgd", "mse")
    fitted(model)
    assert any(getattr(step, "proven", False) for step in model._trainer.replayed._known.values())
    hidden = np.zeros((1, 8))
    changed = (ROWS, {"activation": "tanh"}), (hidden, {"epsilon": 0.5}), (hidden, {})
    other = tw.Sequential([alike(layer, x, **new) for layer, (x, new) in zip(model.layers, changed)])
    other.compile("sgd", "mse")
    model.layers[0].activation, model.layers[1].epsilon = "tanh", 0.5
    assert fitted(model) == fitted(other)


@pytest.mark.parametrize(
    "make, x, changed",
    [
        (lambda: Dense(3), ROWS, {"units": 4, "use_bias": False, "kernel_initializer": "zeros"}),
        (lambda: Conv2D(4, 2), IMAGES, {"filters": 8, "kernel_size": 3, "strides": 2, "padding": "same", "groups": 2}),
        (lambda: Conv1D(4, 2), SEQUENCES, {"filters": 8, "kernel_size": 3, "dilation_rate": 2}),
        (lambda: DepthwiseConv2D(2), IMAGES, {"depth_multiplier": 2}),
        (lambda: Conv2DTranspose(4, 2, strides=2), IMAGES, {"filters": 8, "output_padding": 1}),
        (lambda: SeparableConv2D(4, 2), IMAGES, {"filters": 8, "use_bias": False}),
        (lambda: BatchNormalization(), IMAGES, {"center": False, "scale": False, "gamma_initializer": "zeros"}),
        (lambda: GRU(4), SEQUENCES, {"units": 8, "use_bias": False, "reset_after": False}),
        (lambda: Embedding(9, 4), np.ones((2, 3)), {"input_dim": 4, "output_dim": 8}),
        (lambda: MaxPooling2D(2), IMAGES, {"pool_size": 3, "strides": 1, "padding": "same"}),
        (lambda: AveragePooling1D(2), SEQUENCES, {"pool_size": 3, "strides": 1, "padding": "same"}),
        (lambda: TransformerEncoder(8, 2), SEQUENCES, {"num_heads": 4, "intermediate_dim": 4, "activation": "gelu"}),
        (lambda: MultiHeadAttention(2, 4), SEQUENCES, {"num_heads": 4, "key_dim": 8, "use_bias": False}),
    ],
)
def test_what_weights_were_made_by_cannot_be_set_any_more(make, x, changed):
    layer = make()
    for name, value in changed.items():
        setattr(make(), name, value)  # before there are weights
    layer(x)
    before = repr(layer)
    for name, value in changed.items():
        said = f"{type(layer).__name__}: {name} cannot be set to .*, it is .*: the layer is built, .*; .*"
        with pytest.raises(AttributeError, match=said):
            setattr(layer, name, value)
        setattr(layer, name, getattr(layer, name))
    assert repr(layer) == before


def test_sizes_that_are_set_before_the_build_count():
    layer = Conv2D(4, 3)
    layer.filters, layer.strides, layer.activation = 8, 2, "relu"
    assert layer(np.zeros((1, 9, 9, 2))).shape == (1, 4, 4, 8)
    pool = MaxPooling2D(2)
    pool.strides = 1
    assert pool(IMAGES).shape == (2, 5, 5, 2)
    with pytest.raises(ValueError, match="'softmax' of units = 1"):
        Dense(1).activation = "softmax"


def test_a_regularizer_that_is_set_is_the_weights():
    model = tw.Sequential([Dense(3, input_shape=(4,)), BatchNormalization()])
    model.layers[0].kernel_regularizer = model.layers[1].beta_regularizer = L2(0.5)
    assert model.layers[0].w.regularizer == model.layers[1].beta.regularizer == L2(0.5)
    expected = 0.5 * (model.layers[0].w.value ** 2).sum()
    np.testing.assert_allclose(tw.train.penalty(model).item(), expected, rtol=1e-5)
    model.layers[0].kernel_regularizer = None
    assert model.layers[0].w.regularizer is None
