"""TerminateOnNaN: the layer where NaN or infinity begins is named, forward or backward."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Layer
from tilewright.train import Callback, DataLoader, TerminateOnNaN

from .test_fit import T, X, bits, classifier
from .test_more_callbacks import fit


class Blow(Layer):
    """Multiplies by a number; its gradient is multiplied by another."""

    def __init__(self, factor=1.0, gradient=1.0, **options):
        super().__init__(**options)
        self.factor, self.gradient = factor, gradient

    def forward(self, x):
        factor, gradient = np.float32(self.factor), np.float32(self.gradient)
        return x * factor if self.training else x, lambda dy: dy * gradient


def blown(**options):
    tw.set_seed(0)
    layers = [Dense(4, "relu", input_shape=(3,)), tw.layers.Dropout(0.5), Blow(name="blow", **options)]
    model = tw.Sequential([*layers, Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"factor": np.inf},
            r"batch 1 of epoch 1: the output of layer blow \(Blow\) has \d+ of 100 values that are NaN or infinite, "
            r"the first is \S+ at \[0, \d\], its input is from 0 to",
        ),
        (
            {"gradient": np.nan},
            r"batch 1 of epoch 1: the gradient that leaves layer blow \(Blow\) has 100 of 100 values that",
        ),
    ],
)
def test_the_layer_where_nan_begins_is_named(options, message):
    model, callback = blown(**options), TerminateOnNaN()
    before = bits(model)
    with pytest.warns(RuntimeWarning, match=f"TerminateOnNaN: {message}"), np.errstate(all="ignore"):
        model.fit(X, T, batch_size=25, verbose=0, epochs=3, callbacks=callback)
    assert bits(model) == before and model.history.epoch == [0] and callback.found.startswith("batch 1")
    trainer = model._trainer
    assert "step" not in vars(trainer) and "step" not in vars(trainer.optimizer)
    assert all("forward" not in vars(layer) for layer in model.layers)


def test_bad_data_and_bad_weights_are_named():
    x = X.copy()
    x[60, 1] = np.nan
    model = blown()
    with pytest.warns(RuntimeWarning, match=r"batch 3 of epoch 1: the input of layer dense \(Dense\) has 1 of 75 val"):
        model.fit(DataLoader(x, T, 25), verbose=0, callbacks=[TerminateOnNaN()])
    model = blown()
    model.layers[3].w.value[1] = np.inf
    with pytest.warns(RuntimeWarning, match=r"the weight w of layer dense_1 \(Dense\) has 1 of 4 values"):
        model.fit(X, T, batch_size=25, verbose=0, callbacks=[TerminateOnNaN()])


def test_looking_for_nan_changes_nothing():
    plain, _ = fit()
    looked, history = fit(TerminateOnNaN())
    assert bits(looked) == bits(plain) and history.epoch == [0, 1, 2, 3]


def test_an_error_leaves_nothing_behind():
    class Fail(Callback):
        def on_batch_end(self, batch, logs=None):
            raise ZeroDivisionError

    model = classifier()
    with pytest.raises(ZeroDivisionError):
        fit(TerminateOnNaN(), Fail(), model=model)
    assert "step" not in vars(model._trainer) and "step" not in vars(model._trainer.optimizer)
