"""Checkpoints: what a loop of one's own takes back, and what is damaged or another's is not used."""

import os
import warnings

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Dropout
from tilewright.train import Adam, BackupAndRestore, Checkpoint

from .test_fit import T, X, bits
from .test_resume import model


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


def test_weights_that_are_frozen_alone_come_back(two):
    checkpoint, made, *_ = two
    made.layers[0].w.trainable = False
    checkpoint.save()
    made.layers[0].w.trainable, made.layers[2].b.trainable = True, False
    checkpoint.restore()
    assert [p.trainable for p in made.parameters()] == [False, True, True, True]
