"""Penalties on weights, by name or as objects: l1 sum |w| + l2 sum w^2, added to the loss.

A layer's argument such as `kernel_regularizer=L2(1e-4)` is kept by the parameter, in `regularizer`; whoever trains adds
`regularizer(parameter)` to the loss.
"""

import numpy as np

from ..kernels import _check as check
from ._settings import Settings
from ._tape import Tensor, record


class Regularizer(Settings):
    """Base of all. `l1` and `l2` are the factors of sum |w| and sum w^2.

    >>> L2(0.5)(Tensor([1.0, 2.0])).item()
    2.5
    """

    l1 = l2 = 0.0

    def __call__(self, w):
        """The penalty on a tensor or an array, as a scalar tensor; sums are float64."""
        w = w if isinstance(w, Tensor) else Tensor(w)
        value = w.value
        penalty = self.l1 * np.abs(value).sum(dtype=np.float64) + self.l2 * np.square(value).sum(dtype=np.float64)
        return record(np.asarray(penalty, value.dtype), lambda dy: self.gradient(value) * dy, w)

    def gradient(self, value):
        """d penalty / d w of an array w, fresh: l1 sign(w) + 2 l2 w."""
        if not self.l1:
            return value * value.dtype.type(2 * self.l2)
        gradient = np.sign(value)
        gradient *= self.l1
        if self.l2:
            gradient += value * value.dtype.type(2 * self.l2)
        return gradient

    def _keep(self, **factors):
        for name, factor in factors.items():
            check.number(type(self).__name__, name, factor, 0)
            setattr(self, name, float(factor))


class L1(Regularizer):
    """l1 sum |w|, which makes weights 0 that do not help."""

    def __init__(self, l1=0.01):
        self._keep(l1=l1)


class L2(Regularizer):
    """l2 sum w^2, which keeps weights small."""

    def __init__(self, l2=0.01):
        self._keep(l2=l2)


class L1L2(Regularizer):
    """l1 sum |w| + l2 sum w^2."""

    def __init__(self, l1=0.0, l2=0.0):
        self._keep(l1=l1, l2=l2)


def get_regularizer(op, argument, regularizer):
    """None or a regularizer, of which "l1" and "l2" name those with Keras's factor, 0.01."""
    if regularizer is None or isinstance(regularizer, Regularizer):
        return regularizer
    if not isinstance(regularizer, str):
        hint = f"; write {regularizer.__name__}(), an object of it" if isinstance(regularizer, type) else ""
        raise TypeError(f"{op}: {argument} is {regularizer!r}, expected None, a name or a regularizer{hint}")
    check.choice(op, argument, regularizer, tuple(REGULARIZERS))
    return REGULARIZERS[regularizer]


REGULARIZERS = {"l1": L1(), "l2": L2()}
