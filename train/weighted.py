"""The metrics of `weighted_metrics`, which count samples by the weights that the loss counts them by."""

from collections.abc import Mapping

import numpy as np

from ..layers._device import to_host
from .state import give_back, kept_by
from .weights import spread


class WeightedRunning(Mapping):
    """A `Running`, and metrics beside it that weights count for. They see batches one by one, as they come.

    A metric of a name that is there already is "weighted_<name>", as in Keras.
    """

    def __init__(self, running, metrics):
        self._running = running
        names = list(running)  # `in` would compute
        self._metrics = {f"weighted_{m.name}" if m.name in names else m.name: m for m in metrics}
        self.reset()

    def reset(self):
        """Forget all samples."""
        self._running.reset()
        for metric in self._metrics.values():
            metric.reset()

    def add(self, loss, y, t, mask=None, w=None):
        """Count a batch in: its loss, outputs, targets, the steps that count, and the weights of samples or steps."""
        self._running.add(loss, y, t, mask)
        y, t, mask = to_host(y), to_host(t), None if mask is None else to_host(mask)
        if mask is not None and mask.shape == y.shape[:-1][: mask.ndim] == t.shape[: mask.ndim]:
            w = None if w is None else _of_steps(w, mask)[mask]
            y, t = y[mask], t[mask]
        for metric in self._metrics.values():
            metric.update(y, t, w)

    def state(self):
        """What a checkpoint keeps in the middle of a pass."""
        return {"running": self._running.state(), "weighted": [kept_by(m) for m in self._metrics.values()]}

    def load_state(self, state):
        """Go on from what `state` gave."""
        self._running.load_state(state["running"])
        for metric, kept in zip(self._metrics.values(), state["weighted"]):
            give_back(metric, kept)

    def __getitem__(self, key):
        return float(self._metrics[key].result()) if key in self._metrics else self._running[key]

    def __iter__(self):
        yield from self._running
        yield from self._metrics

    def __len__(self):
        return len(self._running) + len(self._metrics)


def _of_steps(w, mask):
    return np.broadcast_to(w, mask.shape) if w.ndim == mask.ndim else spread("fit", "sample_weight", w, mask.shape)
