"""What `compile` was told to make small and to report: of one output, or of several, by position or by name.

A model of several outputs has one loss for each, weighted and summed, and metrics for each. Its history has "loss",
"<output>_loss" and "<output>_<metric>".
"""

import copy
from collections.abc import Mapping

import numpy as np

from ..kernels import _check as check
from ..kernels._names import nearest
from ..layers._door import as_array
from ..layers._symbol import listed
from ..layers._tape import Tensor
from .losses import Loss, get_loss
from .metrics import get_metrics
from .running import Running
from .weighted import WeightedRunning
from .weights import sample_weights


class Choice:
    """The losses and metrics of `compile`, checked at once as far as they go without the model's outputs.

    Called with a model and its outputs for one sample it gives (loss, metrics, weighted metrics), prepared for them.
    """

    def __init__(self, loss, loss_weights=None, metrics=None, weighted_metrics=None):
        several = isinstance(loss, (list, tuple, dict))
        self._losses = _each(loss, _training_loss) if several else _training_loss(loss)
        outputs = len(loss) if several else 1
        self._metrics = _reported("metrics", metrics, outputs)
        self._weighted = _reported("weighted_metrics", weighted_metrics, outputs)
        both = {id(metric) for metric in _flat(self._metrics)}.intersection(map(id, _flat(self._weighted)))
        if both:
            raise ValueError("compile: a metric is both in metrics and in weighted_metrics, expected one for each")
        self._loss_weights, self._made = loss_weights, None
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
    def weighted_metrics(self):
        """The metrics that weights of samples count for, in the form of `metrics`."""
        return self._weighted

    @property
    def loss_weights(self):
        """The factors of the losses as they were given, or None."""
        return self._loss_weights

    def __call__(self, model, output):
        if hasattr(output, "shape"):
            return self._of_one(getattr(model, "output_names", None), output)
        names = _output_names(model, output)
        if self._made is None or self._made[0].names != names:
            losses = self._losses
            losses = [losses] * len(names) if isinstance(losses, Loss) else _by_name("loss", losses, names)
            weights = (
                [1.0] * len(names)
                if self._loss_weights is None
                else _by_name("loss_weights", self._loss_weights, names, 1.0)
            )
            metrics, weighted = (
                _for_outputs(what, given, names)
                for what, given in (("metrics", self._metrics), ("weighted_metrics", self._weighted))
            )
            loss = SeveralLosses(names, losses, weights, metrics, weighted)
            self._made = loss, _flat(metrics), _flat(weighted)
        self._made[0].prepare(output)
        return self._made

    def _of_one(self, names, output):
        if self._loss_weights is not None:
            raise ValueError("compile: loss_weights is given, but the model has one output, whose loss is all there is")
        loss = self._losses if isinstance(self._losses, Loss) else _only("loss", self._losses, names)
        if loss is None:
            raise ValueError("compile: loss is None, and the model has no other output; give it a loss")
        metrics, weighted = (
            _only(what, given, names) if _is_by_output(given) else given
            for what, given in (("metrics", self._metrics), ("weighted_metrics", self._weighted))
        )
        for metric in (*metrics, *weighted):
            metric.prepare(loss, output.shape)
        return loss, metrics, weighted


class SeveralLosses(Loss):
    """The weighted sum of the losses of several outputs; an output without one has None."""

    def __init__(self, names, losses, weights, metrics, weighted):
        self.names, self.losses, self.loss_weights, self.metrics, self.weighted = (
            names, losses, weights, metrics, weighted,
        )  # fmt: skip
        self.parts = [0.0] * len(names)  # what each loss was at the last measure

    def prepare(self, output):
        for loss, metrics, weighted, one in zip(self.losses, self.metrics, self.weighted, listed(output)):
            for metric in (*metrics, *weighted):
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
        reported = [metrics or weighted for metrics, weighted in zip(self.metrics, self.weighted)]
        given = self._arranged(op, name, target)
        for key, one, loss, metrics, y in zip(self.names, given, self.losses, reported, listed(output)):
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

    def sample_weights(self, op, name, given, samples):
        """The weights of all outputs' samples, or a list of those of each, None where an output has none."""
        several = isinstance(given, (list, tuple)) and any(one is None or np.ndim(one) for one in given)
        if not several and not isinstance(given, dict):
            return sample_weights(op, name, given, samples)
        return [
            None if one is None else sample_weights(op, f"{name}[{key!r}]", one, samples)
            for key, one in zip(self.names, self._arranged(op, name, given))
        ]

    def measure(self, output, t, w=None):
        total, self.parts = None, []
        for loss, weight, y, one, of_one in zip(
            self.losses, self.loss_weights, listed(output), t, _for_each(w, self.names)
        ):
            if loss is None:
                self.parts.append(float("nan"))
                continue
            part = loss.measure(y, one) if of_one is None else loss.measure(y, one, of_one)
            self.parts.append(float(part.value))
            part = part if weight == 1 else part * weight
            total = part if total is None else total + part
        return Tensor(np.float32(0)) if total is None else total


