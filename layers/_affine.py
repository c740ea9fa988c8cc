"""What Dense and the convolutions share: weights w, a bias b of a number a unit, and an activation behind them."""

from ._argument import Fixed, RegularizerOf, activation, initializer
from ._layer import Layer
from .activation import fused_and_following


class Affine(Layer):
    """Keeps and checks the arguments that all have. `kernel` is what the argument of w's initializer is named after."""

    b = None
    kernel = "kernel"
    units_argument = None  # the argument that says how many units there are
    activation, use_bias = activation(), Fixed()
    kernel_initializer, bias_initializer = initializer(), initializer()
    kernel_regularizer, bias_regularizer = RegularizerOf("w"), RegularizerOf("b")

    def _keep(
        self,
        activation,
        use_bias,
        kernel_initializer,
        bias_initializer,
        kernel_regularizer,
        bias_regularizer,
    ):
        setattr(self, f"{self.kernel}_initializer", kernel_initializer)
        setattr(self, f"{self.kernel}_regularizer", kernel_regularizer)
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer
        self.activation, self.use_bias = activation, bool(use_bias)
        self._derive()

    def _derive(self):
        """What comes of the arguments, for `forward`."""
        op = type(self).__name__
        if self.activation in ("softmax", "log_softmax") and getattr(self, self.units_argument or "", None) == 1:
            raise ValueError(
                f"{op}: activation is {self.activation!r} of {self.units_argument} = 1, which is the same whatever x "
                f"is; for two classes take 'sigmoid', for more as many {self.units_argument} as there are classes"
            )
        self._fused, self._following = fused_and_following(op, self.activation)

    def _weights(self, shape, units):
        """What `weights` returns, for w of a shape and b of so many units."""
        initializer, regularizer = (getattr(self, f"{self.kernel}_{what}") for what in ("initializer", "regularizer"))
        weights = {"w": (shape, initializer, regularizer)}
        if self.use_bias:
            weights["b"] = (units,), self.bias_initializer, self.bias_regularizer
        return weights
