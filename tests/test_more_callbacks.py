"""Callbacks one by one: what each does to training, to files and to the history."""

import csv
import errno

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Layer
from tilewright.train import (
    SGD,
    Callback,
    CSVLogger,
    EarlyStopping,
    ExponentialDecay,
    ExponentialMovingAverage,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)

from .test_fit import T, X, bits, classifier


class Say(Callback):
    """Puts values into the logs, one an epoch."""

    def __init__(self, **values):
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update({key: values[epoch] for key, values in self.values.items()})


def fit(*callbacks, epochs=4, model=None, **options):
    model = model or classifier()
    options = {"batch_size": 25, "verbose": 0, **options}
    return model, model.fit(X, T, epochs=epochs, callbacks=list(callbacks), **options)


def test_hooks_of_batches_and_of_validation_are_called_in_order():
    calls = []
    names = [
        "on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_begin",
        "on_test_batch_begin", "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end",
    ]  # fmt: skip
    hooks = {name: lambda *arguments, name=name: calls.append((name, *arguments[:-1][:1])) for name in names}
    hooks["on_train_batch_begin"] = lambda batch, logs: calls.append(("on_train_batch_begin", batch))
    fit(LambdaCallback(**hooks), epochs=1, batch_size=40, validation_split=0.2)
    told = [name for name, *_ in calls]
    batch, test = names[2:4], names[5:7]
    assert told == [*names[:2], *batch * 2, names[4], test[0], test[1], names[7], *names[8:]]
    assert [arguments for name, *arguments in calls if name == "on_train_batch_begin"] == [[0], [1]]


