"""What `compile` was told to make small and to report: of one output, or of several, by position or by name.

A model of several outputs has one loss for each, weighted and summed, and metrics for each. Its history has "loss",
"<output>_loss" and "<output>_<metric>".
"""

from collections.abc import Mapping

import numpy as np

from ..kernels import _check as check
from ..kernels._names import nearest
from ..layers._door import as_array
from ..layers._symbol import listed
from ..layers._tape import Tensor
from .losses import Loss, get_loss
from .metrics import Metric, get_metrics
from .running import Running


class Choice:
    """The losses and metrics of `compile`, checked at once as far as they go without the model's outputs.

    Called with a model and its outputs for one sample it gives (loss, metrics), prepared for them.
    """

    def __init__(self, loss, loss_weights, metrics):
        several = isinstance(loss, (list, tuple, dict))
        self._losses = _each(loss, _loss_or_none) if several else get_loss(loss)
        by_output = (
            isinstance(metrics, dict)
            or metrics
            and not isinstance(metrics, (str, Metric))
            and not callable(metrics)
            and all(isinstance(one, (list, tuple)) for one in metrics)
        )
        self._metrics = _each(metrics, get_metrics) if by_output else get_metrics(metrics)
        self._weights, self._by_output, self._made = loss_weights, by_output, None
        for weight in loss_weights.values() if isinstance(loss_weights, dict) else loss_weights or ():
            check.number("compile", "loss_weights", weight)

    @property
    def loss(self):
        """The loss of a single output, else what was given."""
        return self._losses

    @property
    def metrics(self):
        """The metrics of a single output as a list, else what was given."""
        return self._metrics

    @property
    def loss_weights(self):
        """The factors of the losses as they were given, or None."""
        return self._weights

    def __call__(self, model, output):
        if hasattr(output, "shape"):
            if not isinstance(self._losses, Loss) or self._by_output or self._weights is not None:
                given = "loss_weights" if self._weights is not None else "a loss or metrics for each output"
                raise ValueError(f"compile: {given} is given, but the model has one output")
            for metric in self._metrics:
                metric.prepare(self._losses, output.shape)
            return self._losses, self._metrics
        names = _output_names(model, output)
        if self._made is None or self._made[0].names != names:
            losses = (
                [self._losses] * len(names) if isinstance(self._losses, Loss) else _by_name("loss", self._losses, names)
            )
            weights = (
                [1.0] * len(names) if self._weights is None else _by_name("loss_weights", self._weights, names, 1.0)
            )
            if self._by_output:
                metrics = _by_name("metrics", self._metrics, names, [])
            elif self._metrics:
                raise ValueError(
                    f"compile: metrics is a plain list and the model has {len(names)} outputs, expected a list for "
                    f"each, or a dictionary such as {{{names[0]!r}: ['accuracy']}}"
                )
            else:
                metrics = [[] for _ in names]
            self._made = SeveralLosses(names, losses, weights, metrics), [m for one in metrics for m in one]
        loss, metrics = self._made
        loss.prepare(output)
        return loss, metrics


