"""Metrics of how scores order two classes, exact: every score is kept, and every distinct one is a threshold.

y (N, ...) scores of any scale    t (N, ...) 0 or 1    a curve's points go from the highest threshold down
"""

from typing import NamedTuple

import numpy as np

from ...kernels import _check as check
from .base import Metric, alike, expect_outputs_first, pair, weights
from .counts import expect_binary


class Roc(NamedTuple):
    """A ROC curve: shares of false and of true positives at each threshold, from (0, 0) at infinity to (1, 1)."""

    fpr: np.ndarray
    tpr: np.ndarray
    thresholds: np.ndarray


class PrecisionRecall(NamedTuple):
    """Precision and recall at each threshold, from low to high; at the end 1 and 0, which have no threshold."""

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray


class _Ranking(Metric):
    """Keeps scores, classes and weights."""

    _prepared = False

    def prepare(self, loss, output_shape):
        expect_binary(self.name, loss, output_shape)
        self._prepared = True

    def reset(self):
        self._pieces = []
        self._weighted = False

    def update(self, y, t, sample_weight=None):
        op = type(self).__name__
        y, t = pair(op, y, t)
        t = alike(op, y, t)
        if not self._prepared:
            expect_outputs_first(op, y, t)
        positive = t.reshape(-1) > 0.5
        w = weights(op, sample_weight, y.shape)
        if w is not None and not self._weighted:
            self._weighted = True
            self._pieces = [(*piece[:2], np.ones(len(piece[0]))) for piece in self._pieces]
        if w is None and self._weighted:
            w = np.ones(y.shape)
        scores = y.reshape(-1).copy()  # the caller's buffer may be written to again
        self._pieces.append((scores, positive) if w is None else (scores, positive, w.reshape(-1).copy()))

    def _counts(self):
        """(thresholds, true positives, false positives) at each distinct score, from the highest down; or None.

        None if there are no samples, or if a score is NaN. Counts are float64, exact up to 2**53.
        """
        if len(self._pieces) > 1:
            self._pieces = [tuple(np.concatenate(column) for column in zip(*self._pieces))]
        if not self._pieces or np.isnan(self._pieces[0][0]).any():
            return None
        scores, positive, *w = self._pieces[0]
        w = w[0] if w else np.ones(len(scores))
        kept = w > 0
        if not kept.all():
            scores, positive, w = scores[kept], positive[kept], w[kept]
        order = np.argsort(-scores if scores.dtype.kind == "f" else -scores.astype(np.float64), kind="stable")
        scores, positive, w = scores[order], positive[order], w[order]
        last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)[: len(scores)])
        return scores[last], np.cumsum(w * positive)[last], np.cumsum(w * ~positive)[last]


class AUC(_Ranking):
    """Area under a curve, exact, with ties counted half.

    curve  "ROC": the chance that a positive scores above a negative (Mann, Whitney 1947); NaN if there is one class
           only. "PR": the average precision, as AveragePrecision.

    >>> auc = AUC()
    >>> auc.update([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> auc.result()
    0.75
    """

    direction = "max"

    def __init__(self, curve="ROC", name="auc"):
        check.choice("AUC", "curve", curve, ("ROC", "PR"))
        self.curve = curve
        super().__init__(name)

    def result(self):
        counts = self._counts()
        if counts is None or not len(counts[0]):
            return float("nan")
        _, true, false = counts
        if self.curve == "PR":
            return _average_precision(true, false)
        if not true[-1] or not false[-1]:
            return float("nan")
        width = np.diff(false, prepend=0.0)
        height = true + np.append(0.0, true[:-1])
        return float(width @ height / (2 * true[-1] * false[-1]))


class AveragePrecision(_Ranking):
    """Mean of the precision over the steps of recall, sum (R[i] - R[i-1]) P[i]; NaN if there are no positives.

    The area under the curve of precision over recall without interpolation, as scikit-learn has it.
    """

    direction = "max"

    def __init__(self, name="pr_auc"):
        super().__init__(name)

    def result(self):
        counts = self._counts()
        if counts is None or not len(counts[0]):
            return float("nan")
        return _average_precision(*counts[1:])


class ROCCurve(_Ranking):
    """The ROC curve, as (fpr, tpr, thresholds); a share is NaN where its class is missing.

    drop_intermediate  leave out points on a straight line between others, as scikit-learn does

    `compile` takes no curve: feed it with `curve.update(model.predict(x), y)`.
    """

    scalar = False

    def __init__(self, drop_intermediate=True, name="roc_curve"):
        self.drop_intermediate = bool(drop_intermediate)
        super().__init__(name)

    def result(self):
        """The curve as a `Roc`. Raises ValueError if there are no samples, or a score is NaN."""
        thresholds, true, false = _expect_scores(self)
        if self.drop_intermediate and len(true) > 2:
            bend = np.logical_or(np.diff(false, 2), np.diff(true, 2))
            kept = np.flatnonzero(np.concatenate([[True], bend, [True]]))
            thresholds, true, false = thresholds[kept], true[kept], false[kept]
        thresholds = np.append(np.inf, thresholds.astype(np.float64))
        return Roc(_shares(np.append(0.0, false)), _shares(np.append(0.0, true)), thresholds)


class PrecisionRecallCurve(_Ranking):
    """The curve of precision over recall, as (precision, recall, thresholds); recall is NaN without positives.

    `compile` takes no curve: feed it with `curve.update(model.predict(x), y)`.
    """

    scalar = False

    def __init__(self, name="precision_recall_curve"):
        super().__init__(name)

    def result(self):
        """The curve as a `PrecisionRecall`. Raises ValueError if there are no samples, or a score is NaN."""
        thresholds, true, false = _expect_scores(self)
        precision, recall = true / (true + false), _shares(true)
        ends = [np.append(x[::-1], end) for x, end in ((precision, 1.0), (recall, 0.0))]
        return PrecisionRecall(*ends, thresholds[::-1].astype(np.float64))


def _average_precision(true, false):
    if not true[-1]:
        return float("nan")
    return float(np.diff(true, prepend=0.0) @ (true / (true + false)) / true[-1])


def _shares(counts):
    return counts / counts[-1] if counts[-1] else np.full(len(counts), np.nan)


def _expect_scores(metric):
    counts = metric._counts()
    if counts is None or not len(counts[0]):
        why = "a score is NaN" if metric._pieces and counts is None else "there are no samples; call update(y, t)"
        raise ValueError(f"{type(metric).__name__}: there is no curve, {why}")
    return counts
