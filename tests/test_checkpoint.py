"""Training goes on from a checkpoint as if nothing had happened; what is damaged or another's is not used."""

import os
import signal
import warnings

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Dropout
from tilewright.train import (
    SGD,
    Adam,
    BackupAndRestore,
    Callback,
    Checkpoint,
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


def test_a_loop_of_ones_own(tmp_path):
    def run(path, steps, then=None):
        tw.set_seed(0)
        made = tw.Sequential([Dense(4, "relu", input_shape=(3,)), Dropout(0.5), Dense(1)])
        optimizer = Adam(made.parameters(), learning_rate=0.01)
        checkpoint = Checkpoint(path, made, optimizer)
        kept = checkpoint.restore() or {"step": 0}
        for step in range(kept["step"], steps):
            x = tw.layers._random.generator().standard_normal((5, 3)).astype(np.float32)
            optimizer.zero_grad()
            (made(x) * made(x)).mean().backward()
            optimizer.step()
            assert checkpoint.save(step=step + 1, seen=[np.arange(3), (1.5, None)])
        return bits(made), checkpoint.restore()

    whole, more = run(tmp_path / "whole", 6)
    run(tmp_path / "a", 2)
    assert run(tmp_path / "a", 6)[0] == whole
    assert more["step"] == 6 and more["seen"][1] == (1.5, None) and more["seen"][0].dtype == np.int64


@pytest.fixture
def two(tmp_path):
    """(checkpoint, its model, the weights of the first save, of the second)."""
    tw.set_seed(0)
    made = model("adam")
    checkpoint, weights = Checkpoint(tmp_path / "run", made), []
    for number in (1, 2):
        made.fit(X, T, verbose=0)
        checkpoint.save(number=number)
        weights.append(bits(made))
    return checkpoint, made, *weights


def test_every_truncation_gives_the_one_before(two):
    checkpoint, made, first, second = two
    assert checkpoint.restore() == {"number": 2} and bits(made) == second
    with open(checkpoint.path, "rb") as file:
        whole = file.read()
    for length in range(0, len(whole), 199):
        with open(checkpoint.path, "wb") as file:
            file.write(whole[:length])
        with pytest.warns(RuntimeWarning, match=r"run cannot be read as a checkpoint: .*; went back to .*run\.before"):
            assert checkpoint.restore() == {"number": 1}
        assert bits(made) == first


def test_a_flipped_bit_is_refused_or_harmless(two):
    checkpoint, made, first, second = two
    with open(checkpoint.path, "rb") as file:
        whole = file.read()
    refused = 0
    for position in range(0, len(whole), 61):
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 8
        with open(checkpoint.path, "wb") as file:
            file.write(broken)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            number = checkpoint.restore()["number"]
        refused += number == 1
        assert bits(made) == (first if number == 1 else second) and len(said) == (number == 1)
    assert refused > len(whole) / 61 / 2


def test_a_damaged_checkpoint_does_not_take_the_place_of_the_one_before(two):
    checkpoint, made, first, _ = two
    with open(checkpoint.path, "r+b") as file:
        file.truncate(100)
    with pytest.warns(RuntimeWarning, match="went back to the one before it"):
        checkpoint.restore()
    checkpoint.save(number=3)
    os.unlink(checkpoint.path)
    assert checkpoint.restore() == {"number": 1} and bits(made) == first


def test_two_damaged_checkpoints_are_an_error(two):
    checkpoint, *_ = two
    for path in (checkpoint.path, checkpoint.before):
        with open(path, "r+b") as file:
            file.truncate(100)
    with pytest.raises(ValueError, match="restore: .*run cannot be read as a checkpoint: .*; there is none before it"):
        checkpoint.restore()


def test_another_models_checkpoint_is_refused_by_name_and_shape(two):
    checkpoint, *_ = two
    wide = tw.Sequential([Dense(9, "tanh", input_shape=(3,)), Dropout(0.3), Dense(1, name="last")])
    wide.compile("adam", "mse")
    before = bits(wide)
    with pytest.raises(ValueError) as raised:
        Checkpoint(checkpoint.path, wide).restore()
    for part in (
        "run does not fit",
        "it has no weight last.w",
        "it has dense_1.w, which",
        "dense.w is float32 of shape (3, 8), expected float32 of shape (3, 9)",
    ):
        assert part in str(raised.value)
    with pytest.raises(ValueError, match="it was made with the optimizer Adam, and this one is SGD"):
        Checkpoint(checkpoint.path, model("sgd")).restore()
    with pytest.raises(ValueError, match=r"dense.w is float32 of shape \(3, 8\), expected float64"):
        double = tw.Sequential([Dense(8, "tanh", input_shape=(3,)), Dropout(0.3), Dense(1, "sigmoid")], dtype="float64")
        double.compile("adam", "mse")
        Checkpoint(checkpoint.path, double).restore()
    assert bits(wide) == before
    checkpoint.model.save(checkpoint.path)
    with pytest.raises(ValueError, match="it holds a model and no checkpoint"):
        checkpoint.restore()


def test_what_a_checkpoint_cannot_say_is_refused(two):
    checkpoint, *_ = two
    with pytest.raises(TypeError, match="state.more.where.1 is object, expected numbers, strings and arrays in lists"):
        checkpoint.save(where=[1, object()])
    assert checkpoint.restore() == {"number": 2}


def full_disk(limit):
    """Run in a child: writing beyond `limit` bytes of a file fails, as on a full disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("on_error", ["warn", "raise"])
def test_a_full_disk(two, tmp_path, on_error):
    checkpoint, made, _, second = two
    names = sorted(os.listdir(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
        child = os.fork()
    if not child:
        status = 1
        try:
            full_disk(2000)
            status = _fit_on_a_full_disk(checkpoint.path, made, on_error)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sorted(os.listdir(tmp_path)) == names
    assert checkpoint.restore() == {"number": 2} and bits(made) == second


def _fit_on_a_full_disk(path, made, on_error):
    """0 if training goes on, or stops, as asked."""
    os.unlink(path + ".before")
    os.link(path, path + ".before")
    backup = BackupAndRestore(path + ".fit", on_error=on_error)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            made.fit(X, T, epochs=3, verbose=0, callbacks=[backup])
        except OSError:
            return 0 if on_error == "raise" and not os.path.exists(path + ".fit") else 2
    told = [one for one in said if "could not be written" in str(one.message)]
    return 0 if on_error == "warn" and len(told) == 3 else 3


def test_a_save_that_fails_at_any_point_leaves_the_old_ones(two, monkeypatch):
    checkpoint, made, _, second = two
    folder = os.path.dirname(checkpoint.path)
    names = sorted(os.listdir(folder))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for failing in ("os.fsync", "os.replace", "numpy.lib.format.write_array"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
            patch.setattr(failing, full)
            checkpoint.save(number=3)
        assert sorted(os.listdir(folder)) == names and checkpoint.restore() == {"number": 2}
