"""Metrics from counts of what was said and what is true: precision, recall, F1, the confusion matrix.

y (N, ...) scores of two classes, or (N, ..., C) of C classes    t labels, one-hot rows, or 0 and 1 (N, ..., C)
"""

import numpy as np

from ...kernels import _check as check
from ..losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from .accuracy import cut
from .base import Metric, alike, expect_outputs_first, ignored, known, labels, pair, weights

AVERAGES = (None, "macro", "micro", "weighted")


class _Counts(Metric):
    """What can be said from the counts of true and false, positives and negatives, of each class."""

    direction = "max"

    def __init__(self, threshold, average, name):
        op = type(self).__name__
        if threshold is not None:
            check.number(op, "threshold", threshold)
        check.choice(op, "average", average, AVERAGES)
        self.threshold, self.average = threshold, average
        self._cut = 0.5 if threshold is None else threshold
        self._questions = threshold is not None
        self._ignore, self._prepared = None, False
        super().__init__(name)

    def prepare(self, loss, output_shape):
        if self.average is None:
            expect_binary(self.name, loss, output_shape, f"{type(self).__name__}(average='macro') or 'accuracy'")
        self._prepared = True
        self._cut = cut(loss) if self.threshold is None else self.threshold
        self._questions = isinstance(loss, BinaryCrossentropy)
        self._ignore = getattr(loss, "ignore_class", None)

    def reset(self):
        self._true = self._said = self._real = np.zeros(1)

    def update(self, y, t, sample_weight=None):
        op = type(self).__name__
        y, t = pair(op, y, t)
        if self.average is None or y.ndim < 2 or y.shape[-1] == 1:
            if y.ndim > 1 and y.shape[-1] > 1:
                raise ValueError(
                    f"{op}: y has shape {y.shape}, expected one column; for several classes say how their scores "
                    f"become one: {op}(average='macro')"
                )
            t = alike(op, y, t)
            if not self._prepared:
                expect_outputs_first(op, y, t)
            self._count_questions(op, y.reshape(-1, 1), t.reshape(-1, 1), sample_weight, y.shape)
        elif self._questions:
            columns = y.shape[-1]
            t = alike(op, y, t).reshape(-1, columns)
            self._count_questions(op, y.reshape(-1, columns), t, sample_weight, y.shape[:-1])
        else:
            self._count_answers(op, y, t, sample_weight)

    def _count_questions(self, op, y, t, sample_weight, shape):
        said, real = y > self._cut, t > 0.5
        w = weights(op, sample_weight, shape)
        w = np.ones(len(y)) if w is None else w.reshape(-1)
        if self.average is not None and y.shape[1] == 1:  # no and yes are two classes
            said, real = np.hstack([~said, said]), np.hstack([~real, real])
        self._add(w @ (said & real), w @ said, w @ real)

    def _count_answers(self, op, y, t, sample_weight):
        said, real, w = answers(op, y, t, sample_weight, self._ignore)
        columns = y.shape[-1]
        right = said == real
        self._add(
            np.bincount(real[right], w[right], columns),
            np.bincount(said, w, columns),
            np.bincount(real, w, columns),
        )

    def _add(self, true, said, real):
        if len(self._said) not in (1, len(said)):
            raise ValueError(
                f"{type(self).__name__}: y has {len(said)} columns, expected {len(self._said)} as before; call reset()"
            )
        self._true, self._said, self._real = self._true + true, self._said + said, self._real + real

    def result(self):
        """The score as a float; 0 where there is nothing to divide by."""
        if self.average is None or self.average == "micro":
            return float(self.score(self._true.sum(), self._said.sum(), self._real.sum()))
        scores = self.score(self._true, self._said, self._real)
        if self.average == "weighted":
            return float(_share((scores * self._real).sum(), self._real.sum()))
        present = (self._said > 0) | (self._real > 0)
        return float(_share(scores[present].sum(), np.count_nonzero(present)))


class Precision(_Counts):
    """Share of true positives in what was called positive; 0 if nothing was. Arguments: see F1Score."""

    def __init__(self, threshold=None, average=None, name="precision"):
        super().__init__(threshold, average, name)

    def score(self, true, said, real):
        return _share(true, said)


class Recall(_Counts):
    """Share of true positives in what is positive; 0 if nothing is. Arguments: see F1Score."""

    def __init__(self, threshold=None, average=None, name="recall"):
        super().__init__(threshold, average, name)

    def score(self, true, said, real):
        return _share(true, real)


