"""Optimizers: their formulas, and the two ways to use them."""

import copy
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.kernels.optim import reference
from tilewright.layers import Dense
from tilewright.layers._tape import Parameter
from tilewright.train import LAMB, SGD, Adadelta, Adagrad, Adam, AdamW, Lion, MeanSquaredError, Muon, RMSprop
from tilewright.train.optimizers import OPTIMIZERS

rng = np.random.default_rng(0)
X, T = rng.standard_normal((8, 3)), rng.standard_normal((8, 2))
EACH = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=list(OPTIMIZERS))


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


FORMULAS = {
    "adamw": (AdamW(learning_rate=0.05), 2, "adam_update", {"weight_decay": 0.004}, True),
    "amsgrad": (Adam(learning_rate=0.05, amsgrad=True, beta_2=0.5), 3, "adam_update", {"beta_2": 0.5}, True),
    "rmsprop": (RMSprop(learning_rate=0.05, rho=0.8), 1, "rmsprop_update", {"rho": 0.8}, False),
    "centered rmsprop with momentum": (
        RMSprop(learning_rate=0.05, centered=True, momentum=0.5),
        3,
        "rmsprop_update",
        {"momentum": 0.5},
        False,
    ),
    "adadelta": (Adadelta(learning_rate=0.05, epsilon=0.1), 2, "adadelta_update", {"epsilon": 0.1}, False),
    "lion": (Lion(learning_rate=0.05, weight_decay=0.1), 1, "lion_update", {"weight_decay": 0.1}, False),
    "lamb": (LAMB(learning_rate=0.05, weight_decay=0.1), 2, "lamb_update", {"weight_decay": 0.1}, True),
    "muon": (Muon(learning_rate=0.05), 1, "muon_update", {"weight_decay": 0.1}, False),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_an_optimizer_is_its_formula_over_steps(name):
    optimizer, count, function, options, counts = FORMULAS[name]
    model, w = model_of_one()
    expected, kept = w.value.copy(), [np.zeros((3, 2)) for _ in range(count)]
    optimizer.attach(model.parameters())
    for step, gradient in enumerate(gradients(model, optimizer, 4), 1):
        number = {"step": step} if counts else {}
        getattr(reference, function)(expected, gradient, *kept, learning_rate=0.05, **options, **number)
    np.testing.assert_allclose(w.value, expected, rtol=1e-10)


def test_muon_updates_all_but_matrices_by_adam_of_a_tenth_of_its_rate():
    model, _ = model_of_one()
    b = model.layers[0].b
    b.value[...] = 1, 2
    expected, m, v = b.value.copy(), np.zeros(2), np.zeros(2)
    optimizer = Muon(model.parameters(), learning_rate=0.1)
    for step in range(1, 4):
        for _ in gradients(model, optimizer, 1):
            gradient = b.grad.copy()
        expected *= 1 - 0.1 * 0.1
        reference.adam_update(expected, gradient, m, v, learning_rate=0.01, step=step)
    np.testing.assert_allclose(b.value, expected, rtol=1e-10)


# Of torch.optim 2.13 in float64, three steps from W by GRADIENTS, where the formulas agree: epsilon is 0, as it stands
# under a root in Keras and beside one in PyTorch, or alike in both. PyTorch's `weight_decay` is 2 * l2 here.
W = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.5, -1.0, 2.0], [-0.25, -1.5, 1.0], [1.0, 0.5, -3.0]])
TORCH = [
    (SGD(momentum=0.9, learning_rate=0.1), [0.812, -1.494, 0.068]),
    (SGD(momentum=0.9, nesterov=True, learning_rate=0.1), [0.7058, -1.3446, 0.1112]),
    (Adam(learning_rate=0.1, epsilon=0), [0.807555136009, -1.744202437485, 0.314979715904]),
    (AdamW(learning_rate=0.1, epsilon=0, weight_decay=0.2), [0.753239810088, -1.632528052014, 0.291400075182]),
    (RMSprop(learning_rate=0.1, epsilon=0), [0.549356260055, -1.506531699215, 0.298042239123]),
    (RMSprop(learning_rate=0.1, epsilon=0, momentum=0.5), [0.38590641362, -1.135730253746, -0.012849563467]),
    (RMSprop(learning_rate=0.1, epsilon=0, centered=True), [0.516272596542, -1.465342703532, 0.266727399184]),
    (Adagrad(learning_rate=0.1, epsilon=0), [0.870268889353, -1.849052300204, 0.436839842252]),
    (Adadelta(learning_rate=0.5, rho=0.9, epsilon=1e-3), [0.916078223366, -1.91657551503, 0.480304213412]),
    (SGD(learning_rate=0.1, clipnorm=1.5), [0.9410190, -1.8343363, 0.4272094]),  # whose factor has a 1e-6
    (SGD(learning_rate=0.1, global_clipnorm=1.5), [0.9410190, -1.8343363, 0.4272094]),
]


@pytest.mark.parametrize("optimizer, expected", TORCH, ids=lambda x: repr(x)[:60])
def test_an_optimizer_has_pytorchs_numbers(optimizer, expected):
    optimizer = copy.deepcopy(optimizer)
    p = Parameter(W.copy())
    optimizer.attach([p])
    for gradient in GRADIENTS:
        p.grad = gradient
        optimizer.step()
    np.testing.assert_allclose(p.value, expected, rtol=0, atol=1e-6 if "clip" in repr(optimizer) else 2e-12)


