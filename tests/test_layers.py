"""Layers: reuse, initial weights, dropout, functions, errors; test_layer_catalog.py has what holds for all of them."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Activation, AveragePooling2D, Conv2D, Dense, Dropout, MaxPooling2D, ReLU, Softmax

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((2, 6, 5, 4))


def test_a_layer_used_twice_adds_up_its_gradients():
    layer = Dense(4, "tanh", dtype="float64")
    x = rng.standard_normal((3, 4))
    layer(layer(x)).sum().backward()
    assert_gradient(layer.w.grad, numeric_gradient(lambda: layer(layer(x)).sum(), layer.w.value))
    assert_gradient(layer.b.grad, numeric_gradient(lambda: layer(layer(x)).sum(), layer.b.value))


def test_closures_do_not_depend_on_later_calls():
    layer = Conv2D(2, 3, activation="relu", dtype="float64")
    layer.build(IMAGES.shape)
    y, backward = layer.forward(IMAGES)
    expected = layer.forward(IMAGES)[1](np.ones_like(y))
    layer.forward(IMAGES[::-1].copy())
    np.testing.assert_array_equal(backward(np.ones_like(y)), expected)


def test_glorot_uniform_as_in_keras():
    tw.set_seed(0)
    dense, conv = Dense(300), Conv2D(64, (3, 5))
    dense.build((None, 200))
    conv.build((None, 9, 9, 16))
    for p, fans in ((dense.w, 200 + 300), (conv.w, 3 * 5 * (16 + 64))):
        limit = np.sqrt(6 / fans)
        assert np.abs(p.value).max() <= limit
        assert abs(p.value.std() - limit / np.sqrt(3)) < 0.02 * limit
        assert abs(p.value.mean()) < 0.02 * limit
    assert not dense.b.value.any() and not conv.b.value.any()


@pytest.mark.parametrize(
    "name, variance",
    [("he_normal", 2 / 200), ("lecun_normal", 1 / 200), ("glorot_normal", 2 / 500), ("he_uniform", 2 / 200)],
)
def test_other_initializers(name, variance):
    tw.set_seed(0)
    layer = Dense(300, kernel_initializer=name, bias_initializer="ones")
    layer.build((None, 200))
    assert abs(layer.w.value.var() / variance - 1) < 0.02
    assert (layer.b.value == 1).all()


def test_the_seed_decides_the_weights():
    def weights():
        layer = Dense(3)
        layer.build((None, 2))
        return layer.w.value.tobytes()

    tw.set_seed(5)
    first, second = weights(), weights()
    tw.set_seed(5)
    assert weights() == first != second
    with pytest.raises(TypeError, match="set_seed: seed is 'x', expected an integer"):
        tw.set_seed("x")


def test_dropout():
    x = np.ones((100, 100), np.float32)
    tw.set_seed(0)
    layer = Dropout(0.25)
    first, second = layer(x).numpy(), layer(x).numpy()
    assert set(np.unique(first)) == {0, np.float32(1 / 0.75)}
    assert abs((first == 0).mean() - 0.25) < 0.02
    assert (first != second).any()
    tw.set_seed(0)
    np.testing.assert_array_equal(Dropout(0.25)(x).numpy(), first)
    assert (Dropout(0.25)(x).numpy() != first).any()
    np.testing.assert_array_equal(Dropout(0.25, seed=3)(x).numpy(), Dropout(0.25, seed=3)(x).numpy())
    assert layer.eval()(x).numpy() is x
    np.testing.assert_array_equal(tw.dropout(x, 0.25, seed=3).numpy(), Dropout(0.25, seed=3)(x).numpy())
    assert tw.dropout(x, 0.25, training=False).numpy() is x


@pytest.mark.parametrize(
    "function, layer, options",
    [
        (tw.relu, ReLU, {}),
        (tw.sigmoid, lambda: Activation("sigmoid"), {}),
        (tw.tanh, lambda: Activation("tanh"), {}),
        (tw.gelu, lambda: Activation("gelu"), {}),
        (tw.elu, lambda: Activation("elu"), {}),
        (tw.leaky_relu, lambda: Activation("leaky_relu"), {}),
        (tw.selu, lambda: Activation("selu"), {}),
        (tw.softplus, lambda: Activation("softplus"), {}),
        (tw.silu, lambda: Activation("silu"), {}),
        (tw.mish, lambda: Activation("mish"), {}),
        (tw.softmax, Softmax, {}),
        (tw.max_pool2d, lambda: MaxPooling2D(2, 1, "same"), {"strides": 1, "padding": "same"}),
        (tw.average_pool2d, lambda: AveragePooling2D(2), {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_functions_do_what_the_layers_do(function, layer, options):
    x = tw.Tensor(IMAGES.astype(np.float32), requires_grad=True)
    again = tw.Tensor(x.value, requires_grad=True)
    y, z = function(x, **options), layer()(again)
    np.testing.assert_array_equal(y.numpy(), z.numpy())
    dy = rng.standard_normal(y.shape).astype(np.float32)
    y.backward(dy)
    z.backward(dy)
    np.testing.assert_array_equal(x.grad, again.grad)


def built(layer, shape):
    layer(np.ones(shape))
    return layer


def test_a_call_in_another_mode():
    x = np.ones((50, 4), np.float32)
    drop = Dropout(0.5, seed=0)
    np.testing.assert_array_equal(drop(x, training=False).numpy(), x)
    assert drop.training and (drop(x).numpy() == 0).any()
    drop.eval()
    assert (drop(x, training=True).numpy() == 0).any() and not drop.training
    np.testing.assert_array_equal(drop(tw.Tensor(x)).numpy(), x)
    frozen = Dropout(0.5).eval()
    block = tw.layers.Residual([Dropout(0.5), frozen, Dense(4)])
    np.testing.assert_array_equal(block(x, training=False).numpy(), block(x, training=False).numpy())
    assert block.training and block.layers[0].training and not frozen.training  # each as it was
    steps = np.ones((2, 5, 4), np.float32)
    for layer in (
        tw.layers.GRU(3, dropout=0.5),
        tw.layers.Bidirectional(tw.layers.GRU(3, dropout=0.5)),
        tw.layers.MultiHeadAttention(2, 2, dropout=0.5),
        tw.layers.TransformerEncoder(3, 2, dropout=0.5),
        tw.layers.TimeDistributed(Dropout(0.5)),
        tw.layers.SpatialDropout1D(0.5),
    ):
        first, second = (layer(steps, training=False).numpy() for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert (layer(steps, training=True).numpy() != first).any()
    assert tw.layers.Embedding(3, 2)([[1, 2]], training=False).shape == (1, 2, 2)
    assert tw.layers.Add()([x, x], training=True).shape == x.shape


def test_layers_that_are_made_late_are_in_the_mode_of_theirs():
    x = np.ones((2, 5, 4), np.float32)
    layer = tw.layers.TransformerEncoder(3, 2, dropout=0.5).eval()
    np.testing.assert_array_equal(layer(x).numpy(), layer(x).numpy())
    assert not layer.attention_dropout.training
    assert layer.train().attention_dropout.training


def test_graphs_keep_the_mode_of_a_call(tmp_path):
    x = tw.Input((4,))
    model = tw.Model(x, [Dropout(0.5)(x, training=True), Dropout(0.5)(x, training=False)])
    model.save(tmp_path / "model")
    for one in (model, tw.load(tmp_path / "model")):
        ones = np.ones((50, 4), np.float32)
        for training in (False, True):
            first, second = one(ones, training=training)
            assert (first.numpy() == 0).any() and (second.numpy() == 1).all()


BAD = [
    (
        lambda: tw.layers.PositionEmbedding(1)(tw.Input((None, 3))),
        r"PositionEmbedding: x has shape .*, the layer was built for \(N, 1, 3\); where the length was left open",
    ),
    (lambda: Dense(0), "Dense: units is 0, expected at least 1"),
    (
        lambda: Dense(1, "softmax"),
        "Dense: activation is 'softmax' of units = 1, which is the same whatever x is; for two classes take 'sigmoid'",
    ),
    (lambda: Dense(1, tw.log_softmax), "Dense: activation is 'log_softmax' of units = 1"),
    (lambda: Dense(2.5), "Dense: units is 2.5, expected an integer"),
    (lambda: Dense(2, activation="rellu"), "Dense: activation is 'rellu', expected one of .*; did you mean 'relu'"),
    (lambda: Dense(2, kernel_initializer="glorot"), "Dense: kernel_initializer is 'glorot', expected one of"),
    (lambda: Dense(2, dtype="float16"), "Dense: dtype is 'float16', expected one of 'float32', 'float64'"),
    (lambda: Dense(2, name="a/b"), "Dense: name is 'a/b', expected letters, digits, _ or -"),
    (lambda: Dense(2, input_shape=(0,)), "Dense: input_shape is 0, expected at least 1"),
    (lambda: Dense(2)(np.ones(3)), r"Dense: x has shape \(3,\), expected \(..., K\) with at least 2 axes"),
    (lambda: Dense(2)([["a"]]), "Dense: x is <U1, expected real numbers"),
    (lambda: Dense(2)([[1j]]), "Dense: x is complex128, expected real numbers; take x.real"),
    (lambda: Dense(2)([[1], [2, 3]]), "Dense: x cannot be made an array, expected rows of one length"),
    (lambda: Conv2D(3, 2, groups=2), "Conv2D: filters is 3, expected a multiple of groups = 2"),
    (lambda: Conv2D(3, (2, 2, 2)), r"Conv2D: kernel_size is \(2, 2, 2\), expected an integer or a pair"),
    (lambda: Conv2D(3, 2)(np.ones((2, 8, 8))), r"Conv2D: x has shape \(2, 8, 8\), expected 4 axes \(N, H, W, C\); add"),
    (lambda: Conv2D(4, 2, groups=2)(np.ones((2, 8, 8, 3))), "Conv2D: x has 3 channels, expected a multiple of groups"),
    (lambda: Conv2D(4, 9)(np.ones((2, 8, 8, 3))), "conv2d_forward: the window spans 9 along H, more than the image"),
    (lambda: MaxPooling2D()(np.ones((8, 8))), r"MaxPooling2D: x has shape \(8, 8\), expected 4 axes"),
    (
        lambda: built(Dense(2), (1, 4))(np.ones((1, 2))),
        r"Dense: x has 2 features \(shape .*\), the layer was built for 4",
    ),
    (lambda: built(Conv2D(2, 1, groups=2), (1, 3, 3, 2))(np.ones((1, 3, 3, 4))), "Conv2D: x has 4 channels .* for 2"),
    (lambda: Conv2D(3, 3, input_shape=(8, 8)), r"Conv2D: input_shape is \(8, 8\), .* input_shape=\(8, 8, 1\)"),
    (lambda: Conv2D(3, 3, padding="SAME"), "Conv2D: padding is 'SAME', expected .*; did you mean 'same'"),
    (lambda: Conv2D(3, 3, padding=(1, 2, 3)), r"Conv2D: padding is \(1, 2, 3\), expected \"valid\""),
    (lambda: MaxPooling2D(padding="vaild"), "MaxPooling2D: padding is 'vaild', .*did you mean 'valid'"),
    (lambda: AveragePooling2D(padding=-1), "AveragePooling2D: padding is -1, expected at least 0"),
    (lambda: Dense(2, activation="ReLU"), "Dense: activation is 'ReLU', .*did you mean 'relu'"),
    (lambda: MaxPooling2D(0), "MaxPooling2D: pool_size is 0, expected at least 1"),
    (lambda: Dropout(1), "Dropout: rate is 1, expected less"),
    (lambda: Dropout(-0.1), "Dropout: rate is -0.1, expected a number from 0 to 1"),
    (lambda: Activation("sofmax"), "Activation: activation is 'sofmax', .*did you mean 'softmax'"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()


def test_layers_of_two_dtypes_are_named():
    with pytest.raises(TypeError, match="Dense: x is float32 and the layer is float64; give all layers one dtype"):
        Dense(2, dtype="float64")(Dense(2)(np.ones((1, 2))))


def test_a_frozen_layer_keeps_its_weights_built_or_not():
    x, y = np.random.default_rng(0).standard_normal((8, 3)), np.ones((8, 2))
    for shape in (None, (3,)):
        model = tw.Sequential([tw.layers.Dense(3, input_shape=shape), tw.layers.Dense(2)])
        model.layers[0].trainable = False
        model.compile("sgd", "mse")
        model.build((None, 3))
        assert not model.layers[0].trainable and model.layers[1].trainable and model.trainable
        before = model.get_weights()
        model.fit(x, y, verbose=0)
        after = model.get_weights()
        assert np.array_equal(before[0], after[0]) and not np.array_equal(before[2], after[2])
    model.trainable = False
    with pytest.raises(ValueError, match="no trainable parameters"):
        model.fit(x, y, verbose=0)
    model.trainable = True
    assert model.layers[0].w.trainable
