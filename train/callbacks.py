"""Callbacks: what `fit` tells others while it runs.

`logs` are the losses and metrics under the keys of the history; those of a batch are the running values of the epoch,
computed when they are read.
"""

import math

from ..kernels import _check as check


class Callback:
    """Base of all callbacks. Before training begins `fit` sets `model`, `keys` (the history's), `epochs`, `batches`."""

    model = None
    keys = ()
    epochs = batches = 1

    def on_train_begin(self, logs=None):
        """Before the first epoch."""

    def on_train_end(self, logs=None):
        """After the last epoch, after an interruption too."""

    def on_epoch_begin(self, epoch, logs=None):
        """Before epoch `epoch`, counted from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """After the epoch and its validation."""

    def on_batch_end(self, batch, logs=None):
        """After batch `batch` of the epoch, counted from 0."""


class History(Callback):
    """What `fit` returns: `history`, {key: [a value an epoch]}, `epoch`, their numbers, and `interrupted`."""

    def __init__(self):
        self.history = {}
        self.epoch = []
        self.interrupted = False

    def __repr__(self):
        return f"History({len(self.epoch)} epochs of {', '.join(self.history)})"

    def on_train_begin(self, logs=None):
        self.history = {key: [] for key in self.keys}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for key, value in logs.items():
            self.history[key].append(value)


class EarlyStopping(Callback):
    """Stop when `monitor` has not improved by more than `min_delta` for `patience` epochs.

    monitor               a key of the history, such as "val_loss" or "val_accuracy"
    min_delta             from 0
    patience              a whole number; 0 stops at the first epoch that is not better
    mode                  "min", "max", or "auto": larger is better for accuracy, precision, recall, f1 and auc
    restore_best_weights  whether the model ends with the weights of its best epoch
    """

    def __init__(self, monitor="val_loss", min_delta=0.0, patience=0, mode="auto", restore_best_weights=False):
        check.number("EarlyStopping", "min_delta", min_delta, 0)
        check.whole("EarlyStopping", "patience", patience)
        check.choice("EarlyStopping", "mode", mode, ("auto", "min", "max"))
        self.monitor, self.min_delta, self.patience, self.mode = monitor, min_delta, patience, mode
        self.restore_best_weights = restore_best_weights

    def on_train_begin(self, logs=None):
        check.choice("EarlyStopping", "monitor", self.monitor, self.keys)
        larger = self.mode == "max" or self.mode == "auto" and _larger_is_better(self.monitor)
        self._sign = 1 if larger else -1
        self.best, self.best_epoch, self.stopped_epoch = -self._sign * math.inf, 0, 0
        self._weights, self._waited = None, 0

    def on_epoch_end(self, epoch, logs=None):
        value = logs[self.monitor]
        if self._sign * (value - self.best) > self.min_delta:
            self.best, self.best_epoch, self._waited = value, epoch, 0
            if self.restore_best_weights:
                self._weights = self.model.get_weights()
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self._weights is not None:
            self.model.set_weights(self._weights)


def _larger_is_better(key):
    return any(word in key for word in ("acc", "precision", "recall", "f1", "auc"))