class SeveralLosses(Loss):
    """The weighted sum of the losses of several outputs; an output without one has None."""

    def __init__(self, names, losses, weights, metrics):
        self.names, self.losses, self.loss_weights, self.metrics = names, losses, weights, metrics
        self.parts = [0.0] * len(names)  # what each loss was at the last measure

    def prepare(self, output):
        for loss, metrics, one in zip(self.losses, self.metrics, listed(output)):
            for metric in metrics:
                metric.prepare(loss or get_loss("mse"), one.shape)

    def running(self):
        """The running losses and metrics of a pass."""
        return SeveralRunning(self)

    def answers(self, op, name, target):
        for key, one in zip(self.names, self._arranged(op, name, target)):
            if one is not None:
                yield f"{name}[{key!r}]", one

    def targets(self, target, output, op, name):
        """A list of targets, one for each output."""
        found = []
        given = self._arranged(op, name, target)
        for key, one, loss, metrics, y in zip(self.names, given, self.losses, self.metrics, listed(output)):
            if loss is None and not metrics:
                found.append(None)
            elif one is None:
                what = "metrics" if loss is None else "a loss"
                raise ValueError(f"{op}: {name} has no {key!r}, expected targets for every output that has {what}")
            elif loss is None:
                found.append(as_array(op, f"{name}[{key!r}]", one))
            else:
                found.append(loss.targets(one, y, op, f"{name}[{key!r}]"))
        return found

    def _arranged(self, op, name, target):
        names = self.names
        if isinstance(target, dict):
            for key in target:
                if key not in names:
                    raise ValueError(f"{op}: {name} has {key!r}, which is no output of the model{nearest(key, names)}")
            return [target.get(key) for key in names]
        if not isinstance(target, (list, tuple)) or len(target) != len(names):
            given = f"{len(target)} arrays" if isinstance(target, (list, tuple)) else f"a {type(target).__name__}"
            raise ValueError(f"{op}: {name} is {given}, expected a list of {len(names)}, or a dictionary: {names}")
        return list(target)

    def measure(self, output, t, w=None):
        total, self.parts = None, []
        for loss, weight, y, one in zip(self.losses, self.loss_weights, listed(output), t):
            if loss is None:
                self.parts.append(float("nan"))
                continue
            part = loss.measure(y, one) if w is None else loss.measure(y, one, w)
            self.parts.append(float(part.value))
            part = part if weight == 1 else part * weight
            total = part if total is None else total + part
        return Tensor(np.float32(0)) if total is None else total


class SeveralRunning(Mapping):
    """`Running` of a model with several outputs."""

    def __init__(self, loss):
        self._loss, self._total = loss, Running([])
        self._each = [Running(metrics) for metrics in loss.metrics]
        self._keys = {"loss": (self._total, "loss")}
        for name, kind, running in zip(loss.names, loss.losses, self._each):
            if kind is not None:
                self._keys[f"{name}_loss"] = running, "loss"
        for name, metrics, running in zip(loss.names, loss.metrics, self._each):
            self._keys.update({f"{name}_{metric.name}": (running, metric.name) for metric in metrics})

    def reset(self):
        """Forget all samples."""
        for running in (self._total, *self._each):
            running.reset()

    def add(self, loss, y, t, masks):
        """Count a batch in."""
        self._total.add(loss, listed(y)[0], None)
        for running, part, one, target, mask in zip(self._each, self._loss.parts, listed(y), t, masks):
            running.add(part, one, target, mask)

    def state(self):
        """What a checkpoint keeps in the middle of a pass."""
        return [running.state() for running in (self._total, *self._each)]

    def load_state(self, state):
        """Go on from what `state` gave."""
        for running, kept in zip((self._total, *self._each), state):
            running.load_state(kept)

    def __getitem__(self, key):
        running, name = self._keys[key]
        return running[name]

    def __iter__(self):
        return iter(self._keys)

    def __len__(self):
        return len(self._keys)


def _loss_or_none(loss):
    return None if loss is None else get_loss(loss)


def _each(given, f):
    return {name: f(one) for name, one in given.items()} if isinstance(given, dict) else [f(one) for one in given]


def _by_name(what, given, names, default=None):
    """One for each output, of a list or a dictionary; the default where a dictionary has none."""
    if isinstance(given, dict):
        for name in given:
            if name not in names:
                raise ValueError(f"compile: {what} has {name!r}, which is no output of the model{nearest(name, names)}")
        return [given.get(name, default) for name in names]
    if len(given) != len(names):
        raise ValueError(f"compile: {what} has {len(given)} entries, expected {len(names)}: {', '.join(names)}")
    return list(given)


def _output_names(model, output):
    names = getattr(model, "output_names", None)
    if names and len(names) == len(output):
        return list(names)
    return list(output) if isinstance(output, dict) else [f"output_{i + 1}" for i in range(len(output))]
