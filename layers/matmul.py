"""Dense, over kernels/matmul."""

from ..kernels import _check as check
from ..kernels.matmul import linear_backward, linear_forward
from ._affine import Affine
from ._argument import Fixed
from ._layer import expect_built_for


class Dense(Affine):
    """y = activation(x @ w + b): (..., K) -> (..., units); all axes but the last are batch axes.

    w (K, units), b (units,). The activations "glu" and "swiglu" halve the last axis. Formulas:
    kernels/matmul/reference.py.

    >>> Dense(3)([[1.0, 2.0]]).shape
    (1, 3)
    """

    units_argument = "units"
    units = Fixed()

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.whole("Dense", "units", units, 1)
        self.units = int(units)
        self._keep(activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer)

    def weights(self, input_shape):
        _expect_rows(input_shape)
        return self._weights((input_shape[-1], self.units), self.units)

    def forward(self, x):
        w, b, fused, following = self.w, self.b, self._fused, self._following
        shape = x.shape
        w_value, b_value = w.value, None if b is None else b.value
        if len(shape) != 2:
            _expect_rows(shape)
            expect_built_for("Dense", x, "features", w_value.shape[0])
            x = x.reshape(-1, shape[-1])
        try:
            y = z = linear_forward(x, w_value, b_value, activation=fused)
        except ValueError:  # found by the kernel, whose check costs a small model's step nothing more
            expect_built_for("Dense", x, "features", w_value.shape[0])
            raise
        if following:
            y, following_backward = following(z)
        flat = y.shape

        def backward(dy, need_dx=True):
            if len(shape) != 2:
                dy = dy.reshape(flat)
            if following:
                dy = following_backward(dy)
            dx, dw, db = linear_backward(dy, x, w_value, b_value, z, activation=fused, need_dx=need_dx)
            w.accumulate(dw)
            if b is not None:
                b.accumulate(db)
            return dx.reshape(shape) if need_dx else None

        return y if len(shape) == 2 else y.reshape(*shape[:-1], flat[-1]), backward


def _expect_rows(shape):
    if len(shape) < 2:
        raise ValueError(
            f"Dense: x has shape {tuple(shape)}, expected (..., K) with at least 2 axes; one sample is x[None]"
        )
