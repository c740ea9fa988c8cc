"""Metrics: what is not defined, ties, states, calls that do not fit, and metrics in the running values of a pass."""

import json
import math

import numpy as np
import pytest
import tilewright as tw
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn
from tilewright.train import (
    AUC,
    Accuracy,
    AveragePrecision,
    BinaryAccuracy,
    CategoricalAccuracy,
    ConfusionMatrix,
    F1Score,
    Precision,
    PrecisionRecallCurve,
    R2Score,
    Recall,
    ROCCurve,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    SquaredError,
    TopKCategoricalAccuracy,
)
from tilewright.train.metrics import METRICS, get_metrics
from tilewright.train.running import Running
from tilewright.train.state import give_back, kept_by, pack, unpack
from tilewright.train.weighted import WeightedRunning

from .test_metrics import (
    CASES,
    LABELS,
    NAMES,
    ONE_HOT,
    ROWS,
    SAID,
    SCORES,
    C,
    N,
    T,
    W,
    binary,
    fed,
    sparse,
)


def test_targets_may_be_booleans():
    for metric in (Accuracy(), BinaryAccuracy(), F1Score(), AUC()):
        assert fed(metric, None, SCORES, T > 0) == fed(metric, None, SCORES, T)


def test_nan_is_no_answer_and_no_number():
    """As scikit-learn refuses it: nothing that is NaN looks like a result."""
    y, t = np.array([[0.2], [np.nan], [0.9]]), np.array([[0.0], [1.0], [1.0]])
    for metric in (SquaredError(), RootMeanSquaredError(), R2Score(), AUC(), AveragePrecision()):
        assert math.isnan(fed(metric, None, y, t, cuts=[1]))
    assert fed(Accuracy(), None, y, t) == pytest.approx(2 / 3) and fed(Recall(), None, y, t) == 0.5
    with pytest.raises(ValueError, match="ROCCurve: there is no curve, a score is NaN"):
        fed(ROCCurve(), None, y, t)


def test_running_values_with_weights_go_on_from_their_state():
    """Through JSON and arrays by name, as checkpoints keep them."""

    def run(cut=None):
        running = WeightedRunning(Running([Accuracy()]), [Accuracy(), F1Score(average="macro", name="f1")])
        for rows in np.split(np.arange(N), range(50, N, 50)):
            if cut == rows[0]:
                arrays = {}
                kept = json.loads(json.dumps(pack(running.state(), arrays)))
                running = WeightedRunning(Running([Accuracy()]), [Accuracy(), F1Score(average="macro", name="f1")])
                running.load_state(unpack(kept, lambda name, shape, dtype, arrays=arrays: arrays[name]))
            running.add(0.5, ROWS[rows], LABELS[rows], None, W[rows])
        return dict(running)

    assert run() == run(100) and list(run()) == ["loss", "accuracy", "weighted_accuracy", "f1"]
    assert run()["weighted_accuracy"] == pytest.approx(sklearn.accuracy_score(LABELS, ROWS.argmax(1), sample_weight=W))


def test_undefined_values():
    ones, some = np.ones((5, 1), np.float32), np.full((5, 1), 0.1, np.float32)
    for metric in (AUC(), ROCCurve()):
        result = fed(metric, None, some, ones)
        assert math.isnan(result) if metric.scalar else np.isnan(result.fpr).all()
    assert fed(AveragePrecision(), binary, some, ones) == 1
    assert math.isnan(fed(AveragePrecision(), binary, some, ones * 0))
    assert fed(Precision(), binary, some, ones) == fed(Recall(), binary, ones, some * 0) == 0
    assert fed(F1Score(), binary, some, some * 0) == 0
    assert math.isnan(fed(AUC(), binary, some * np.nan, np.array([[0], [1], [0], [1], [0]], np.float32)))
    assert fed(SparseTopKCategoricalAccuracy(2), None, np.full((2, 3), np.nan), np.array([0, 1])) == 0
    assert fed(R2Score(), None, ones, ones) == 1
    assert fed(R2Score(), None, some, ones) == 0
    assert math.isnan(fed(R2Score(), None, some[:1], ones[:1]))


@pytest.mark.parametrize("name", METRICS)
def test_nothing_fed_is_nan_or_zero(name):
    metric = METRICS[name]()
    metric.update(np.zeros((0, 1)), np.zeros((0, 1))) if "categorical" not in name else None
    if isinstance(metric, (ROCCurve, PrecisionRecallCurve)):
        with pytest.raises(ValueError, match="there is no curve, there are no samples"):
            metric.result()
    elif isinstance(metric, ConfusionMatrix):
        assert not metric.result().any()
    elif isinstance(metric, (Precision, Recall, F1Score)):
        assert metric.result() == 0
    else:
        assert math.isnan(metric.result())


SMALL = st.integers(0, 3)


