"""The one loop: y = model(x), loss.backward(), optimizer.step(), over batches and epochs."""

import contextlib
import math
import sys
import warnings

import numpy as np

from ..kernels import _check as check
from ..layers._device import beside, on_device, to_host
from ..layers._door import writeable
from ..layers._tape import Tensor, no_grad
from . import data
from .callbacks import Callback, History, hooks
from .interrupt import Interrupt
from .losses import get_loss
from .metrics import get_metrics
from .optimizers import get_optimizer
from .place import Place
from .progress import ProgressBar, ProgressLines, line, progress_for
from .running import running_for
from .steps import Batches, Steps


class Trainer:
    """What `compile` makes: a model with its optimizer, loss and metrics."""

    def __init__(self, model, optimizer, loss, metrics):
        self.model = model
        self.attached = False  # whether the optimizer knows the parameters
        self.callbacks, self.place = (), None  # of the `fit` that runs, and where it stands
        self.optimizer, self.loss, self.metrics = get_optimizer(optimizer), get_loss(loss), get_metrics(metrics)

    def fit(self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle):
        """See Model.fit. Everything is checked before the first step."""
        model = self.model
        batch_size = data.batch_size("fit", batch_size)
        check.whole("fit", "epochs", epochs, 1)
        callbacks, progress = _callbacks(callbacks, verbose)
        x, t = self._samples("fit", "x", x, "y", y)
        validation = None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
                raise TypeError("fit: validation_data is expected to be a pair, (x, y)")
            x_val, y_val = validation_data
            validation = self._samples("fit", "validation_data[0]", x_val, "validation_data[1]", y_val)
        elif validation_split:
            x, t, *validation = data.split("fit", x, t, validation_split)
        if not any(p.trainable for p in model.parameters()):
            raise ValueError("fit: the model has no trainable parameters")

        history = model.history = History()
        everyone = sorted([*callbacks, history, *([progress] if progress else [])], key=lambda c: c.order)
        running = running_for(x, self.metrics)
        self.callbacks, self.place = everyone, Place(running)
        self._warned = False
        for callback in everyone:
            callback.model, callback.epochs, callback.batches = model, epochs, -(-len(x) // batch_size)
            callback.keys = (*running, *(f"val_{key}" for key in running if validation))
        try:
            self._train(lambda: self._steps(x, t, batch_size, shuffle, running), epochs, running, validation, progress)
        finally:
            for callback in everyone:
                callback.close()
        return history

    def _train(self, make_steps, epochs, running, validation, progress):
        """All epochs, and what callbacks are told before and after them."""
        model, everyone, history = self.model, self.callbacks, self.model.history
        model.stop_training = False
        interrupt = Interrupt()
        try:
            with interrupt, mode(model, True):
                for callback in everyone:
                    callback.on_train_begin({})
                steps = make_steps()
                for epoch in range(self.place.epoch, epochs):  # from 0, or from where a callback went back to
                    if model.stop_training:
                        break
                    self._epoch(epoch, steps, running, validation, everyone, interrupt)
        except KeyboardInterrupt:
            if interrupt.insisted:
                raise
            history.interrupted = True
        finally:
            if progress:
                progress.on_train_end()  # leaves the terminal as it was, whatever happened
        if history.interrupted:
            print(
                f"fit: interrupted in epoch {len(history.epoch) + 1} of {epochs}; the model keeps its weights, "
                f"model.history its {len(history.epoch)} finished epochs",
                file=sys.stderr,
            )
        for callback in everyone:
            callback.on_train_end({})

    def _steps(self, x, t, batch_size, shuffle, running):
        """What trains for an epoch, a step an item, wherever the samples lie."""
        if not on_device(x):
            return Steps(self, Batches(x, t, batch_size, shuffle), running)
        from .device import RecordedSteps

        return RecordedSteps(self, x, t, batch_size, shuffle, running)

    def _epoch(self, epoch, steps, running, validation, callbacks, interrupt):
        """One pass over the data, and its validation. Raises KeyboardInterrupt between steps."""
        model = self.model
        for callback in callbacks:
            callback.on_epoch_begin(epoch, {})
        after_batch, place = hooks(callbacks, "on_train_batch_end"), self.place
        steps.before = hooks(callbacks, "on_train_batch_begin")
        place.begin(epoch)
        first = place.done + 1
        for place.done, _ in enumerate(steps, first):
            for call in after_batch:
                call(place.done - 1, running)
            if interrupt.asked:
                raise KeyboardInterrupt
            if model.stop_training:
                break
        logs = dict(running)
        place.epoch, place.done = epoch + 1, 0
        if validation:
            values = self._measure(*validation, steps.batch_size, callbacks)
            logs.update({f"val_{key}": value for key, value in values.items()})
        for key in ("loss", "val_loss"):
            if not (self._warned or math.isfinite(logs.get(key, 0))):
                self._warned = True
                _warn("fit", f"the {key} of epoch {epoch + 1} is {logs[key]}", stacklevel=6)
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)

    def step(self, x, t):
        """One training step on arrays as the kernels take them: the loss and the outputs before it."""
        output = self.model(Tensor(x))
        return self.learn(output, t), output.value

    def learn(self, output, t):
        """Change the weights by the loss of a recorded output; the loss."""
        loss = self.loss.measure(output, t)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.value

    def train_on_batch(self, x, y):
        """See Model.train_on_batch."""
        model, op = self.model, "train_on_batch"
        x = data.inputs(op, "x", x, model.input_dtype, model.input_shape)
        data.same_length(op, "x", x, "y", y)
        model.settle()
        if not self.attached:
            self._attach(model.probe(x, op))
        with mode(model, True):
            output = model(Tensor(writeable(x)))
            t = writeable(self.loss.targets(to_host(y), output.value, op, "y"))
            loss = self.learn(output, beside(t, output.value))
        values = [float(to_host(loss))]
        for metric in self.metrics:
            metric.reset()
            metric.update(to_host(output.value), t)
            values.append(metric.result())
        return values if self.metrics else values[0]

    def evaluate(self, x, y, batch_size, verbose):
        """See Model.evaluate."""
        batch_size = data.batch_size("evaluate", batch_size)
        x, t = self._samples("evaluate", "x", x, "y", y)
        logs = self._measure(x, t, batch_size)
        if not math.isfinite(logs["loss"]):
            _warn("evaluate", f"the loss is {logs['loss']}", stacklevel=4)
        if verbose:
            print(f"Evaluated {len(x)} samples: {line(logs)}")
        values = list(logs.values())
        return values if self.metrics else values[0]

    def _measure(self, x, t, batch_size, callbacks=()):
        """{"loss": …, metric: …} over the samples, in evaluation mode."""
        running = running_for(x, self.metrics)
        before, after = hooks(callbacks, "on_test_batch_begin"), hooks(callbacks, "on_test_batch_end")
        for callback in callbacks:
            callback.on_test_begin({})
        with mode(self.model, False), no_grad():
            for batch, start in enumerate(range(0, len(x), batch_size)):
                for call in before:
                    call(batch, {})
                bt = writeable(t[start : start + batch_size])
                y = self.model(Tensor(writeable(x[start : start + batch_size])))
                running.add(self.loss.measure(y, bt).value, y.value, bt)
                for call in after:
                    call(batch, running)
        logs = dict(running)
        for callback in callbacks:
            callback.on_test_end(logs)
        return logs

    def _samples(self, op, x_name, x, y_name, y):
        """The samples and targets as arrays, all of them checked, where the model computes; builds it on the way."""
        model = self.model
        model.settle()
        x = data.inputs(op, x_name, x, model.input_dtype, model.input_shape)
        data.same_length(op, x_name, x, y_name, y)
        output = model.probe(x, op)
        t = self.loss.targets(to_host(y), output, op, y_name)
        self._attach(output)
        return beside(x, output), beside(t, output)

    def _attach(self, output):
        """Optimizer and metrics take note of the model's parameters and output as they are now."""
        for metric in self.metrics:
            metric.prepare(self.loss, output.shape)
        parameters = self.model.parameters()
        if parameters:
            self.optimizer.attach(parameters)
        self.attached = True


