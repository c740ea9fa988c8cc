"""Losses and metrics of models with several outputs: sums of losses, and what is reported of each output."""

from collections.abc import Mapping

import numpy as np

from ..kernels._names import nearest
from ..layers._door import as_array
from ..layers._tape import Tensor
from .forms import listed
from .losses import Loss, get_loss
from .running import Running
from .weighted import WeightedRunning
from .weights import sample_weights


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

    def sample_weights(self, op, name, given, output, samples):
        """The weights of all outputs' samples, or a list of those of each, None where an output has none."""
        several = isinstance(given, (list, tuple)) and any(one is None or np.ndim(one) for one in given)
        if not several and not isinstance(given, dict):
            return sample_weights(op, name, given, samples)
        parts = zip(self.names, self.losses, listed(output), self._arranged(op, name, given))
        return [
            None if one is None else (loss or _NONE).sample_weights(op, f"{name}[{key!r}]", one, y, samples)
            for key, loss, y, one in parts
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


_NONE = Loss()  # stands for no loss: weights are those of metrics alone


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


def _for_each(w, outputs):
    """Weights of samples, those of each output or of all, for each of the outputs."""
    return w if isinstance(w, list) else [w] * len(outputs)
