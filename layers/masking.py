"""Masking: steps that hold one value stand for no step at all."""

import numpy as np

from ..kernels import _check as check
from ._broadcast import on_host
from ._layer import Layer, expect_axes
from ._tape import record


class Masking(Layer):
    """A mask for sequences of numbers that were padded: (N, T, C) -> (N, T, C), 0 in the steps that it hides.

    A step whose channels all are `mask_value` is none: layers behind that know masks pass over it. Where x has a mask
    already, steps that it hides stay hidden.

    >>> y = Masking(-1.0)([[[5.0], [-1.0]]])
    >>> y.mask
    array([[ True, False]])
    >>> y.numpy()[0, 1]
    array([0.], dtype=float32)
    """

    def __init__(self, mask_value=0.0, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.number("Masking", "mask_value", mask_value)
        self.mask_value = mask_value

    def weights(self, input_shape):
        expect_axes("Masking", input_shape, "N, T, C")
        return {}

    def __call__(self, x, *, training=None):
        """A tensor or an array-like (N, T, C) -> a tensor with a mask."""
        return self._call(x, training=training)

    def _prepare(self, x):
        (x,) = super()._prepare(x)
        masked = record(x.value, lambda dy: dy, x)  # a tensor of its own: x stays as it is
        masked.mask = self._real(x.value)
        if x.mask is not None:
            masked.mask &= x.mask
        return (masked,)

    def forward(self, x):
        return self.forward_masked(x, mask=self._real(x))

    def forward_masked(self, x, mask):
        hidden = ~mask

        def backward(dy):
            dy[hidden] = 0
            return dy

        return np.where(hidden[:, :, None], x.dtype.type(0), x), backward

    def _real(self, x):
        """Which steps are real, (N, T)."""
        expect_axes("Masking", x.shape, "N, T, C")
        return (on_host("Masking", x) != x.dtype.type(self.mask_value)).any(-1)
