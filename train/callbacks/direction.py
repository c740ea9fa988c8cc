"""Whether a key of the history is better the larger it is: asked of the metric that gives it, else of its words."""

import re

_LARGER = r"(?<![a-z])((acc|accuracy|precision|recall|auc)(?![a-z])|(?<!\d)(f1|r2)(?!\d))"
_SMALLER = r"(loss$|(?<![a-z])(mse|mae|rmse)(?![a-z]))"
_TURNED = r"(?<![a-z])(neg|negative|minus)(?![a-z])"  # as scikit-learn's neg_mean_squared_error


def mode_of(callback):
    """ "min" or "max", for a callback with `monitor` and `mode`; ValueError where that is "auto" and nobody knows."""
    key = callback.monitor
    if callback.mode != "auto":
        return callback.mode
    metrics = _metrics_by_key(callback.model._trainer)
    metric = metrics.get(key) or metrics.get(key.removeprefix("val_"))
    direction = getattr(metric, "direction", None) or mode_by_words(key)
    if direction in ("min", "max"):
        return direction
    op = type(callback).__name__
    if direction is not None:
        raise ValueError(f'{op}: the direction of the metric {key!r} is {direction!r}, expected "min" or "max"')
    remedy = f"; or give the metric its direction = 'max' or 'min', as {type(metric).__name__}.direction says"
    raise ValueError(
        f'{op}: mode is "auto", and nobody says whether {key!r} is better the larger it is; expected mode="max", or '
        f'mode="min" if smaller is better{remedy if metric is not None else ""}'
    )


def mode_by_words(key):
    """What the words of a key say, or None."""
    key = key.lower()
    if re.search(_TURNED, key):
        return None
    if not key.endswith("loss") and re.search(_LARGER, key):
        return "max"
    return "min" if re.search(_SMALLER, key) else None


def _metrics_by_key(trainer):
    """{key of the history: metric} of what `compile` chose; keys of losses are not in it."""
    names = getattr(trainer.loss, "names", None)
    if names is None:
        return _named("", trainer.metrics, trainer.weighted)
    found = {}
    for name, metrics, weighted in zip(names, trainer.loss.metrics, trainer.loss.weighted):
        found.update(_named(f"{name}_", metrics, weighted))
    return found


def _named(prefix, metrics, weighted):
    found = {f"{prefix}{metric.name}": metric for metric in metrics}
    for metric in weighted:
        key = f"{prefix}{metric.name}"
        found[f"{prefix}weighted_{metric.name}" if key in found else key] = metric
    return found
