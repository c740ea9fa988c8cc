"""Activations as layers, with their options: (...) -> (...).

Formulas: reference.py of kernels/activation, gated and softmax. `Activation("name")` is any of them with the options'
defaults.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels.activation import relu_backward, relu_forward
from ..kernels.shape import add_forward, multiply_backward, multiply_forward
from ._layer import Layer
from .activation import ACTIVATIONS
from .initializers import check_initializer
from .regularizers import get_regularizer


class _Activation(Layer):
    """A row of ACTIVATIONS, by `kernel`, with the attributes that `options` names."""

    kernel = None
    options = ()

    def forward(self, x):
        if not self.options:
            return ACTIVATIONS[self.kernel](x)
        return ACTIVATIONS[self.kernel](x, **{name: getattr(self, name) for name in self.options})


class ReLU(_Activation):
    """Rectified linear unit, max(x, 0); with `max_value=6` min(max(x, 0), 6), with a slope negative_slope * x below 0.

    Raises ValueError for another `max_value`, and for a slope beside it.
    """

    def __init__(self, max_value=None, negative_slope=0.0, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.choice("ReLU", "max_value", max_value, (None, 6))
        check.number("ReLU", "negative_slope", negative_slope, 0)
        if max_value is not None and negative_slope:
            raise ValueError(f"ReLU: negative_slope is {negative_slope}, expected 0 because max_value is {max_value}")
        self.max_value, self.negative_slope = max_value, float(negative_slope)
        self.kernel = "relu6" if max_value else "leaky_relu" if negative_slope else "relu"
        self.options = ("negative_slope",) if negative_slope else ()


class LeakyReLU(_Activation):
    """x where x > 0, else negative_slope * x."""

    kernel, options = "leaky_relu", ("negative_slope",)

    def __init__(self, negative_slope=0.3, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.number("LeakyReLU", "negative_slope", negative_slope, 0)
        self.negative_slope = float(negative_slope)


class ELU(_Activation):
    """Exponential linear unit: x where x > 0, else alpha * (exp(x) - 1)."""

    kernel, options = "elu", ("alpha",)

    def __init__(self, alpha=1.0, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.number("ELU", "alpha", alpha, 0)
        self.alpha = float(alpha)


class CELU(_Activation):
    """Exponential linear unit with a continuous derivative: x where x > 0, else alpha * (exp(x / alpha) - 1)."""

    kernel, options = "celu", ("alpha",)

    def __init__(self, alpha=1.0, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.positive("CELU", "alpha", alpha)
        self.alpha = float(alpha)


class GELU(_Activation):
    """Gaussian error linear unit, x * Phi(x); `approximate` takes Phi by tanh."""

    kernel, options = "gelu", ("approximate",)

    def __init__(self, approximate=False, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.choice("GELU", "approximate", approximate, (False, True))
        self.approximate = bool(approximate)


class ReLU6(_Activation):
    """min(max(x, 0), 6)."""

    kernel = "relu6"


class SELU(_Activation):
    """Scaled exponential linear unit, which keeps mean 0 and variance 1 with "lecun_normal" weights."""

    kernel = "selu"


class Sigmoid(_Activation):
    """1 / (1 + exp(-x))."""

    kernel = "sigmoid"


class HardSigmoid(_Activation):
    """min(max(x + 3, 0), 6) / 6."""

    kernel = "hard_sigmoid"


class Tanh(_Activation):
    """tanh(x)."""

    kernel = "tanh"


class HardTanh(_Activation):
    """min(max(x, -1), 1)."""

    kernel = "hard_tanh"


class Softplus(_Activation):
    """log(1 + exp(x))."""

    kernel = "softplus"


class Softsign(_Activation):
    """x / (1 + |x|)."""

    kernel = "softsign"


class SiLU(_Activation):
    """x * sigmoid(x), also named swish."""

    kernel = "silu"


class HardSwish(_Activation):
    """x * min(max(x + 3, 0), 6) / 6."""

    kernel = "hard_swish"


class Mish(_Activation):
    """x * tanh(log(1 + exp(x)))."""

    kernel = "mish"


class GLU(_Activation):
    """Gated linear unit, a * sigmoid(b) of the halves a and b of the last axis: (..., 2 N) -> (..., N)."""

    kernel = "glu"


class SwiGLU(_Activation):
    """silu(a) * b of the halves a and b of the last axis: (..., 2 N) -> (..., N)."""

    kernel = "swiglu"


class _OverAxis(_Activation):
    options = ("axis",)

    def __init__(self, axis=-1, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.whole(type(self).__name__, "axis", axis, -np.inf)
        self.axis = int(axis)


class Softmax(_OverAxis):
    """exp(x) / sum(exp(x)) over an axis."""

    kernel = "softmax"


class LogSoftmax(_OverAxis):
    """The logarithm of `Softmax`, exact where probabilities are tiny."""

    kernel = "log_softmax"


class PReLU(Layer):
    """x where x > 0, else alpha * x, with a learned alpha: (N, ...) -> (N, ...). He et al. 2015, arXiv:1502.01852.

    alpha has the shape of a sample, with 1 for the `shared_axes`, which count the batch axis as 0: one alpha a channel
    of images is `shared_axes=(1, 2)`.
    """

    def __init__(
        self,
        alpha_initializer="zeros",
        alpha_regularizer=None,
        shared_axes=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check_initializer("PReLU", "alpha_initializer", alpha_initializer)
        self.alpha_initializer = alpha_initializer
        self.alpha_regularizer = get_regularizer("PReLU", "alpha_regularizer", alpha_regularizer)
        shared_axes = (shared_axes,) if isinstance(shared_axes, int) else shared_axes
        for axis in shared_axes or ():
            check.whole("PReLU", "shared_axes", axis, 1)
        self.shared_axes = shared_axes and tuple(shared_axes)

    def weights(self, input_shape):
        shared = self.shared_axes or ()
        if len(input_shape) < 2 or max(shared, default=0) >= len(input_shape):
            raise ValueError(
                f"PReLU: x has shape {tuple(input_shape)}, expected at least {max(shared, default=1) + 1} axes"
            )
        shape = tuple(1 if axis in shared else size for axis, size in enumerate(input_shape[1:], 1))
        return {"alpha": (shape, self.alpha_initializer, self.alpha_regularizer)}

    def forward(self, x):
        alpha = self.alpha
        value = alpha.value
        if x.ndim != value.ndim + 1 or any(n != size != 1 for n, size in zip(x.shape[1:], value.shape)):
            raise ValueError(f"PReLU: x has shape {x.shape}, the layer was built for alpha of shape {value.shape}")
        above = relu_forward(x)
        below = np.minimum(x, 0)

        def backward(dy, need_dx=True):
            dbelow, dalpha = multiply_backward(dy, below, value)
            alpha.accumulate(dalpha)
            if not need_dx:
                return None
            dx = relu_backward(dy, above)
            np.copyto(dx, dbelow, where=x <= 0)
            return dx

        return add_forward(above, multiply_forward(below, value)), backward
