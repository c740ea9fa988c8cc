"""What an optimizer keeps goes into a plain dictionary and comes back: training goes on bit by bit."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import SGD, Adam, CosineDecay, MeanSquaredError
from tilewright.train.optimizers import OPTIMIZERS

rng = np.random.default_rng(0)
X, T = rng.standard_normal((8, 3)).astype(np.float32), rng.standard_normal((8, 2)).astype(np.float32)
OPTIONS = {"sgd": {"momentum": 0.9}, "rmsprop": {"momentum": 0.5, "centered": True}, "adam": {"amsgrad": True}}


def made(optimizer):
    tw.set_seed(0)
    model = tw.Sequential([Dense(4, "tanh", input_shape=(3,), name="hidden"), Dense(2)])
    optimizer.attach(model.parameters())
    return model


def trained(model, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        MeanSquaredError()(model(X), T).backward()
        optimizer.step()
    return b"".join(w.tobytes() for w in model.get_weights())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_bit_by_bit(name):
    def new():
        options = {"use_ema": True, "gradient_accumulation_steps": 3, **OPTIONS.get(name, {})}
        return OPTIMIZERS[name](learning_rate=CosineDecay(0.1, 10), **options)

    first, second = new(), new()
    model, other = made(first), made(second)
    trained(model, first, 7)  # in the middle of an accumulation
    state = first.state(model.named_parameters())
    assert all(isinstance(value, (int, float, np.ndarray, type(None))) for value in state.values())
    other.set_weights(model.get_weights())
    expected = trained(model, first, 8)
    second.load_state(state, other.named_parameters())
    assert trained(other, second, 8) == expected
    first.finalize_variable_values(), second.finalize_variable_values()
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_arrays_stand_under_their_paths_and_are_copies():
    optimizer = SGD(learning_rate=0.1, momentum=0.9)
    model = made(optimizer)
    trained(model, optimizer, 1)
    state = optimizer.state(model.named_parameters())
    assert list(state) == [
        *("iterations", "learning_rate", "accumulated"),
        *("hidden.w.velocity", "hidden.b.velocity", "dense.w.velocity", "dense.b.velocity"),
    ]
    assert state["iterations"] == 1 and state["learning_rate"] == 0.1
    before = state["hidden.w.velocity"].copy()
    trained(model, optimizer, 1)
    np.testing.assert_array_equal(state["hidden.w.velocity"], before)


def test_a_rate_that_was_set_comes_back():
    optimizer, again = Adam(), Adam()
    model = made(optimizer)
    optimizer.learning_rate = 0.25
    again.load_state(optimizer.state(model.named_parameters()), model.named_parameters())
    assert again.learning_rate == 0.25


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.pop("iterations"), "Adam.load_state: the state has no iterations, expected what state"),
        (lambda s: s.pop("hidden.w.m"), r"the state has no hidden.w.m, expected an array of shape \(3, 4\)"),
        (lambda s: s.update({"hidden.w.m": np.ones(3)}), r"hidden.w.m has shape \(3,\), expected \(3, 4\)"),
        (lambda s: s.update({"lost.w.m": np.ones(3)}), "the state has lost.w.m, which this model and optimizer have"),
        (lambda s: s.update(iterations=-1), "Adam.load_state: iterations is -1, expected"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    optimizer = Adam(learning_rate=0.1)
    model = made(optimizer)
    trained(model, optimizer, 2)
    state = optimizer.state(model.named_parameters())
    change(state)
    state["learning_rate"] = 9.0
    with pytest.raises(ValueError, match=message):
        optimizer.load_state(state, model.named_parameters())
    assert optimizer.iterations == 2 and optimizer.learning_rate == 0.1


def test_accumulated_gradients_are_the_mean_of_the_batches():
    whole, parts = SGD(learning_rate=0.1), SGD(learning_rate=0.1, gradient_accumulation_steps=2)
    one, other = made(whole), made(parts)
    trained(one, whole, 1)
    for half in (slice(0, 4), slice(4, 8)):
        before = other.get_weights()
        parts.zero_grad()
        MeanSquaredError()(other(X[half]), T[half]).backward()
        parts.step()
        assert all((a == b).all() for a, b in zip(before, other.get_weights())) == (half.start == 0)
    assert parts.iterations == 1
    for a, b in zip(one.get_weights(), other.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