def test_both_names_of_batch_hooks_work():
    class Keras(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(batch)

        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    class Short(Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(batch)

    seen = []
    fit(Keras(), Short(), epochs=1, batch_size=60)
    assert seen[0] == seen[1] == 0 and seen[3] == seen[4] == 1 and 0 < seen[2] < 2 and len(seen) == 6


def test_a_lambda_of_no_hook_is_refused():
    with pytest.raises(
        TypeError, match="LambdaCallback: on_epoch_ends is no method of callbacks; those are on_train_b"
    ):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="LambdaCallback: on_epoch_end is 3, expected a function"):
        LambdaCallback(on_epoch_end=3)


def test_stopping_in_the_middle_of_an_epoch():
    class Stop(Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(batch)
            self.model.stop_training = batch == 1

    seen = []
    _, history = fit(Stop())
    assert seen == [0, 1] and history.epoch == [0]


def test_early_stopping_waits_for_a_baseline_and_a_first_epoch(capsys):
    losses = Say(loss=[5.0, 4.0, 3.0, 2.0, 1.0, 0.5])
    _, history = fit(losses, EarlyStopping("loss", patience=3, baseline=0.4, verbose=1), epochs=6)
    assert history.epoch == [0, 1, 2] and capsys.readouterr().out == "EarlyStopping: stops after epoch 3\n"
    _, history = fit(losses, EarlyStopping("loss", patience=3, baseline=3.5), epochs=6)
    assert history.epoch == [0, 1, 2, 3, 4, 5]
    rising = Say(loss=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert fit(rising, EarlyStopping("loss", patience=2, start_from_epoch=2), epochs=6)[1].epoch == [0, 1, 2, 3, 4]


def test_callbacks_may_look_at_what_one_before_them_gives(tmp_path):
    gives = Say(score=[0.1, 0.3, 0.2, 0.1, 0.5])
    stopping = EarlyStopping("score", patience=2, mode="max")
    checkpoint = ModelCheckpoint(tmp_path / "best", "score", save_best_only=True, mode="max")
    plateau = ReduceLROnPlateau("score", mode="max", patience=1)
    _, history = fit(gives, stopping, checkpoint, plateau, epochs=5)
    assert history.epoch == [0, 1, 2, 3] and stopping.best == checkpoint.best == 0.3
    assert history.history["score"] == [0.1, 0.3, 0.2, 0.1]
    by_lambda = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(score=epoch))
    assert fit(by_lambda, EarlyStopping("score", mode="max"), epochs=2)[1].epoch == [0, 1]
    with pytest.raises(ValueError, match="EarlyStopping: monitor is 'score', expected one of 'loss'"):
        fit(EarlyStopping("score"), gives)
    with pytest.warns(RuntimeWarning, match="EarlyStopping: no epoch had 'scores'; there are loss"):
        fit(gives, EarlyStopping("scores", mode="max"))


def test_learning_rates_of_a_function_are_in_the_history(capsys):
    model = classifier(optimizer=SGD(learning_rate=1.0))
    _, history = fit(LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1), model=model, epochs=3)
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
    assert capsys.readouterr().out.splitlines()[2] == ("LearningRateScheduler: epoch 3 has the learning rate 0.125")
    _, history = fit(LearningRateScheduler(lambda epoch: 10.0 ** -(epoch + 1)), epochs=2)
    assert history.history["learning_rate"] == [0.1, 0.01]
    with pytest.raises(TypeError, match=r"LearningRateScheduler: schedule\(0\) is 'x', expected a number"):
        fit(LearningRateScheduler(lambda epoch: "x"))
    with pytest.raises(TypeError, match="LearningRateScheduler: the optimizer's learning_rate is ExponentialDecay"):
        fit(
            LearningRateScheduler(lambda epoch: 1.0),
            model=classifier(optimizer=SGD(learning_rate=ExponentialDecay(1.0, 2, 0.5))),
        )


def test_a_callback_sets_the_rate_as_in_keras():
    class Halve(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate *= 0.5

    model, _ = fit(Halve(), model=classifier(optimizer=SGD(learning_rate=1.0)), epochs=3)
    assert model.optimizer.learning_rate == 0.125


@pytest.mark.parametrize(
    "losses, options, rates",
    [
        ([4, 3, 3, 3, 3, 3], {"patience": 2}, [1, 1, 1, 1, 0.5, 0.5]),
        ([4, 3, 3, 3, 3, 3], {"patience": 1}, [1, 1, 1, 0.5, 0.25, 0.125]),
        ([4, 3, 3, 3, 3, 3], {"patience": 1, "cooldown": 2}, [1, 1, 1, 0.5, 0.5, 0.25]),
        ([4, 3, 3, 3, 3, 3], {"patience": 1, "min_lr": 0.4}, [1, 1, 1, 0.5, 0.4, 0.4]),
        ([4, 3, 3, 3, 3, 3], {"patience": 1, "mode": "max"}, [1, 1, 0.5, 0.25, 0.125, 0.0625]),
        ([4, 3.9, 3.8, 3.7, 3.6, 3.5], {"patience": 1, "min_delta": 0.15}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
    ],
)
def test_a_plateau_lowers_the_rate(losses, options, rates):
    """As Keras 3.14's ReduceLROnPlateau: the rate of an epoch is that before the change at its end."""
    callbacks = Say(loss=losses), ReduceLROnPlateau("loss", factor=0.5, **options)
    _, history = fit(*callbacks, model=classifier(optimizer=SGD(learning_rate=1.0)), epochs=6)
    assert history.history["learning_rate"] == rates


def test_checkpoints_are_named_and_chosen(tmp_path, capsys):
    accuracies = Say(val_accuracy=[0.5, 0.7, 0.6, 0.75])
    path = tmp_path / "{epoch:02d}-{val_accuracy:.2f}"
    best = ModelCheckpoint(path, "val_accuracy", verbose=1, save_best_only=True)
    model, _ = fit(accuracies, best, validation_split=0.2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01-0.50", "02-0.70", "04-0.75"] and best.best == 0.75
    assert bits(tw.load(tmp_path / "04-0.75")) == bits(model)
    assert capsys.readouterr().out.splitlines()[1] == f"ModelCheckpoint: epoch 2 is saved in {tmp_path / '02-0.70'}"
    fit(ModelCheckpoint(tmp_path / "b{epoch}-{batch}", save_weights_only=True, save_freq=3), epochs=2)
    assert sorted(p.name for p in tmp_path.glob("b*")) == ["b1-3", "b2-2"]
    classifier().load_weights(tmp_path / "b2-2")
    fit(accuracies, ModelCheckpoint(tmp_path / "c", "val_accuracy", save_best_only=True, initial_value_threshold=0.9),
        validation_split=0.2)  # fmt: skip
    assert not (tmp_path / "c").exists()


def test_checkpoints_that_cannot_be_are_refused_before_training(tmp_path):
    class Own(Layer):
        def forward(self, x):
            raise AssertionError

    with pytest.raises(ValueError, match=r"filepath is .*there is no 'val_loss'; there are epoch, batch, loss, acc"):
        fit(ModelCheckpoint(tmp_path / "{val_loss}"))
    with pytest.raises(ValueError, match="ModelCheckpoint: monitor is 'val_loss', expected one of 'loss', 'accuracy'"):
        fit(ModelCheckpoint(tmp_path / "a", save_best_only=True, save_freq=2), validation_split=0.2)
    with pytest.raises(ValueError, match='save_freq is "?.*expected "epoch" or a number of batches'):
        ModelCheckpoint(tmp_path / "a", save_freq="batch")

    class Mine(tw.Model):
        def __init__(self):
            self.fc = Dense(1, "sigmoid")

        def forward(self, x):
            return self.fc(x)

    mine = Mine()
    mine.compile("sgd", "mse")
    with pytest.raises(
        TypeError, match="ModelCheckpoint: .*Mine is a class of your own, .*; save_weights_only=True needs"
    ):
        fit(ModelCheckpoint(tmp_path / "a"), model=mine)
    fit(ModelCheckpoint(tmp_path / "a", save_weights_only=True), model=mine)


@pytest.mark.parametrize("on_error", ["warn", "raise"])
def test_a_model_that_cannot_be_saved(tmp_path, monkeypatch, on_error):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    fit(ModelCheckpoint(tmp_path / "a"), epochs=1)
    old = (tmp_path / "a").read_bytes()
    monkeypatch.setattr("os.fsync", full)
    callback = ModelCheckpoint(tmp_path / "a", on_error=on_error)
    if on_error == "raise":
        with pytest.raises(OSError, match="No space left"):
            fit(callback)
    else:
        with pytest.warns(RuntimeWarning, match=r"ModelCheckpoint: .*a could not be written \(No space .*goes on"):
            _, history = fit(callback)
        assert history.epoch == [0, 1, 2, 3]
    assert (tmp_path / "a").read_bytes() == old and len(list(tmp_path.iterdir())) == 1


def test_csv_files_are_begun_anew_or_gone_on_with(tmp_path):
    path = tmp_path / "log.csv"
    for append, rows in ((False, 2), (False, 2), (True, 4)):
        _, history = fit(CSVLogger(path, separator=";", append=append), epochs=2)
        with open(path, newline="") as file:
            header, *found = csv.reader(file, delimiter=";")
        assert header == ["epoch", "loss", "accuracy"] and len(found) == rows
    assert [float(row[1]) for row in found[2:]] == history.history["loss"] and [row[0] for row in found] == [*"0101"]
    with pytest.raises(ValueError, match="CSVLogger: separator is ', ', expected one character"):
        CSVLogger(path, ", ")


def test_averages_stand_in_and_stay():
    """Against averages made by hand from the weights after every step."""
    seen, measured = [], []

    class Watch(Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append([w.astype(np.float64) for w in self.model.get_weights()])

        def on_test_begin(self, logs=None):
            measured.append(self.model.get_weights())

        def on_epoch_begin(self, epoch, logs=None):
            if epoch:
                last = [w.astype(np.float32).tobytes() for w in seen[-1]]
                assert [w.tobytes() for w in self.model.get_weights()] == last

    model, _ = fit(Watch(), ExponentialMovingAverage(0.8), epochs=2, validation_split=0.2)
    average, expected = seen[0], []
    for i, weights in enumerate(seen):
        average = [0.8 * a + 0.2 * w for a, w in zip(average, weights)]
        if i % 4 == 3:
            expected.append(average)
    for found, wanted in zip([*measured, model.get_weights()], [*expected, average], strict=True):
        for w, a in zip(found, wanted):
            np.testing.assert_allclose(w, a, rtol=2e-6)
    plain, _ = fit(epochs=2, validation_split=0.2)
    assert [w.astype(np.float32).tobytes() for w in seen[-1]] == [w.tobytes() for w in plain.get_weights()]


def test_averages_of_some_steps():
    seen = []
    watch = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()))
    model = classifier()
    fit(watch, ExponentialMovingAverage(0.5, update_freq=2, start_step=1), model=model, epochs=1)
    for w, a, b in zip(model.get_weights(), seen[1], seen[3]):
        np.testing.assert_allclose(w, (a + b) / 2, rtol=1e-6)
