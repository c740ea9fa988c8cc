"""Dense, over kernels/matmul."""

from ..kernels import _check as check
from ..kernels.matmul import linear_backward, linear_forward
from ._layer import Layer, expect_built_for
from .activation import fused_and_following
from .initializers import check_initializer


class Dense(Layer):
    """y = activation(x @ w + b): (..., K) -> (..., units); all axes but the last are batch axes.

    w (K, units), b (units,). Formulas: kernels/matmul/reference.py.

    >>> Dense(3)([[1.0, 2.0]]).shape
    (1, 3)
    """

    b = None

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.whole("Dense", "units", units, 1)
        check_initializer("Dense", "kernel_initializer", kernel_initializer)
        check_initializer("Dense", "bias_initializer", bias_initializer)
        self.units, self.activation, self.use_bias = int(units), activation, bool(use_bias)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self._fused, self._following = fused_and_following("Dense", activation)

    def weights(self, input_shape):
        if len(input_shape) < 2:
            raise ValueError(
                f"Dense: x has shape {tuple(input_shape)}, expected (..., K) with at least 2 axes; "
                f"one sample is x[None]"
            )
        weights = {"w": ((input_shape[-1], self.units), self.kernel_initializer)}
        if self.use_bias:
            weights["b"] = (self.units,), self.bias_initializer
        return weights

    def forward(self, x):
        w, b, fused, following = self.w, self.b, self._fused, self._following
        shape = x.shape
        w_value, b_value = w.value, None if b is None else b.value
        if len(shape) != 2:
            expect_built_for("Dense", x, "features", w_value.shape[0])
            x = x.reshape(-1, shape[-1])
        try:
            y = z = linear_forward(x, w_value, b_value, activation=fused)
        except ValueError:  # found by the kernel, whose check costs a small model's step nothing more
            expect_built_for("Dense", x, "features", w_value.shape[0])
            raise
        if following:
            y, following_backward = following(z)

        def backward(dy, need_dx=True):
            if len(shape) != 2:
                dy = dy.reshape(z.shape)
            if following:
                dy = following_backward(dy)
            dx, dw, db = linear_backward(dy, x, w_value, b_value, z, activation=fused, need_dx=need_dx)
            w.accumulate(dw)
            if b is not None:
                b.accumulate(db)
            return dx.reshape(shape) if need_dx else None

        return y if len(shape) == 2 else y.reshape(*shape[:-1], self.units), backward
