"""Functions as metrics."""

from .. import own
from .base import Metric, pair, weights


class FunctionMetric(Metric):
    """A function (output, target) of arrays that gives a number: its mean over batches, by their samples.

    target is as the loss takes it. A function that gives values a sample is averaged over those, by weights if there
    are any. Its `direction` is an attribute of the function: `score.direction = "max"`.
    """

    by_batch = True

    def __init__(self, function, name=None):
        own.expect_order("metric", function)
        self.function, self.direction = function, getattr(function, "direction", None)
        super().__init__(name or own.name_of(function))

    def reset(self):
        self._sum, self._samples = 0.0, 0

    def update(self, y, t, sample_weight=None):
        y, t = pair(self.name, y, t)
        if not len(y):
            return
        found = own.numbers_of(self.name, self.function(y, t), len(y))
        total, count = float(found.mean()) * len(y), len(y)
        if sample_weight is not None:
            if found.shape[:1] != (len(y),):
                raise ValueError(
                    f"the metric {self.name} gave one number for the batch, which sample_weight and class_weight "
                    f"cannot weigh; expected a value a sample, of shape ({len(y)},)"
                )
            w, places = weights(self.name, sample_weight, found.shape), found[0].size
            total, count = float((found * w).sum()) / places, float(w.sum()) / places
        self._sum += total
        self._samples += count

    def result(self):
        return self._sum / self._samples if self._samples else float("nan")

    def __repr__(self):
        return f"FunctionMetric({self.name})"
