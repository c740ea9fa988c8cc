"""Curves and tables of numbers: a training's history, a confusion matrix, ROC curves."""

import numpy as np

from ..train import AUC, ROCCurve
from ._canvas import figure, panel


def history(history, metrics=None, *, ax=None):
    """Loss and metrics by epoch, in training and in validation, a panel each.

    history  what `fit` returned, a model that was trained, or a dict {key: [a value an epoch]}
    metrics  the keys to draw, without "val_"; all if None
    ax       Axes to draw all of them in

    With `validation_freq=n` validations stand at every nth epoch. Raises ValueError for a key that is not there, and
    where nothing was trained.
    """
    values = history
    while values is not None and not isinstance(values, dict):  # a model has a History, which has a dict
        values = getattr(values, "history", None)
    if not values:
        raise ValueError(f"plot.history: {history!r} holds no epochs, expected what fit returned")
    found = [key for key in values if not (key.startswith("val_") and key[4:] in values)]
    keys = found if metrics is None else [metrics] if isinstance(metrics, str) else list(metrics)
    for key in keys:
        if key not in values:
            raise ValueError(f"plot.history: there is no {key!r}, expected one of {', '.join(map(repr, found))}")
    if ax is None:
        drawn = figure("history", 4.5 * len(keys), 3.5)
        panels = list(drawn.subplots(1, len(keys), squeeze=False).flat)
    else:
        drawn, ax = panel("history", ax)
        panels = [ax] * len(keys)
    for axes, key in zip(panels, keys):
        epochs = len(values[key])
        for name, label in ((key, "training"), (f"val_{key}", "validation")):
            if name in values:
                every = max(epochs // max(len(values[name]), 1), 1)
                at = every * np.arange(1, len(values[name]) + 1)
                axes.plot(at, values[name], marker=".", label=label if ax is None else name)
        axes.set(xlabel="epoch", ylabel=key if ax is None else "")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    return drawn


def confusion(y_true, y_pred=None, labels=None, *, normalize=False, ax=None):
    """How often each class (a row) was taken for which (a column).

    y_true     classes (N,), or the matrix (C, C) itself, if y_pred is left out
    y_pred     classes (N,), or a score for every class (N, C), of which the highest counts
    labels     names of the classes 0, 1, ...
    normalize  shares of each row instead of numbers

    Raises ValueError where the two do not go together.
    """
    counts = _matrix(y_true, y_pred, 0 if labels is None else len(labels))
    names = range(len(counts)) if labels is None else labels
    if len(names) != len(counts):
        raise ValueError(f"plot.confusion: labels has {len(names)} names, expected {len(counts)}, one a class")
    if normalize:
        counts = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = 2.0 + 0.35 * len(counts)
    drawn, axes = panel("confusion", ax, side, side)
    axes.imshow(counts, cmap="Blues", vmin=0)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if count > counts.max() / 2 else "black"
            said = f"{count:.2f}" if normalize else f"{count:g}"
            axes.text(column, row, said, ha="center", va="center", color=color, fontsize="small")
    rotation = 90 if max(len(str(name)) for name in names) > 3 else 0
    axes.set_xticks(range(len(counts)), names, rotation=rotation)
    axes.set_yticks(range(len(counts)), names)
    axes.set(xlabel="taken for", ylabel="class")
    return drawn


def _matrix(y_true, y_pred, least):
    y_true = np.asarray(y_true)
    if y_pred is None:
        if y_true.ndim != 2 or y_true.shape[0] != y_true.shape[1] or not y_true.size:
            raise ValueError(f"plot.confusion: the matrix has shape {y_true.shape}, expected (C, C); or give y_pred")
        return y_true
    truth, guess = _classes("y_true", y_true), _classes("y_pred", np.asarray(y_pred))
    if len(truth) != len(guess) or not len(truth):
        raise ValueError(f"plot.confusion: y_true has {len(truth)} samples and y_pred {len(guess)}, expected as many")
    size = max(truth.max() + 1, guess.max() + 1, least)
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (truth, guess), 1)
    return counts


def _classes(name, y):
    if y.ndim == 2 and y.shape[1] > 1:
        return y.argmax(1)
    classes = y.reshape(-1) if y.ndim == 2 else y
    whole = classes.ndim == 1 and classes.dtype.kind in "biuf" and (classes == classes.astype(np.int64)).all()
    if not whole or classes.min(initial=0) < 0:
        raise ValueError(
            f"plot.confusion: {name} of shape {y.shape} and dtype {y.dtype} holds no classes, expected numbers from 0 "
            f"(N,) or a score for every class (N, C)"
        )
    return classes.astype(np.int64)


def roc(y_true, y_score, labels=None, *, ax=None):
    """The share of true positives over that of false ones, at every threshold; the area under it is in the legend.

    y_true   classes (N,)
    y_score  scores (N,) or (N, 1) of class 1, or (N, C) of each class: a line for each against the rest, of two
             classes for the second alone
    labels   names of the lines

    Raises ValueError where the two do not go together.
    """
    truth, scores = np.asarray(y_true).reshape(-1), np.asarray(y_score)
    scores = (
        scores[:, None] if scores.ndim == 1 else scores[:, 1:] if scores.ndim == 2 and scores.shape[1] == 2 else scores
    )
    if scores.ndim != 2 or len(scores) != len(truth):
        raise ValueError(
            f"plot.roc: y_score has shape {np.shape(y_score)}, expected ({len(truth)},) or ({len(truth)}, C)"
        )
    single = scores.shape[1] == 1
    names = labels if labels is not None else ["score"] if single else range(scores.shape[1])
    if len(names) != scores.shape[1]:
        raise ValueError(f"plot.roc: labels has {len(names)} names, expected {scores.shape[1]}, one a line")
    drawn, axes = panel("roc", ax, 4.5, 4.5)
    for column, name in enumerate(names):
        positive = (truth == (1 if single else column)).astype(np.int64)
        curve, area = ROCCurve(), AUC()
        for metric in (curve, area):
            metric.update(scores[:, column], positive)
        found = curve.result()
        axes.plot(found.fpr, found.tpr, label=f"{name}, AUC {area.result():.3f}")
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":", linewidth=1)
    axes.set(xlabel="false positives", ylabel="true positives", aspect="equal")
    axes.legend(loc="lower right")
    return drawn
