"""Averages of weights, which are often better than the last ones."""

import numpy as np

from ...kernels import _check as check
from ...kernels.optim import ema_update
from ...layers._device import assign, beside, to_host
from .base import Callback


class ExponentialMovingAverage(Callback):
    """Train with exponential moving averages of the weights: average = momentum * average + (1 - momentum) * weights.

    The averages stand in for the weights in validation, for the callbacks at the end of an epoch (so that
    ModelCheckpoint saves what was measured), and for good when training ends. Training itself goes on with the weights.
    The first step makes them the averages, as in Keras's `use_ema`. Weights that gradients do not change, such as the
    moving statistics of BatchNormalization, are not averaged.

    momentum     how much of the averages a step keeps, from 0 to 1
    update_freq  average after every so many batches
    start_step   batches before it, counted from 0, are left out: the averages start from the weights after it
    """

    order = -1
    _averages = _weights = None
    _training = False

    def __init__(self, momentum=0.99, update_freq=1, start_step=0):
        check.number("ExponentialMovingAverage", "momentum", momentum, 0, 1)
        check.whole("ExponentialMovingAverage", "update_freq", update_freq, 1)
        check.whole("ExponentialMovingAverage", "start_step", start_step)
        self.momentum, self.update_freq, self.start_step = momentum, update_freq, start_step

    def on_train_begin(self, logs=None):
        self._parameters = {n: p for n, p in self.model.named_parameters().items() if p.trainable}
        self._averages = self._weights = None
        self._steps, self._training = 0, True

    def on_batch_end(self, batch, logs=None):
        self._steps += 1
        if self._steps <= self.start_step or (self._steps - self.start_step - 1) % self.update_freq:
            return
        values = [p.value for p in self._parameters.values()]
        if self._averages is None:
            self._averages = [_copy(value) for value in values]
        else:
            ema_update(self._averages, values, momentum=self.momentum)

    def on_epoch_begin(self, epoch, logs=None):
        self._give_back()

    def on_test_begin(self, logs=None):
        self._put_in()

    def on_test_end(self, logs=None):
        if not self._training:
            self._give_back()

    def on_epoch_end(self, epoch, logs=None):
        self._put_in()

    def on_train_end(self, logs=None):
        self._put_in()
        self._weights, self._training = None, False

    def _put_in(self):
        if self._averages is not None and self._weights is None:
            self._weights = [_copy(p.value) for p in self._parameters.values()]
            for p, average in zip(self._parameters.values(), self._averages):
                assign(p.value, to_host(average))

    def _give_back(self):
        if self._weights is not None:
            for p, w in zip(self._parameters.values(), self._weights):
                assign(p.value, to_host(w))
            self._weights = None

    def state(self):
        return {
            "names": list(self._parameters),
            "averages": self._averages,
            "weights": self._weights,
            "steps": self._steps,
        }

    def load_state(self, state):
        known = self.model.named_parameters()
        self._parameters = {name: known[name] for name in state["names"]}
        self._averages, self._weights = (
            kept and [beside(array, p.value) for array, p in zip(kept, self._parameters.values())]
            for kept in (state["averages"], state["weights"])
        )
        self._steps = state["steps"]


def _copy(value):
    return beside(np.array(to_host(value)), value)
