"""Activations as layers, names and functions on tensors; functions of users as `activation=`."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import tilewright as tw
from tilewright import layers
from tilewright.layers import Activation, Conv2D, Dense, LeakyReLU, PReLU, ReLU, SeparableConv2D, Softmax
from tilewright.layers.activation import ACTIVATIONS

from .gradients import assert_gradient, numeric_gradient

X = np.random.default_rng(0).standard_normal((3, 4, 6)).astype(np.float32) * 3

LAYERS = {
    "relu": ReLU, "relu6": layers.ReLU6, "leaky_relu": LeakyReLU, "elu": layers.ELU, "selu": layers.SELU,
    "celu": layers.CELU, "sigmoid": layers.Sigmoid, "hard_sigmoid": layers.HardSigmoid, "tanh": layers.Tanh,
    "hard_tanh": layers.HardTanh, "softplus": layers.Softplus, "softsign": layers.Softsign, "gelu": layers.GELU,
    "silu": layers.SiLU, "hard_swish": layers.HardSwish, "mish": layers.Mish, "glu": layers.GLU,
    "swiglu": layers.SwiGLU, "softmax": Softmax, "log_softmax": layers.LogSoftmax,
}  # fmt: skip


def square(x):
    return x * x


def test_every_activation_has_a_layer_a_function_and_a_name():
    assert ACTIVATIONS.keys() - LAYERS.keys() == {"linear", "swish", "hard_silu"}
    assert all(getattr(tw, name) is getattr(layers, name) for name in LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_function_and_name_do_the_same(name):
    dy, results = None, []
    for function in (LAYERS[name](), getattr(tw, name), Activation(name), Activation(getattr(tw, name))):
        x = tw.Tensor(X, requires_grad=True)
        y = function(x)
        dy = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32) if dy is None else dy
        y.backward(dy)
        results.append((y.numpy(), x.grad))
    for y, dx in results[1:]:
        np.testing.assert_array_equal(y, results[0][0])
        np.testing.assert_array_equal(dx, results[0][1])


@pytest.mark.parametrize(
    "layer, expected",
    (
        (ReLU(6), np.clip(X, 0, 6)),
        (ReLU(negative_slope=0.5), np.where(X > 0, X, X / 2)),
        (LeakyReLU(0.25), np.where(X > 0, X, X / 4)),
        (layers.ELU(2.0), np.where(X > 0, X, 2 * np.expm1(X))),
        (layers.CELU(2.0), np.where(X > 0, X, 2 * np.expm1(X / 2))),
        (layers.GELU(True), X / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)))),
        (Softmax(axis=1), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
        (layers.LogSoftmax(axis=0), X - np.log(np.exp(X).sum(0, keepdims=True))),
        (PReLU(layers.initializers.Constant(0.25)), np.where(X > 0, X, X / 4)),
    ),
    ids=repr,
)
def test_options(layer, expected):
    np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_prelu_learns_one_slope_for_shared_axes():
    for shared, shape in ((None, (4, 6)), (1, (1, 6)), ((1, 2), (1, 1)), ([2], (4, 1))):
        layer = PReLU(shared_axes=shared)
        layer.build(X.shape)
        assert layer.alpha.shape == shape
    y = layer(X)
    y.sum().backward()
    np.testing.assert_allclose(layer.alpha.grad, np.minimum(X, 0).sum((0, 2))[:, None], rtol=1e-5)
    np.testing.assert_array_equal(y.numpy(), np.maximum(X, 0))  # the slope starts at 0


@pytest.mark.parametrize(
    "make, shape",
    (
        (partial(Dense, 4), (3, 4)),
        (partial(Dense, 4), (2, 3, 4)),
        (partial(Conv2D, 4, 2), (2, 3, 3, 2)),
        (partial(SeparableConv2D, 4, 2), (2, 3, 3, 2)),
    ),
)
@pytest.mark.parametrize("activation", (square, tw.swiglu, LeakyReLU(0.1, dtype="float64"), lambda x: x))
def test_functions_on_tensors_as_activation(activation, make, shape):
    layer, x = make(activation=activation, dtype="float64"), np.random.default_rng(2).standard_normal(shape)
    plain = make(dtype="float64")
    y = layer(x)
    plain.build(shape)
    for p, q in zip(plain.parameters(), layer.parameters()):
        p.value[...] = q.value
    np.testing.assert_allclose(y.numpy(), activation(plain(x)).numpy(), rtol=1e-12)
    dy = np.random.default_rng(3).standard_normal(y.shape)
    t = tw.Tensor(x, requires_grad=True)
    layer(t).backward(dy)
    assert_gradient(t.grad, numeric_gradient(lambda: (dy * layer(x).numpy()).sum(), x))
    for p in layer.parameters():
        assert_gradient(p.grad, numeric_gradient(lambda: (dy * layer(x).numpy()).sum(), p.value))
    with tw.no_grad():
        np.testing.assert_array_equal(layer(x).numpy(), y.numpy())


def test_the_librarys_functions_are_kept_as_names():
    assert Dense(2, activation=tw.relu).activation == "relu" and Activation(tw.silu).activation == "silu"
    assert Dense(2, activation=tw.tanh)._fused == "tanh"
    assert Dense(2, activation=square).activation is square


@pytest.mark.parametrize(
    "layer", (Activation("linear"), Activation(square), Dense(4, square), Dense(4, "glu"), ReLU(6))
)
def test_copies_compute_the_same(layer):
    y = layer(X).numpy()
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(again(X).numpy(), y)


def built(layer, x):
    layer(x)
    return layer


BAD = [
    (lambda: Activation(None), "Activation: activation is None, expected one of"),
    (lambda: Activation("sofmax"), "Activation: activation is 'sofmax', .*did you mean 'softmax'"),
    (lambda: Dense(2, activation=3), "Dense: activation is 3, expected a name or a function on tensors"),
    (lambda: Dense(2, activation=ReLU), r"Dense: activation is .*; write ReLU\(\), an object of it"),
    (lambda: Dense(2, activation=PReLU()), "Dense: activation is PReLU.*, whose weights need a place in the model"),
    (lambda: Dense(2, activation=np.tan)(X), "np.tan does not work on tensors"),
    (lambda: Dense(2, activation=lambda x: x.numpy())(X), "activation: .* returned ndarray, expected a tensor"),
    (lambda: Dense(3, activation="glu")(X), r"glu_forward: x has shape \(12, 3\), expected an even number"),
    (lambda: ReLU(4), "ReLU: max_value is 4, expected one of None, 6"),
    (lambda: ReLU(6, 0.1), "ReLU: negative_slope is 0.1, expected 0 because max_value is 6"),
    (lambda: LeakyReLU(-1), "LeakyReLU: negative_slope is -1, expected a number from 0"),
    (lambda: layers.ELU("x"), "ELU: alpha is 'x', expected a number"),
    (lambda: layers.CELU(0), "CELU: alpha is 0, expected a number above 0"),
    (lambda: layers.GELU("tanh"), "GELU: approximate is 'tanh', expected one of False, True"),
    (lambda: Softmax(1.5), "Softmax: axis is 1.5, expected an integer"),
    (lambda: Softmax(3)(X), "softmax_forward: axis is 3, expected -3 to 2"),
    (lambda: PReLU(shared_axes=(0,)), "PReLU: shared_axes is 0, expected at least 1"),
    (lambda: built(PReLU(), X)(X[:, :1]), r"PReLU: x has shape \(3, 1, 6\), .* built for alpha of shape \(4, 6\)"),
    (lambda: PReLU(shared_axes=3)(X), r"PReLU: x has shape \(3, 4, 6\), expected at least 4 axes"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
