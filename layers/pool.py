"""Pooling over windows of an image or a sequence, over kernels/pool; global_pool.py has that of all of it."""

from ..kernels._window import padding_of, pair
from ..kernels.pool import (
    adaptive_average_pool2d_backward,
    adaptive_average_pool2d_forward,
    adaptive_max_pool2d_backward,
    adaptive_max_pool2d_forward,
    average_pool1d_backward,
    average_pool1d_forward,
    average_pool2d_backward,
    average_pool2d_forward,
    max_pool1d_backward,
    max_pool1d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from ._argument import Fixed
from ._layer import Layer, expect_axes, expect_image_shape
from ._sequence import expect_sequence_shape, length_kept, one, padding_1d
from ._tape import Tensor, record


class _Pooling2D(Layer):
    pool_size, strides = Fixed(pair), Fixed(pair)
    padding = Fixed(lambda op, _, value: padding_of(op, value))

    def __init__(self, pool_size=2, strides=None, padding="valid", *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        expect_image_shape(op, self.input_shape)
        self.pool_size = pair(op, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair(op, "strides", strides)
        self.padding = padding_of(op, padding)
        self._derive()

    def _derive(self):
        """What comes of the arguments, for `forward`."""
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


class _Pooling1D(Layer):
    pool_size, strides = Fixed(one), Fixed(one)
    padding = Fixed(lambda op, _, value: padding_1d(op, value))

    def __init__(self, pool_size=2, strides=None, padding="valid", *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        expect_sequence_shape(op, self.input_shape)
        self.pool_size = one(op, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else one(op, "strides", strides)
        self.padding = padding_1d(op, padding)
        self._derive()

    def _derive(self):
        """What comes of the arguments, for `forward`."""
        self._options = {"window": self.pool_size, "stride": self.strides, "padding": self.padding}

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, "N, T, C")
        return {}

    def mask_after(self, mask):
        """The same where a result stands for every step; else None."""
        return mask if length_kept(self) else None


class MaxPooling1D(_Pooling1D):
    """The largest value of every window of a sequence: (N, T, C) -> (N, P, C)."""

    def forward(self, x):
        options, shape = self._options, x.shape
        y, argmax = max_pool1d_forward(x, **options)
        return y, lambda dy: max_pool1d_backward(dy, argmax, input_shape=shape, **options)


class AveragePooling1D(_Pooling1D):
    """The mean of every window of a sequence, padding not counted: (N, T, C) -> (N, P, C)."""

    def forward(self, x):
        options, shape = self._options, x.shape
        y = average_pool1d_forward(x, **options)
        return y, lambda dy: average_pool1d_backward(dy, input_shape=shape, **options)


class _AdaptivePooling2D(Layer):
    def __init__(self, output_size, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        expect_image_shape(type(self).__name__, self.input_shape)
        self.output_size = pair(type(self).__name__, "output_size", output_size)

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, "N, H, W, C")
        return {}


class AdaptiveMaxPooling2D(_AdaptivePooling2D):
    """The largest value of each of `output_size` (P, Q) windows that cut the image up: (N, H, W, C) -> (N, P, Q, C).

    Window p of P reaches from floor(p H / P) to ceil((p + 1) H / P), as in PyTorch.
    """

    def forward(self, x):
        shape = x.shape
        y, argmax = adaptive_max_pool2d_forward(x, size=self.output_size)
        return y, lambda dy: adaptive_max_pool2d_backward(dy, argmax, input_shape=shape)


class AdaptiveAveragePooling2D(_AdaptivePooling2D):
    """The mean of each of `output_size` (P, Q) windows that cut the image up: (N, H, W, C) -> (N, P, Q, C).

    Windows as in `AdaptiveMaxPooling2D`.

    >>> AdaptiveAveragePooling2D(2)([[[[1.0]] * 7] * 5]).shape
    (1, 2, 2, 1)
    """

    def forward(self, x):
        shape = x.shape
        y = adaptive_average_pool2d_forward(x, size=self.output_size)
        return y, lambda dy: adaptive_average_pool2d_backward(dy, input_shape=shape)


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
