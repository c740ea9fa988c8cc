"""Activations as layers and as functions on tensors. Formulas: reference.py of kernels/activation, gated, softmax."""

from functools import partial

from ..kernels import _check as check
from ..kernels import activation as kernels
from ..kernels import gated
from ..kernels.matmul import FUSED
from ..kernels.softmax import softmax_backward, softmax_forward
from ._layer import Layer
from ._tape import Tensor, record


def _from_result(forward, backward, x, **options):
    """An activation whose gradient needs the result y."""
    y = forward(x, **options)
    return y, lambda dy: backward(dy, y, **options)


def _from_input(forward, backward, x, **options):
    """An activation whose gradient needs the input x."""
    return forward(x, **options), lambda dy: backward(dy, x, **options)


# partial, not a closure, so that layers can be pickled; f(x, **options) -> (y, backward), on arrays
ACTIVATIONS = {
    "linear": lambda x: (x, lambda dy: dy),
    "relu": partial(_from_result, kernels.relu_forward, kernels.relu_backward),
    "relu6": partial(_from_result, kernels.relu6_forward, kernels.relu6_backward),
    "leaky_relu": partial(_from_result, kernels.leaky_relu_forward, kernels.leaky_relu_backward),
    "elu": partial(_from_result, kernels.elu_forward, kernels.elu_backward),
    "selu": partial(_from_result, kernels.selu_forward, kernels.selu_backward),
    "celu": partial(_from_result, kernels.celu_forward, kernels.celu_backward),
    "sigmoid": partial(_from_result, kernels.sigmoid_forward, kernels.sigmoid_backward),
    "hard_sigmoid": partial(_from_result, kernels.hard_sigmoid_forward, kernels.hard_sigmoid_backward),
    "tanh": partial(_from_result, kernels.tanh_forward, kernels.tanh_backward),
    "hard_tanh": partial(_from_result, kernels.hard_tanh_forward, kernels.hard_tanh_backward),
    "softplus": partial(_from_result, kernels.softplus_forward, kernels.softplus_backward),
    "softsign": partial(_from_input, kernels.softsign_forward, kernels.softsign_backward),
    "gelu": partial(_from_input, kernels.gelu_forward, kernels.gelu_backward),
    "silu": partial(_from_input, gated.silu_forward, gated.silu_backward),
    "hard_swish": partial(_from_input, gated.hard_swish_forward, gated.hard_swish_backward),
    "mish": partial(_from_input, gated.mish_forward, gated.mish_backward),
    "softmax": partial(_from_result, softmax_forward, softmax_backward),
}


def fused_and_following(op, activation):
    """(what the kernel of Dense or Conv2D does itself, what comes after it) of an activation, each a name or None."""
    if activation is None or activation == "linear":
        return None, None
    check.choice(op, "activation", activation, (None, *ACTIVATIONS))
    return (activation, None) if activation in FUSED else (None, ACTIVATIONS[activation])


class Activation(Layer):
    """An activation by name, element by element ("softmax": over the last axis): (...) -> (...).

    >>> Activation("relu")([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, activation, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.choice("Activation", "activation", activation, tuple(ACTIVATIONS))
        self.activation = activation

    def forward(self, x):
        return ACTIVATIONS[self.activation](x)


class ReLU(Layer):
    """Rectified linear unit: (...) -> (...)."""

    def forward(self, x):
        return ACTIVATIONS["relu"](x)


class Softmax(Layer):
    """Softmax over an axis: (...) -> (...)."""

    def __init__(self, axis=-1, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.axis = axis

    def forward(self, x):
        return ACTIVATIONS["softmax"](x, axis=self.axis)


def _on_tensor(activation, x, **options):
    x = x if isinstance(x, Tensor) else Tensor(x)
    y, backward = ACTIVATIONS[activation](x.value, **options)
    return record(y, backward, x)


def relu(x):
    """y = max(x, 0) of a tensor or an array, as a tensor."""
    return _on_tensor("relu", x)


def leaky_relu(x, negative_slope=0.3):
    """y = x where x > 0, else negative_slope * x."""
    return _on_tensor("leaky_relu", x, negative_slope=negative_slope)


def elu(x, alpha=1.0):
    """y = x where x > 0, else alpha * (exp(x) - 1)."""
    return _on_tensor("elu", x, alpha=alpha)


def selu(x):
    """y = 1.0507 * x where x > 0, else 1.7581 * (exp(x) - 1)."""
    return _on_tensor("selu", x)


def sigmoid(x):
    """y = 1 / (1 + exp(-x))."""
    return _on_tensor("sigmoid", x)


def tanh(x):
    """y = tanh(x)."""
    return _on_tensor("tanh", x)


def gelu(x, approximate=False):
    """y = x * Phi(x); `approximate` takes Phi by tanh."""
    return _on_tensor("gelu", x, approximate=approximate)


def softplus(x):
    """y = log(1 + exp(x))."""
    return _on_tensor("softplus", x)


def silu(x):
    """y = x * sigmoid(x)."""
    return _on_tensor("silu", x)


def mish(x):
    """y = x * tanh(log(1 + exp(x)))."""
    return _on_tensor("mish", x)


def softmax(x, axis=-1):
    """y = exp(x) / sum(exp(x)) over an axis."""
    return _on_tensor("softmax", x, axis=axis)
