"""Callbacks ask metrics whether more is better, and the user where nobody knows."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import (
    AUC,
    Callback,
    EarlyStopping,
    Huber,
    Metric,
    ModelCheckpoint,
    R2Score,
    ReduceLROnPlateau,
    SquaredError,
)
from tilewright.train.metrics import METRICS

X = np.random.default_rng(0).standard_normal((32, 3)).astype(np.float32)
T = (X[:, 0] > 0).astype(np.float32)
KINDS = [EarlyStopping, ReduceLROnPlateau, lambda key: ModelCheckpoint("best", key, save_best_only=True)]


class Count(Metric):
    """A metric whose value grows with every epoch; `direction` is what a test makes it."""

    def __init__(self, name="x"):
        self.epochs = 0
        super().__init__(name)

    def reset(self):
        self.epochs += 1

    def update(self, y, t, sample_weight=None):
        pass

    def result(self):
        return float(self.epochs)


def one(metrics, **options):
    model = tw.Sequential([Dense(1, "sigmoid", input_shape=(3,))])
    model.compile("sgd", "binary_crossentropy", metrics=metrics, **options)
    return model


def mode_found(callback, model, y=T, **options):
    """The direction that a callback takes: 1 where larger is better, -1 where smaller is."""
    found = []

    class Look(Callback):
        def on_train_begin(self, logs=None):
            found.append(callback._monitor._sign)

    model.fit(X, y, verbose=0, callbacks=[callback, Look()], **options)
    return found[0]


def score(output, target):
    return float(np.mean(output * target))


@pytest.mark.parametrize("kind", KINDS)
def test_a_metric_says_its_direction_whatever_its_name_is(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    metrics = [AUC(name="x"), SquaredError(name="accuracy"), R2Score(name="error"), Huber()]
    wanted = {"x": 1, "accuracy": -1, "error": 1, "Huber": -1, "loss": -1, "val_x": 1, "val_accuracy": -1}
    for key, sign in wanted.items():
        assert mode_found(kind(key), one(metrics), validation_split=0.25) == sign, key


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_which_nobody_knows_is_asked_for_before_the_first_epoch(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for metric, key in ((score, "score"), (score, "val_score"), (Count(), "x")):
        model = one([metric])
        model.build((None, 3))
        before = model.get_weights()
        with pytest.raises(ValueError, match=f"nobody says whether '{key}' is .* expected mode=.max"):
            model.fit(X, T, verbose=0, validation_split=0.25, callbacks=[kind(key)])
        assert all(map(np.array_equal, before, model.get_weights()))


def test_a_direction_of_your_own():
    class Rising(Count):
        direction = "max"

    class Wrong(Count):
        direction = "up"

    def gain(output, target):
        return score(output, target)

    gain.direction = "max"
    assert mode_found(EarlyStopping("gain"), one([gain])) == 1
    assert mode_found(EarlyStopping("score", mode="min"), one([score])) == -1
    history = one([Rising()]).fit(X, T, epochs=4, verbose=0, callbacks=[EarlyStopping("x", patience=1)])
    assert len(history.epoch) == 4  # it rises all along
    with pytest.raises(ValueError, match="direction of the metric 'x' is 'up', expected \"min\" or \"max\""):
        one([Wrong()]).fit(X, T, verbose=0, callbacks=[EarlyStopping("x")])


def test_directions_of_weighted_metrics_and_of_several_outputs():
    model = one([SquaredError(name="x")], weighted_metrics=[AUC(name="x"), AUC(name="z")])
    assert [mode_found(EarlyStopping(key), model) for key in ("x", "weighted_x", "z")] == [-1, 1, 1]
    a = tw.Input((3,))
    two = tw.Model(a, [Dense(1, "sigmoid", name="p")(a), Dense(1, name="q")(a)])
    two.compile("sgd", {"p": "binary_crossentropy", "q": "mse"}, metrics={"p": [AUC(name="x")], "q": [Count("x")]})
    keys = {"p_x": 1, "q_loss": -1, "loss": -1, "val_p_x": 1}
    for key, sign in keys.items():
        assert mode_found(EarlyStopping(key), two, [T, T], validation_data=(X, [T, T])) == sign, key
    with pytest.raises(ValueError, match="nobody says whether 'q_x'"):
        two.fit(X, [T, T], verbose=0, callbacks=[EarlyStopping("q_x")])


def test_every_metric_that_is_a_number_has_a_direction():
    for name, kind in METRICS.items():
        assert kind.direction == (None if not kind.scalar else "min" if name in SMALLER else "max"), name


SMALLER = {"mse", "mean_squared_error", "mae", "mean_absolute_error", "rmse", "root_mean_squared_error"}
