"""SimpleRNN, GRU and LSTM against steps in NumPy: masks, states, directions, dropout; and what bad input gets."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.kernels import dropout_forward, spatial_dropout_forward
from tilewright.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, SimpleRNN

from .gradients import assert_gradient, numeric_gradient
from .recurrent_steps import by_steps

N, T, C, H = 3, 5, 2, 4
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 1]], bool)
LAYERS = {
    "SimpleRNN": (SimpleRNN, {}),
    "SimpleRNN relu": (SimpleRNN, {"activation": "relu"}),
    "SimpleRNN sigmoid, step by step": (SimpleRNN, {"activation": "sigmoid", "use_bias": False}),
    "GRU": (GRU, {}),
    "GRU reset before": (GRU, {"reset_after": False}),
    "GRU softsign, step by step": (GRU, {"activation": "softsign"}),
    "GRU reset before, no activation, step by step": (GRU, {"activation": None, "reset_after": False}),
    "GRU without bias, step by step": (GRU, {"recurrent_activation": "tanh", "use_bias": False}),
    "LSTM": (LSTM, {}),
    "LSTM without bias": (LSTM, {"use_bias": False}),
    "LSTM softsign, step by step": (LSTM, {"activation": "softsign"}),
}
EACH = pytest.mark.parametrize("kind, options", LAYERS.values(), ids=LAYERS)


def made(kind, options, **more):
    """A layer with random weights, its input and its first states."""
    rng = np.random.default_rng(0)
    layer = kind(H, dtype="float64", **{**options, **more})
    layer.build((N, T, C))
    for p in layer.parameters():
        p.value[...] = rng.standard_normal(p.value.shape)
    return layer, rng.standard_normal((N, T, C)), [rng.standard_normal((N, H)) for _ in layer.states]


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


@EACH
def test_equals_steps_in_numpy(kind, options):
    for backwards in (False, True):
        layer, x, states = made(kind, options, return_sequences=True, return_state=True, go_backwards=backwards)
        for mask in (None, MASK):
            for first in (None, states):
                y, last = by_steps(layer, x, mask, first)
                results = layer(x, initial_state=first, mask=mask)
                close(results[0].numpy(), y)
                assert len(results) == 1 + len(last)
                for state, expected in zip(results[1:], last):
                    close(state.numpy(), expected)
                layer.return_sequences = False
                close(layer(x, initial_state=first, mask=mask)[0].numpy(), last[0])
                layer.return_sequences = True


@pytest.mark.parametrize("sequences", (True, False), ids=("sequences, backwards", "last state"))
@EACH
def test_gradients_with_masks_and_states_equal_central_differences(kind, options, sequences):
    layer, x, states = made(kind, options, return_sequences=sequences, return_state=True, go_backwards=sequences)
    inputs = [tw.Tensor(array, requires_grad=True) for array in (x, *states)]
    rng = np.random.default_rng(1)
    results = layer(inputs[0], initial_state=inputs[1:], mask=MASK)
    gradients = [rng.standard_normal(result.shape) for result in results]

    def loss():
        now = layer(x, initial_state=states, mask=MASK)
        return sum((dy * y.numpy()).sum() for dy, y in zip(gradients, now))

    sum((y * dy).sum() for dy, y in zip(gradients, results)).backward()
    for tensor, array in zip(inputs, (x, *states)):
        assert_gradient(tensor.grad, numeric_gradient(loss, array))
    for p in layer.parameters():
        assert_gradient(p.grad, numeric_gradient(loss, p.value))


@EACH
def test_a_last_state_alone_has_a_gradient(kind, options):
    layer, x, _ = made(kind, options, return_sequences=True, return_state=True)
    dy = np.random.default_rng(1).standard_normal((N, H))
    given = tw.Tensor(x, requires_grad=True)
    (layer(given)[-1] * dy).sum().backward()
    assert_gradient(given.grad, numeric_gradient(lambda: (layer(x)[-1].numpy() * dy).sum(), x))


@pytest.mark.parametrize("kind", (SimpleRNN, GRU, LSTM))
def test_dropout_drops_channels_of_all_steps_and_states_before_u(kind):
    layer, x, states = made(kind, {}, dropout=0.4, recurrent_dropout=0.3, seed=7, return_sequences=True)
    first = layer(x, initial_state=states).numpy()
    mask = spatial_dropout_forward(np.ones_like(x), rate=0.4, seed=7, step=0)
    assert (mask == 0).any() and (mask == mask[:, :1]).all()
    kept = dropout_forward(np.ones((layer.gates, N, H)), rate=0.3, seed=8, step=1)
    close(first, by_steps(layer, x * mask, None, states, kept)[0])
    assert (layer(x, initial_state=states).numpy() != first).any()
    layer._steps = 0
    np.testing.assert_array_equal(layer(x, initial_state=states).numpy(), first)
    close(layer.eval()(x, initial_state=states).numpy(), by_steps(layer, x, None, states)[0])
    assert made(kind, {}, dropout=0.4)[0]._seed != made(kind, {}, dropout=0.4)[0]._seed


@pytest.mark.parametrize("rates", ({"dropout": 0.4}, {"recurrent_dropout": 0.4}), ids=str)
def test_gradients_through_dropout_equal_central_differences(rates):
    layer, x, _ = made(GRU, {}, seed=3, **rates)
    dy = np.random.default_rng(1).standard_normal((N, H))

    def loss(x=x):
        layer._steps = 0  # the same mask
        return (layer(x, mask=MASK) * dy).sum()

    given = tw.Tensor(x, requires_grad=True)
    loss(given).backward()
    assert_gradient(given.grad, numeric_gradient(loss, x))
    for p in layer.parameters():
        assert_gradient(p.grad, numeric_gradient(loss, p.value))


def test_weights_are_laid_out_as_keras_lays_them():
    shapes = {
        SimpleRNN: ((C, H), (H, H), (H,)),
        GRU: ((C, 3 * H), (H, 3 * H), (2, 3 * H)),
        LSTM: ((C, 4 * H), (H, 4 * H), (4 * H,)),
    }
    for kind, expected in shapes.items():
        layer = kind(H)
        layer.build((None, T, C))
        assert [p.name for p in layer.parameters()] == ["w", "u", "b"]
        assert tuple(p.shape for p in layer.parameters()) == expected
        u = layer.u.value.astype(float)
        np.testing.assert_allclose(u @ u.T, np.eye(H), atol=1e-6)  # orthogonal
    np.testing.assert_array_equal(layer.b.value, np.repeat([0, 1, 0, 0], H))
    layer = LSTM(H, unit_forget_bias=False)
    layer.build((None, T, C))
    assert not layer.b.value.any()
    layer = GRU(H, reset_after=False)
    layer.build((None, T, C))
    assert layer.b.shape == (3 * H,)


def test_a_mask_goes_on_with_sequences_and_ends_with_the_steps():
    words = np.array([[3, 1, 0], [2, 0, 0]])
    x = Embedding(5, C, mask_zero=True)(words)
    y = GRU(H, return_sequences=True)(x)
    np.testing.assert_array_equal(y.mask, words != 0)
    np.testing.assert_array_equal(GRU(H, return_sequences=True, go_backwards=True)(x).mask, (words != 0)[:, ::-1])
    assert LSTM(H)(y).mask is None
    short = GRU(H, seed=1)
    np.testing.assert_array_equal(short(x).numpy()[1], short(x.numpy()[:, :1]).numpy()[1])


def test_states_come_in_a_list_with_x_as_in_keras():
    layer, x, states = made(LSTM, {})
    np.testing.assert_array_equal(layer([x, *states]).numpy(), layer(x, initial_state=states).numpy())
    layer, x, states = made(GRU, {})
    np.testing.assert_array_equal(layer([x, *states]).numpy(), layer(x, initial_state=states[0]).numpy())
    np.testing.assert_array_equal(layer(x.tolist()).numpy(), layer(x).numpy())


def test_empty_batches_and_sequences():
    for kind in (SimpleRNN, GRU, LSTM):
        for options in ({}, {"recurrent_dropout": 0.5}):
            layer = kind(H, return_sequences=True, **options)
            assert layer(np.ones((0, T, C))).shape == (0, T, H)
            assert layer(np.ones((2, 0, C))).shape == (2, 0, H)
            assert layer(np.ones((2, 1, C))).shape == (2, 1, H)


@EACH
def test_stateful_layers_go_on_where_the_batch_before_ended(kind, options):
    layer, x, _ = made(kind, options, return_sequences=True, return_state=True)
    whole, *last = layer(x)
    layer, _, _ = made(kind, options, return_sequences=True, return_state=True, stateful=True)
    parts = [layer(part) for part in (x[:, :2], x[:, 2:])]
    close(np.concatenate([y.numpy() for y, *_ in parts], 1), whole.numpy())
    for state, expected in zip(parts[1][1:], last):
        close(state.numpy(), expected.numpy())
    with tw.no_grad():
        again = layer.eval()(x)[0].numpy()  # in evaluation too
    assert not np.array_equal(again, whole.numpy())
    layer.reset_states()
    np.testing.assert_array_equal(layer(x)[0].numpy(), whole.numpy())
    layer.reset_states([state.numpy() for state in last])
    np.testing.assert_array_equal(layer(x)[0].numpy(), again)


def test_no_gradient_goes_to_the_batch_before():
    layer, x, _ = made(GRU, {}, stateful=True)
    first, second = tw.Tensor(x, requires_grad=True), tw.Tensor(x, requires_grad=True)
    layer(first)
    layer(second).sum().backward()
    assert first.grad is None and second.grad is not None


def test_looking_at_shapes_leaves_kept_states_alone():
    x = np.random.default_rng(0).standard_normal((4, T, C)).astype(np.float32)
    model = tw.Sequential([LSTM(H, stateful=True, input_shape=(T, C)), Dense(1)])
    model.compile("sgd", "mse")
    assert model.layers[0]._kept is None
    first = model.predict(x, batch_size=2)
    assert [state.shape for state in model.layers[0]._kept] == [(2, H)] * 2
    second = model.predict(x, batch_size=2)  # which looks at the shape of one sample first
    assert (first != second).all()
    model.layers[0].reset_states()
    np.testing.assert_array_equal(model.predict(x, batch_size=2), first)
    model.fit(x, np.ones(4), batch_size=2, epochs=2, shuffle=False, verbose=0)
    model(np.empty((0, T, C), np.float32))
    assert len(model.layers[0]._kept[0]) == 2


def test_training_a_network_of_sequences_of_unequal_lengths():
    """Whether the last word is 1 or 2, behind which there is nothing but padding."""
    rng = np.random.default_rng(0)
    x, lengths = rng.integers(1, 5, (64, 6)), rng.integers(1, 7, 64)
    x[np.arange(64), lengths - 1] = y = rng.integers(1, 3, 64)
    x[np.arange(6) >= lengths[:, None]] = 0
    tw.set_seed(0)
    model = tw.Sequential([Embedding(5, 4, mask_zero=True), LSTM(8), Dense(1, activation="sigmoid")])
    model.compile(tw.train.Adam(learning_rate=0.02), "binary_crossentropy", ["accuracy"])
    model.fit(x, y - 1, epochs=20, verbose=0)
    assert model.evaluate(x, y - 1, verbose=0)[1] == 1
    assert model.predict(x[:3]).shape == (3, 1)


def after_a_batch(layer):
    layer(np.ones((2, 3, 2)))
    return layer


def built_on_sequences():
    return after_a_batch(GRU(3))


BAD = [
    (lambda: GRU(0), "GRU: units is 0, expected at least 1"),
    (lambda: LSTM(4, activation="tahn"), "LSTM: activation is 'tahn', expected one of .*; did you mean 'tanh'"),
    (lambda: LSTM(4, recurrent_activation="sigmoidal"), "LSTM: recurrent_activation is 'sigmoidal', expected one of"),
    (lambda: GRU(4, dropout=1.0), "GRU: dropout is 1.0, expected a number from 0 to below 1"),
    (lambda: GRU(4, recurrent_dropout=-1), "GRU: recurrent_dropout is -1, expected a number from 0 to below 1"),
    (lambda: GRU(4, seed="x"), "GRU: seed is 'x', expected an integer"),
    (lambda: SimpleRNN(4, recurrent_initializer="ortho"), "SimpleRNN: recurrent_initializer is 'ortho', expected one"),
    (lambda: GRU(4, input_shape=(3,)), r"GRU: input_shape is \(3,\), expected \(T, C\), without the batch axis"),
    (
        lambda: GRU(4)(np.ones((2, 3))),
        r"GRU: x has shape \(2, 3\), expected 3 axes \(N, T, C\); add the channel axis with x\[..., None\], or give a",
    ),
    (
        lambda: tw.Sequential([LSTM(4, input_shape=(3, 2), name="words"), GRU(4)]),
        r"GRU: x has shape \(1, 4\), expected 3 axes \(N, T, C\); the LSTM 'words' before it .* return_sequences=True",
    ),
    (lambda: GRU(3)(Dropout(0.5).eval()(GRU(4)(np.ones((2, 3, 2))))), "GRU: x has shape .*; the GRU before it"),
    (lambda: Bidirectional(GRU(3))(SimpleRNN(4)(np.ones((2, 3, 2)))), "Bidirectional: .*; the SimpleRNN before it"),
    (lambda: SimpleRNN(3)(Bidirectional(GRU(4))(np.ones((2, 3, 2)))), "SimpleRNN: .*; the Bidirectional before it"),
    (lambda: built_on_sequences()(LSTM(2)(np.ones((2, 3, 2)))), "GRU: x has shape .*; the LSTM before it"),
    (lambda: GRU(3).reset_states(), "GRU: reset_states, but the layer keeps no states; make it with stateful=True"),
    (lambda: LSTM(3, stateful=True).reset_states(np.ones((2, 3))), "LSTM: states has 1 arrays, expected 2: h and c"),
    (lambda: GRU(3, stateful=True).reset_states(np.ones((2, 4))), r"GRU: states h has shape \(2, 4\), expected"),
    (
        lambda: after_a_batch(GRU(3, stateful=True))(np.ones((3, 3, 2))),
        r"GRU: x has 3 samples, and the states that stateful=True keeps are of 2; give batches of one size, or begin "
        r"anew with reset_states\(\)",
    ),
    (lambda: made(GRU, {})[0](np.ones((2, 3, 4))), "GRU: x has 4 channels .* the layer was built for 2"),
    (
        lambda: LSTM(4)(np.ones((2, 3, 2)), initial_state=np.ones((2, 4))),
        "LSTM: initial_state has 1 arrays, expected 2: h and c",
    ),
    (
        lambda: GRU(4)(np.ones((2, 3, 2)), initial_state=np.ones((2, 5))),
        r"GRU: initial_state h has shape \(2, 5\), expected \(2, 4\)",
    ),
    (
        lambda: GRU(4)(np.ones((2, 3, 2)), mask=np.ones((2, 4), bool)),
        r"GRU: mask has shape \(2, 4\), expected \(2, 3\)",
    ),
    (lambda: GRU(4)(np.ones((2, 3, 2)), mask=np.ones((2, 3))), "GRU: mask is float64, expected bool"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
