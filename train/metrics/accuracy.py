"""Accuracies: shares of right answers.

y (N, ..., C) scores of classes, or (N, ...) scores of two    t labels (N, ...) or one-hot rows (N, ..., C)
"""

import numpy as np

from ...kernels import _check as check
from ..advice import caution
from ..losses import BinaryCrossentropy, Hinge, SparseCategoricalCrossentropy
from .base import Mean, alike, ignored, known, labels, true_labels


class Accuracy(Mean):
    """Share of right answers, of the kind that loss and shapes say.

    One column, or a binary cross-entropy: y above the threshold (0.5, for logits 0) counts as class 1. More columns:
    the largest one is the answer, the first of several; targets are labels or one-hot. Labels that the loss ignores
    are not counted.

    >>> accuracy = Accuracy()
    >>> accuracy.update([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    >>> accuracy.result()
    0.5
    """

    direction = "max"

    def __init__(self, name="accuracy"):
        super().__init__(name)
        self._binary, self._cut, self._ignore, self._doubted = None, 0.5, None, False

    def prepare(self, loss, output_shape):
        self._binary = isinstance(loss, BinaryCrossentropy) or output_shape[-1] == 1
        self._cut = cut(loss)
        self._ignore = getattr(loss, "ignore_class", None)

    def values(self, y, t):
        binary = self._binary
        if binary is None:  # used by itself
            binary = y.ndim < 2 or y.shape[-1] == 1
        if binary:
            self._look_at(t)
            return _binary(self, y, t, self._cut)
        said, real = labels("Accuracy", y, t)
        return said == real, known(real, self._ignore)

    def _look_at(self, t):
        if not self._doubted and t.size and (t.max() > 1 or t.min() < -1):
            self._doubted = True
            caution(
                f"{self.name}: targets go from {t.min():.3g} to {t.max():.3g}, and answers are right for two "
                f"classes, 0 and 1; for a regression take 'mae', 'rmse' or 'r2'"
            )


class BinaryAccuracy(Mean):
    """Share of elements on the right side: y (N, ...) above `threshold` is class 1, t (N, ...) is 0 or 1.

    Without a threshold it is 0.5, and 0 where the loss is on logits.
    """

    direction = "max"

    def __init__(self, threshold=None, name="binary_accuracy"):
        super().__init__(name)
        if threshold is not None:
            check.number("BinaryAccuracy", "threshold", threshold)
        self.threshold = threshold
        self._cut = 0.5 if threshold is None else threshold

    def prepare(self, loss, output_shape):
        expect_no_labels(self.name, loss)
        if self.threshold is None:
            self._cut = cut(loss)

    def values(self, y, t):
        return _binary(self, y, t, self._cut)


class CategoricalAccuracy(Mean):
    """Share of rows of y (N, ..., C) whose largest column is that of t (N, ..., C), one-hot."""

    direction = "max"

    def __init__(self, name="categorical_accuracy"):
        super().__init__(name)

    def prepare(self, loss, output_shape):
        expect_classes(self.name, output_shape)
        expect_no_labels(self.name, loss)

    def values(self, y, t):
        _expect_one_hot(self, y, t)
        said, real = labels(type(self).__name__, y, t)
        return said == real, None


class SparseCategoricalAccuracy(Mean):
    """Share of rows of y (N, ..., C) whose largest column is t (N, ...), a label; `ignore_class` is not counted.

    Without an ignore_class it is that of the loss.
    """

    direction = "max"

    def __init__(self, ignore_class=None, name="sparse_categorical_accuracy"):
        super().__init__(name)
        self.ignore_class = self._ignore = ignored(type(self).__name__, ignore_class)

    def prepare(self, loss, output_shape):
        expect_classes(self.name, output_shape)
        expect_labels(self.name, loss)
        if self.ignore_class is None:
            self._ignore = getattr(loss, "ignore_class", None)

    def values(self, y, t):
        _expect_labels_of(self, y, t)
        said, real = labels(type(self).__name__, y, t)
        return said == real, known(real, self._ignore)


