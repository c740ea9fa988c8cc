"""Normalisation layers: NumPy's formulas, running statistics, frozen layers, masks, errors."""

import numpy as np
import pytest
from tilewright.layers import (
    BatchNormalization,
    Dense,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
    Tensor,
)
from tilewright.train import Sequential

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((3, 4, 2, 6)) * 2 + 1
EPSILON = 1e-3


def normal(x, axes, epsilon=EPSILON):
    mean = x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + epsilon)


def whole_root_mean_square(x):
    return x / np.sqrt((x * x).mean((1, 2, 3), keepdims=True) + 1e-6)


def groups_of_two(x):
    return normal(x.reshape(3, 4, 2, 2, 3), (1, 2, 4)).reshape(x.shape)


@pytest.mark.parametrize(
    "make, formula",
    [
        (BatchNormalization, lambda x: normal(x, (0, 1, 2))),
        (LayerNormalization, lambda x: normal(x, -1)),
        (lambda **o: LayerNormalization([-1, -2], **o), lambda x: normal(x, (2, 3))),
        (lambda **o: LayerNormalization(3, **o), lambda x: normal(x, 3)),
        (RMSNormalization, lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)),
        (lambda **o: RMSNormalization((1, 2, 3), **o), whole_root_mean_square),
        (lambda **o: GroupNormalization(2, **o), groups_of_two),
        (lambda **o: GroupNormalization(-1, **o), lambda x: normal(x, (1, 2))),
        (InstanceNormalization, lambda x: normal(x, (1, 2))),
    ],
)  # fmt: skip
def test_formulas(make, formula):
    layer = make(dtype="float64")
    np.testing.assert_allclose(layer(IMAGES).numpy(), formula(IMAGES), atol=1e-12)
    size = layer.gamma.value.size
    layer.gamma.value[...] = rng.standard_normal(size)
    want = formula(IMAGES).reshape(-1, size) * layer.gamma.value
    if layer.beta is not None:
        layer.beta.value[...] = rng.standard_normal(size)
        want += layer.beta.value
    np.testing.assert_allclose(layer(IMAGES).numpy(), want.reshape(IMAGES.shape), atol=1e-12)


@pytest.mark.parametrize("make", [BatchNormalization, lambda **o: GroupNormalization(3, **o), InstanceNormalization])
@pytest.mark.parametrize(
    "activation, formula",
    [("relu", lambda y: np.maximum(y, 0)), ("tanh", np.tanh), (lambda y: y * y, np.square), ("linear", np.array)],
)
def test_an_activation_follows(make, activation, formula):
    for layer in (make(dtype="float64"), make(activation=activation, dtype="float64")):
        layer.build(IMAGES.shape)
        layer.beta.value[...] = np.linspace(-1, 1, 6)
        if layer.activation is None:
            want = formula(layer(IMAGES).numpy())
    np.testing.assert_allclose(layer(IMAGES).numpy(), want, atol=1e-14)


def test_moving_statistics_follow_training_and_serve_evaluation():
    layer = BatchNormalization(momentum=0.75, dtype="float64")
    layer(IMAGES), layer(2 * IMAGES)
    mean, variance = IMAGES.mean((0, 1, 2)), IMAGES.var((0, 1, 2))
    np.testing.assert_allclose(layer.moving_mean.value, mean * (0.25 * 0.75 + 2 * 0.25))
    np.testing.assert_allclose(layer.moving_variance.value, 0.75**2 + variance * (0.25 * 0.75 + 4 * 0.25))
    moving = layer.moving_mean.value.copy(), layer.moving_variance.value.copy()
    y = layer.eval()(IMAGES).numpy()
    np.testing.assert_allclose(y, (IMAGES - moving[0]) / np.sqrt(moving[1] + EPSILON))
    np.testing.assert_array_equal((layer.moving_mean.value, layer.moving_variance.value), moving)


def test_a_frozen_layer_is_in_evaluation_mode_and_gradients_pass():
    layer = BatchNormalization(dtype="float64")
    layer.build((None, 6))
    layer.moving_mean.value[...] = np.arange(6)
    layer.trainable = False
    x = Tensor(IMAGES.reshape(-1, 6).copy(), requires_grad=True)
    y = layer(x)
    np.testing.assert_allclose(y.numpy(), (x.value - np.arange(6)) / np.sqrt(1 + EPSILON))
    y.backward(np.ones(y.shape))
    np.testing.assert_allclose(x.grad, 1 / np.sqrt(1 + EPSILON))
    assert layer.gamma.grad is layer.beta.grad is None
    np.testing.assert_array_equal(layer.moving_mean.value, np.arange(6))
    layer.trainable = True
    layer(x)
    assert layer.moving_mean.value[0] != 0
    assert not layer.moving_mean.trainable and layer.gamma.trainable


