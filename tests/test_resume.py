"""A training that was killed goes on from its backup as if nothing had happened."""

import os
import signal

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Dropout
from tilewright.train import (
    SGD,
    Adam,
    BackupAndRestore,
    Callback,
    CSVLogger,
    DataLoader,
    EarlyStopping,
    ExponentialDecay,
    ExponentialMovingAverage,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
)

from .test_fit import T, X, bits


class Killed(BaseException):
    pass


class Kill(Callback):
    """Ends everything after so many batches, as a signal would."""

    def __init__(self, batches):
        self.left = batches

    def on_batch_begin(self, batch, logs=None):
        self.left -= 1
        if self.left < 0:
            raise Killed


def model(optimizer, **layer):
    made = tw.Sequential([Dense(8, "tanh", input_shape=(3,)), Dropout(0.3), Dense(1, "sigmoid", **layer)])
    made.compile(optimizer, "binary_crossentropy", ["accuracy", "auc"])
    return made


def train(path, seed, optimizer, batches=10**9, callbacks=tuple, save_freq=2, **options):
    """(weights as bytes, history) of a training that may be killed; what it draws before it begins differs by seed."""
    tw.set_seed(seed)
    one = model(optimizer())
    every = [Kill(batches), *callbacks(), BackupAndRestore(path, save_freq=save_freq)]
    options = {"batch_size": 16, "epochs": 4, "validation_split": 0.2, "verbose": 0, **options}
    history = one.fit(X, T, callbacks=every, **options)
    return bits(one), history.history, history.epoch


def everything():
    return [
        EarlyStopping(patience=50, restore_best_weights=True),
        ReduceLROnPlateau("loss", patience=1, factor=0.5, min_delta=1.0),
        ExponentialMovingAverage(0.9),
    ]


@pytest.mark.parametrize(
    "optimizer, callbacks, save_freq",
    [
        (Adam, tuple, "epoch"),
        (lambda: SGD(learning_rate=0.1, momentum=0.9), lambda: [LearningRateScheduler(lambda e, r: 0.9 * r)], 2),
        (lambda: Adam(learning_rate=ExponentialDecay(0.1, 3, 0.9)), lambda: [ExponentialMovingAverage(0.9)], 3),
        (lambda: Adam(learning_rate=0.01, gradient_accumulation_steps=3), everything, 1),
    ],
    ids=["epochs", "rates", "schedule", "everything"],
)
def test_a_killed_training_ends_with_the_same_bits(tmp_path, optimizer, callbacks, save_freq):
    whole = train(tmp_path / "whole", 0, optimizer, callbacks=callbacks, save_freq=save_freq)
    path = tmp_path / "backup"
    for seed, batches in enumerate((1, 3, 7, 0, 6)):
        with pytest.raises(Killed):
            train(path, seed if path.exists() else 0, optimizer, batches, callbacks, save_freq)
    assert train(path, 99, optimizer, callbacks=callbacks, save_freq=save_freq) == whole
    assert not os.listdir(tmp_path)  # a finished training removes its backup


def test_layers_that_keep_something_go_on_too(tmp_path):
    """Moving statistics, and counts of dropout in layers that others are made of."""

    def train(path, batches=10**9):
        tw.set_seed(0)
        recurrent = tw.layers.Bidirectional(tw.layers.GRU(3, dropout=0.3, recurrent_dropout=0.2))
        made = tw.Sequential(
            [tw.layers.Reshape((3, 1), input_shape=(3,)), recurrent, tw.layers.BatchNormalization(), Dense(1)]
        )
        made.compile("adam", "mse")
        made.fit(
            X, T, batch_size=25, epochs=2, verbose=0, callbacks=[Kill(batches), BackupAndRestore(path, save_freq=1)]
        )
        return bits(made)

    whole = train(tmp_path / "whole")
    for batches in (3, 2):
        with pytest.raises(Killed):
            train(tmp_path / "a", batches)
    assert train(tmp_path / "a") == whole


def endless():
    rng = np.random.default_rng(5)
    while True:
        yield X[:20] + rng.standard_normal((20, 3)).astype(np.float32), T[:20]


def noisy(x, y, rng):
    return x + rng.standard_normal(x.shape).astype(np.float32), y


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("steps", [None, 7, 3])
def test_batches_of_a_loader_go_on(tmp_path, workers, steps):
    def source():
        return DataLoader(X, T, 20, shuffle=True, transform=noisy, workers=workers)

    expect_same(tmp_path, source, steps_per_epoch=steps)


@pytest.mark.parametrize("source", [endless, lambda: [(X[i::7], T[i::7]) for i in range(7)].__iter__()])
def test_batches_of_a_generator_go_on(tmp_path, source):
    expect_same(tmp_path, source, steps_per_epoch=2)


