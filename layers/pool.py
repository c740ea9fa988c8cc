"""Pooling over windows of an image, over kernels/pool."""

from ..kernels._window import padding_of, pair
from ..kernels.pool import (
    average_pool2d_backward,
    average_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from ._layer import Layer, expect_axes, expect_image_shape
from ._tape import Tensor, record


class _Pooling2D(Layer):
    def __init__(self, pool_size=2, strides=None, padding="valid", *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        expect_image_shape(op, self.input_shape)
        self.pool_size = pair(op, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair(op, "strides", strides)
        self.padding = padding_of(op, padding)
        self._options = {"window": self.pool_size, "stride": self.strides, "padding": self.padding}

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, "N, H, W, C")
        return {}


class MaxPooling2D(_Pooling2D):
    """The largest value of every window: (N, H, W, C) -> (N, P, Q, C); strides are the pool_size if left out."""

    def forward(self, x):
        return _max_pool2d(x, **self._options)


class AveragePooling2D(_Pooling2D):
    """The mean of every window, padding not counted: (N, H, W, C) -> (N, P, Q, C)."""

    def forward(self, x):
        return _average_pool2d(x, **self._options)


def _max_pool2d(x, **options):
    y, argmax = max_pool2d_forward(x, **options)
    shape = x.shape
    return y, lambda dy: max_pool2d_backward(dy, argmax, input_shape=shape, **options)


def _average_pool2d(x, **options):
    shape = x.shape
    backward = lambda dy: average_pool2d_backward(dy, input_shape=shape, **options)  # noqa: E731
    return average_pool2d_forward(x, **options), backward


def _on_tensor(pool, x, pool_size, strides, padding):
    x = x if isinstance(x, Tensor) else Tensor(x)
    y, backward = pool(x.value, window=pool_size, stride=strides, padding=padding)
    return record(y, backward, x)


def max_pool2d(x, pool_size=2, strides=None, padding="valid"):
    """The largest value of every window of a tensor: (N, H, W, C) -> (N, P, Q, C)."""
    return _on_tensor(_max_pool2d, x, pool_size, strides, padding)


def average_pool2d(x, pool_size=2, strides=None, padding="valid"):
    """The mean of every window of a tensor, padding not counted: (N, H, W, C) -> (N, P, Q, C)."""
    return _on_tensor(_average_pool2d, x, pool_size, strides, padding)