def test_moving_statistics_are_saved_and_no_optimizer_changes_them(tmp_path):
    model = Sequential([Dense(4, input_shape=(6,)), BatchNormalization(momentum=0.5), Dense(1)])
    model.compile("adam", "mse")
    x = IMAGES.reshape(-1, 6)
    layer = model.layers[1]
    hidden = model.layers[0](x).numpy()
    model.train_on_batch(x, x[:, :1])
    np.testing.assert_allclose(layer.moving_mean.value, 0.5 * hidden.mean(0), atol=1e-6)
    assert layer.moving_mean.grad is None
    model.save(tmp_path / "model")
    import tilewright as tw

    again = tw.load(tmp_path / "model")
    np.testing.assert_array_equal(again.layers[1].moving_mean.value, layer.moving_mean.value)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def masked_case():
    x = rng.standard_normal((3, 5, 2))
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool)
    return x, mask


def masked_call(layer, x, mask):
    x = Tensor(x, requires_grad=True)
    x.mask = mask
    return x, layer(x)


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("center, scale", [(True, True), (False, False)])
def test_hidden_steps_have_no_part_in_the_statistics(activation, center, scale):
    x, mask = masked_case()
    layer = BatchNormalization(momentum=0, center=center, scale=scale, activation=activation, dtype="float64")
    layer.build(x.shape)
    for p in (layer.gamma, layer.beta):
        if p is not None:
            p.value[...] = rng.standard_normal(2)
    tensor, y = masked_call(layer, x, mask)
    assert y.mask is mask
    mean, variance = x[mask].mean(0), x[mask].var(0)
    np.testing.assert_allclose(layer.moving_mean.value, mean)
    np.testing.assert_allclose(layer.moving_variance.value, variance)
    want = (x - mean) / np.sqrt(variance + EPSILON)
    if center:
        want = want * layer.gamma.value + layer.beta.value
    want = {None: want, "relu": np.maximum(want, 0), "tanh": np.tanh(want)}[activation]
    np.testing.assert_allclose(y.numpy(), want, atol=1e-12)
    dy = rng.standard_normal(y.shape)
    y.backward(dy.copy())
    loss = lambda: (dy * masked_call(layer, x, mask)[1].value).sum()  # noqa: E731
    assert_gradient(tensor.grad, numeric_gradient(loss, x))
    for p in (layer.gamma, layer.beta):
        if p is not None:
            assert_gradient(p.grad, numeric_gradient(loss, p.value))


def test_a_mask_that_hides_all_or_nothing_changes_nothing():
    x, mask = masked_case()
    for whole in (mask | True, mask & False):
        plain, masked = BatchNormalization(), BatchNormalization()
        np.testing.assert_array_equal(masked_call(masked, x.astype("f"), whole)[1].numpy(), plain(x).numpy())


def test_an_empty_batch_moves_nothing():
    layer = BatchNormalization()
    layer.build((None, 3))
    assert layer(np.zeros((0, 3))).shape == (0, 3)
    assert not layer.moving_mean.value.any()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: BatchNormalization(1)(IMAGES), ValueError, "axis is 1, expected -1 or 3.*channels are the last axis"),
        (lambda: BatchNormalization()(IMAGES[0, 0, 0]), ValueError, r"x has shape \(6,\), expected \(N, ..., C\)"),
        (lambda: BatchNormalization(momentum=2), ValueError, "momentum is 2, expected a number from 0 to 1"),
        (lambda: BatchNormalization(epsilon=-1), ValueError, "epsilon is -1"),
        (lambda: BatchNormalization(activation="reul"), ValueError, "BatchNormalization: activation is 'reul'"),
        (lambda: BatchNormalization(gamma_initializer="one"), ValueError, "gamma_initializer is 'one'"),
        (lambda: BatchNormalization(moving_mean_initializer="o"), ValueError, "moving_mean_initializer is 'o'"),
        (lambda: LayerNormalization(0)(IMAGES), ValueError, "axis is 0, expected the last axis or the last ones"),
        (lambda: LayerNormalization((1, 3))(IMAGES), ValueError, r"axis is \(1, 3\), expected the last axis"),
        (lambda: LayerNormalization(())(IMAGES), ValueError, r"axis is \(\), expected an axis at least"),
        (lambda: LayerNormalization("x"), TypeError, "axis is 'x', expected an integer"),
        (lambda: GroupNormalization(4)(IMAGES), ValueError, "groups is 4, expected a divisor of the 6 channels"),
        (lambda: GroupNormalization(0), ValueError, "groups is 0, expected at least 1"),
        (lambda: InstanceNormalization(axis=2)(IMAGES), ValueError, "axis is 2, expected -1 or 3"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "make", [BatchNormalization, LayerNormalization, lambda: LayerNormalization((2, 3)), lambda: GroupNormalization(2)]
)
def test_another_number_of_channels_than_built_for(make):
    layer = make()
    layer(IMAGES)
    with pytest.raises(ValueError, match="6|12"):
        layer(IMAGES[..., :4].copy())
