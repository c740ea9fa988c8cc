"""Metrics: streaming over uneven pieces, against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn
from tilewright.train import (
    AUC,
    AbsoluteError,
    Accuracy,
    AveragePrecision,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    ConfusionMatrix,
    F1Score,
    Hinge,
    MeanSquaredError,
    Precision,
    PrecisionRecallCurve,
    R2Score,
    Recall,
    ROCCurve,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SquaredError,
    SquaredHinge,
    TopKCategoricalAccuracy,
)

rng = np.random.default_rng(0)
N, C = 203, 4
T = rng.integers(0, 2, (N, 1)).astype(np.float32)
SCORES = (rng.random((N, 1)) * 0.6 + T * 0.4).astype(np.float32).round(2)  # with ties
SAID = SCORES > 0.5
W = rng.integers(0, 4, N) / 2  # some are 0
LABELS = rng.integers(0, C - 1, N)  # the last class is never true
ONE_HOT = np.eye(C, dtype=np.float32)[LABELS]
ROWS = (rng.random((N, C)) + 0.4 * ONE_HOT).astype(np.float32).round(1)  # with ties
CALLED = ROWS.argmax(1)
QUESTIONS = rng.integers(0, 2, (N, C)).astype(np.float32)
NUMBERS, GUESSES = rng.normal(1e4, 1, (N, 3)), rng.normal(1e4, 1, (N, 3))
binary, sparse, categorical = BinaryCrossentropy(), SparseCategoricalCrossentropy(), CategoricalCrossentropy()
mse = MeanSquaredError()
CUTS = ([], [1, 8, 100, 100], range(1, N))  # one piece, uneven ones of which one is empty, a sample each


def fed(metric, loss, y, t, w=None, cuts=CUTS[1]):
    """The metric after pieces; without a loss, as somebody uses it alone."""
    if loss is not None:
        metric.prepare(loss, y.shape)
    metric.reset()
    for rows in np.split(np.arange(len(y)), cuts):
        metric.update(y[rows], t[rows], *([] if w is None else [w[rows]]))
    return metric.result()


def averaged(score):
    return lambda average, questions=False: (
        lambda t, y, sample_weight: score(
            t, y > 0.5 if questions else y.argmax(1), average=average, zero_division=0, sample_weight=sample_weight
        )
    )


precision, recall, f1 = map(averaged, (sklearn.precision_score, sklearn.recall_score, sklearn.f1_score))


def above(score, threshold=0.5):
    return lambda t, y, sample_weight: score(t, y > threshold, sample_weight=sample_weight)


def largest(score):
    return lambda t, y, sample_weight: score(t, y.argmax(1), sample_weight=sample_weight)


def top(k):
    """Of equal scores scikit-learn takes the last column, so that its columns are turned round."""
    return lambda t, y, sample_weight: sklearn.top_k_accuracy_score(
        C - 1 - t, y[:, ::-1], k=k, labels=range(C), sample_weight=sample_weight
    )


def from_one_hot(score):
    return lambda t, y, sample_weight: score(t.argmax(1), y, sample_weight)


CASES = [
    (Accuracy(), binary, SCORES, T, above(sklearn.accuracy_score)),
    (Accuracy(), sparse, ROWS, LABELS, largest(sklearn.accuracy_score)),
    (Accuracy(), categorical, ROWS, ONE_HOT, from_one_hot(largest(sklearn.accuracy_score))),
    (BinaryAccuracy(), binary, SCORES, T, above(sklearn.accuracy_score)),
    (BinaryAccuracy(0.7), mse, SCORES, T, above(sklearn.accuracy_score, 0.7)),
    (CategoricalAccuracy(), categorical, ROWS, ONE_HOT, from_one_hot(largest(sklearn.accuracy_score))),
    (SparseCategoricalAccuracy(), sparse, ROWS, LABELS, largest(sklearn.accuracy_score)),
    (SparseTopKCategoricalAccuracy(1), sparse, ROWS, LABELS, largest(sklearn.accuracy_score)),
    (SparseTopKCategoricalAccuracy(2), sparse, ROWS, LABELS, top(2)),
    (TopKCategoricalAccuracy(3), categorical, ROWS, ONE_HOT, from_one_hot(top(3))),
    (Precision(), binary, SCORES, T, above(sklearn.precision_score)),
    (Recall(), binary, SCORES, T, above(sklearn.recall_score)),
    (F1Score(), binary, SCORES, T, above(sklearn.f1_score)),
    (Precision(0.45), binary, SCORES, T, above(sklearn.precision_score, 0.45)),
    *(
        (made(average=average), loss, ROWS, t, score)
        for made, mine in ((Precision, precision), (Recall, recall), (F1Score, f1))
        for average in ("macro", "micro", "weighted")
        for loss, t, score in (
            (sparse, LABELS, mine(average)),
            (categorical, ONE_HOT, from_one_hot(mine(average))),
            (binary, QUESTIONS, mine(average, True)),
        )
    ),
    (AUC(), binary, SCORES, T, sklearn.roc_auc_score),
    (AUC("PR"), binary, SCORES, T, sklearn.average_precision_score),
    (AveragePrecision(), binary, SCORES, T, sklearn.average_precision_score),
    (SquaredError(), mse, GUESSES, NUMBERS, sklearn.mean_squared_error),
    (AbsoluteError(), mse, GUESSES, NUMBERS, sklearn.mean_absolute_error),
    (R2Score(), mse, GUESSES, NUMBERS, sklearn.r2_score),
    (
        R2Score("variance_weighted"),
        mse,
        GUESSES,
        NUMBERS,
        lambda t, y, sample_weight: sklearn.r2_score(
            t, y, sample_weight=sample_weight, multioutput="variance_weighted"
        ),
    ),
]
NAMES = [f"{metric}-{type(loss).__name__}" for metric, loss, *_ in CASES]


@pytest.mark.parametrize("metric, loss, y, t, expected", CASES, ids=NAMES)
def test_metrics_equal_scikit_learn(metric, loss, y, t, expected):
    for w in (None, W):
        right = expected(t, y, sample_weight=w)
        assert right != 0
        for cuts in CUTS:  # and after reset()
            assert fed(metric, loss, y, t, w, cuts) == pytest.approx(right, rel=1e-9)
    assert fed(metric, loss, y, t, np.full(N, 2.0)) == pytest.approx(expected(t, y, sample_weight=None), rel=1e-9)


def test_root_of_the_mean_is_taken_last():
    expected = sklearn.mean_squared_error(NUMBERS, GUESSES, sample_weight=W) ** 0.5  # scikit-learn's is by column
    assert fed(RootMeanSquaredError(), mse, GUESSES, NUMBERS, W) == pytest.approx(expected)


@pytest.mark.parametrize("w", (None, W), ids=("plain", "weighted"))
def test_curves_equal_scikit_learns(w):
    for drop in (True, False):
        expected = sklearn.roc_curve(T[:, 0], SCORES[:, 0], sample_weight=w, drop_intermediate=drop)
        for got, right in zip(fed(ROCCurve(drop), None, SCORES, T, w), expected):
            np.testing.assert_allclose(got, right, rtol=1e-12)
    expected = sklearn.precision_recall_curve(T[:, 0], SCORES[:, 0], sample_weight=w)
    got = fed(PrecisionRecallCurve(), None, SCORES, T, w)
    for ours, right in zip(got, expected):
        np.testing.assert_allclose(ours, right, rtol=1e-12)


@pytest.mark.parametrize("normalize", (None, "true", "pred", "all"))
def test_confusion_matrix_equals_scikit_learns(normalize):
    matrix = ConfusionMatrix(normalize=normalize)
    for w in (None, W):
        expected = sklearn.confusion_matrix(LABELS, CALLED, labels=range(C), sample_weight=w, normalize=normalize)
        for y, t in ((ROWS, LABELS), (ROWS, ONE_HOT), (CALLED, LABELS)):
            np.testing.assert_allclose(fed(matrix, None, y, t, w), expected)
    expected = sklearn.confusion_matrix(T[:, 0], SAID[:, 0], normalize=normalize)
    np.testing.assert_allclose(fed(matrix, None, SCORES, T[:, 0]), expected)
    assert fed(ConfusionMatrix(), None, ROWS, LABELS).dtype == np.int64


def test_a_weight_for_every_place():
    y, t, w = rng.random((6, 5, C)), rng.integers(0, C, (6, 5)), rng.random((6, 5))
    expected = sklearn.accuracy_score(t.ravel(), y.argmax(-1).ravel(), sample_weight=w.ravel())
    assert fed(Accuracy(), sparse, y, t, w, [2]) == pytest.approx(expected)
    assert fed(F1Score(average="macro"), sparse, y, t, w, [2]) == pytest.approx(
        sklearn.f1_score(t.ravel(), y.argmax(-1).ravel(), average="macro", sample_weight=w.ravel())
    )


@pytest.mark.parametrize(
    "make",
    (
        Accuracy,
        SparseCategoricalAccuracy,
        lambda: SparseTopKCategoricalAccuracy(1),
        lambda: F1Score(average="micro"),
    ),
)
@pytest.mark.parametrize("ignored", (-1, 2, 255))
def test_ignored_labels_are_not_counted(make, ignored):
    labels = np.where(LABELS == 2, ignored, LABELS)
    kept = labels != ignored
    loss = SparseCategoricalCrossentropy(ignore_class=ignored)
    expected = sklearn.accuracy_score(labels[kept], CALLED[kept])
    assert fed(make(), loss, ROWS, labels) == pytest.approx(expected)
    assert math.isnan(fed(SparseCategoricalAccuracy(ignored), None, ROWS[~kept], labels[~kept], cuts=[]))
    matrix = ConfusionMatrix(ignore_class=ignored)
    np.testing.assert_array_equal(fed(matrix, None, ROWS[kept], labels[kept]), fed(matrix, None, ROWS, labels))


@pytest.mark.parametrize("metric", [Accuracy(), Precision(), Recall(), F1Score(), AUC()], ids=lambda m: m.name)
def test_logits_give_the_same_as_probabilities(metric):
    scores = SCORES.clip(0.01, 0.99)
    logits = np.log(scores / (1 - scores))
    expected = fed(metric, binary, scores, T)
    assert fed(metric, BinaryCrossentropy(from_logits=True), logits, T) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", [Accuracy(), Precision(), Recall(), F1Score()], ids=lambda m: m.name)
def test_margins_are_cut_at_zero(metric):
    margins = (SCORES - 0.5) * 2
    for loss in (Hinge(), SquaredHinge()):
        found = fed(metric, loss, margins, 2 * T - 1)
        assert found == pytest.approx(fed(metric, binary, SCORES, T), abs=1e-12)


def test_accuracy_of_several_answers_for_every_sample():
    assert fed(Accuracy(), binary, ROWS, QUESTIONS) == pytest.approx(((ROWS > 0.5) == QUESTIONS).mean())
