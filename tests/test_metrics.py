"""Metrics: streaming over uneven pieces, against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn
from tilewright.train import (
    AUC,
    Accuracy,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    F1Score,
    MeanSquaredError,
    Precision,
    Recall,
    SparseCategoricalCrossentropy,
)
from tilewright.train.metrics import AbsoluteError, SquaredError
from tilewright.train.running import Running

rng = np.random.default_rng(0)
N = 203
T = rng.integers(0, 2, (N, 1)).astype(np.float32)
SCORES = (rng.random((N, 1)) * 0.6 + T * 0.4).astype(np.float32).round(2)  # with ties
SAID = SCORES > 0.5
binary = BinaryCrossentropy()


def fed(metric, loss, y, t):
    """The metric after pieces of uneven size."""
    metric.prepare(loss, y.shape)
    metric.reset()
    for rows in np.split(np.arange(len(y)), [1, 8, 100, 100]):
        metric.update(y[rows], t[rows])
    return metric.result()


@pytest.mark.parametrize(
    "metric, expected",
    [
        (Accuracy(), sklearn.accuracy_score(T, SAID)),
        (Precision(), sklearn.precision_score(T, SAID)),
        (Recall(), sklearn.recall_score(T, SAID)),
        (F1Score(), sklearn.f1_score(T, SAID)),
        (AUC(), sklearn.roc_auc_score(T, SCORES)),
        (Precision(threshold=0.45), sklearn.precision_score(T, SCORES > 0.45)),
        (SquaredError(), sklearn.mean_squared_error(T, SCORES)),
        (AbsoluteError(), sklearn.mean_absolute_error(T, SCORES)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_binary_metrics_equal_scikit_learn(metric, expected):
    assert 0 < expected < 1
    assert fed(metric, binary, SCORES, T) == pytest.approx(expected, abs=1e-7)
    assert fed(metric, binary, SCORES, T) == pytest.approx(expected, abs=1e-7)  # after reset()


@pytest.mark.parametrize("metric", [Accuracy(), Precision(), Recall(), F1Score(), AUC()], ids=lambda m: m.name)
def test_logits_give_the_same_as_probabilities(metric):
    scores = SCORES.clip(0.01, 0.99)
    logits = np.log(scores / (1 - scores))
    expected = fed(metric, binary, scores, T)
    assert fed(metric, BinaryCrossentropy(from_logits=True), logits, T) == pytest.approx(expected, abs=1e-12)


def test_accuracy_follows_loss_and_shape():
    y = rng.random((N, 4)).astype(np.float32)
    labels = rng.integers(0, 4, N)
    expected = sklearn.accuracy_score(labels, y.argmax(1))
    assert fed(Accuracy(), SparseCategoricalCrossentropy(), y, labels) == pytest.approx(expected)
    assert fed(Accuracy(), CategoricalCrossentropy(), y, np.eye(4, dtype=np.float32)[labels]) == pytest.approx(expected)
    several = rng.integers(0, 2, (N, 4)).astype(np.float32)  # several answers for every sample
    assert fed(Accuracy(), binary, y, several) == pytest.approx(((y > 0.5) == several).mean())


def test_undefined_values():
    ones, some = np.ones((5, 1), np.float32), np.full((5, 1), 0.1, np.float32)
    assert math.isnan(fed(AUC(), binary, some, ones))
    assert fed(Precision(), binary, some, ones) == fed(Recall(), binary, ones, some * 0) == 0
    assert fed(F1Score(), binary, some, some * 0) == 0
    assert math.isnan(fed(AUC(), binary, some * np.nan, np.array([[0], [1], [0], [1], [0]], np.float32)))


@pytest.mark.parametrize("metric", [Precision(), AUC(), SquaredError()], ids=lambda m: m.name)
def test_metrics_that_do_not_fit_are_named(metric):
    with pytest.raises(ValueError, match=f"compile: the metric '{metric.name}' .* use 'accuracy'"):
        metric.prepare(SparseCategoricalCrossentropy(), (1, 10))


def test_squared_error_of_several_columns():
    y, t = rng.random((N, 3)), rng.random((N, 3))
    assert fed(SquaredError(), MeanSquaredError(), y, t) == pytest.approx(sklearn.mean_squared_error(t, y))


@pytest.mark.parametrize("size", [1, 7, 203])
def test_running_values_are_exact_over_buffers(size, monkeypatch):
    monkeypatch.setattr("tilewright.train.running.BUFFERED", 50)
    metrics = [Accuracy(), AUC()]
    for metric in metrics:
        metric.prepare(binary, (1, 1))
    running = Running(metrics)
    losses = []
    for start in range(0, N, size):
        y, t = SCORES[start : start + size].copy(), T[start : start + size].copy()
        losses += [float(start)] * len(y)
        running.add(np.float32(start), y, t)
        y[:] = t[:] = -1  # what was added is a copy
    assert list(running) == ["loss", "accuracy", "auc"]
    assert running["accuracy"] == running["accuracy"] == pytest.approx(sklearn.accuracy_score(T, SAID))
    assert running["auc"] == pytest.approx(sklearn.roc_auc_score(T, SCORES))
    assert running["loss"] == pytest.approx(np.mean(losses))  # the mean over samples, not over batches
    with pytest.raises(KeyError):
        running["recall"]
