"""The base of all callbacks, and what records a training.

`logs` are the losses and metrics under the keys of the history; those of a batch are the running values of the epoch,
computed when they are read.
"""

import inspect
import itertools

from ...kernels import _check as check
from ...layers._own import name_arguments
from ..advice import caution


class Callback:
    """Base of all callbacks. Before training begins `fit` sets `model`, `keys` (the history's), `epochs`, `batches`.

    The methods of batches may be written with `train_` in their names, as in Keras, or without. A method that is not
    overridden is not called in batches, and costs nothing.

    order  callbacks are called in this order, those of one number as they were given: -1 for those that change what
           others see (averages in place of weights), 1 for those that write down what others have become
    """

    model = None
    keys = ()
    epochs = batches = 1
    order = 0

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        name_arguments(cls)

    def on_train_begin(self, logs=None):
        """Before the first epoch."""

    def on_train_end(self, logs=None):
        """After the last epoch, after an interruption too."""

    def close(self):
        """After everything, and where an error ended the training: let go of files and the like."""

    def on_epoch_begin(self, epoch, logs=None):
        """Before epoch `epoch`, counted from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """After the epoch and its validation. What is put into `logs` is in the history."""

    def on_batch_begin(self, batch, logs=None):
        """Before batch `batch` of the epoch, counted from 0."""

    def on_batch_end(self, batch, logs=None):
        """After batch `batch` of the epoch, counted from 0."""

    def on_train_batch_begin(self, batch, logs=None):
        """The same as `on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """The same as `on_batch_end`."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs=None):
        """Before `evaluate`, and before the validation of an epoch."""

    def on_test_end(self, logs=None):
        """After `evaluate`, and after the validation of an epoch."""

    def on_test_batch_begin(self, batch, logs=None):
        """Before batch `batch` of `evaluate` or of the validation."""

    def on_test_batch_end(self, batch, logs=None):
        """After batch `batch` of `evaluate` or of the validation."""

    def on_predict_begin(self, logs=None):
        """Before `predict`."""

    def on_predict_end(self, logs=None):
        """After `predict`."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Before batch `batch` of `predict`."""

    def on_predict_batch_end(self, batch, logs=None):
        """After batch `batch` of `predict`; its outputs are logs["outputs"]."""

    def state(self):
        """What a checkpoint keeps: None, or numbers, strings and arrays in dictionaries, lists and tuples."""

    def load_state(self, state):
        """Go on from what `state` gave; called after `on_train_begin`."""


def hooks(callbacks, name):
    """The methods `name` of the callbacks that have one of their own: "on_epoch_end", "on_train_batch_end"."""
    names = (name, name.replace("train_batch", "batch"))
    return [
        getattr(callback, name)
        for callback in callbacks
        if any(getattr(type(callback), n) is not getattr(Callback, n) or n in vars(callback) for n in names)
    ]


def expect_key(callback, known):
    """`callback.monitor` is one of the known keys, or one that a callback of the user's before it may put into logs."""
    everyone = callback.model._trainer.callbacks
    before = itertools.takewhile(lambda one: one is not callback, everyone)
    if not any(map(is_the_users, hooks(before, "on_epoch_end"))):
        check.choice(type(callback).__name__, "monitor", callback.monitor, tuple(known))


def is_the_users(method):
    """Whether the code of a callback's method is the user's."""
    callback = getattr(method, "__self__", None)
    if callback is None or isinstance(callback, LambdaCallback):  # a function
        return True
    return not type(callback).__module__.startswith(__package__)


class LambdaCallback(Callback):
    """A callback of functions, given by the names of the methods that they stand for.

    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)).on_epoch_end(0, {"loss": 0.5})
    0 {'loss': 0.5}
    """

    def __init__(
        self, on_epoch_begin=None, on_epoch_end=None, on_train_begin=None, on_train_end=None,
        on_train_batch_begin=None, on_train_batch_end=None, **more,
    ):  # fmt: skip
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **more,
        }
        for name, function in given.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                known = ", ".join(n for n in vars(Callback) if n.startswith("on_"))
                raise TypeError(f"LambdaCallback: {name} is no method of callbacks; those are {known}")
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: {name} is {function!r}, expected a function")
                setattr(self, name, function)


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
            self.history.setdefault(key, []).append(value)

    def state(self):
        return {"epoch": self.epoch, "history": self.history}

    def load_state(self, state):
        self.epoch, self.history = list(state["epoch"]), {key: list(v) for key, v in state["history"].items()}


class Monitor:
    """Whether a value of `logs` is better than the best so far.

    mode  "min", or "max" where larger is better: direction.py
    """

    def __init__(self, key, mode, min_delta=0.0, best=None):
        self.key, self._sign, self._delta, self._seen = key, 1 if mode == "max" else -1, abs(min_delta), False
        self.best = -self._sign * float("inf") if best is None else best

    def of(self, logs):
        """The value in logs, or None: not every epoch is validated."""
        value = logs.get(self.key)
        self._seen |= value is not None
        return value

    def expect_seen(self, callback):
        """Warn at the end of a training in which no epoch had the key, which nobody knew at its beginning."""
        if not self._seen and self.key not in callback.keys:
            caution(f"{type(callback).__name__}: no epoch had {self.key!r}; there are {', '.join(callback.keys)}")

    def better(self, value, than=None):
        """Whether the value is better than the best, or than another one, by more than min_delta."""
        return self._sign * (value - (self.best if than is None else than)) > self._delta


def takes(function, count):
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # some functions in C do not say what they take
        return True
    return True
