"""Measuring without training: evaluate, and single batches."""

import math

from ..layers._symbol import listed
from ..layers._tape import no_grad
from . import data
from .advice import caution
from .callbacks import Callback, hooks
from .door import Door, masks, values
from .mode import mode
from .penalty import value_of
from .progress import line
from .running import running_for
from .state import give_back, kept_by
from .weighted import WeightedRunning


class Measuring(Door):
    """The part of a trainer that measures."""

    def evaluate(self, x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict):
        """See Model.evaluate."""
        op = "evaluate"
        data.expect_steps(op, steps=steps)
        callbacks = listed_callbacks(op, callbacks)
        feed = self.feed(op, x, y, sample_weight, data.batch_size(op, batch_size), steps)
        for callback in callbacks:
            callback.model, callback.batches = self.model, feed.batches
        logs, samples = self.measure(op, feed, callbacks)
        if not math.isfinite(logs["loss"]):
            warn(op, f"the loss is {logs['loss']}")
        if verbose:
            print(f"Evaluated {samples} samples: {line(logs)}")
        return reported(logs, return_dict)

    def measure(self, op, feed, callbacks=()):
        """({"loss": …, metric: …}, samples) of the batches, in evaluation mode."""
        kept = self._metrics_of_fit()
        running = self.running(self.example)
        before, after = hooks(callbacks, "on_test_batch_begin"), hooks(callbacks, "on_test_batch_end")
        for callback in callbacks:
            callback.on_test_begin({})
        extra, samples = value_of(self.penalised), 0
        with mode(self.model, False), no_grad():
            for batch, (x, *rest) in enumerate(feed.again()):
                for call in before:
                    call(batch, {})
                output, t, w = self.run(op, feed.loose, x, *rest)
                found = values(output)
                running.add(self.loss_of(output, t, w).value + extra, found, t, masks(output), w)
                samples += len(listed(found)[0])
                for call in after:
                    call(batch, running)
        logs = dict(running)
        for metric, state in kept:
            give_back(metric, state)
        for callback in callbacks:
            callback.on_test_end(logs)
        return logs, samples

    def running(self, output):
        """The running loss and metrics of a pass whose outputs are as `output` and lie where it does."""
        running = running_for(output, self.metrics, self.loss)
        return WeightedRunning(running, self.weighted) if self.weighted and hasattr(output, "shape") else running

    def names(self, output):
        """The names of the running loss and metrics of such a pass, of which none begins by that."""
        kept = self._metrics_of_fit()
        names = list(self.running(output))
        for metric, state in kept:
            give_back(metric, state)
        return names

    def loss_of(self, output, t, w):
        """The loss of outputs, a tensor."""
        return self.loss.measure(output, t) if w is None else self.loss.measure(output, t, w)

    def train_on_batch(self, x, y, sample_weight, class_weight, return_dict):
        """See Model.train_on_batch."""
        self.settle("train_on_batch", x)
        with mode(self.model, True):
            return self._on_batch("train_on_batch", x, y, sample_weight, class_weight, return_dict, self.learn)

    def test_on_batch(self, x, y, sample_weight, return_dict):
        """See Model.test_on_batch."""

        def measured(output, t, w):
            return self.loss_of(output, t, w).value + value_of(self.penalised)

        self.settle("test_on_batch", x)
        with mode(self.model, False), no_grad():
            return self._on_batch("test_on_batch", x, y, sample_weight, None, return_dict, measured)

    def settle(self, op, x):
        """The model is built, and the optimizer knows its parameters; costs nothing at a second batch."""
        self.model.settle()
        if not self.attached:
            self.prepare(op, data.all_inputs(op, "x", x, self.model))

    def _on_batch(self, op, x, y, sample_weight, class_weight, return_dict, act):
        if y is None:
            raise ValueError(f"{op}: y is None, expected a target for each sample of x")
        output, t, w = self.run(op, True, x, y, sample_weight, class_weight)
        found = values(output)
        kept = self._metrics_of_fit()
        running = self.running(found)
        running.add(act(output, t, w), found, t, masks(output), w)
        logs = dict(running)
        for metric, state in kept:
            give_back(metric, state)
        return reported(logs, return_dict)

    def _metrics_of_fit(self):
        """(metric, state) of the metrics in the middle of an epoch, where a callback measures something else."""
        if not (self.place and self.place.done):
            return ()
        return [(metric, kept_by(metric)) for metric in (*self.metrics, *self.weighted)]


def reported(logs, return_dict):
    """What `evaluate` and the like return."""
    found = list(logs.values())
    return logs if return_dict else found if len(found) > 1 else found[0]


def listed_callbacks(op, callbacks):
    """The callbacks of a call, a list."""
    callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
    for callback in callbacks:
        if not isinstance(callback, Callback):
            made = f"; make one, {callback.__name__}()" if isinstance(callback, type) else ""
            raise TypeError(f"{op}: callbacks holds {callback!r}, expected tw.train.Callback objects{made}")
    return callbacks


def warn(op, what):
    """A loss that is no number is mostly found late; say so where it begins, and why it may be."""
    caution(
        f"{op}: {what}; likely causes are NaN or infinity in x, a learning rate that is too high, or a last layer "
        f"without softmax or sigmoid for a loss on probabilities"
    )
