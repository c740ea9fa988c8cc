"""The running loss and metrics of a pass over data."""

from collections.abc import Mapping

import numpy as np

from ..layers._device import on_device, to_host
from .state import give_back, kept_by

BUFFERED = 1 << 16  # elements of output; NumPy calls on so many cost little beside the calls on batches of 32


def running_for(output, metrics, loss):
    """The running loss and metrics of a pass whose outputs are as `output` and lie where it does."""
    if not hasattr(output, "shape"):
        return loss.running()
    if not on_device(output):
        return Running(metrics)
    from .device import DeviceRunning

    return DeviceRunning(metrics)


class Running(Mapping):
    """{"loss": …, metric: …} over the samples added so far, computed when it is read.

    Metrics are fed in large pieces: outputs and targets are gathered in buffers first, because five metrics on every
    small batch would cost more than a small model's step.
    """

    def __init__(self, metrics):
        self._metrics = metrics
        self._names = ("loss", *(metric.name for metric in metrics))
        self._outputs = self._targets = None
        self._by_batch = any(metric.by_batch for metric in metrics)
        self._room = self._a_row = 0  # of the buffers: samples, and numbers of each
        self.reset()

    def reset(self):
        """Forget all samples."""
        self._loss, self._samples, self._filled = 0.0, 0, 0
        for metric in self._metrics:
            metric.reset()

    def add(self, loss, y, t, mask=None, w=None):
        """Count a batch in: its loss, its outputs and targets, which are copied; metrics see the steps of the mask, and
        no weights: those of weighted.py do."""
        count = len(y)
        self._loss += float(loss) * count
        self._samples += count
        if not self._metrics:
            return
        if mask is not None and mask.shape == y.shape[:-1][: mask.ndim] == t.shape[: mask.ndim]:
            y, t = y[mask], t[mask]
            count = len(y)
            if not count:
                return
        if count > self._room or y.size != count * self._a_row:  # the first one, or of another shape
            self._make_buffers(y, t)
        end = self._filled + count
        if end > self._room:
            self._flush()
            end = count
        self._outputs[self._filled : end] = y
        self._targets[self._filled : end] = t
        self._filled = end

    def state(self):
        """What a checkpoint keeps in the middle of a pass."""
        outputs, targets = (
            to_host(b[: self._filled]) if self._filled else None for b in (self._outputs, self._targets)
        )
        return {
            "loss": self._loss,
            "samples": self._samples,
            "outputs": outputs,
            "targets": targets,
            "metrics": [kept_by(metric) for metric in self._metrics],
        }

    def load_state(self, state):
        """Go on from what `state` gave."""
        self.reset()
        for metric, kept in zip(self._metrics, state["metrics"]):
            give_back(metric, kept)
        self._loss, self._samples, y = state["loss"], state["samples"], state["outputs"]
        if y is not None:
            self._make_buffers(y, state["targets"])
            self._filled = len(y)
            self._outputs[: self._filled], self._targets[: self._filled] = y, state["targets"]

    def __getitem__(self, name):
        if name == "loss":
            return self._loss / self._samples if self._samples else float("nan")
        self._flush()
        try:
            return float(self._metrics[self._names.index(name) - 1].result())
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)

    def _make_buffers(self, y, t):
        self._flush()
        rows = len(y) if self._by_batch else max(len(y), BUFFERED // max(y[0].size, 1))
        self._outputs = np.empty((rows, *y.shape[1:]), y.dtype)
        self._targets = np.empty((rows, *t.shape[1:]), t.dtype)
        self._room, self._a_row = 0 if self._by_batch else rows, y.size // max(len(y), 1)

    def _flush(self):
        if self._filled:
            filled, self._filled = self._filled, 0
            for metric in self._metrics:
                metric.update(self._outputs[:filled], self._targets[:filled])