@given(st.lists(st.tuples(SMALL, st.booleans(), SMALL), min_size=2, max_size=12), st.sets(st.integers(1, 10)))
@settings(max_examples=150, deadline=None)
def test_rankings_of_many_ties_equal_scikit_learns(rows, cuts):
    y, t, w = np.array(rows, np.float64).T
    there = w > 0
    assume(t[there].any() and not t[there].all())
    for metric, score in ((AUC(), sklearn.roc_auc_score), (AveragePrecision(), sklearn.average_precision_score)):
        for weight in (None, w):
            expected = score(t, y, sample_weight=weight)
            assert fed(metric, None, y, t, weight, sorted(cuts)) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    expected = sklearn.roc_curve(t, y, sample_weight=w)
    for got, right in zip(fed(ROCCurve(), None, y, t, w, sorted(cuts)), expected):
        np.testing.assert_allclose(got, right)


@pytest.mark.parametrize("metric, loss, y, t, expected", CASES, ids=NAMES)
def test_a_metric_goes_on_from_its_state(metric, loss, y, t, expected):
    """As a checkpoint in the middle of an epoch keeps it."""
    half = len(y) // 2
    metric.reset()
    metric.prepare(loss, y.shape)
    metric.update(y[:half], t[:half], W[:half])
    arrays = {}
    plain = json.loads(json.dumps(pack(kept_by(metric), arrays)))
    again = type(metric)(**metric.config())
    again.prepare(loss, y.shape)
    give_back(again, unpack(plain, lambda name, shape, dtype: arrays[name]))
    again.update(y[half:], t[half:], W[half:])
    assert again.result() == pytest.approx(expected(t, y, sample_weight=W), rel=1e-9)


@pytest.mark.parametrize("metric", [Precision(), AUC(), SquaredError(), R2Score()], ids=lambda m: m.name)
def test_metrics_that_do_not_fit_are_named(metric):
    with pytest.raises(ValueError, match=f"compile: the metric '{metric.name}' .*'accuracy'"):
        metric.prepare(sparse, (1, 10))


@pytest.mark.parametrize(
    "call, message",
    (
        (lambda: Accuracy().update([1, 0], [1]), r"y has shape \(2,\) and t has shape \(1,\), expected as many"),
        (lambda: SquaredError().update([[1, 2]], [[1]]), r"SquaredError: t has shape \(1, 1\), expected \(1, 2\)"),
        (lambda: Accuracy().update([1], [1], [-1]), r"Accuracy: sample_weight\[0\] = -1.0, expected finite numbers"),
        (lambda: Accuracy().update([1], [1], [1, 2]), r"sample_weight has shape \(2,\), expected \(1,\), a weight for"),
        (lambda: F1Score().update(ROWS, LABELS), r"F1Score: y has shape \(203, 4\), .* F1Score\(average='macro'\)"),
        (lambda: F1Score(average="macro").update(ROWS, LABELS + 2), "F1Score: there is the label 4, expected 0 to 3"),
        (lambda: SparseCategoricalAccuracy().update(ROWS, ONE_HOT), "one-hot rows use CategoricalAccuracy"),
        (lambda: SparseCategoricalAccuracy().update(ROWS, LABELS - 1), "t holds the label -1, expected 0 to 3"),
        (lambda: CategoricalAccuracy().update(ROWS, LABELS), "for labels use SparseCategoricalAccuracy"),
        (lambda: TopKCategoricalAccuracy(k=0), "TopKCategoricalAccuracy: k is 0, expected at least 1"),
        (lambda: F1Score(average="makro"), "F1Score: average is 'makro', .*did you mean 'macro'"),
        (lambda: AUC("pr"), "AUC: curve is 'pr', .*did you mean 'PR'"),
        (lambda: ConfusionMatrix(2).update([2], [0]), "there is a class 2, expected 0 to 1, of num_classes"),
        (lambda: ConfusionMatrix().update([0], [-1]), "there is the label -1, expected labels from 0 on"),
        (lambda: AUC().update([0, 1], [0.2, 0.7]), r"y holds nothing but 0 and 1, and t holds 0.2; the outputs come"),
        (lambda: Recall().update([0, 1], [0.2, 0.7]), r"the outputs come first, update\(y, t\), then the targets"),
        (lambda: get_metrics(["roc_curve"]), r"'roc_curve' is no number, .* metric = tw\.train\.ROCCurve\(\)"),
        (lambda: get_metrics(["f1_scor"]), "did you mean 'f1_score'"),
    ),
)  # fmt: skip
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_names_make_what_they_say():
    made = get_metrics([name for name, metric in METRICS.items() if metric.scalar])
    assert [type(metric) for metric in made] == [metric for metric in METRICS.values() if metric.scalar]
    for metric in made:
        again = type(metric)(**metric.config())
        assert again.config() == metric.config()
    assert all(getattr(tw.train, metric.__name__) is metric for metric in METRICS.values())


def test_a_model_is_measured_by_name():
    model = tw.Sequential([tw.layers.Dense(C, activation="softmax", input_shape=(C,))])
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy", F1Score(average="macro"), "auc"][:2])
    _, accuracy, score = model.evaluate(ROWS, LABELS, verbose=0)
    called = model.predict(ROWS).argmax(1)
    assert accuracy == pytest.approx(sklearn.accuracy_score(LABELS, called))
    assert score == pytest.approx(sklearn.f1_score(LABELS, called, average="macro"))


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
