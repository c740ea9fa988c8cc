"""What all metrics share: pieces of samples checked on their way in, weighted means, weighted moments.

y outputs (N, ...) or (N, ..., C)    t targets, numbers of the outputs' shape or labels (N, ...)    w weights (N, ...)
"""

import numpy as np

from ...kernels import _check as check
from ...layers._device import to_host
from ...layers._door import as_array
from ...layers._layer import config
from ...layers._own import name_arguments
from ..weights import sample_weights, spread


class Metric:
    """Base of all metrics: `prepare` once, then `reset`, `update` any number of times, `result`.

    The result is that of all samples since `reset`, however they were cut into pieces. `direction` says what callbacks
    take for better: "max" for a score, "min" for an error.
    """

    scalar = True  # whether the result is one number, which `compile` wants
    by_batch = False  # whether it has to see batches one by one, as they come
    direction = None  # "max" where a larger result is better, "min" where a smaller one is, None where nobody knows

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        name_arguments(cls)

    def __init__(self, name):
        self.name = name
        self.reset()

    def prepare(self, loss, output_shape):
        """Take note of the loss and the shape of the outputs; ValueError if the metric says nothing about them."""

    def reset(self):
        """Forget all samples."""
        raise NotImplementedError

    def update(self, y, t, sample_weight=None):
        """Count these samples in: outputs, targets, and a weight for each or for each of their places."""
        raise NotImplementedError

    def result(self):
        """The metric as a float; NaN where it is not defined."""
        raise NotImplementedError

    def config(self):
        """The constructor's arguments."""
        return config(self)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.config().items())})"


class Mean(Metric):
    """A mean of `values(y, t)`, weighted; `values` may also return a third of what counts at all, as booleans."""

    def reset(self):
        self._sum, self._weight = 0.0, 0.0

    def update(self, y, t, sample_weight=None):
        op = type(self).__name__
        y, t = pair(op, y, t)
        values, counts = self.values(y, t)
        w = weights(op, sample_weight, values.shape)
        if counts is not None:
            values, w = values[counts], None if w is None else w[counts]
        if w is None:
            self._sum += float(values.sum(dtype=np.float64))
            self._weight += values.size
        else:
            self._sum += float(np.dot(values.reshape(-1).astype(np.float64), w.reshape(-1)))
            self._weight += float(w.sum())

    def result(self):
        return self._sum / self._weight if self._weight else float("nan")


class Moments:
    """Count, mean and sum of squared distances from the mean of each column, weighted, over pieces of rows.

    Pieces are merged by the formula of Chan, Golub, LeVeque (1979), which loses no digits to a large mean.
    """

    def __init__(self):
        self.weight, self.mean, self.squares = 0.0, 0.0, 0.0

    def add(self, rows, w=None):
        """Count in rows (N, D) with weights (N,)."""
        rows = np.asarray(rows, np.float64)
        weight = float(len(rows) if w is None else w.sum())
        if not weight:
            return
        mean = rows.mean(0) if w is None else w @ rows / weight
        squares = np.square(rows - mean)
        squares = squares.sum(0) if w is None else w @ squares
        total = self.weight + weight
        step = mean - self.mean
        self.squares = self.squares + squares + np.square(step) * (self.weight * weight / total)
        self.mean = self.mean + step * (weight / total)
        self.weight = total


def pair(op, y, t):
    """Outputs and targets as arrays of one length; ValueError otherwise."""
    y, t = as_array(op, "y", to_host(y)), as_array(op, "target", to_host(t))
    if y.ndim == 0 or t.ndim == 0 or len(y) != len(t):
        raise ValueError(f"{op}: y has shape {y.shape} and t has shape {t.shape}, expected as many samples")
    return y, t


def alike(op, y, t):
    """Targets in the outputs' shape; (N,) and (N, 1) are one another's."""
    if t.shape == y.shape:
        return t
    if t.size == y.size and (*t.shape, 1) == y.shape or t.shape == (*y.shape, 1):
        return t.reshape(y.shape)
    raise ValueError(f"{op}: t has shape {t.shape}, expected {y.shape}, the shape of y")


def expect_outputs_first(op, y, t):
    """Outputs and targets of two classes are not taken for one another, as whoever comes from Keras may do."""
    if len(y) and ((y == 0) | (y == 1)).all() and not ((t == 0) | (t == 1)).all():
        raise ValueError(
            f"{op}: y holds nothing but 0 and 1, and t holds {t[(t != 0) & (t != 1)][0]}; the outputs come first, "
            f"update(y, t), then the targets"
        )


def weights(op, given, shape):
    """Weights in float64, spread over the last axes of `shape`; None where none are given."""
    if given is None:
        return None
    return spread(op, "sample_weight", sample_weights(op, "sample_weight", given, shape[0]), shape)


def labels(op, y, t):
    """(the class of the largest column, the true class), each (N, ...); t are labels or one-hot rows."""
    if y.ndim < 2 or y.shape[-1] < 2:
        raise ValueError(f"{op}: y has shape {y.shape}, expected (N, C) with a column for each of at least 2 classes")
    return y.argmax(-1), true_labels(op, y, t)


def true_labels(op, y, t):
    """Labels (N, ...) from labels or one-hot rows, for outputs y (N, ..., C)."""
    if t.shape == y.shape:
        return t.argmax(-1)
    if t.shape == (*y.shape[:-1], 1):
        t = t[..., 0]
    if t.shape != y.shape[:-1]:
        raise ValueError(f"{op}: t has shape {t.shape}, expected {y.shape[:-1]} of labels or {y.shape} of one-hot rows")
    return t


def known(t, ignore_class):
    """Which labels count: those that are not the ignored one; None where all do."""
    return None if ignore_class is None else t != ignore_class


def ignored(op, ignore_class):
    """An `ignore_class` argument, checked."""
    if ignore_class is not None:
        check.whole(op, "ignore_class", ignore_class, -(1 << 62))
    return ignore_class
