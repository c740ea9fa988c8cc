"""What `compile` was told to make small and to report: of one output, or of several, by position or by name.

A model of several outputs has one loss for each, weighted and summed, and metrics for each. Its history has "loss",
"<output>_loss" and "<output>_<metric>".
"""

import copy

from ..kernels import _check as check
from ..kernels._names import nearest
from .losses import Loss, get_loss
from .metrics import get_metrics
from .several import SeveralLosses


class Choice:
    """The losses and metrics of `compile`, checked at once as far as they go without the model's outputs.

    Called with a model and its outputs for one sample it gives (loss, metrics, weighted metrics), prepared for them.
    """

    def __init__(self, loss, loss_weights=None, metrics=None, weighted_metrics=None):
        several = isinstance(loss, (list, tuple, dict))
        outputs = len(loss) if several else 1
        self._losses = _each(loss, _training_loss_or_none) if several else _training_loss(loss)
        if outputs > 1 and all(one is None for one in (loss.values() if isinstance(loss, dict) else loss)):
            raise ValueError(
                "compile: loss has a loss for no output, expected at least one because it trains the model"
            )
        self._metrics = _reported("metrics", metrics, outputs)
        self._weighted = _reported("weighted_metrics", weighted_metrics, outputs)
        both = {id(metric) for metric in _flat(self._metrics)}.intersection(map(id, _flat(self._weighted)))
        if both:
            raise ValueError("compile: a metric is both in metrics and in weighted_metrics, expected one for each")
        self._loss_weights, self._made = loss_weights, None
        if loss_weights is not None and not isinstance(loss_weights, (list, tuple, dict)):
            raise TypeError(
                f"compile: loss_weights is {loss_weights!r}, expected a list or a dictionary, a number for each of "
                f"several outputs"
            )
        for weight in loss_weights.values() if isinstance(loss_weights, dict) else loss_weights or ():
            check.number("compile", "loss_weights", weight)

    def expect_outputs(self, names):
        """What is given by name is of one of these outputs, and there are as many losses; as far as that is known."""
        for what in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            given = getattr(self, what)
            if isinstance(given, dict) and not set(given) <= set(names) or what == "loss" and isinstance(given, list):
                _only(what, given, names) if len(names) == 1 else _by_name(what, given, names)

    @property
    def output_names(self):
        """The names by which losses were given, or None."""
        return list(self._losses) if isinstance(self._losses, dict) else None

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


def _training_loss(loss):
    """A loss that gives one number: of one that would give all of them, their mean, as in Keras."""
    loss = get_loss(loss)
    if loss.reduction == "none":
        loss = copy.copy(loss)
        loss._reduce("sum_over_batch_size")
    return loss


def _training_loss_or_none(loss):
    return None if loss is None else _training_loss(loss)


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
