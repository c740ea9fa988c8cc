"""A replayed step does what Python's does, bit for bit, and steps that Python has to look at are not replayed."""

import copy
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    GRU,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling1D,
    LayerNormalization,
    MaxPooling2D,
    Residual,
    SpatialDropout1D,
)
from tilewright.train import losses, optimizers, replayed, schedules, steps
from tilewright.train.callbacks import Callback, LambdaCallback

EPOCHS, SAMPLES, BATCH = 4, 28, 8  # the last batch of an epoch has half the size


def rows(features=5, classes=3):
    rng = np.random.default_rng(0)
    return rng.standard_normal((SAMPLES, features)).astype(np.float32), rng.integers(0, classes, SAMPLES)


def images():
    rng = np.random.default_rng(1)
    return rng.standard_normal((SAMPLES, 6, 6, 1)).astype(np.float32), rng.integers(0, 3, SAMPLES)


def words():
    rng = np.random.default_rng(2)
    return rng.integers(1, 9, (SAMPLES, 7)).astype(np.int32), rng.integers(0, 3, SAMPLES)


class Plain:
    """Steps that nobody records."""

    def __init__(self, trainer):
        self._trainer, self.room = trainer, {}

    def begin(self, kinds, watched):
        pass

    def end(self):
        pass

    def __call__(self, *batch):
        return self._trainer.step(*batch)


class Spied(replayed.Replayed):
    """Keeps what was known of the steps at the end."""

    last = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        Spied.last = self


def trained(monkeypatch, way, make, data, optimizer="adam", loss="sparse_categorical_crossentropy", **options):
    """(history, all arrays, the count of steps) after a fit whose steps are taken in a way."""
    monkeypatch.setattr(steps, "Replayed", way)
    tw.set_seed(3)
    model = tw.Sequential(make())
    model.compile(optimizer() if callable(optimizer) else optimizer, loss, metrics=["accuracy"])
    x, y = data
    options = {"epochs": EPOCHS, "batch_size": BATCH, "verbose": 0, **options}
    callbacks = [one() for one in options.pop("callbacks", ())]
    history = model.fit(x, y, callbacks=callbacks, **options).history
    arrays = [p.value for p in model.parameters()] + model.optimizer.kept()
    return history, [a.tobytes() for a in arrays], model.optimizer.iterations


def how(size=BATCH):
    """How steps of a size were taken in the end: replayed "whole", "gradients" alone, or "not"."""
    known = Spied.last._known.get(size)
    if not getattr(known, "proven", False):
        return "not"
    return "gradients" if known._changed is None else "whole"


def hidden(*layers):
    return lambda: [*(make() for make in layers), Dense(3, "softmax")]


