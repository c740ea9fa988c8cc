"""The one loop: y = model(x), loss.backward(), optimizer.step(), over batches and epochs."""

import math
import sys

import numpy as np

from ..kernels import _check as check
from ..layers._tape import Tensor
from . import data
from .advice import look_at_order, why_none
from .callbacks import History, hooks
from .door import masks, values
from .feeds import Interrupted
from .interrupt import Interrupt
from .measuring import Measuring, listed_callbacks, warn
from .mode import mode
from .objective import Choice
from .optimizers import get_optimizer
from .penalty import add_gradients, value_of
from .place import Place
from .progress import ProgressBar, ProgressLines, progress_for
from .steps import Steps
from .tracing import Trace
from .warmup import Warmup

__all__ = ["Trainer", "mode"]


class Trainer(Measuring):
    """What `compile` makes: a model with its optimizer, loss and metrics."""

    _trace = _class_weight = None
    replayed = None  # the steps that are known already
    plain = False  # whether a step takes and gives single arrays
    special = False  # whether a step has more to do than most: it is the first one, or there are penalties

    def __init__(
        self, model, optimizer, loss, metrics, loss_weights=None, weighted_metrics=None,
        gradient_accumulation_steps=None,
    ):  # fmt: skip
        self.model = model
        self.callbacks, self.place = (), None  # of the `fit` that runs, and where it stands
        self.optimizer = get_optimizer(optimizer)
        if gradient_accumulation_steps is not None:
            self.optimizer.gradient_accumulation_steps = gradient_accumulation_steps
        self.chosen = Choice(loss, loss_weights, metrics, weighted_metrics)
        if names := getattr(model, "output_names", None):
            self.chosen.expect_outputs(names)
        self.loss, self.metrics = self.chosen.loss, self.chosen.metrics

    def fit(
        self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight,
        sample_weight, initial_epoch, steps_per_epoch, validation_steps, validation_batch_size, validation_freq,
    ):  # fmt: skip
        """See Model.fit. Everything is checked before the first step, but for batches of streams."""
        model, op = self.model, "fit"
        if self.place is not None:
            raise RuntimeError("fit: this model is being trained already; let a callback train another model or a copy")
        size = data.batch_size(op, batch_size)
        check.whole(op, "epochs", epochs, 1)
        check.whole(op, "initial_epoch", initial_epoch)
        data.expect_steps(op, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps)
        due = _due(validation_freq)
        callbacks = listed_callbacks(op, callbacks)
        progress = progress_for(verbose)
        if any(isinstance(callback, (ProgressBar, ProgressLines)) for callback in callbacks):
            progress = None
        with Warmup(progress) as warmup:
            later = data.batch_size(op, validation_batch_size or size), validation_steps
            share = 0 if validation_data is not None else validation_split
            feed, validation = self.training_feed(
                x, y, sample_weight, class_weight, size, shuffle, steps_per_epoch, share, later
            )
            if validation_data is not None:
                validation = self.validation_feed(validation_data, *later)
            if not any(p.trainable for p in model.parameters()):
                raise ValueError(f"fit: the model has no trainable parameters{why_none(model)}")
            look_at_order(op, model, x, shuffle)
            history = model.history = History()
            everyone = sorted([*callbacks, history, *([progress] if progress else [])], key=lambda c: c.order)
            running = self.running(self.example)
            self.callbacks, self.place = everyone, Place(running, feed)
            self.place.epoch, self._warned = initial_epoch, False
            self._class_weight, self._loose = class_weight, feed.loose
            for callback in everyone:
                callback.model, callback.epochs, callback.batches = model, epochs, feed.batches
                callback.keys = (*running, *(f"val_{key}" for key in running if validation))
            self.plain = feed.plain and hasattr(self.example, "shape") and (feed.on_device or not self.on_device())
            if not self.plain:
                self.step = self._step_in_full
            try:
                self._train(feed, epochs, running, validation, due, progress, warmup)
            finally:
                vars(self).pop("step", None)
                for callback in everyone:
                    callback.close()
                self.callbacks, self.place = (), None  # which hold the data
        return history

    def _train(self, feed, epochs, running, validation, due, progress, warmup):
        """All epochs, and what callbacks are told before and after them."""
        model, everyone, history = self.model, self.callbacks, self.model.history
        model.stop_training = False
        interrupt, failed = Interrupt(), None
        try:
            with interrupt, mode(model, True):
                for callback in everyone:
                    callback.on_train_begin({})
                self._trace, self.special = Trace(model), True
                steps = self._steps(feed, running)
                for epoch in range(self.place.epoch, epochs):  # from 0, or from where a callback went back to
                    if model.stop_training:
                        break
                    self._epoch(epoch, steps, running, validation, due, interrupt)
                    warmup.close()
                if self.optimizer.use_ema:
                    self.optimizer.finalize_variable_values()
        except KeyboardInterrupt:
            if interrupt.insisted:
                raise
            history.interrupted = True
        except Interrupted as error:
            failed = error
        finally:
            self._end_of_trace()
            if progress:
                progress.on_train_end()  # leaves the terminal as it was, whatever happened
        kept = f"the model keeps its weights, model.history its {len(history.epoch)} finished epochs"
        if history.interrupted:
            print(f"fit: interrupted in epoch {self.place.epoch + 1} of {epochs}; {kept}", file=sys.stderr)
        for callback in everyone:
            callback.on_train_end({})
        if failed:
            raise Interrupted(f"{failed}; {kept}") from failed.__cause__

    def _steps(self, feed, running):
        """What trains for an epoch, a step an item, wherever the samples lie."""
        if not feed.on_device:
            return Steps(self, feed, running)
        from .device import RecordedSteps

        return RecordedSteps(self, feed.x, feed.t, feed.size, feed.shuffle, running)

    def _epoch(self, epoch, steps, running, validation, due, interrupt):
        """One pass over the data, and its validation. Raises KeyboardInterrupt between steps."""
        model, callbacks = self.model, self.callbacks
        for callback in callbacks:
            callback.on_epoch_begin(epoch, {})
        after_batch, place = hooks(callbacks, "on_train_batch_end"), self.place
        steps.before = hooks(callbacks, "on_train_batch_begin")
        place.begin(epoch)
        steps.epoch = epoch
        first = place.done + 1
        for place.done, _ in enumerate(steps, first):
            for call in after_batch:
                call(place.done - 1, running)
            if interrupt.asked:
                raise KeyboardInterrupt
            if model.stop_training:
                break
        logs, done = dict(running), place.done
        place.epoch, place.done = epoch + 1, 0
        if validation and due(epoch + 1):
            found, _ = self.measure("fit", validation, callbacks)
            logs.update({f"val_{key}": value for key, value in found.items()})
        if self.optimizer.schedule is not None:  # the rate of the epoch's last step
            logs["learning_rate"] = self.optimizer.schedule(max(int(self.optimizer.iterations) - 1, 0))
        for key in ("loss", "val_loss"):
            if not (self._warned or math.isfinite(logs.get(key, 0))):
                self._warned = True
                warn("fit", f"the {key} of epoch {epoch + 1} is {logs[key]}")
        for callback in callbacks:
            if callback.batches is None:
                callback.batches = done
            callback.on_epoch_end(epoch, logs)

    def step(self, x, t, w=None):
        """One training step on arrays as the kernels take them: loss, outputs before it, targets, masks, weights."""
        output = self.model(Tensor(x))
        return self.learn(output, t, w), output.value, t, output.mask, w

    def _step_in_full(self, x, y, w=None):
        """`step` for inputs and outputs in any form, wherever they lie, and for what streams give, unchecked."""
        output, t, w = self.run("fit", self._loose, x, y, w, self._class_weight if self._loose else None)
        return self.learn(output, t, w), values(output), t, masks(output), w

    def learn(self, output, t, w=None):
        """Change the weights by the loss of a recorded output; the loss."""
        return self.change(self.differentiate(output, t, w))

    def differentiate(self, output, t, w=None):
        """Compute the gradients by the loss of a recorded output; the loss."""
        loss = self.loss.measure(output, t) if w is None else self.loss.measure(output, t, w)
        self.optimizer.zero_grad()
        loss.backward()
        return loss.value

    def change(self, value):
        """Change the weights by the gradients of a loss, and by the penalties; the loss with these."""
        if self.special or self.penalised:
            if self._trace:
                self._trace.finish()
                self._end_of_trace()
            if self.penalised:
                add_gradients(self.penalised)
                value = value + value.dtype.type(value_of(self.penalised))
        self.optimizer.step()
        return value

    def _end_of_trace(self):
        if self._trace:
            self._trace.close()
        self._trace, self.special = None, False


def _due(validation_freq):
    """Whether an epoch, counted from 1, is validated: every so many, or those of a collection."""
    if isinstance(validation_freq, (list, tuple, set, frozenset, range, np.ndarray)):
        for epoch in validation_freq:
            check.whole("fit", "validation_freq", epoch, 1)
        return set(map(int, validation_freq)).__contains__
    check.whole("fit", "validation_freq", validation_freq, 1)
    return lambda epoch: epoch % validation_freq == 0
