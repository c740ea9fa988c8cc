"""Embedding: numbers of every kind, gradients of the rows that are used, masks, and what bad input gets."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Embedding, Flatten

WORDS = np.array([[1, 4, 4], [0, 2, 1]])


def made(**options):
    layer = Embedding(5, 3, dtype="float64", **options)
    layer.build((None, 3))
    return layer


@pytest.mark.parametrize("dtype", ("int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64", bool))
def test_rows_by_numbers_of_every_dtype(dtype):
    layer, words = made(), WORDS.astype(dtype)
    expected = layer.w.value[words.astype(int)]
    for x in (words, tw.Tensor(words), words.tolist(), np.asfortranarray(words)):
        np.testing.assert_array_equal(layer(x).numpy(), expected)
    words.flags.writeable = False
    np.testing.assert_array_equal(layer(words).numpy(), expected)
    np.testing.assert_array_equal(layer(words[0, 0]).numpy(), expected[0, 0])


def test_initial_rows_are_keras_uniform():
    tw.set_seed(0)
    layer = Embedding(300, 200)
    layer.build((None, 1))
    assert np.abs(layer.w.value).max() <= 0.05
    assert abs(layer.w.value.std() - 0.1 / np.sqrt(12)) < 3e-4


def test_the_gradient_is_that_of_the_used_rows_and_adds_up():
    layer = made()
    dy = np.random.default_rng(0).standard_normal((2, 3, 3))
    expected = np.zeros((5, 3))
    np.add.at(expected, WORDS, dy)
    (layer(WORDS) * dy).sum().backward()
    np.testing.assert_allclose(layer.w.grad, expected, atol=1e-14)
    assert not layer.w.grad[3].any()
    grad = layer.w.grad
    (layer(WORDS[:1]) * dy[:1]).sum().backward()  # into the same array, at the rows of these words alone
    np.add.at(expected, WORDS[:1], dy[:1])
    np.testing.assert_allclose(layer.w.grad, expected, atol=1e-14)
    assert layer.w.grad is grad
    layer.trainable = False
    (layer(WORDS) * tw.Tensor(dy, requires_grad=True)).sum().backward()
    np.testing.assert_allclose(layer.w.grad, expected, atol=1e-14)


def test_two_uses_in_one_step_equal_one_of_both():
    layer = made()
    (layer(WORDS).sum() + layer(WORDS[1:]).sum()).backward()
    both, layer.w.grad = layer.w.grad, None
    layer(np.concatenate([WORDS, WORDS[1:]])).sum().backward()
    np.testing.assert_array_equal(layer.w.grad, both)


def test_masks():
    assert made()(WORDS).mask is None
    np.testing.assert_array_equal(made(mask_zero=True)(WORDS).mask, WORDS != 0)
    np.testing.assert_array_equal(made(mask_zero=True)(WORDS.astype(float).tolist()).mask, WORDS != 0)


def test_an_input_length_is_a_shape():
    model = tw.Sequential([Embedding(5, 3, input_length=4), Flatten(), Dense(2)])
    assert model.count_params() == 15 + 26
    with pytest.raises(ValueError, match=r"fit: x has shape \(2, 3\), expected \(N, 4\)"):
        model.compile("sgd", "mse")
        model.fit(WORDS, np.zeros((2, 2)), verbose=0)


def test_numbers_that_float32_does_not_hold_reach_the_layer():
    model = tw.Sequential([Embedding(5, 3), Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    model.build((None, 3))
    x, y = WORDS.copy(), np.zeros((2, 1))
    model.fit(x, y, verbose=0)
    x[1, 2] = (1 << 24) + 1
    calls = (
        lambda: model.fit(x, y, verbose=0),
        lambda: model.evaluate(x, y, verbose=0),
        lambda: model.train_on_batch(x, y),
        lambda: model.predict(x),
        lambda: model(x),
        lambda: tw.Sequential([model])(x),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"Embedding: x holds 16777217 at position \(\d, 2\), expected 0 to 4"):
            call()
    with pytest.raises(ValueError, match="x holds 16777217"):
        outer = tw.Sequential([model])
        outer.compile("sgd", "mse")
        outer.fit(x, y, verbose=0)


def test_a_large_table_takes_no_floats_that_may_be_rounded():
    layer = Embedding((1 << 24) + 2, 1)  # not built: the numbers are looked at before
    with pytest.raises(ValueError, match="Embedding: x is float32, which does not hold every whole number from 1677"):
        layer(np.array([[1 << 24]], np.float32))


BAD = [
    (lambda: Embedding(0, 3), "Embedding: input_dim is 0, expected at least 1"),
    (lambda: Embedding(5, 2.0), "Embedding: output_dim is 2.0, expected an integer"),
    (lambda: Embedding(5, 2, input_length=0), "Embedding: input_length is 0, expected at least 1"),
    (lambda: Embedding(5, 2, "unifrom"), "Embedding: embeddings_initializer is 'unifrom', .*did you mean 'uniform'"),
    (lambda: made()([[1, 5]]), r"Embedding: x holds 5 at position \(0, 1\), expected 0 to 4 because input_dim is 5"),
    (lambda: made()([3, -1]), "Embedding: x holds -1 at position 1, expected 0 to 4 because input_dim is 5"),
    (
        lambda: made()(np.array([1 << 63], np.uint64)),
        "Embedding: x holds 9223372036854775808 at position 0, ",
    ),
    (lambda: made()([[1.0, 2.5]]), r"Embedding: x holds 2.5 at position \(0, 1\), expected whole numbers"),
    (lambda: made()([[np.nan]]), r"Embedding: x holds nan at position \(0, 0\), expected whole numbers"),
    (lambda: made()([[np.inf]]), r"Embedding: x holds inf at position \(0, 0\), expected whole numbers"),
    (lambda: made()([["a"]]), "Embedding: x is <U1, expected real numbers"),
    (lambda: made()(tw.Tensor([1.0], requires_grad=True)), "Embedding: x was computed from weights, or wants"),
    (lambda: made()(Dense(2, dtype="float64")([[1.0]])), "Embedding: x was computed from weights, or wants a gradient"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
