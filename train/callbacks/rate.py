"""Learning rates that are set while training goes on. Schedules of every step: train/schedules.py."""

from ...kernels import _check as check
from .base import Callback, Monitor, expect_key, takes
from .direction import mode_of


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch: `schedule(epoch, learning_rate)`, epochs counted from 0.

    schedule  a function of the epoch and of the rate now, or of the epoch alone, that returns a number from 0
    verbose   1 says every rate
    """

    def __init__(self, schedule, verbose=0):
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule is {schedule!r}, expected a function of the epoch")
        self.schedule, self.verbose = schedule, verbose
        self._both = takes(schedule, 2)

    def on_train_begin(self, logs=None):
        expect_number(self)
        self._done = None

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self._done:  # training goes on in the middle of an epoch, whose rate is set
            return
        self._done, optimizer = epoch, optimizer_of(self)
        rate = self.schedule(epoch, optimizer.learning_rate) if self._both else self.schedule(epoch)
        check.number("LearningRateScheduler", f"schedule({epoch})", rate, 0)
        optimizer.learning_rate = rate
        if self.verbose:
            print(f"LearningRateScheduler: epoch {epoch + 1} has the learning rate {rate:g}", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = float(optimizer_of(self).learning_rate)

    def state(self):
        return {"done": self._done}

    def load_state(self, state):
        self._done = state["done"]


class ReduceLROnPlateau(Callback):
    """Multiply the learning rate by `factor` when `monitor` has not improved for `patience` epochs.

    monitor    a key of the history
    factor     from 0 to below 1
    verbose    1 says every change
    mode       "min", "max", or "auto": losses are to fall, a metric says it by its `direction`;
               where nobody knows, "auto" is an error
    min_delta  what counts as better, from 0
    cooldown   epochs after a change that are not counted
    min_lr     the rate does not fall below it
    """

    def __init__(
        self, monitor="val_loss", factor=0.1, patience=10, verbose=0, mode="auto", min_delta=1e-4, cooldown=0,
        min_lr=0.0,
    ):  # fmt: skip
        op = "ReduceLROnPlateau"
        check.number(op, "factor", factor, 0, 1)
        if factor == 1:
            raise ValueError(f"{op}: factor is 1, expected less")
        check.whole(op, "patience", patience)
        check.choice(op, "mode", mode, ("auto", "min", "max"))
        check.number(op, "min_delta", min_delta, 0)
        check.whole(op, "cooldown", cooldown)
        check.number(op, "min_lr", min_lr, 0)
        self.monitor, self.factor, self.patience, self.verbose = monitor, factor, patience, verbose
        self.mode, self.min_delta, self.cooldown, self.min_lr = mode, min_delta, cooldown, min_lr

    def on_train_begin(self, logs=None):
        expect_key(self, self.keys)
        expect_number(self)
        self._monitor = Monitor(self.monitor, mode_of(self), self.min_delta)
        self._waited = self._cooling = 0

    def on_epoch_end(self, epoch, logs=None):
        optimizer, value = optimizer_of(self), self._monitor.of(logs)
        logs["learning_rate"] = rate = float(optimizer.learning_rate)
        if value is None:  # not every epoch is validated
            return
        if self._cooling:
            self._cooling -= 1
            self._waited = 0
        if self._monitor.better(value):
            self._monitor.best, self._waited = value, 0
        elif not self._cooling:
            self._waited += 1
            if self._waited >= self.patience and rate > self.min_lr:
                optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self._cooling, self._waited = self.cooldown, 0
                if self.verbose:
                    print(
                        f"ReduceLROnPlateau: epoch {epoch + 1} lowers the learning rate to {optimizer.learning_rate:g}",
                        flush=True,
                    )

    def on_train_end(self, logs=None):
        self._monitor.expect_seen(self)

    def state(self):
        return {"best": self._monitor.best, "waited": self._waited, "cooling": self._cooling}

    def load_state(self, state):
        self._monitor.best, self._waited, self._cooling = state["best"], state["waited"], state["cooling"]


def optimizer_of(callback):
    """The optimizer that `fit` trains with."""
    return callback.model._trainer.optimizer


def expect_number(callback):
    """The learning rate can be set, because no schedule gives it."""
    schedule = optimizer_of(callback).schedule
    if schedule is not None:
        raise TypeError(
            f"{type(callback).__name__}: the optimizer's learning_rate is {schedule!r}, expected a number because "
            f"this callback sets it"
        )
