"""Layers that draw other images: the same arithmetic as tw.train's steps, in training alone."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    Conv2D,
    Dense,
    Flatten,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Tensor,
)
from tilewright.train import Augment

X = np.random.default_rng(0).random((6, 8, 7, 3)).astype(np.float32)
LAYERS = [
    (RandomFlip, ("horizontal",), {}),
    (RandomCrop, (5, 4), {"padding": 1, "fill_value": 3.0}),
    (RandomRotation, (0.2, "constant"), {"fill_value": 2.0}),
    (RandomZoom, ((0.1, 0.4), None), {"interpolation": "nearest"}),
    (RandomTranslation, (0.3, 0.2), {}),
]
EACH = pytest.mark.parametrize("kind, arguments, options", LAYERS, ids=[kind.__name__ for kind, *_ in LAYERS])


@EACH
def test_layers_move_images_as_the_steps_do(kind, arguments, options):
    layer = kind(*arguments, seed=5, **options)
    step = getattr(tw.train, kind.__name__)(*arguments, **options)
    for count in range(3):
        np.testing.assert_array_equal(layer(X).numpy(), step(X, rng=(5, count))[0])


@EACH
def test_in_evaluation_images_stay(kind, arguments, options):
    layer = kind(*arguments, **options).eval()
    y = layer(X).numpy()
    np.testing.assert_array_equal(y, X[:, 1:6, 1:5] if kind is RandomCrop else X)
    assert layer._steps == 0
    assert not np.array_equal(layer(X, training=True).numpy(), y)
    np.testing.assert_array_equal(layer(X).numpy(), y)


def test_seeds_decide():
    first, second = RandomRotation(0.2, seed=1), RandomRotation(0.2, seed=2)
    assert not np.array_equal(first(X).numpy(), second(X).numpy())
    tw.set_seed(3)
    drawn = RandomRotation(0.2)(X).numpy()
    tw.set_seed(3)
    np.testing.assert_array_equal(RandomRotation(0.2)(X).numpy(), drawn)


def test_models_train_on_moved_images_and_come_back_from_files(tmp_path):
    model = tw.Sequential(
        [
            tw.Input((8, 7, 3)),
            RandomFlip("horizontal", 1),
            RandomTranslation(0.1, (-0.1, 0.2), fill_mode="nearest"),
            RandomCrop(6, 6),
            Conv2D(2, 3),
            Flatten(),
            Dense(1),
        ]
    )
    assert model.output_of("random_crop").shape == (None, 6, 6, 3)
    model.compile("sgd", "mse")
    model.fit(X, np.ones(6), epochs=2, batch_size=3, verbose=0)
    assert [layer._steps for layer in model.layers[:3]] == [4, 4, 4]
    expected = model.predict(X)
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X), expected)
    assert again.layers[0].seed == 1 and again.layers[1].config() == model.layers[1].config()
    np.testing.assert_array_equal(again(X, training=True).numpy(), model(X, training=True).numpy())


def test_crops_of_images_that_fill_them_are_the_images():
    np.testing.assert_array_equal(RandomCrop(8, 7, padding=3).eval()(X).numpy(), X)


def test_gradients_go_where_pixels_came_from():
    x = Tensor(X, requires_grad=True)
    y = RandomTranslation((0.25, 0.25), (0, 0), "nearest", seed=0)(x)
    np.testing.assert_allclose(y.numpy()[:, 2:], X[:, :-2], rtol=1e-6)
    y.sum().backward()
    np.testing.assert_allclose(x.grad[0, :, 0, 0], [3, 1, 1, 1, 1, 1, 0, 0], atol=1e-6)


BAD = [
    (lambda: RandomFlip("both"), "RandomFlip: mode is 'both', expected one of"),
    (lambda: RandomFlip(seed="x"), "RandomFlip: seed is 'x', expected an integer"),
    (lambda: RandomFlip(input_shape=(8, 8)), r"RandomFlip: input_shape is \(8, 8\), expected \(H, W, C\)"),
    (lambda: RandomRotation(0.1)(X[0]), r"RandomRotation: x has shape \(8, 7, 3\), expected 4 axes \(N, H, W, C\)"),
    (lambda: RandomRotation((2, 1)), r"RandomRotation: factor is \(2, 1\), expected the least number first"),
    (lambda: RandomZoom(0.1, fill_mode="zero"), "RandomZoom: fill_mode is 'zero', expected one of"),
    (lambda: RandomCrop(9, 2)(X), r"RandomCrop: x has shape .* and padding is 0, expected at least 9 x 2"),
    (lambda: RandomCrop(9, 2).eval()(X), r"RandomCrop: x has shape .* and padding is 0, expected at least 9 x 2"),
    (
        lambda: Augment([RandomFlip()]),
        "Augment: steps holds RandomFlip.*; a layer stands in a model, tw.train has steps",
    ),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
