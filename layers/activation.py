"""Activations by name and as functions on tensors. Formulas: reference.py of kernels/activation, gated, softmax.

Their layers stand in activation_layers.py.
"""

from functools import partial

from ..kernels import _check as check
from ..kernels import activation as kernels
from ..kernels import gated
from ..kernels import softmax as rows
from ..kernels.matmul import FUSED
from ._argument import activation as activation_argument
from ._layer import Layer
from ._tape import Tensor, record, tape


def _from_result(forward, backward, x, **options):
    """An activation whose gradient needs the result y."""
    y = forward(x, **options)
    return y, lambda dy: backward(dy, y, **options)


def _from_input(forward, backward, x, **options):
    """An activation whose gradient needs the input x."""
    return forward(x, **options), lambda dy: backward(dy, x, **options)


def _linear(x):
    return x, _same


def _same(dy):
    return dy


# partial, not a closure, so that layers can be pickled; f(x, **options) -> (y, backward), on arrays
ACTIVATIONS = {
    "linear": _linear,
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
    "glu": partial(_from_input, gated.glu_forward, gated.glu_backward),
    "swiglu": partial(_from_input, gated.swiglu_forward, gated.swiglu_backward),
    "softmax": partial(_from_result, rows.softmax_forward, rows.softmax_backward),
    "log_softmax": partial(_from_result, rows.log_softmax_forward, rows.log_softmax_backward),
}
ACTIVATIONS["swish"] = ACTIVATIONS["silu"]
ACTIVATIONS["hard_silu"] = ACTIVATIONS["hard_swish"]


def check_activation(op, activation, argument="activation"):
    """None, a name, or a function on tensors; one of the library's own is returned as its name, which files know."""
    if not isinstance(activation, type) and callable(activation):
        if isinstance(activation, Layer) and type(activation).weights is not Layer.weights:
            raise TypeError(
                f"{op}: {argument} is {activation!r}, whose weights need a place in the model: add it there"
            )
        own = getattr(activation, "__module__", None) == __name__
        return activation.__name__ if own and activation.__name__ in ACTIVATIONS else activation
    if activation.__class__ is not str and activation is not None:
        hint = f"; write {activation.__name__}(), an object of it" if isinstance(activation, type) else ""
        raise TypeError(f"{op}: {argument} is {activation!r}, expected a name or a function on tensors{hint}")
    check.choice(op, argument, activation, (None, *ACTIVATIONS))
    return activation


def following(activation):
    """f(x) -> (y, backward) on arrays, of an activation that `check_activation` let pass; None of one that is none."""
    if activation is None or activation == "linear":
        return None
    return ACTIVATIONS[activation] if isinstance(activation, str) else partial(_by_tape, activation)


def fused_and_following(op, activation):
    """(what the kernel of Dense or Conv2D does itself, what comes after it) of an activation, each may be None."""
    activation = check_activation(op, activation)
    if activation is not None and activation in FUSED:
        return activation, None
    return None, following(activation)


def _by_tape(function, x):
    """A function on tensors as one on arrays."""
    x = Tensor(x, requires_grad=tape.recording)
    y = function(x)
    if not isinstance(y, Tensor):
        raise TypeError(f"activation: {function!r} returned {type(y).__name__}, expected a tensor")
    if y is x:
        return x.value, _same

    def backward(dy):
        y.backward(dy)
        return x.grad

    return y.value, backward


class Activation(Layer):
    """An activation by name or a function on tensors: (...) -> (...).

    Element by element, but for "softmax" and "log_softmax", over the last axis, and "glu" and "swiglu", which halve it.

    >>> Activation("relu")([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """

    activation = activation_argument()

    def __init__(self, activation, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.activation = activation
        self._derive()

    def _derive(self):
        """What comes of the argument, for `forward`."""
        if self.activation is None:
            check.choice("Activation", "activation", None, tuple(ACTIVATIONS))
        self._following = following(self.activation) or ACTIVATIONS["linear"]

    def forward(self, x):
        return self._following(x)


def _on_tensor(activation, x, **options):
    x = x if isinstance(x, Tensor) else Tensor(x)
    y, backward = ACTIVATIONS[activation](x.value, **options)
    return record(y, backward, x)


def relu(x):
    """y = max(x, 0) of a tensor or an array, as a tensor."""
    return _on_tensor("relu", x)


def relu6(x):
    """y = min(max(x, 0), 6)."""
    return _on_tensor("relu6", x)


def leaky_relu(x, negative_slope=0.3):
    """y = x where x > 0, else negative_slope * x."""
    return _on_tensor("leaky_relu", x, negative_slope=negative_slope)


def elu(x, alpha=1.0):
    """y = x where x > 0, else alpha * (exp(x) - 1)."""
    return _on_tensor("elu", x, alpha=alpha)


def selu(x):
    """y = 1.0507 * x where x > 0, else 1.7581 * (exp(x) - 1)."""
    return _on_tensor("selu", x)


def celu(x, alpha=1.0):
    """y = x where x > 0, else alpha * (exp(x / alpha) - 1)."""
    return _on_tensor("celu", x, alpha=alpha)


def sigmoid(x):
    """y = 1 / (1 + exp(-x))."""
    return _on_tensor("sigmoid", x)


def hard_sigmoid(x):
    """y = min(max(x + 3, 0), 6) / 6."""
    return _on_tensor("hard_sigmoid", x)


def tanh(x):
    """y = tanh(x)."""
    return _on_tensor("tanh", x)


def hard_tanh(x):
    """y = min(max(x, -1), 1)."""
    return _on_tensor("hard_tanh", x)


def softplus(x):
    """y = log(1 + exp(x))."""
    return _on_tensor("softplus", x)


def softsign(x):
    """y = x / (1 + |x|)."""
    return _on_tensor("softsign", x)


def gelu(x, approximate=False):
    """y = x * Phi(x); `approximate` takes Phi by tanh."""
    return _on_tensor("gelu", x, approximate=approximate)


def silu(x):
    """y = x * sigmoid(x)."""
    return _on_tensor("silu", x)


def hard_swish(x):
    """y = x * min(max(x + 3, 0), 6) / 6."""
    return _on_tensor("hard_swish", x)


def mish(x):
    """y = x * tanh(log(1 + exp(x)))."""
    return _on_tensor("mish", x)


def glu(x):
    """y = a * sigmoid(b), of the halves a and b of x along its last axis: (..., 2 N) -> (..., N)."""
    return _on_tensor("glu", x)


def swiglu(x):
    """y = silu(a) * b, of the halves a and b of x along its last axis: (..., 2 N) -> (..., N)."""
    return _on_tensor("swiglu", x)


def softmax(x, axis=-1):
    """y = exp(x) / sum(exp(x)) over an axis."""
    return _on_tensor("softmax", x, axis=axis)


def log_softmax(x, axis=-1):
    """y = log(softmax(x)) over an axis, exact where probabilities are tiny."""
    return _on_tensor("log_softmax", x, axis=axis)
