"""What users put in the place of the library's methods, on one object or on its class, runs in every step."""

import functools
import types
from unittest import mock

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import steps
from tilewright.train.callbacks import LambdaCallback

from .test_replayed import BATCH, Plain, Spied, how, rows

PLACES = {
    "forward of a layer": (lambda model: model.layers[0], "forward"),
    "forward of a model": (lambda model: model, "forward"),
    "update of an optimizer": (lambda model: model.optimizer, "update"),
    "measure of a loss": (lambda model: model._trainer.loss, "measure"),
}


def calls(monkeypatch, way, place, late):
    """How often a method was called that was bound in the place of a library's, before or late in the training."""
    monkeypatch.setattr(steps, "Replayed", way)
    find, name = place
    tw.set_seed(0)
    model = tw.Sequential([Dense(8, "relu", input_shape=(5,)), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    count = [0]

    def put(epoch=2, logs=None):
        if epoch == 2:
            one = find(model)
            before = getattr(one, name)

            def counted(self, *given, **options):
                count[0] += 1
                return before(*given, **options)

            setattr(one, name, types.MethodType(counted, one))

    if not late:
        put()
    callbacks = [LambdaCallback(on_epoch_end=put)] if late else []
    model.fit(*rows(), epochs=6, batch_size=BATCH, verbose=0, callbacks=callbacks)
    return count[0]


@pytest.mark.parametrize("late", [False, True], ids=["before", "late"])
@pytest.mark.parametrize("place", PLACES)
def test_methods_of_one_object_run_in_every_step(place, late, monkeypatch):
    found = [calls(monkeypatch, way, PLACES[place], late) for way in (Spied, Plain)]
    assert found[0] == found[1] >= 12 and how() == "not"


@pytest.mark.parametrize("kind", ["function", "wraps", "mock"])
def test_methods_of_a_class_run_in_every_step(kind, monkeypatch):
    real, count = Dense.forward, []

    def counted(self, x):
        count.append(x)
        return real(self, x)

    given = {
        "function": lambda: mock.patch.object(Dense, "forward", counted),
        "wraps": lambda: mock.patch.object(Dense, "forward", functools.wraps(real)(counted)),
        "mock": lambda: mock.patch.object(Dense, "forward", autospec=True, side_effect=counted),
    }
    found = []
    for way in (Spied, Plain):
        monkeypatch.setattr(steps, "Replayed", way)
        count.clear()
        with given[kind]():
            model = tw.Sequential([Dense(3, "softmax")])
            model.compile("sgd", "sparse_categorical_crossentropy")
            model.fit(*rows(), epochs=5, batch_size=BATCH, verbose=0)
        found.append(len(count))
    assert found[0] == found[1] and how() == "not"


def test_what_runs_outside_of_recordings_may_be_the_users(monkeypatch):
    monkeypatch.setattr(steps, "Replayed", Spied)
    model = tw.Sequential([Dense(3, "softmax", kernel_initializer=lambda shape, dtype: np.full(shape, 0.1, dtype))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(*rows(), epochs=5, batch_size=BATCH, verbose=0)
    assert how() == "whole"