MODELS = {
    "mlp": (hidden(lambda: Dense(8, "relu"), lambda: Dense(8, "tanh")), rows, "whole"),
    "cnn": (hidden(lambda: Conv2D(4, 3, activation="relu"), MaxPooling2D, Flatten), images, "whole"),
    "dropout": (hidden(lambda: Dense(8), lambda: Dropout(0.4), lambda: GaussianNoise(0.1)), rows, "whole"),
    "batch norm": (hidden(lambda: Dense(8), BatchNormalization), rows, "whole"),
    "layer norm": (hidden(lambda: Dense(8), LayerNormalization), rows, "whole"),
    "residual": (hidden(lambda: Dense(8), lambda: Residual([Dense(8, "relu")])), rows, "whole"),
    "words": (hidden(lambda: Embedding(9, 4), GlobalAveragePooling1D), words, "whole"),
    "channels": (hidden(lambda: Embedding(9, 4), lambda: SpatialDropout1D(0.5), lambda: GRU(4)), words, "whole"),
    "masked": (hidden(lambda: Embedding(9, 4, mask_zero=True), GlobalAveragePooling1D), words, "not"),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_end_with_the_same_bits(name, monkeypatch):
    make, data, expected = MODELS[name]
    assert trained(monkeypatch, Spied, make, data()) == trained(monkeypatch, Plain, make, data())
    assert how() == how(SAMPLES % BATCH) == expected


class Halving(Callback):
    """Lowers the rate in the middle of the training, where recordings stand."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.optimizer.learning_rate /= 2


OPTIMIZERS = {
    **{name: (name, "whole") for name in ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "lion")},
    "lamb": ("lamb", "gradients"),
    "momentum": (lambda: optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=0.01), "whole"),
    "amsgrad": (lambda: optimizers.Adam(amsgrad=True, weight_decay=0.01), "whole"),
    "clipped elements": (lambda: optimizers.Adam(clipvalue=0.01), "gradients"),
    "clipped norm": (lambda: optimizers.Adam(global_clipnorm=0.5), "gradients"),
    "averages": (lambda: optimizers.Adam(use_ema=True), "gradients"),
    "accumulated": (lambda: optimizers.Adam(gradient_accumulation_steps=2), "not"),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_end_with_the_same_bits_under_a_rate_that_changes(name, monkeypatch):
    optimizer, expected = OPTIMIZERS[name]
    given = MODELS["mlp"][0], rows(), optimizer
    options = {"callbacks": [Halving]}
    assert trained(monkeypatch, Spied, *given, **options) == trained(monkeypatch, Plain, *given, **options)
    assert how() == expected


def test_a_schedule_is_followed(monkeypatch):
    def optimizer():
        return optimizers.Adam(learning_rate=schedules.ExponentialDecay(0.01, decay_steps=3, decay_rate=0.5))

    given = MODELS["mlp"][0], rows(), optimizer
    assert trained(monkeypatch, Spied, *given) == trained(monkeypatch, Plain, *given)
    assert how() == "whole"


LOSSES = {
    "mse": ("mse", {}, "whole"),
    "huber": ("huber", {}, "whole"),
    "weighted": ("mse", {"sample_weight": np.linspace(0, 1, SAMPLES)}, "not"),
    "own": (lambda y, t: ((y - t) * (y - t)).mean(), {}, "not"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_end_with_the_same_bits(name, monkeypatch):
    loss, options, expected = LOSSES[name]
    x, _ = rows()

    def make():
        return [Dense(8, "relu"), Dense(2)]

    given = make, (x, x[:, :2] * 3), "sgd", loss
    assert trained(monkeypatch, Spied, *given, **options) == trained(monkeypatch, Plain, *given, **options)
    assert how() == expected


def test_penalties_are_added_to_replayed_gradients(monkeypatch):
    def make():
        return [Dense(8, "relu", kernel_regularizer="l2"), Dense(3, "softmax")]

    assert trained(monkeypatch, Spied, make, rows()) == trained(monkeypatch, Plain, make, rows())
    assert how() == "gradients"


def test_labels_that_are_ignored_late_are_ignored(monkeypatch):
    x, y = rows()
    y[-6:] = -1
    given = MODELS["mlp"][0], (x, y), "adam", losses.SparseCategoricalCrossentropy(ignore_class=-1)
    options = {"shuffle": False}
    assert trained(monkeypatch, Spied, *given, **options) == trained(monkeypatch, Plain, *given, **options)
    assert how() == "not"


class Freezing(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.layers[0].trainable = epoch % 2 == 0


class Wilder(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.layers[1].rate = 0.1 * (epoch + 1)


class Replacing(Callback):
    def on_epoch_end(self, epoch, logs=None):
        for p in self.model.parameters():
            p.value = p.value * np.float32(0.5)


def in_the_middle():
    def shrink(batch, logs):
        if batch == 2:
            layer = shrink.callback.model.layers[1]
            layer.rate = layer.rate / 2

    shrink.callback = LambdaCallback(on_train_batch_end=shrink)
    return shrink.callback


@pytest.mark.parametrize("callback", [Freezing, Wilder, Replacing, in_the_middle])
def test_what_callbacks_change_is_seen(callback, monkeypatch):
    given = hidden(lambda: Dense(8, "relu"), lambda: Dropout(0.5)), rows()
    options = {"callbacks": [callback], "epochs": 7}
    assert trained(monkeypatch, Spied, *given, **options) == trained(monkeypatch, Plain, *given, **options)


def test_a_wrong_word_in_a_late_batch_is_named(monkeypatch):
    """Also where the model has replayed steps before, and its weights stay as they were."""
    x, y = words()
    x[-1, 3] = 9
    before = []

    class Keeping(Callback):
        def on_batch_end(self, batch, logs=None):
            before.append([p.value.copy() for p in self.model.parameters()])

    model = tw.Sequential([Embedding(9, 4), GlobalAveragePooling1D(), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"x\[0, 3\] is 9|holds 9"):
        model.fit(x, y, batch_size=1, shuffle=False, verbose=0, callbacks=[Keeping()])
    assert len(before) == SAMPLES - 1
    for p, value in zip(model.parameters(), before[-1]):
        np.testing.assert_array_equal(p.value, value)


def test_evaluation_in_between_leaves_recordings_right(monkeypatch):
    x, y = rows()
    given, options = (MODELS["batch norm"][0], (x, y)), {"validation_data": (x, y)}
    assert trained(monkeypatch, Spied, *given, **options) == trained(monkeypatch, Plain, *given, **options)
    assert how() == "whole"


def test_a_second_fit_goes_on_with_known_steps_unless_something_is_another():
    x, y = rows()
    model = tw.Sequential([Dense(8, "relu"), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")

    def known(**options):
        model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, verbose=0, **options)
        return model._trainer.replayed._known[BATCH]

    first = known()
    assert first.proven and known() is first
    assert known(sample_weight=np.ones(SAMPLES)) == "cannot be replayed"  # sums of weights are Python's
    second = known()
    assert second.proven and second is not first
    model.optimizer.beta_1 = 0.5
    assert known() is not second
    model.set_weights([w + 1 for w in model.get_weights()])
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    known()
    for w, kept in zip(model.get_weights(), before):
        np.testing.assert_array_equal(w, kept)


def test_models_with_known_steps_are_copied_and_pickled():
    x, y = rows()
    model = tw.Sequential([Dense(8, "relu"), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    options = {"epochs": 2, "batch_size": BATCH, "verbose": 0, "shuffle": False}
    model.fit(x, y, **options)
    others = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    expected = model.fit(x, y, **options).history
    for other in others:
        assert other.fit(x, y, **options).history == expected
