"""Dropout, over kernels/dropout."""

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import varying
from ..kernels.dropout import dropout_backward, dropout_forward
from ._layer import Layer
from ._random import draw_seed
from ._tape import Tensor, record


class Dropout(Layer):
    """In training, zero a share `rate` of the elements and scale the others by 1 / (1 - rate): (...) -> (...).

    The mask is a function of the seed, of how often the layer was called, and of the position. Without a `seed` one
    is drawn when the layer is built. Identity in evaluation.
    """

    def __init__(self, rate, seed=None, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        _check_rate("Dropout", rate)
        if seed is not None:
            check.whole("Dropout", "seed", seed)
        self.rate, self.seed = float(rate), seed
        self._steps = 0

    def build(self, input_shape, source=None):
        self._seed = draw_seed() if self.seed is None else int(self.seed)
        super().build(input_shape, source)

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x, lambda dy: dy
        step = self._next_step() if x.__class__ is np.ndarray else varying(self._next_step)
        return _dropout(x, rate=self.rate, seed=self._seed, step=step)

    def _next_step(self):
        self._steps += 1
        return self._steps - 1


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