def expect_same(tmp_path, source, **options):
    def train(path, seed, batches=10**9):
        tw.set_seed(seed)
        made = model("adam")
        callbacks = [Kill(batches), BackupAndRestore(path, save_freq=1)]
        history = made.fit(source(), epochs=3, verbose=0, callbacks=callbacks, **options)
        return bits(made), history.history

    whole = train(tmp_path / "whole", 0)
    for seed, batches in enumerate((3, 1, 1)):
        with pytest.raises(Killed):
            train(tmp_path / "a", seed, batches)
    with pytest.raises(ValueError, match="made with batches of a source, and now there are arrays"):
        model("adam").fit(X, T, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path / "a")])
    assert train(tmp_path / "a", 99) == whole


def test_several_outputs_go_on(tmp_path):
    def train(path, batches=10**9):
        tw.set_seed(0)
        x = tw.layers.Input(shape=(3,))
        made = tw.Model(x, [Dense(1, name="a")(x), Dense(1, "sigmoid", name="b")(Dropout(0.5)(x))])
        made.compile("adam", ["mse", "binary_crossentropy"], [[], ["accuracy"]])
        callbacks = [Kill(batches), BackupAndRestore(path, save_freq=1)]
        history = made.fit(X, [T, T], batch_size=30, epochs=3, verbose=0, callbacks=callbacks)
        return bits(made), history.history

    whole = train(tmp_path / "whole")
    for batches in (2, 3):
        with pytest.raises(Killed):
            train(tmp_path / "a", batches)
    assert train(tmp_path / "a") == whole


def test_backups_change_nothing(tmp_path):
    tw.set_seed(0)
    plain = model("adam")
    history = plain.fit(X, T, batch_size=16, epochs=4, validation_split=0.2, verbose=0)
    assert train(tmp_path / "a", 0, Adam, save_freq=1) == (bits(plain), history.history, history.epoch)


def test_a_training_that_was_stopped_stays_stopped(tmp_path):
    """The backup is made when the last epoch ended, and the process dies before `on_train_end`."""

    class Die(Callback):
        order = 2

        def on_epoch_end(self, epoch, logs=None):
            if self.model.stop_training:
                raise Killed

    def stop():
        return [EarlyStopping("loss", patience=2, min_delta=1.0, restore_best_weights=True)]

    whole = train(tmp_path / "whole", 0, Adam, callbacks=stop, save_freq="epoch")
    with pytest.raises(Killed):
        train(tmp_path / "a", 0, Adam, callbacks=lambda: [*stop(), Die()], save_freq="epoch")
    assert train(tmp_path / "a", 0, Adam, callbacks=stop, save_freq="epoch") == whole
    assert whole[2] == [0, 1, 2]


def test_rows_of_a_csv_file_come_once(tmp_path):
    def log():
        return [CSVLogger(tmp_path / "log.csv")]

    whole = train(tmp_path / "whole", 0, Adam, callbacks=log, save_freq=3)
    rows = (tmp_path / "log.csv").read_bytes()
    (tmp_path / "log.csv").unlink()
    for batches in (4, 5):  # the second one after a row that is younger than the backup
        with pytest.raises(Killed):
            train(tmp_path / "a", 0, Adam, batches, log, 3)
    assert train(tmp_path / "a", 0, Adam, callbacks=log, save_freq=3) == whole
    assert (tmp_path / "log.csv").read_bytes() == rows and rows.count(b"\n") == 5


def test_ctrl_c_leaves_the_backup(tmp_path, capsys):
    whole = train(tmp_path / "whole", 0, Adam)
    press = LambdaCallback(on_train_batch_begin=lambda batch, logs: batch == 3 and os.kill(os.getpid(), signal.SIGINT))
    train(tmp_path / "a", 0, Adam, callbacks=lambda: [press])
    assert "interrupted in epoch 1 of 4" in capsys.readouterr().err and (tmp_path / "a").exists()
    assert train(tmp_path / "a", 1, Adam) == whole


def test_an_epoch_of_other_batches_is_refused(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path / "a", 0, Adam, 3)
    with pytest.raises(ValueError, match="in the middle of an epoch of 5 batches, and this one has 8; give the same"):
        train(tmp_path / "a", 0, Adam, batch_size=10)


def test_where_training_goes_on_is_said(tmp_path, capsys):
    said = f"BackupAndRestore: {tmp_path / 'a'} is there; training "
    with pytest.raises(Killed):
        train(tmp_path / "a", 0, Adam, 7)
    assert capsys.readouterr().err == ""
    with pytest.raises(Killed):
        train(tmp_path / "a", 0, Adam, 0)
    assert capsys.readouterr().err == said + "goes on with epoch 2 of 4, 1 of its batches is done\n"
    backup = BackupAndRestore(tmp_path / "a", delete_checkpoint=False)
    for epochs, where in (
        (4, "goes on with epoch 2 of 4, 1 of its batches is done"),
        (4, "was finished after 4 epochs"),
        (5, "goes on with epoch 5 of 5"),
    ):
        model("adam").fit(X, T, batch_size=16, epochs=epochs, validation_split=0.2, verbose=0, callbacks=[backup])
        assert capsys.readouterr().err == f"{said}{where}\n"
