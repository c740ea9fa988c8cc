"""Metrics: streaming, fed with outputs and targets, exact over all samples fed since `reset`.

y, t (N, ...) of one shape, t numbers; or y (N, ..., C) and t (N, ...) labels, as the loss takes them. Each is a class
of its own and, for `compile`, a name. A matrix or a curve is no number that a history could keep: feed those by hand.
"""

from ...kernels import _check as check
from .accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .base import Metric
from .counts import ConfusionMatrix, F1Score, Precision, Recall
from .function import FunctionMetric
from .ranking import AUC, AveragePrecision, PrecisionRecallCurve, ROCCurve
from .regression import AbsoluteError, R2Score, RootMeanSquaredError, SquaredError

# Keras's names, which in `tw.train` are those of losses.
MeanSquaredError, MeanAbsoluteError = SquaredError, AbsoluteError

METRICS = {
    "accuracy": Accuracy,
    "acc": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy,
    "precision": Precision,
    "recall": Recall,
    "f1": F1Score,
    "f1_score": F1Score,
    "confusion_matrix": ConfusionMatrix,
    "auc": AUC,
    "pr_auc": AveragePrecision,
    "average_precision": AveragePrecision,
    "roc_curve": ROCCurve,
    "precision_recall_curve": PrecisionRecallCurve,
    "mse": SquaredError,
    "mean_squared_error": SquaredError,
    "mae": AbsoluteError,
    "mean_absolute_error": AbsoluteError,
    "rmse": RootMeanSquaredError,
    "root_mean_squared_error": RootMeanSquaredError,
    "r2": R2Score,
    "r2_score": R2Score,
}


def get_metric(metric):
    """A metric from its name, its class or a function (output, target) of arrays; a metric as it is.

    Raises ValueError for a name that nobody has.

    >>> get_metric("top_k_categorical_accuracy")
    TopKCategoricalAccuracy(k=5, name='top_k_categorical_accuracy')
    """
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if isinstance(metric, Metric):
        return metric
    if callable(metric) and not isinstance(metric, type):
        return FunctionMetric(metric)
    check.choice("compile", "metrics", metric, tuple(METRICS))
    return METRICS[metric](name=metric)


def get_metrics(metrics, what="metrics"):
    """A list of metrics from names and metrics; their names are keys of the history, so no name comes twice."""
    if isinstance(metrics, (str, Metric)) or callable(metrics):
        raise TypeError(f"compile: {what} is {metrics!r}, expected a list such as ['accuracy']")
    made = []
    for metric in map(get_metric, metrics or ()):
        if not metric.scalar:
            raise ValueError(
                f"compile: the result of {metric.name!r} is no number, which a history could keep; feed one by hand: "
                f"metric = tw.train.{type(metric).__name__}(); metric.update(model.predict(x), y); metric.result()"
            )
        if metric.name in [m.name for m in made] + ["loss"]:
            raise ValueError(f"compile: two metrics are named {metric.name!r}; give one of them another name=")
        made.append(metric)
    return made
