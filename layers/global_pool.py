"""Pooling of whole images and sequences to one value a channel, over kernels/pool."""

import numpy as np

from ..kernels.matmul import matmul_forward
from ..kernels.pool import (
    global_average_pool1d_backward,
    global_average_pool1d_forward,
    global_average_pool2d_backward,
    global_average_pool2d_forward,
    global_max_pool1d_backward,
    global_max_pool1d_forward,
    global_max_pool2d_backward,
    global_max_pool2d_forward,
)
from ..kernels.shape import multiply_forward
from ._layer import Layer, expect_axes


class _GlobalPooling(Layer):
    axes = "N, T, C"

    def __init__(self, keepdims=False, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.keepdims = bool(keepdims)

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, self.axes)
        return {}

    def forward(self, x):
        return self._shaped(x.shape, *self._pool(x))

    def forward_masked(self, x, mask):
        return self._shaped(x.shape, *self._pool_masked(x, mask))

    def mask_after(self, mask):
        """The pooled axis is gone, and its mask with it."""
        return None

    def _pool_masked(self, x, mask):
        return self._pool(x)

    def _shaped(self, shape, y, backward):
        if not self.keepdims:
            return y, backward
        kept = shape[0], *(1 for _ in shape[1:-1]), shape[-1]
        return y.reshape(kept), lambda dy: backward(dy.reshape(y.shape))


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of every channel of a sequence: (N, T, C) -> (N, C), or (N, 1, C) with `keepdims`.

    Where x has a mask, the mean of the real steps alone, as in Keras; of a sequence without any it is 0 (there NaN).

    >>> GlobalAveragePooling1D()([[[1.0], [3.0]]]).numpy()
    array([[2.]], dtype=float32)
    """

    def _pool(self, x):
        shape = x.shape
        return global_average_pool1d_forward(x), lambda dy: global_average_pool1d_backward(dy, input_shape=shape)

    def _pool_masked(self, x, mask):
        counts = np.maximum(mask.sum(1, keepdims=True), 1)
        shares = (mask / counts).astype(x.dtype)  # (N, T): what each step has in the mean

        def backward(dy):
            return multiply_forward(shares[:, :, None], dy[:, None])

        return matmul_forward(shares[:, None], x)[:, 0], backward


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value of every channel of a sequence: (N, T, C) -> (N, C), or (N, 1, C) with `keepdims`.

    Where x has a mask, the largest of the real steps alone, and 0 of a sequence without any; Keras ignores masks here.
    """

    def _pool(self, x):
        shape = x.shape
        y, argmax = global_max_pool1d_forward(x)
        return y, lambda dy: global_max_pool1d_backward(dy, argmax, input_shape=shape)

    def _pool_masked(self, x, mask):
        nothing = ~mask.any(1)
        y, pool_backward = self._pool(np.where(mask[:, :, None], x, x.dtype.type(-np.inf)))
        y[nothing] = 0

        def backward(dy):
            dy[nothing] = 0
            return pool_backward(dy)

        return y, backward


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of every channel of an image: (N, H, W, C) -> (N, C), or (N, 1, 1, C) with `keepdims`."""

    axes = "N, H, W, C"

    def _pool(self, x):
        shape = x.shape
        return global_average_pool2d_forward(x), lambda dy: global_average_pool2d_backward(dy, input_shape=shape)


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest value of every channel of an image: (N, H, W, C) -> (N, C), or (N, 1, 1, C) with `keepdims`."""

    axes = "N, H, W, C"

    def _pool(self, x):
        shape = x.shape
        y, argmax = global_max_pool2d_forward(x)
        return y, lambda dy: global_max_pool2d_backward(dy, argmax, input_shape=shape)