def predict(model, x, batch_size):
    """See Model.predict."""
    batch_size = data.batch_size("predict", batch_size)
    x = data.inputs("predict", "x", x, model.input_dtype, model.input_shape)
    model.settle()
    if model.input_shape is None:
        model.probe(x, "predict")
    with mode(model, False), no_grad():
        y = to_host(model(Tensor(writeable(x[:batch_size]))).value)
        if len(y) == len(x):
            return y
        outputs = np.empty((len(x), *y.shape[1:]), y.dtype)
        outputs[: len(y)] = y
        for start in range(batch_size, len(x), batch_size):
            outputs[start : start + batch_size] = to_host(model(Tensor(writeable(x[start : start + batch_size]))).value)
    return outputs


@contextlib.contextmanager
def mode(model, training):
    """Training or evaluation mode within it, then the one before."""
    before = model.training
    if before is not training:
        model.train(training)
    try:
        yield
    finally:
        if model.training is not before:
            model.train(before)


def _warn(op, what, stacklevel):
    """A loss that is no number is mostly found late; say so where it begins, and why it may be."""
    warnings.warn(
        f"{op}: {what}; likely causes are NaN or infinity in x, a learning rate that is too high, or a last layer "
        f"without softmax or sigmoid for a loss on probabilities",
        RuntimeWarning,
        stacklevel=stacklevel,
    )


def _callbacks(callbacks, verbose):
    """(the user's callbacks, the one that shows progress or None)."""
    callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(f"fit: callbacks holds {callback!r}, expected tw.train.Callback objects")
    progress = progress_for(verbose)
    if any(isinstance(callback, (ProgressBar, ProgressLines)) for callback in callbacks):
        progress = None
    return callbacks, progress