class TopKCategoricalAccuracy(CategoricalAccuracy):
    """Share of rows of y (N, ..., C) in which the class of t (N, ..., C), one-hot, is among the k largest columns.

    Of equal columns the first is the larger one, so that k=1 is CategoricalAccuracy.
    """

    def __init__(self, k=5, name="top_k_categorical_accuracy"):
        super().__init__(name)
        check.whole(type(self).__name__, "k", k, 1)
        self.k = int(k)

    def values(self, y, t):
        _expect_one_hot(self, y, t)
        real = true_labels(type(self).__name__, y, t)
        return _among_largest(y, real, self.k), None


class SparseTopKCategoricalAccuracy(SparseCategoricalAccuracy):
    """Share of rows of y (N, ..., C) in which t (N, ...), a label, is among the k largest columns.

    Of equal columns the first is the larger one; `ignore_class` as in SparseCategoricalAccuracy.

    >>> top = SparseTopKCategoricalAccuracy(k=2)
    >>> top.update([[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]], [1, 0])
    >>> top.result()
    0.5
    """

    def __init__(self, k=5, ignore_class=None, name="sparse_top_k_categorical_accuracy"):
        super().__init__(ignore_class, name)
        check.whole(type(self).__name__, "k", k, 1)
        self.k = int(k)

    def values(self, y, t):
        _expect_labels_of(self, y, t)
        real = true_labels(type(self).__name__, y, t)
        counts = known(real, self._ignore)
        real = real if counts is None else np.where(counts, real, 0)
        return _among_largest(y, real, self.k), counts


def cut(loss):
    """The score between two classes: 0.5, for logits and margins 0."""
    return 0.0 if loss.from_logits or isinstance(loss, Hinge) else 0.5


def expect_no_labels(name, loss):
    """The metric compares numbers, so that the targets are no labels."""
    if isinstance(loss, SparseCategoricalCrossentropy):
        raise ValueError(
            f"compile: the metric {name!r} compares numbers, but the targets of "
            f"sparse_categorical_crossentropy are labels; use 'accuracy'"
        )


def expect_labels(name, loss):
    """The metric compares labels."""
    if not isinstance(loss, SparseCategoricalCrossentropy):
        raise ValueError(
            f"compile: the metric {name!r} takes labels, but only the targets of sparse_categorical_crossentropy are "
            f"such; use 'accuracy'"
        )


def expect_classes(name, output_shape):
    """The outputs have a column for each class."""
    if output_shape[-1] < 2:
        raise ValueError(
            f"compile: the metric {name!r} wants a column of output for each class, but the model's output has the "
            f"shape (N, {', '.join(map(str, output_shape[1:]))}); use 'accuracy'"
        )


def _binary(metric, y, t, threshold):
    t = alike(type(metric).__name__, y, t)
    return (y > threshold) == (t > 0.5), None


def _among_largest(y, real, k):
    real = real.astype(np.int64)[..., None]
    score = np.take_along_axis(y, real, -1)
    above = (y > score) | ((y == score) & (np.arange(y.shape[-1]) < real))
    return (np.count_nonzero(above, -1) < k) & ~np.isnan(y).any(-1)


def _expect_one_hot(metric, y, t):
    if t.shape != y.shape:
        name = type(metric).__name__
        raise ValueError(
            f"{name}: t has shape {t.shape}, expected {y.shape}, one-hot rows as y; for labels use Sparse{name}"
        )


def _expect_labels_of(metric, y, t):
    name = type(metric).__name__
    if t.shape == y.shape:
        raise ValueError(
            f"{name}: t has shape {t.shape}, expected {y.shape[:-1]}, a label for every row; for one-hot rows use "
            f"{name.removeprefix('Sparse')}"
        )
    real = true_labels(name, y, t)
    counted = real if metric._ignore is None else real[real != metric._ignore]
    if counted.size and not (counted.min() >= 0 and counted.max() < y.shape[-1]):
        bad = counted[~((counted >= 0) & (counted < y.shape[-1]))][0]
        raise ValueError(f"{name}: t holds the label {bad}, expected 0 to {y.shape[-1] - 1} because y is {y.shape}")
