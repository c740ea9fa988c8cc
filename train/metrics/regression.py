"""Metrics of numbers: y, t (N, ...) of one shape; sums in float64."""

import math

import numpy as np

from ...kernels import _check as check
from .accuracy import expect_no_labels
from .base import Mean, Metric, Moments, alike, pair, weights


class SquaredError(Mean):
    """Mean of (y - t)^2."""

    direction = "min"

    def __init__(self, name="mse"):
        super().__init__(name)

    def prepare(self, loss, output_shape):
        expect_no_labels(self.name, loss)

    def values(self, y, t):
        return np.square(_distance(self, y, t)), None


class RootMeanSquaredError(SquaredError):
    """Square root of the mean of (y - t)^2.

    >>> error = RootMeanSquaredError()
    >>> error.update([1, 2], [1, 4], sample_weight=[1, 3])
    >>> error.result() == 3**0.5
    True
    """

    def __init__(self, name="rmse"):
        super().__init__(name)

    def result(self):
        return math.sqrt(super().result())


class AbsoluteError(Mean):
    """Mean of |y - t|."""

    direction = "min"

    def __init__(self, name="mae"):
        super().__init__(name)

    def prepare(self, loss, output_shape):
        expect_no_labels(self.name, loss)

    def values(self, y, t):
        return np.abs(_distance(self, y, t)), None


class R2Score(Metric):
    """Share of the targets' variance that the outputs explain: 1 - sum (y - t)^2 / sum (t - mean t)^2 by column.

    average  "uniform" means the columns' scores, "variance_weighted" by their variance, as in scikit-learn

    A column of equal targets scores 1 where the outputs are right, else 0; NaN for less than two samples.
    """

    direction = "max"

    def __init__(self, average="uniform", name="r2"):
        check.choice("R2Score", "average", average, ("uniform", "variance_weighted"))
        self.average = average
        super().__init__(name)

    def prepare(self, loss, output_shape):
        expect_no_labels(self.name, loss)

    def reset(self):
        self._targets, self._squares, self._samples = Moments(), 0.0, 0

    def update(self, y, t, sample_weight=None):
        op = type(self).__name__
        y, t = pair(op, y, t)
        squares = np.square(_distance(self, y, t))
        w = weights(op, sample_weight, (len(y),))
        if not len(y):
            return
        squares, t = squares.reshape(len(y), -1), t.reshape(len(y), -1)
        self._targets.add(t, w)
        self._squares = self._squares + (squares.sum(0) if w is None else w @ squares)
        self._samples += len(y)

    def result(self):
        spread = self._targets.squares
        if self._samples < 2 or not self._targets.weight:
            return float("nan")
        scores = 1 - self._squares / np.where(spread > 0, spread, 1)
        scores = np.where(spread > 0, scores, np.where(self._squares > 0, 0.0, 1.0))
        if self.average == "variance_weighted" and spread.sum() > 0:
            return float(scores @ spread / spread.sum())
        return float(scores.mean())


def _distance(metric, y, t):
    t = alike(type(metric).__name__, y, t)
    return np.subtract(y, t, dtype=np.float64)
