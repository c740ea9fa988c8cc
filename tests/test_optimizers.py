"""Optimizers: their formulas, and the two ways to use them."""

import copy
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import SGD, Adam, MeanSquaredError

rng = np.random.default_rng(0)
X, T = rng.standard_normal((8, 3)), rng.standard_normal((8, 2))


def model_of_one():
    tw.set_seed(0)
    model = tw.Sequential([Dense(2, input_shape=(3,))], dtype="float64")
    return model, model.layers[0].w


def gradients(model, optimizer, steps):
    """Train by hand; yields the gradient of w before every step."""
    for _ in range(steps):
        optimizer.zero_grad()
        MeanSquaredError()(model(X), T).backward()
        yield model.layers[0].w.grad.copy()
        optimizer.step()


@pytest.mark.parametrize("momentum, nesterov", [(0, False), (0.9, False), (0.9, True)])
def test_sgd_is_its_formula(momentum, nesterov):
    model, w = model_of_one()
    expected, velocity = w.value.copy(), np.zeros_like(w.value)
    optimizer = SGD(model.parameters(), learning_rate=0.1, momentum=momentum, nesterov=nesterov)
    for gradient in gradients(model, optimizer, 4):
        velocity = momentum * velocity - 0.1 * gradient
        expected += momentum * velocity - 0.1 * gradient if nesterov else velocity
    np.testing.assert_allclose(w.value, expected, rtol=1e-12)


def test_adam_is_its_formula():
    model, w = model_of_one()
    expected, m, v = w.value.copy(), 0, 0
    optimizer = Adam(model.parameters(), learning_rate=0.05)
    for step, gradient in enumerate(gradients(model, optimizer, 4), 1):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        expected -= 0.05 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) * m / (np.sqrt(v) + 1e-7)
    np.testing.assert_allclose(w.value, expected, rtol=1e-10)


def test_by_hand_and_fit_are_one_mechanism():
    """The same steps, bit by bit, whichever way they are written."""
    by_hand, _ = model_of_one()
    for _ in gradients(by_hand, Adam(by_hand.parameters(), learning_rate=0.01), 3):
        pass
    fitted, _ = model_of_one()
    fitted.compile(Adam(learning_rate=0.01), "mse")
    fitted.fit(X, T, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(by_hand.get_weights(), fitted.get_weights()):
        assert a.tobytes() == b.tobytes()


def test_optimizer_state_lives_over_fits():
    once, _ = model_of_one()
    once.compile("adam", "mse")
    once.fit(X, T, epochs=4, shuffle=False, verbose=0)
    twice, _ = model_of_one()
    twice.compile("adam", "mse")
    for _ in range(2):
        twice.fit(X, T, epochs=2, shuffle=False, verbose=0)
    assert once.get_weights()[0].tobytes() == twice.get_weights()[0].tobytes()


def test_a_frozen_layer_keeps_its_weights():
    model, w = model_of_one()
    w.trainable = False
    before, bias = w.value.copy(), model.layers[0].b.value.copy()
    model.compile("adam", "mse")
    model.fit(X, T, verbose=0)
    assert (w.value == before).all() and (model.layers[0].b.value != bias).all()


BAD = [
    (lambda: SGD(0.01), TypeError, r"SGD: parameters is 0.01, .* by name, SGD\(learning_rate=0.01\)"),
    (lambda: Adam([]), ValueError, r"Adam: there are no parameters; build the model first"),
    (
        lambda: Adam([np.ones(2)]),
        TypeError,
        r"Adam: parameters holds a ndarray, expected those of model.parameters\(\)",
    ),
    (lambda: Adam(learning_rate=-1), ValueError, "Adam: learning_rate is -1, expected"),
    (lambda: Adam(learning_rate="fast"), TypeError, "Adam: learning_rate is 'fast', expected a number"),
    (lambda: Adam(learning_rate=float("inf")), ValueError, "Adam: learning_rate is inf, expected a finite number"),
    (lambda: Adam(beta_1=1), ValueError, "Adam: beta_1 is 1, expected less"),
    (lambda: SGD(nesterov=True), ValueError, "SGD: nesterov is True, expected momentum above 0"),
    (lambda: setattr(Adam(), "learning_rate", -1), ValueError, "Adam: learning_rate is -1, expected"),
    (lambda: SGD(momentum=2), ValueError, "SGD: momentum is 2, expected a number from 0 to 1"),
    (lambda: Adam(model_of_one()[0].parameters()).step(), RuntimeError, "step: no parameter has a gradient; call loss"),
]


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:40] for *_, message in BAD])
def test_bad_calls_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_small_parameters_updated_together_get_the_same_values(optimizer):
    class Apart(optimizer):
        def _pack(self):
            self._packs, self._apart = [], self._parameters

    results = []
    for kind in (optimizer, Apart):
        tw.set_seed(0)
        model = tw.Sequential([Dense(200, "relu", input_shape=(3,)), Dense(100, "relu"), Dense(2)])
        together = kind(model.parameters(), learning_rate=0.01)
        for _ in range(3):
            together.zero_grad()
            MeanSquaredError()(model(X), T).backward()
            together.step()
        results.append(model.get_weights())
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_a_parameter_without_gradient_is_left_alone():
    """Adam would move it on by its momentum: others of its pack must not take it along."""
    model = tw.Sequential([Dense(3, input_shape=(3,)), Dense(2)])
    first, second = model.layers
    optimizer = Adam(model.parameters())
    MeanSquaredError()(model(X), T).backward()
    optimizer.step()
    optimizer.zero_grad()
    before = [p.value.copy() for p in model.parameters()]
    first(X).sum().backward()
    optimizer.step()
    assert [(p.value != b).any() for p, b in zip(model.parameters(), before)] == [True, True, False, False]


def test_two_optimizers_on_one_model_and_values_set_anew():
    model, w = model_of_one()
    first, second = SGD(model.parameters(), 0.1), SGD(model.parameters(), 0.1)
    for optimizer in (first, second, first, second):
        before = w.value.copy()
        (gradient,) = gradients(model, optimizer, 1)
        np.testing.assert_allclose(w.value, before - 0.1 * gradient, rtol=1e-12)
    w.value = np.ones((3, 2))
    (gradient,) = gradients(model, first, 1)
    np.testing.assert_allclose(w.value, 1 - 0.1 * gradient, rtol=1e-12)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_model_goes_on_as_the_model_does(copied):
    model = tw.Sequential([Dense(4, "gelu", input_shape=(3,)), Dense(2)])
    model.compile(Adam(learning_rate=0.01), "mse")
    model.train_on_batch(X, T)
    other = copied(model)
    before = other.get_weights()
    for one in (model, other):
        one.train_on_batch(X, T)
    for a, b, c in zip(model.get_weights(), other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (b != c).any()
    assert other.layers[0].dtype is np.dtype(np.float32)
