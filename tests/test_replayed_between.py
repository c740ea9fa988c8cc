"""Replayed steps beside other threads, signals and the user's own hands: still what steps from Python would give."""

import sys
import threading

import numpy as np
import pytest
import tilewright as tw
from tilewright.kernels import _varying
from tilewright.kernels._cpu import jit
from tilewright.kernels._cpu.recording import Recording
from tilewright.layers import BatchNormalization, Dense, Dropout, Embedding, Flatten
from tilewright.layers.regularizers import L2
from tilewright.train import steps
from tilewright.train.callbacks import Callback, EarlyStopping

from .test_replayed import BATCH, MODELS, Plain, Spied, how, rows, trained, words

MLP = MODELS["mlp"][0]


def ways(monkeypatch, *given, **options):
    """What a training gives, once it is the same with replayed steps as with those of Python."""
    replayed = trained(monkeypatch, Spied, *given, **options)
    assert replayed == trained(monkeypatch, Plain, *given, **options)
    return replayed


def all_given_back():
    return _varying.recording is None and not any(hasattr(type(one), "plain") for one in jit.kernels)


@pytest.fixture
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(functions):
    """What functions give that run at the same time."""
    found = [None] * len(functions)

    def run(i):
        found[i] = functions[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_models_train_at_the_same_time(quick_switches):
    x, y = rows()

    def model(i):
        tw.set_seed(i)
        one = tw.Sequential([Dense(8, "relu"), BatchNormalization(), Dropout(0.3, seed=i), Dense(3, "softmax")])
        one.build((None, 5))
        one.compile("adam", "sparse_categorical_crossentropy")
        return one

    def train(one):
        def run():
            losses = []
            for _ in range(5):
                losses += one.fit(x, y, epochs=2, batch_size=BATCH, shuffle=False, verbose=0).history["loss"]
                one._trainer.replayed = None  # so that there is more to record
            return losses, one.optimizer.iterations, [w.tobytes() for w in one.get_weights()]

        return run

    alone = [train(model(i))() for i in range(3)]
    assert in_threads([train(model(i)) for i in range(3)]) == alone
    assert all_given_back()


def test_other_threads_are_not_recorded():
    x = np.ones((2, 2), np.float32)

    def beside():
        tw.kernels.relu_forward(x)
        _varying.refuse("never said")
        one = tw.Sequential([Dense(1, input_shape=(2,)), Dropout(0.5)])
        one.compile("adam", "mse")
        one.train_on_batch(x, x[:, :1])
        return one.optimizer.iterations.__class__, tw.kernels.tanh_forward(x).tobytes()

    def here():
        tw.kernels.sigmoid_forward(x)

    here()
    expected = beside()
    with Recording() as alone:
        here()
    with Recording() as recording:
        here()
        assert in_threads([beside]) == [expected]
    assert recording.refused is None and recording.matches(alone) and not recording._counted
    assert len(recording._own) == len(alone._own)


def test_kernels_made_meanwhile_stay_as_they_are():
    def twice(x):
        return x + x

    with Recording():
        dispatcher = jit.kernel(twice)
    assert dispatcher(1.5) == 3.0 and all_given_back()


def test_a_signal_that_raises_leaves_nothing_open(monkeypatch):
    class Raising:
        def __setattr__(self, name, value):
            raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(jit, "kernels", [*jit.kernels, Raising()])
        with pytest.raises(TimeoutError):
            Recording().__enter__()
    with Recording():
        pass
    assert all_given_back()


@pytest.mark.parametrize("when", [1, 2, 5, 9])
def test_what_a_signal_raises_in_a_replay_reaches_the_user(when, monkeypatch):
    left, real = [when], Recording.replay

    def replay(self, *like):
        left[0] -= 1
        if not left[0]:
            raise TimeoutError
        return real(self, *like)

    x, y = rows()
    model = tw.Sequential(MLP())
    model.compile("adam", "sparse_categorical_crossentropy")
    monkeypatch.setattr(Recording, "replay", replay)
    before = []
    with pytest.raises(TimeoutError):
        model.fit(x, y, epochs=4, batch_size=BATCH, verbose=0, callbacks=[Weights(before)])
    assert all_given_back() and Recording.turn.acquire(blocking=False)
    Recording.turn.release()
    if when < 3:  # while replays are compared, the step itself has been done
        assert not model._trainer.replayed._known[BATCH].proven
        assert any(w.tobytes() != kept for w, kept in zip(model.get_weights(), before[-1]))


class Weights(Callback):
    def __init__(self, found):
        self.found = found

    def on_batch_end(self, batch, logs=None):
        self.found.append([w.tobytes() for w in self.model.get_weights()])


def test_a_replay_that_fails_late_leaves_no_trace(monkeypatch):
    """Means and dropout have moved when the second embedding finds a number that it has no row for."""
    x, y = words()
    x[x == 8] = 1
    x[-1, 3] = 8

    def train(way):
        monkeypatch.setattr(steps, "Replayed", way)
        tw.set_seed(0)
        given = tw.Input(shape=(7,))
        first = Dropout(0.3)(BatchNormalization()(Embedding(9, 4)(given)))
        second = Embedding(8, 4)(given)
        model = tw.Model(given, Dense(3, "softmax")(Flatten()(tw.layers.Add()([first, second]))))
        model.compile("adam", "sparse_categorical_crossentropy")
        with pytest.raises(ValueError, match="holds 8") as error:
            model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
        counts = [layer._steps for layer in model.layers if isinstance(layer, Dropout)]
        return str(error.value), counts, [p.value.tobytes() for p in model.parameters()]

    assert train(Spied) == train(Plain)


def patched(layer):
    """Halve what a layer gets, by the instance's own `forward`."""
    forward = layer.forward
    layer.forward = lambda x: forward(x * np.float32(0.5))


class Patching(Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            patched(self.model.layers[0])


def test_a_forward_that_is_replaced_late_is_called(monkeypatch):
    ways(monkeypatch, MLP, rows(), callbacks=[Patching], epochs=6)


def test_a_forward_of_the_users_stays_after_the_first_step():
    x, y = rows()
    model = tw.Sequential([Dense(3, "softmax", input_shape=(5,))])
    patched(model.layers[0])
    mine = model.layers[0].forward
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    assert model.layers[0].forward is mine


def test_penalties_of_a_later_fit_count(monkeypatch):
    def losses(way):
        monkeypatch.setattr(steps, "Replayed", way)
        tw.set_seed(0)
        model = tw.Sequential([Dense(8, "relu", input_shape=(5,)), Dense(3, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        found = []
        for penalty in (None, L2(0.1), None):
            model.layers[0].w.regularizer = penalty
            found += model.fit(*rows(), epochs=4, batch_size=BATCH, verbose=0).history["loss"]
        return found

    assert losses(Spied) == losses(Plain)


class Gradients(Callback):
    found = None

    def on_train_begin(self, logs=None):
        Gradients.found = []

    def on_epoch_end(self, epoch, logs=None):
        self.found.append(self.model.parameters()[0].grad)


class GradientsOfBatches(Gradients):
    def on_batch_end(self, batch, logs=None):
        self.on_epoch_end(batch)


@pytest.mark.parametrize("kind", [Gradients, GradientsOfBatches])
def test_gradients_that_callbacks_keep_stay_as_they_were(kind, monkeypatch):
    found = []
    for way in (Spied, Plain):
        trained(monkeypatch, way, MLP, rows(), callbacks=[kind])
        found.append([gradient.tobytes() for gradient in Gradients.found])
    assert found[0] == found[1]


class NumpysRate(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = np.float32(0.013) / np.float32(epoch + 1)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_rates_may_be_numpys(optimizer, monkeypatch):
    ways(monkeypatch, MLP, rows(), optimizer, callbacks=[NumpysRate])


def test_a_hook_of_the_users_on_a_callback_of_the_librarys_is_watched(monkeypatch):
    def stopping():
        callback, calls = EarlyStopping("loss", patience=50), []

        def on_batch_end(batch, logs=None):
            calls.append(batch)
            if len(calls) == 25:  # in the middle of an epoch, where steps are replayed
                callback.model.layers[1].rate = 0.1

        callback.on_batch_end = on_batch_end
        return callback

    def make():
        return [Dense(8, "relu"), Dropout(0.5), Dense(3, "softmax")]

    ways(monkeypatch, make, rows(), callbacks=[stopping], epochs=10)
    assert how() == "whole"


def test_steps_of_few_sizes_are_kept():
    x, y = rows()
    model = tw.Sequential([Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    for size in range(2, 24):
        model.fit(x, y, epochs=3, batch_size=size, verbose=0)
    known = model._trainer.replayed
    assert len(known._known) < 12 and len(known.room) < 12