class SeveralRunning(Mapping):
    """`Running` of a model with several outputs."""

    def __init__(self, loss):
        self._loss, self._total = loss, Running([])
        self._each = [
            WeightedRunning(Running(metrics), weighted) if weighted else Running(metrics)
            for metrics, weighted in zip(loss.metrics, loss.weighted)
        ]
        self._keys = {"loss": (self._total, "loss")}
        for name, kind, running in zip(loss.names, loss.losses, self._each):
            if kind is not None:
                self._keys[f"{name}_loss"] = running, "loss"
        for name, running in zip(loss.names, self._each):
            self._keys.update({f"{name}_{key}": (running, key) for key in running if key != "loss"})

    def reset(self):
        """Forget all samples."""
        for running in (self._total, *self._each):
            running.reset()

    def add(self, loss, y, t, masks, w=None):
        """Count a batch in."""
        self._total.add(loss, listed(y)[0], None)
        columns = self._each, self._loss.parts, listed(y), t, listed(masks), _for_each(w, self._each)
        for running, part, one, target, mask, of_one in zip(*columns):
            running.add(part, one, target, mask, of_one)

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


def _training_loss(loss):
    """A loss that gives one number: of one that would give all of them, their mean, as in Keras."""
    loss = get_loss(loss) if loss is not None else None
    if getattr(loss, "reduction", None) == "none":
        loss = copy.copy(loss)
        loss._reduce("sum_over_batch_size")
    return loss


def _reported(what, given, outputs):
    """Metrics from what `compile` was given: a list of them; a list of lists or a dictionary of them by output."""
    if isinstance(given, dict):
        return {name: get_metrics(_in_a_list(one), what) for name, one in given.items()}
    if isinstance(given, (list, tuple)) and (
        any(one is None or isinstance(one, (list, tuple)) for one in given) or outputs > 1 and len(given) == outputs
    ):
        return [get_metrics(_in_a_list(one), what) for one in given]
    return get_metrics(given, what)


def _in_a_list(metrics):
    return metrics if metrics is None or isinstance(metrics, (list, tuple)) else [metrics]


def _is_by_output(metrics):
    return isinstance(metrics, dict) or bool(metrics) and isinstance(metrics[0], list)


def _each(given, f):
    return {name: f(one) for name, one in given.items()} if isinstance(given, dict) else [f(one) for one in given]


def _flat(metrics):
    lists = metrics.values() if isinstance(metrics, dict) else metrics
    return [metric for one in lists for metric in (one if isinstance(one, list) else [one])]


def _for_each(w, outputs):
    """Weights of samples, those of each output or of all, for each of the outputs."""
    return w if isinstance(w, list) else [w] * len(outputs)


def _for_outputs(what, metrics, names):
    """A list of metrics for each output."""
    if isinstance(metrics, dict):
        return _by_name(what, metrics, names, [])
    if not metrics:
        return [[] for _ in names]
    if len(metrics) != len(names):
        raise ValueError(
            f"compile: {what} has {len(metrics)} entries and the model has {len(names)} outputs, expected a list for "
            f"each, or a dictionary such as {{{names[0]!r}: ['accuracy']}}"
        )
    return [one if isinstance(one, list) else [one] for one in metrics]


def _only(what, given, names):
    """The one of a list or a dictionary for a model of one output."""
    if len(given) != 1:
        raise ValueError(f"compile: {what} has {len(given)} entries, expected 1 because the model has one output")
    return _by_name(what, given, names or list(given))[0] if isinstance(given, dict) else given[0]


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
