"""Functions as metrics."""

from .. import own
from .base import Metric, pair


class FunctionMetric(Metric):
    """A function (output, target) of arrays that gives a number: its mean over batches, by their samples.

    target is as the loss takes it. A function that gives values a sample is averaged over those.
    """

    by_batch = True

    def __init__(self, function, name=None):
        own.expect_order("metric", function)
        self.function = function
        super().__init__(name or own.name_of(function))

    def reset(self):
        self._sum, self._samples = 0.0, 0

    def update(self, y, t, sample_weight=None):
        if sample_weight is not None:
            raise ValueError(f"{self.name}: sample_weight is given, which the metric's function knows nothing of")
        y, t = pair(self.name, y, t)
        if len(y):
            self._sum += own.number_of(self.name, self.function(y, t), len(y)) * len(y)
            self._samples += len(y)

    def result(self):
        return self._sum / self._samples if self._samples else float("nan")

    def config(self):
        """Raises TypeError: no file says what a function does."""
        raise TypeError(f"save: a file cannot say what the function {self.name} is")

    def __repr__(self):
        return f"FunctionMetric({self.name})"
