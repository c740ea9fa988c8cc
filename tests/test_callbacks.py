"""What happens around training: callbacks, early stopping, Ctrl-C, and what is printed."""

import os
import signal

import numpy as np
import pytest
from tilewright.train import Callback, EarlyStopping

from .test_fit import T, X, bits, classifier


class Watch(Callback):
    """Writes down every call."""

    def __init__(self):
        self.calls, self.logs = [], []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append("train end")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end")
        self.logs.append(logs)

    def on_batch_end(self, batch, logs=None):
        self.calls.append(f"batch {batch}")
        self.logs.append(dict(logs))


def test_callbacks_are_called_in_order_with_running_values():
    watch, model = Watch(), classifier()
    history = model.fit(X, T, batch_size=40, epochs=2, callbacks=[watch], verbose=0).history
    epoch = ["batch 0", "batch 1", "batch 2"]
    assert watch.calls == [
        "train begin",
        "epoch 0 begin",
        *epoch,
        "epoch 0 end",
        "epoch 1 begin",
        *epoch,
        "epoch 1 end",
        "train end",
    ]
    assert watch.model is model and watch.keys == ("loss", "accuracy")
    assert watch.logs[3] == {"loss": history["loss"][0], "accuracy": history["accuracy"][0]} == watch.logs[2]
    assert watch.logs[0] != watch.logs[1]


def test_early_stopping_restores_the_best_weights():
    class Worsen(Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights.append(self.model.get_weights())
            logs["val_loss"] = [5.0, 3.0, 4.0, 3.5, 1.0][epoch]

    weights = []
    model = classifier()
    stopping = EarlyStopping(patience=2, restore_best_weights=True)
    history = model.fit(X, T, epochs=5, validation_split=0.1, callbacks=[Worsen(), stopping], verbose=0)
    assert history.epoch == [0, 1, 2, 3]
    assert stopping.best == 3.0 and stopping.best_epoch == 1 and stopping.stopped_epoch == 3
    for w, best in zip(model.get_weights(), weights[1]):
        np.testing.assert_array_equal(w, best)


@pytest.mark.parametrize(
    "values, kept", [([np.nan] * 4, 1), ([2.0, np.nan, np.nan, np.nan], 1), ([0.1, np.nan, 3.0, 4.0], 2)]
)
def test_early_stopping_keeps_the_first_weights_where_none_were_better(values, kept):
    """As Keras does; epoch 0 is not looked at."""

    class Say(Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights.append(self.model.get_weights())
            logs["val_loss"] = values[epoch]

    weights, model = [], classifier()
    stopping = EarlyStopping(patience=3, restore_best_weights=True, start_from_epoch=1)
    model.fit(X, T, epochs=4, validation_split=0.1, callbacks=[Say(), stopping], verbose=0)
    assert stopping.best_epoch == kept and len(weights) == 4
    for w, best in zip(model.get_weights(), weights[kept]):
        np.testing.assert_array_equal(w, best)


@pytest.mark.parametrize(
    "monitor, mode, values, epochs",
    [
        ("val_accuracy", "auto", [0.5, 0.6, 0.6, 0.7], 3),
        ("val_loss", "max", [0.5, 0.6, 0.4, 0.7], 3),
        ("loss", "auto", [0.5, 0.4, 0.3, 0.2], 4),
    ],
)
def test_early_stopping_modes(monitor, mode, values, epochs):
    class Say(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs[monitor] = values[epoch]

    callbacks = [Say(), EarlyStopping(monitor, patience=1, mode=mode)]
    history = classifier().fit(X, T, epochs=4, validation_split=0.1, callbacks=callbacks, verbose=0)
    assert len(history.epoch) == epochs


class PressCtrlC(Callback):
    """Sends the signal that Ctrl-C sends, in the third epoch; `times` in a row."""

    def __init__(self, times=1):
        self.times = times

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_leaves_a_usable_model_and_its_history(capsys):
    model, watch = classifier(), Watch()
    before = bits(model)
    history = model.fit(X, T, epochs=5, callbacks=[PressCtrlC(), watch], verbose=0)
    assert history.interrupted and model.history is history
    assert history.epoch == [0, 1] and len(history.history["loss"]) == 2
    assert watch.calls[-3:] == ["epoch 2 begin", "batch 0", "train end"]  # the step at hand is finished
    assert "fit: interrupted in epoch 3 of 5" in capsys.readouterr().err
    assert model.training and bits(model) != before and np.isfinite(model.predict(X)).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not model.fit(X, T, verbose=0).interrupted


def test_a_second_ctrl_c_is_raised():
    with pytest.raises(KeyboardInterrupt):
        classifier().fit(X, T, epochs=5, callbacks=[PressCtrlC(times=2)], verbose=0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_user_is_left_alone():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    try:
        history = classifier().fit(X, T, epochs=4, callbacks=[PressCtrlC()], verbose=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert pressed == [1] and not history.interrupted and len(history.epoch) == 4


def test_an_error_in_a_callback_passes_and_modes_are_restored():
    class Fail(Callback):
        def on_batch_end(self, batch, logs=None):
            raise OSError("disk full")

    model = classifier()
    model.eval()
    with pytest.raises(OSError, match="disk full"):
        model.fit(X, T, callbacks=[Fail()], verbose=1)
    assert not model.training


@pytest.mark.parametrize("verbose, lines", [(0, 0), (2, 2), ("auto", 2)])
def test_what_is_printed_off_a_terminal(capsys, verbose, lines):
    classifier().fit(X, T, epochs=2, validation_split=0.1, verbose=verbose)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    if lines:
        assert printed[1].startswith("Epoch 2/2 ") and "loss 0." in printed[1] and "val_accuracy 0." in printed[1]


def test_the_bar_shows_the_values(capsys):
    pytest.importorskip("rich")
    classifier().fit(X, T, epochs=2, validation_split=0.1, verbose=1)
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed and "3/3" in printed and "val_accuracy 0." in printed


def test_evaluate_prints_one_line_unless_silent(capsys):
    model = classifier()
    loss, accuracy = model.evaluate(X, T)
    assert capsys.readouterr().out == f"Evaluated 100 samples: loss {loss:.4f}, accuracy {accuracy:.4f}\n"
    model.evaluate(X, T, verbose=0)
    assert capsys.readouterr().out == ""
