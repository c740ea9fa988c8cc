"""Bidirectional and TimeDistributed: what they give, their gradients, files, and what bad input gets."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    GRU,
    LSTM,
    Add,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    SimpleRNN,
    TimeDistributed,
)

from .gradients import assert_gradient, numeric_gradient
from .recurrent_steps import by_steps

N, T, C, H = 3, 5, 2, 4
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 1]], bool)
MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "sum": np.add,
    "mul": np.multiply,
    "ave": lambda a, b: (a + b) / 2,
}


def made(layer, shape=(N, T, C), **options):
    """A Bidirectional with random weights, and its input."""
    rng = np.random.default_rng(0)
    both = Bidirectional(layer, **options)
    both.build(shape)
    for p in both.parameters():
        p.value[...] = rng.standard_normal(p.value.shape)
    return both, rng.standard_normal(shape)


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", MERGES)
@pytest.mark.parametrize("kind", (SimpleRNN, GRU, LSTM))
def test_both_directions_equal_steps_in_numpy(kind, mode):
    for sequences in (False, True):
        layer = kind(H, return_sequences=sequences, return_state=True, dtype="float64")
        both, x = made(layer, merge_mode=mode)
        forward, last = by_steps(both.layer, x, MASK)
        backward, others = by_steps(both.backward_layer, x, MASK)
        results = both(x, mask=MASK)
        ends = (forward, backward[:, ::-1]) if sequences else (last[0], others[0])
        close(results[0].numpy(), MERGES[mode](*ends))
        assert len(results) == 1 + 2 * len(last)
        for state, expected in zip(results[1:], last + others):
            close(state.numpy(), expected)
        assert (results[0].mask is MASK) == sequences


def test_the_layer_that_is_given_stays_as_it_is():
    layer = GRU(H, return_sequences=True, go_backwards=True, dtype="float64")
    both, x = made(layer, merge_mode=None)
    alone = layer(x).numpy()
    first, _ = both(x)
    close(first.numpy(), alone[:, ::-1])  # in the order of x, in both alone
    np.testing.assert_array_equal(layer(x).numpy(), alone)
    given = tw.Tensor(x, requires_grad=True)
    dy = np.random.default_rng(1).standard_normal(first.shape)
    (both(given)[0] * dy).sum().backward()
    assert_gradient(given.grad, numeric_gradient(lambda: (both(x)[0] * dy).sum(), x))


def test_both_directions_keep_states():
    both, x = made(LSTM(H, stateful=True, dtype="float64"))
    first, second = both(x).numpy(), both(x).numpy()
    assert both.backward_layer.stateful and (first != second).all()
    both.reset_states()
    np.testing.assert_array_equal(both(x).numpy(), first)


def test_no_merging_gives_both():
    both, x = made(GRU(H, return_sequences=True, dtype="float64"), merge_mode=None)
    first, second = both(x)
    close(first.numpy(), by_steps(both.layer, x)[0])
    close(second.numpy(), by_steps(both.backward_layer, x)[0][:, ::-1])


def test_first_states_are_those_of_both():
    both, x = made(LSTM(H, return_state=True, dtype="float64"))
    states = list(np.random.default_rng(1).standard_normal((4, N, H)))
    results = both(x, initial_state=states)
    _, last = by_steps(both.layer, x, states=states[:2])
    _, others = by_steps(both.backward_layer, x, states=states[2:])
    for state, expected in zip(results[1:], last + others):
        close(state.numpy(), expected)
    np.testing.assert_array_equal(both([x, *states])[0].numpy(), results[0].numpy())


@pytest.mark.parametrize("mode", MERGES)
def test_gradients_equal_central_differences(mode):
    both, x = made(GRU(H, return_sequences=True, dtype="float64"), merge_mode=mode)
    given = tw.Tensor(x, requires_grad=True)
    dy = np.random.default_rng(1).standard_normal(both(x).shape)
    (both(given, mask=MASK) * dy).sum().backward()
    loss = lambda: (both(x, mask=MASK) * dy).sum()  # noqa: E731
    assert_gradient(given.grad, numeric_gradient(loss, x))
    for p in both.parameters():
        assert_gradient(p.grad, numeric_gradient(loss, p.value))


def test_a_layer_of_ones_own_reads_backwards():
    both, x = made(GRU(H, dtype="float64"), backward_layer=SimpleRNN(3, go_backwards=True, dtype="float64"))
    ends = by_steps(both.layer, x)[1][0], by_steps(both.backward_layer, x)[1][0]
    close(both(x).numpy(), np.concatenate(ends, 1))
    assert list(both.named_parameters()) == [f"{one}.{w}" for one in ("layer", "backward_layer") for w in "wub"]


@pytest.mark.parametrize(
    "layer, shape",
    [(Dense(3), (2, 5, 4)), (Conv2D(3, 2), (2, 3, 4, 4, 1)), (Flatten(), (2, 3, 4, 2)), (GRU(3), (2, 3, 5, 2))],
    ids=lambda value: type(value).__name__,
)
def test_one_layer_at_every_step(layer, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    every = TimeDistributed(layer)
    given = tw.Tensor(x, requires_grad=True)
    y = every(given)
    np.testing.assert_allclose(y.numpy(), np.stack([layer(x[:, t]).numpy() for t in range(shape[1])], 1), rtol=1e-5)
    assert every.output_shape == (None, *y.shape[1:])
    y.sum().backward()
    alone = tw.Tensor(x[:, 0].copy(), requires_grad=True)
    layer(alone).sum().backward()
    np.testing.assert_allclose(given.grad[:, 0], alone.grad, rtol=1e-4, atol=1e-5)


def models_of_a_step():
    """Models of images (4, 4, 1), made in the three ways."""
    row = tw.Sequential(
        [Conv2D(2, 3, activation="relu", input_shape=(4, 4, 1)), Dropout(0.5, seed=1), Flatten(), Dense(3)]
    )
    x = tw.Input((4, 4, 1))
    graph = tw.Model(x, Dense(2, name="last")(Flatten()(x)))

    class Own(tw.Model):
        def __init__(self):
            self.flat, self.dense = Flatten(), Dense(2)

        def forward(self, x):
            return self.dense(self.flat(x)) * (1 if self.training else 2)

    return {"row": row, "graph": graph, "class": Own()}


@pytest.mark.parametrize("kind", models_of_a_step())
def test_one_model_at_every_step(kind, tmp_path):
    model = models_of_a_step()[kind]
    images = np.random.default_rng(0).random((5, 3, 4, 4, 1)).astype(np.float32)
    every = TimeDistributed(model)
    whole = tw.Sequential([tw.Input((None, 4, 4, 1)), every, GRU(2)])
    y = every(images, training=False).numpy()
    assert whole.output_of("time_distributed").shape == (None, None, *y.shape[2:])
    np.testing.assert_allclose(y[:, 1], model(images[:, 1], training=False).numpy(), rtol=1e-6)
    names = [f"time_distributed.layer.{name}" for name in model.named_parameters()]
    assert [name for name in whole.named_parameters() if name.startswith("time")] == names
    assert model.training
    whole.eval()
    assert not model.training and not model.layers[-1].training
    np.testing.assert_allclose(every(images).numpy(), y, rtol=1e-6)
    whole.compile("sgd", "mse")
    before = model.get_weights()
    whole.fit(images, np.ones((5, 2)), verbose=0)
    assert all((a != b).any() for a, b in zip(before[-1:], model.get_weights()[-1:]))
    model.trainable = False
    kept = model.get_weights()
    whole.fit(images, np.ones((5, 2)), verbose=0)
    assert all((a == b).all() for a, b in zip(kept, model.get_weights()))
    if kind == "class":
        with pytest.raises(TypeError, match="save: Own is a class of your own, whose structure is its code"):
            whole.save(tmp_path / "model")
        return
    whole.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(images), whole.predict(images))
    assert again.named_parameters().keys() == whole.named_parameters().keys()
    assert not again.layers[0].layer.trainable and again.layers[1].trainable


def test_a_model_is_no_step_of_itself():
    model = tw.Sequential([Dense(2)])
    with pytest.raises(ValueError, match="^Sequential: there is a loop"):
        model.add(TimeDistributed(model))


def test_a_model_that_stands_twice_is_one_in_files_too(tmp_path):
    shared = tw.Sequential([Dense(2)], name="shared")
    x = tw.Input((3, 4))
    model = tw.Model(x, [TimeDistributed(shared)(x), shared(x)])
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    rows = np.random.default_rng(0).random((2, 3, 4))
    for one, other in zip(again(rows), model(rows)):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert len(again.parameters()) == 2 and again.layers[0].layer is again.layers[1]


def test_numbers_of_words_and_masks_go_through():
    words = np.array([[[1, 2], [0, 3]]])
    assert TimeDistributed(Embedding(5, 4))(words).shape == (1, 2, 2, 4)
    with pytest.raises(ValueError, match="x holds 16777217"):
        TimeDistributed(Embedding(5, 4))(words + (1 << 24))
    x = Embedding(5, 3, mask_zero=True)(words[0])
    np.testing.assert_array_equal(TimeDistributed(Dense(2))(x).mask, words[0] != 0)


def test_models_of_sequences_are_saved_and_loaded(tmp_path):
    words = np.random.default_rng(0).integers(0, 7, (6, 5))
    model = tw.Sequential(
        [
            Embedding(7, 4, mask_zero=True, input_length=5),
            Bidirectional(LSTM(3, return_sequences=True, dropout=0.2), merge_mode="sum"),
            TimeDistributed(Dense(4, activation="relu")),
            GRU(3, reset_after=False, kernel_regularizer="l2"),
            Dense(1),
        ]
    )
    model.compile("adam", "mse")
    model.fit(words, np.ones((6, 1)), verbose=0)
    model.save(tmp_path / "model")
    loaded = tw.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(words), model.predict(words))
    assert list(loaded.named_parameters()) == list(model.named_parameters())
    assert "bidirectional.backward_layer.u" in loaded.named_parameters()
    assert loaded.layers[1].config()["merge_mode"] == "sum"
    assert loaded.layers[3].kernel_regularizer == model.layers[3].kernel_regularizer


BAD = [
    (lambda: Bidirectional(Dense(3)), r"Bidirectional: layer is Dense\(.*\), expected SimpleRNN, GRU or LSTM"),
    (lambda: Bidirectional(GRU), "Bidirectional: layer is <class .*; give GRU"),
    (lambda: Bidirectional(GRU(3), "cat"), "Bidirectional: merge_mode is 'cat', expected one of"),
    (lambda: Bidirectional(GRU(3), backward_layer=GRU(3)), "Bidirectional: go_backwards is False for both layers"),
    (
        lambda: Bidirectional(GRU(3), backward_layer=GRU(3, go_backwards=True, return_state=True)),
        "Bidirectional: return_state of the two layers differs, expected the same",
    ),
    (
        lambda: Bidirectional(LSTM(4))(np.ones((2, 3, 2)), initial_state=[np.ones((2, 4))] * 3),
        "Bidirectional: initial_state has 3 arrays, expected 4",
    ),
    (lambda: Bidirectional(GRU(4))(np.ones((2, 3))), r"GRU: x has shape \(1, 3\), expected 3 axes \(N, T, C\)"),
    (lambda: TimeDistributed("dense"), "TimeDistributed: layer is 'dense', expected a layer or a model"),
    (
        lambda: TimeDistributed(tw.Model(inputs := [tw.Input((2,)), tw.Input((2,))], Add()(inputs))),
        "TimeDistributed: <Model: .*> has 2 inputs, expected one",
    ),
    (lambda: TimeDistributed(Dense(3))(np.ones(3)), r"TimeDistributed: x has shape \(.*,\), expected \(N, T, ...\)"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
