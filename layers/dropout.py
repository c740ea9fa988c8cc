"""Dropout of elements and of channels, and noise, over kernels/dropout: all of it in training alone.

What is random is a function of the seed, of how often the layer was called, and of the position. Without a `seed` one
is drawn when the layer is built.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels import _varying
from ..kernels.dropout import (
    dropout_backward,
    dropout_forward,
    gaussian_noise_backward,
    gaussian_noise_forward,
    spatial_dropout_backward,
    spatial_dropout_forward,
)
from ._layer import Layer, expect_axes
from ._random import draw_seed
from ._tape import Tensor, record


class _Random(Layer):
    """Counts its calls and keeps the seed; identity in evaluation and where `share` names an attribute that is 0."""

    share = "rate"

    def _keep(self, share, seed):
        op = type(self).__name__
        if self.share == "rate":
            _check_rate(op, share)
        else:
            check.number(op, self.share, share, 0)
        if seed is not None:
            check.whole(op, "seed", seed)
        setattr(self, self.share, float(share))
        self.seed = seed
        self._steps = 0

    def build(self, input_shape, source=None):
        if not self.built:
            self._seed = draw_seed() if self.seed is None else int(self.seed)
        super().build(input_shape, source)

    def _step(self, x):
        """The number of this call for the array x, one that varies where it is recorded."""
        if x.__class__ is np.ndarray and (_varying.recording is None or _varying.here() is None):
            return self._next_step()
        return _varying.varying(self._next_step)

    def _next_step(self):
        self._steps += 1
        return self._steps - 1


class Dropout(_Random):
    """In training, zero a share `rate` of the elements and scale the others by 1 / (1 - rate): (...) -> (...)."""

    def __init__(self, rate, seed=None, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self._keep(rate, seed)

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x, lambda dy: dy
        return _dropout(x, rate=self.rate, seed=self._seed, step=self._step(x))


class _SpatialDropout(_Random):
    def __init__(self, rate, seed=None, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self._keep(rate, seed)

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, self.axes)
        return {}

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x, lambda dy: dy
        options = {"rate": self.rate, "seed": self._seed, "step": self._step(x)}
        return spatial_dropout_forward(x, **options), lambda dy: spatial_dropout_backward(dy, **options)


class SpatialDropout1D(_SpatialDropout):
    """`Dropout` of whole channels of a sequence: (N, T, C) -> (N, T, C). Tompson et al. 2015, arXiv:1411.4280."""

    axes = "N, T, C"


class SpatialDropout2D(_SpatialDropout):
    """`Dropout` of whole channels of an image: (N, H, W, C) -> (N, H, W, C). Tompson et al. 2015, arXiv:1411.4280."""

    axes = "N, H, W, C"


class GaussianNoise(_Random):
    """In training, add noise of mean 0 and standard deviation `stddev`: (...) -> (...)."""

    share = "stddev"

    def __init__(self, stddev, seed=None, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self._keep(stddev, seed)

    def forward(self, x):
        if not self.training or self.stddev == 0:
            return x, lambda dy: dy
        y = gaussian_noise_forward(x, stddev=self.stddev, seed=self._seed, step=self._step(x))
        return y, lambda dy: gaussian_noise_backward(dy)


def dropout(x, rate=0.5, training=True, seed=None):
    """`Dropout` of a tensor as a function; without a `seed` every call draws one."""
    _check_rate("dropout", rate)
    x = x if isinstance(x, Tensor) else Tensor(x)
    if not training or rate == 0:
        return x
    y, backward = _dropout(x.value, rate=float(rate), seed=draw_seed() if seed is None else seed, step=0)
    return record(y, backward, x)


def _dropout(x, **options):
    return dropout_forward(x, **options), lambda dy: dropout_backward(dy, **options)


def _check_rate(op, rate):
    check.number(op, "rate", rate, 0, 1)
    if rate == 1:
        raise ValueError(f"{op}: rate is 1, expected less, because nothing would be left")