def test_clipping_is_of_each_gradient_or_of_all_together():
    for options, expected in (
        ({"clipvalue": 3.5}, [-3, -3.5]),
        ({"clipnorm": 3.5}, [-3, -3.5]),
        ({"global_clipnorm": 2.5}, [-1.5, -2]),
        ({"global_clipnorm": 5.0}, [-3, -4]),
    ):
        parameters = [Parameter(np.zeros(1)), Parameter(np.zeros((1, 1)))]
        optimizer = SGD(parameters, 1.0, **options)
        for p, gradient in zip(parameters, (3.0, 4.0)):
            p.grad = np.full(p.value.shape, gradient)
        optimizer.step()
        assert [p.value.item() for p in parameters] == expected, options
        assert [p.grad.item() for p in parameters] == [3, 4]


def test_muon_clips_matrices_and_others_together():
    parameters = [Parameter(np.zeros(1)), Parameter(np.zeros((1, 1)))]
    optimizer = Muon(parameters, global_clipnorm=2.5)
    for p, gradient in zip(parameters, (3.0, 4.0)):
        p.grad = np.full(p.value.shape, gradient)
    optimizer.step()
    np.testing.assert_allclose([p.grad.item() for p in parameters], [1.5, 2.0])


def test_averages_of_weights_take_their_place_when_asked():
    model, w = model_of_one()
    optimizer = Adam(model.parameters(), learning_rate=0.05, use_ema=True, ema_momentum=0.75)
    weights = []
    for _ in range(3):
        list(gradients(model, optimizer, 1))
        weights.append(w.value.copy())
    average = weights[0]
    for one in weights[1:]:
        average = 0.75 * average + 0.25 * one
    optimizer.finalize_variable_values()
    np.testing.assert_allclose(w.value, average, rtol=1e-12)
    with pytest.raises(RuntimeError, match="finalize_variable_values: SGD keeps no averages; .* use_ema=True"):
        SGD().finalize_variable_values()


@EACH
def test_an_optimizer_trains_and_comes_back_from_a_file(optimizer, tmp_path):
    model, _ = model_of_one()
    name = next(name for name, c in OPTIMIZERS.items() if c is optimizer)
    model.compile(name, "mse")
    assert type(model._trainer.optimizer) is optimizer
    chosen = optimizer(learning_rate=0.02, weight_decay=0.01, clipnorm=1.0, use_ema=True)
    model.compile(chosen, "mse")
    history = model.fit(X, T, epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "model.tw")
    again = tw.load(tmp_path / "model.tw")._trainer.optimizer
    assert type(again) is optimizer and again.config() == chosen.config() and again.clipnorm == 1.0


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
    (lambda: SGD(clipnorm=-1), ValueError, "SGD: clipnorm is -1, expected a number from 0 to inf"),
    (
        lambda: RMSprop(clipnorm=1, clipvalue=1.0),
        ValueError,
        "RMSprop: clipvalue and clipnorm are given, expected at most one way to clip",
    ),
    (lambda: Lion(weight_decay=-1), ValueError, "Lion: weight_decay is -1, expected a number from 0 to inf"),
    (lambda: Adam(ema_momentum="0"), TypeError, "Adam: ema_momentum is '0', expected a number"),
    (lambda: Muon(adam_lr_ratio=0), ValueError, "Muon: adam_lr_ratio is 0, expected more"),
    (lambda: Adagrad(initial_accumulator_value=-1), ValueError, "Adagrad: initial_accumulator_value is -1, expected"),
    (lambda: LAMB(beta_2=1.0), ValueError, "LAMB: beta_2 is 1.0, expected less"),
    (lambda: Adadelta(rho=2), ValueError, "Adadelta: rho is 2, expected a number from 0 to 1"),
    (lambda: SGD(speed=2), TypeError, "unexpected keyword argument 'speed'"),
    (lambda: SGD(momentum=2), ValueError, "SGD: momentum is 2, expected a number from 0 to 1"),
    (lambda: Adam(model_of_one()[0].parameters()).step(), RuntimeError, "step: no parameter has a gradient; call loss"),
]


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:40] for *_, message in BAD])
def test_bad_calls_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@EACH
def test_parameters_updated_together_get_the_same_values_as_one_by_one(optimizer):
    class Apart(optimizer):
        takes_lists = False

        def update(self, *arrays):
            super().update(*([array] if array is not None else None for array in arrays))

    results = []
    for kind in (optimizer, Apart):
        tw.set_seed(0)
        model = tw.Sequential([Dense(200, "relu", input_shape=(3,)), Dense(100, "relu"), Dense(2)])
        chosen = kind(model.parameters(), learning_rate=0.01)
        start = model.get_weights()
        for _ in range(3):
            chosen.zero_grad()
            MeanSquaredError()(model(X), T).backward()
            chosen.step()
        results.append(model.get_weights())
        assert all((a != b).any() for a, b in zip(start, results[-1]))
    for a, b in zip(*results):
        np.testing.assert_array_equal(a, b)


def test_a_parameter_without_gradient_is_left_alone():
    """Adam would move it on by its momentum: others that are updated with it must not take it along."""
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
