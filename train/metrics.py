"""Metrics: streaming, fed with outputs and converted targets, exact over all samples fed since `reset`.

y, t (N, ...) of one shape, t numbers; or y (N, ..., C) and t (N, ...) labels, as the loss takes them.
"""

import numpy as np

from ..kernels import _check as check
from ..layers._layer import config
from .losses import BinaryCrossentropy, SparseCategoricalCrossentropy


class Metric:
    """Base of all metrics: `prepare` once, then `reset`, `update` any number of times, `result`."""

    def __init__(self, name):
        self.name = name
        self.reset()

    def prepare(self, loss, output_shape):
        """Take note of the loss and the shape of the outputs; ValueError if the metric says nothing about them."""

    def reset(self):
        """Forget all samples."""
        raise NotImplementedError

    def update(self, y, t):
        """Count these samples in."""
        raise NotImplementedError

    def result(self):
        """The metric as a float; NaN where it is not defined."""
        raise NotImplementedError

    def config(self):
        """The constructor's arguments."""
        return config(self)


class _Mean(Metric):
    """A mean of `values(y, t)` over all elements."""

    def reset(self):
        self._sum, self._count = 0.0, 0

    def update(self, y, t):
        values = self.values(y, t)
        self._sum += float(values.sum(dtype=np.float64))
        self._count += values.size

    def result(self):
        return self._sum / self._count if self._count else float("nan")


class Accuracy(_Mean):
    """Share of right answers.

    One column, or a binary cross-entropy: y above the threshold (0.5, for logits 0) counts as class 1. More columns:
    the largest one is the answer; targets are labels or one-hot.
    """

    def __init__(self, name="accuracy"):
        super().__init__(name)
        self._threshold = 0.5

    def prepare(self, loss, output_shape):
        binary = isinstance(loss, BinaryCrossentropy) or output_shape[-1] == 1
        self._threshold = _threshold(loss) if binary else None

    def values(self, y, t):
        if self._threshold is not None:
            return (y > self._threshold) == (t > 0.5)
        return y.argmax(-1) == (t.argmax(-1) if t.ndim == y.ndim else t)


class SquaredError(_Mean):
    """Mean of (y - t)^2."""

    def __init__(self, name="mse"):
        super().__init__(name)

    def prepare(self, loss, output_shape):
        _expect_numbers(self.name, loss)

    def values(self, y, t):
        return np.square(y - t)


class AbsoluteError(_Mean):
    """Mean of |y - t|."""

    def __init__(self, name="mae"):
        super().__init__(name)

    def prepare(self, loss, output_shape):
        _expect_numbers(self.name, loss)

    def values(self, y, t):
        return np.abs(y - t)


class _Counts(Metric):
    """What can be said from the counts of true and false, positives and negatives."""

    def __init__(self, threshold, name):
        super().__init__(name)
        if threshold is not None:
            check.number(type(self).__name__, "threshold", threshold)
        self.threshold = threshold
        self._cut = 0.5 if threshold is None else threshold

    def prepare(self, loss, output_shape):
        _expect_binary(self.name, loss, output_shape)
        self._cut = _threshold(loss) if self.threshold is None else self.threshold

    def reset(self):
        self._true = self._said = self._real = 0

    def update(self, y, t):
        said, real = y > self._cut, t > 0.5
        self._true += int(np.count_nonzero(said & real))
        self._said += int(np.count_nonzero(said))
        self._real += int(np.count_nonzero(real))


class Precision(_Counts):
    """Share of true positives in what was called positive; 0 if nothing was."""

    def __init__(self, threshold=None, name="precision"):
        super().__init__(threshold, name)

    def result(self):
        return self._true / self._said if self._said else 0.0


class Recall(_Counts):
    """Share of true positives in what is positive; 0 if nothing is."""

    def __init__(self, threshold=None, name="recall"):
        super().__init__(threshold, name)

    def result(self):
        return self._true / self._real if self._real else 0.0


class F1Score(_Counts):
    """Harmonic mean of precision and recall; 0 if there are no positives at all."""

    def __init__(self, threshold=None, name="f1"):
        super().__init__(threshold, name)

    def result(self):
        total = self._said + self._real
        return 2 * self._true / total if total else 0.0


class AUC(Metric):
    """Area under the ROC curve, exact: the chance that a positive scores above a negative, ties count half.

    From rank sums (Mann, Whitney 1947). Keeps all scores. NaN if there is one class only.
    """

    def __init__(self, name="auc"):
        super().__init__(name)

    def prepare(self, loss, output_shape):
        _expect_binary(self.name, loss, output_shape)

    def reset(self):
        self._scores, self._labels = [], []

    def update(self, y, t):
        self._scores.append(y.reshape(-1).copy())
        self._labels.append(t.reshape(-1) > 0.5)

    def result(self):
        if not self._scores:
            return float("nan")
        scores, positive = np.concatenate(self._scores), np.concatenate(self._labels)
        positives = int(np.count_nonzero(positive))
        pairs = positives * (len(scores) - positives)
        if not pairs or np.isnan(scores).any():
            return float("nan")
        _, level, count = np.unique(scores, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(count) - (count - 1) / 2)[level]  # from 1; ties share the mean of theirs
        return float((ranks[positive].sum() - positives * (positives + 1) / 2) / pairs)


METRICS = {
    "accuracy": Accuracy,
    "acc": Accuracy,
    "precision": Precision,
    "recall": Recall,
    "f1": F1Score,
    "auc": AUC,
    "mse": SquaredError,
    "mean_squared_error": SquaredError,
    "mae": AbsoluteError,
    "mean_absolute_error": AbsoluteError,
}


def get_metrics(metrics):
    """A list of metrics from names and metrics; their names are keys of the history, so no name comes twice."""
    if isinstance(metrics, (str, Metric)):
        raise TypeError(f"compile: metrics is {metrics!r}, expected a list such as ['accuracy']")
    made = []
    for metric in metrics or ():
        if isinstance(metric, type) and issubclass(metric, Metric):
            metric = metric()
        if not isinstance(metric, Metric):
            check.choice("compile", "metrics", metric, tuple(METRICS))
            metric = METRICS[metric](name=metric)
        if metric.name in [m.name for m in made] + ["loss"]:
            raise ValueError(f"compile: two metrics are named {metric.name!r}; give one of them another name=")
        made.append(metric)
    return made


def _threshold(loss):
    return 0.0 if loss.from_logits else 0.5


def _expect_numbers(name, loss):
    if isinstance(loss, SparseCategoricalCrossentropy):
        raise ValueError(
            f"compile: the metric {name!r} compares numbers, but the targets of "
            f"sparse_categorical_crossentropy are labels; use 'accuracy'"
        )


def _expect_binary(name, loss, output_shape):
    if isinstance(loss, SparseCategoricalCrossentropy) or output_shape[-1] != 1:
        raise ValueError(
            f"compile: the metric {name!r} is for two classes and one column of output, but the model's "
            f"output has the shape (N, {', '.join(map(str, output_shape[1:]))}); use 'accuracy'"
        )