class F1Score(_Counts):
    """Harmonic mean of precision and recall; 0 if there are no positives at all.

    threshold  the score above which class 1 is said; without it 0.5, or 0 where the loss is on logits
    average    None for two classes and one column. For several, how their scores become one: "macro" the mean of the
               classes that are said or true, "weighted" the same weighted by how often they are true, "micro" the score
               of all answers together. With a binary cross-entropy (or a threshold) the columns are questions of
               yes and no each, otherwise the largest one is the answer.

    >>> f1 = F1Score(average="micro")
    >>> f1.update([[0.2, 0.7, 0.1], [0.1, 0.3, 0.6]], [1, 2])
    >>> f1.result()
    1.0
    """

    def __init__(self, threshold=None, average=None, name="f1"):
        super().__init__(threshold, average, name)

    def score(self, true, said, real):
        return _share(2 * true, said + real)


class ConfusionMatrix(Metric):
    """How often class i (row) was called class j (column): (C, C), integers unless there are weights.

    num_classes   as many rows; without it, as many as there are columns of output, or 2
    normalize     None, or "true", "pred" or "all": shares of a row, of a column, or of everything
    ignore_class  a label that is not counted

    `compile` takes no matrix: feed it with `matrix.update(model.predict(x), y)`. Answers may be labels, integers (N,).

    >>> matrix = ConfusionMatrix()
    >>> matrix.update([0, 1, 1], [0, 1, 0])
    >>> matrix.result().tolist()
    [[1, 1], [0, 1]]
    """

    scalar = False

    def __init__(self, num_classes=None, threshold=0.5, normalize=None, ignore_class=None, name="confusion_matrix"):
        op = type(self).__name__
        if num_classes is not None:
            check.whole(op, "num_classes", num_classes, 1)
        check.number(op, "threshold", threshold)
        check.choice(op, "normalize", normalize, (None, "true", "pred", "all"))
        self.num_classes, self.threshold, self.normalize = num_classes, threshold, normalize
        self.ignore_class = ignored(op, ignore_class)
        super().__init__(name)

    def reset(self):
        self._matrix = np.zeros((self.num_classes or 0,) * 2)
        self._weighted = False

    def update(self, y, t, sample_weight=None):
        op = type(self).__name__
        y, t = pair(op, y, t)
        if y.dtype.kind in "iu":  # answers
            columns, t = None, alike(op, y, t)
        elif y.ndim < 2 or y.shape[-1] == 1:
            columns, t = 2, alike(op, y, t)
            y = y > self.threshold
        else:
            columns = y.shape[-1]
        said, real, w = answers(op, y, t, sample_weight, self.ignore_class, columns if y.dtype.kind == "f" else None)
        self._weighted |= sample_weight is not None
        size = max(columns or 0, len(self._matrix), *(int(x.max()) + 1 for x in (said, real) if x.size), 0)
        if self.num_classes is not None and size > self.num_classes:
            raise ValueError(f"{op}: there is a class {size - 1}, expected 0 to {self.num_classes - 1}, of num_classes")
        grown = (
            np.bincount(real * size + said, w, size * size).astype(np.float64).reshape(size, size)
        )  # of nothing: int
        grown[: len(self._matrix), : len(self._matrix)] += self._matrix
        self._matrix = grown

    def result(self):
        """The matrix (C, C)."""
        if self.normalize is None:
            return self._matrix.copy() if self._weighted else self._matrix.astype(np.int64)
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        return _share(self._matrix, self._matrix.sum(axis, keepdims=True))


def answers(op, y, t, sample_weight, ignore_class, columns=True):
    """(said, real, weight), each flat and counted: from scores y (N, ..., C), or from answers where columns is None."""
    if columns is None:
        said, real = y, t
    else:
        said, real = labels(op, y, t)
    w = weights(op, sample_weight, said.shape)
    w = np.ones(said.size) if w is None else w.reshape(-1)
    said, real = said.reshape(-1).astype(np.int64), real.reshape(-1).astype(np.int64)
    if (counts := known(real, ignore_class)) is not None:
        said, real, w = said[counts], real[counts], w[counts]
    limit = y.shape[-1] if columns else np.inf
    for x in (said, real):
        if x.size and not (x.min() >= 0 and x.max() < limit):
            bad = x[(x < 0) | (x >= limit)][0]
            range_ = f"0 to {limit - 1} because y is {y.shape}" if columns else "labels from 0 on"
            raise ValueError(f"{op}: there is the label {bad}, expected {range_}")
    return said, real, w


def expect_binary(name, loss, output_shape, remedy="'accuracy'"):
    """Two classes, one column of output."""
    if isinstance(loss, SparseCategoricalCrossentropy) or output_shape[-1] != 1:
        raise ValueError(
            f"compile: the metric {name!r} is for two classes and one column of output, but the model's "
            f"output has the shape (N, {', '.join(map(str, output_shape[1:]))}); use {remedy}"
        )


def _share(part, whole):
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=np.asarray(whole) > 0)
