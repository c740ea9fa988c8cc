"""Models and whole trainings kept in files while they are trained."""

import os
import sys
import warnings

from ...kernels import _check as check
from ..checkpoint import Checkpoint
from .base import Callback, Monitor, expect_key
from .direction import mode_of


class ModelCheckpoint(Callback):
    """Save the model after every epoch, or only when `monitor` is better than ever.

    filepath                 the file; "{epoch:02d}-{val_loss:.2f}" in it is filled in, epochs counted from 1. Folders
                             that do not exist are made
    monitor                  a key of the history that `save_best_only` looks at
    verbose                  1 says what is saved
    save_best_only           save only when monitor is better than at the last save
    save_weights_only        `model.save_weights` instead of `model.save`
    mode                     "min", "max", or "auto": losses are to fall, a metric says it by its `direction`;
                             where nobody knows, "auto" is an error
    save_freq                "epoch", or a number of batches, after as many of which it saves, with the epoch's
                             running values; {batch} can stand in filepath then
    initial_value_threshold  what monitor has to be better than from the start
    on_error                 where a file cannot be written, on a full disk say: "raise" the OSError, or "warn" and go
                             on; files that were there stay whole
    """

    _monitor = None

    def __init__(
        self, filepath, monitor="val_loss", verbose=0, save_best_only=False, save_weights_only=False, mode="auto",
        save_freq="epoch", initial_value_threshold=None, on_error="raise",
    ):  # fmt: skip
        check.choice("ModelCheckpoint", "mode", mode, ("auto", "min", "max"))
        check.choice("ModelCheckpoint", "on_error", on_error, ("raise", "warn"))
        if initial_value_threshold is not None:
            check.number("ModelCheckpoint", "initial_value_threshold", initial_value_threshold)
        self.filepath, self.monitor, self.verbose, self.mode = os.fspath(filepath), monitor, verbose, mode
        self.save_best_only, self.save_weights_only, self.on_error = save_best_only, save_weights_only, on_error
        self.save_freq, self.initial_value_threshold = (
            expect_freq("ModelCheckpoint", save_freq),
            initial_value_threshold,
        )
        if save_freq != "epoch":
            self.on_batch_end = self._after_batch

    @property
    def best(self):
        """The value of `monitor` at the last save."""
        return self._monitor.best

    def on_train_begin(self, logs=None):
        if self.save_best_only:
            known = [key for key in self.keys if self.save_freq == "epoch" or not key.startswith("val_")]
            expect_key(self, known)
        if self._monitor is None:  # a second `fit` saves what is better than in the first one, as in Keras
            mode = mode_of(self) if self.save_best_only else self.mode
            self._monitor = Monitor(self.monitor, mode, best=self.initial_value_threshold)
        self._epoch = self._batches = 0
        self._path(dict.fromkeys(self.keys, 0.0), 0)
        if not self.save_weights_only:
            _expect_savable(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(logs)

    def _after_batch(self, batch, logs=None):
        self._batches += 1
        if self._batches % self.save_freq == 0:
            self._save(dict(logs), batch)

    def _save(self, logs, batch=0):
        if self.save_best_only:
            value = logs.get(self.monitor)
            if value is None or not self._monitor.better(value):  # not every epoch is validated
                return
            self._monitor.best = value
        path = self._path(logs, batch)
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        except OSError as error:
            if self.on_error == "raise":
                raise
            warn_of("ModelCheckpoint", path, error)
        else:
            if self.verbose:
                print(f"ModelCheckpoint: epoch {self._epoch + 1} is saved in {path}", flush=True)

    def _path(self, logs, batch):
        try:
            return self.filepath.format(**{**logs, "epoch": self._epoch + 1, "batch": batch + 1})
        except (KeyError, IndexError) as error:
            raise ValueError(
                f"ModelCheckpoint: filepath is {self.filepath!r} and there is no {error}; there are epoch, batch, "
                f"{', '.join(logs)}"
            ) from None

    def state(self):
        return {"best": self.best, "batches": self._batches}

    def load_state(self, state):
        self._monitor.best, self._batches = state["best"], state["batches"]


class BackupAndRestore(Callback):
    """Keep the whole training in one file, and go on from there if it is there when training begins.

    The same program, run again after it was killed at whatever moment, ends with the same bits in its weights and
    the same history as one that was left alone: weights, optimizer, learning rate, random numbers, epoch, batch and
    shuffle, metrics and the state of all callbacks are in the file. What a file of your own has to say beyond that
    goes into `state` and `load_state` of a callback. Data must come in the same way as before: the batches of an epoch
    that are done are read again and left out.

    backup_dir         the file, or a folder, in which it is named "backup"
    save_freq          "epoch", or a number of batches
    double_checkpoint  keep the backup before the last one too; it stands in where the last one cannot be read
    delete_checkpoint  remove the backup when training is finished
    on_error           where it cannot be written, on a full disk say: "warn" and go on, or "raise" the OSError; the
                       backup that was there stays whole

    Where training goes on is said on the error stream. It ends with ValueError if the backup is another model's, or
    cannot be read and there is none before.
    """

    order = 1

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=True, delete_checkpoint=True, on_error="warn"):
        check.choice("BackupAndRestore", "on_error", on_error, ("raise", "warn"))
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = expect_freq("BackupAndRestore", save_freq)
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.on_error = on_error
        if save_freq != "epoch":
            self.on_batch_end = self._after_batch

    @property
    def path(self):
        """The name of the file."""
        inside = os.path.isdir(self.backup_dir) or self.backup_dir.endswith(os.sep)
        return os.path.join(self.backup_dir, "backup") if inside else self.backup_dir

    def on_train_begin(self, logs=None):
        path = self.path
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        self._checkpoint = Checkpoint(path, self.model, None, self.on_error, self.double_checkpoint)
        self._batches = 0
        kept = self._checkpoint.restore()
        if kept is None:
            return
        if "place" not in kept:
            raise ValueError(f"BackupAndRestore: {path} is a checkpoint of a loop of your own, expected one of `fit`")
        trainer = self.model._trainer
        trainer.place.load_state(kept["place"])
        known = None not in (kept["batches_an_epoch"], self.batches)  # streams do not say how many come
        if kept["place"]["done"] and known and kept["batches_an_epoch"] != self.batches:
            raise ValueError(
                f"BackupAndRestore: {path} was made in the middle of an epoch of {kept['batches_an_epoch']} batches, "
                f"and this one has {self.batches}; give the same data and batch_size, or remove the file"
            )
        states = {}
        for name, state in kept["callbacks"]:
            states.setdefault(name, []).append(state)
        for callback in trainer.callbacks:
            if waiting := states.get(type(callback).__name__):
                state = waiting.pop(0)
                if state is not None:
                    callback.load_state(state)
        self.model.stop_training = kept["stop"]
        self._tell(trainer.place)

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save()

    def _after_batch(self, batch, logs=None):
        self._batches += 1
        if self._batches % self.save_freq == 0:
            self._save()

    def on_train_end(self, logs=None):
        finished = not self.model.history.interrupted
        if finished and self.delete_checkpoint:
            self._checkpoint.delete()

    def state(self):
        return {"batches": self._batches}

    def load_state(self, state):
        self._batches = state["batches"]

    def _tell(self, place):
        """A line about where training goes on."""
        if place.epoch >= self.epochs or self.model.stop_training:
            where = f"training was finished after {place.epoch} epochs"
        else:
            done = f", {place.done} of its batches {'is' if place.done == 1 else 'are'} done" if place.done else ""
            where = f"training goes on with epoch {place.epoch + 1} of {self.epochs}{done}"
        print(f"BackupAndRestore: {self.path} is there; {where}", file=sys.stderr, flush=True)

    def _save(self):
        trainer = self.model._trainer
        self._checkpoint.save(
            place=trainer.place.state(),
            batches_an_epoch=self.batches,
            callbacks=[(type(callback).__name__, callback.state()) for callback in trainer.callbacks],
            stop=self.model.stop_training,
        )


def _expect_savable(model):
    """Structure and all can be saved: said before an epoch is trained for nothing."""
    from ..structure import Writer  # which imports the trainer, and that callbacks

    try:
        Writer().thing("model", model)
    except (TypeError, ValueError) as error:
        raise type(error)(f"ModelCheckpoint: {error}; save_weights_only=True needs no structure") from None


def expect_freq(op, save_freq):
    """ "epoch", or a number of batches."""
    if save_freq != "epoch":
        if isinstance(save_freq, str):
            raise ValueError(f'{op}: save_freq is {save_freq!r}, expected "epoch" or a number of batches')
        check.whole(op, "save_freq", save_freq, 1)
    return save_freq


def warn_of(op, path, error):
    """A file that could not be written, where training goes on."""
    reason = error.strerror or error
    warnings.warn(f"{op}: {path} could not be written ({reason}); training goes on", RuntimeWarning, stacklevel=3)
