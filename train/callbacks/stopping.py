"""Ending training when it no longer helps."""

from ...kernels import _check as check
from .base import Callback, Monitor, expect_key
from .direction import mode_of


class EarlyStopping(Callback):
    """Stop when `monitor` has not improved by more than `min_delta` for `patience` epochs.

    monitor               a key of the history, such as "val_loss" or "val_accuracy"
    min_delta             from 0
    patience              a whole number; 0 stops at the first epoch that is not better
    verbose               1 says when it stops and which weights it restores
    mode                  "min", "max", or "auto": losses are to fall, a metric says it by its `direction`;
                          where nobody knows, "auto" is an error
    baseline              improvements count from here on only; None for any
    restore_best_weights  whether the model ends with the weights of its best epoch; of the first one that is looked
                          at where no epoch was better, as for a loss that was NaN all along
    start_from_epoch      epochs before it, counted from 0, are not looked at
    """

    def __init__(
        self, monitor="val_loss", min_delta=0.0, patience=0, verbose=0, mode="auto", baseline=None,
        restore_best_weights=False, start_from_epoch=0,
    ):  # fmt: skip
        check.number("EarlyStopping", "min_delta", min_delta, 0)
        check.whole("EarlyStopping", "patience", patience)
        check.choice("EarlyStopping", "mode", mode, ("auto", "min", "max"))
        if baseline is not None:
            check.number("EarlyStopping", "baseline", baseline)
        check.whole("EarlyStopping", "start_from_epoch", start_from_epoch)
        self.monitor, self.min_delta, self.patience, self.mode = monitor, min_delta, patience, mode
        self.verbose, self.baseline, self.start_from_epoch = verbose, baseline, start_from_epoch
        self.restore_best_weights = restore_best_weights

    @property
    def best(self):
        """The best value so far."""
        return self._monitor.best

    def on_train_begin(self, logs=None):
        expect_key(self, self.keys)
        self._monitor = Monitor(self.monitor, mode_of(self), self.min_delta)
        self.best_epoch, self.stopped_epoch = 0, 0
        self._weights, self._waited = None, 0

    def on_epoch_end(self, epoch, logs=None):
        value = self._monitor.of(logs)
        if epoch < self.start_from_epoch or value is None:  # not every epoch is validated
            return
        self._waited += 1
        better = self._monitor.better(value)
        if better:
            self._monitor.best = value
            if self.baseline is None or self._monitor.better(value, self.baseline):
                self._waited = 0
        first = self.restore_best_weights and self._weights is None  # the best so far, whatever its value is
        if better or first:
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._weights = self.model.get_weights()
        if 0 < self._waited >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.verbose:
                print(f"EarlyStopping: stops after epoch {epoch + 1}", flush=True)

    def on_train_end(self, logs=None):
        self._monitor.expect_seen(self)
        if self._weights is not None:
            self.model.set_weights(self._weights)
            if self.verbose:
                print(f"EarlyStopping: the weights are those of epoch {self.best_epoch + 1}", flush=True)

    def state(self):
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "waited": self._waited,
            "weights": self._weights,
        }

    def load_state(self, state):
        self._monitor.best, self.best_epoch = state["best"], state["best_epoch"]
        self._waited, self._weights = state["waited"], state["weights"]
