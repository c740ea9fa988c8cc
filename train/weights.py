"""Weights of samples and of classes: checked once, at the door, and made one array."""

import numpy as np

from ..kernels import _check as check
from ..layers._door import as_array


def sample_weights(op, name, given, samples):
    """Weights (N,), or (N, ...) for the losses of every sample, as float64; all finite, from 0."""
    w = as_array(op, name, given, np.float64)
    if w.ndim == 0 or len(w) != samples:
        raise ValueError(f"{op}: {name} has shape {w.shape}, expected ({samples},), a weight for each of the samples")
    if w.ndim == 2 and w.shape[1] == 1:
        w = w[:, 0]
    if not (np.isfinite(w).all() and w.min(initial=0) >= 0):
        bad = tuple(int(i) for i in np.argwhere(~(np.isfinite(w) & (w >= 0)))[0])
        raise ValueError(f"{op}: {name}{list(bad)} = {w[bad]}, expected finite numbers from 0")
    return w


def spread(op, name, w, shape):
    """Checked weights over all places of `shape` (N, ...), a view: those of samples are the weights of their places."""
    if w.ndim > len(shape) and w.shape[-1] == 1:
        w = w[..., 0]
    if w.shape != shape[: w.ndim]:
        places = f", or {shape}, for each of their places" if len(shape) > 1 else ""
        raise ValueError(
            f"{op}: {name} has shape {w.shape}, expected {shape[:1]}, a weight for each of the samples{places}"
        )
    return np.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)


def class_weights(op, given, t, is_all=True):
    """The weight of every sample by its class, float64: `given` is {class: weight}, 1 for a class that is not in it, or
    "balanced", for weights by which all classes count as much, and on average 1.

    t       classes (N,) or (N, 1), as `Loss.classes` gives them
    is_all  whether these are all samples, and no batch

    Raises ValueError where a class in t has no weight and a weight has no class in t: likely they belong together.
    """
    balanced = isinstance(given, str) and given == "balanced"
    if not balanced and not isinstance(given, dict):
        raise TypeError(
            f"{op}: class_weight is {given!r}, expected a dictionary such as {{0: 1.0, 1: 5.0}}, or 'balanced'"
        )
    if balanced and not is_all:
        raise ValueError(f"{op}: class_weight is 'balanced', which needs all samples at once, as arrays; give numbers")
    for label, weight in () if balanced else given.items():
        check.whole(op, "class_weight's classes", label)
        check.number(op, f"class_weight[{label}]", weight, 0)
        if not np.isfinite(weight):
            raise ValueError(f"{op}: class_weight[{label}] is {weight}, expected a finite number")
    if t.ndim > 1 and t.shape[1:] == (1,):
        t = t[:, 0]
    if t.ndim != 1:
        raise ValueError(f"{op}: class_weight needs one class a sample, but y has shape {t.shape}; use sample_weight")
    classes, index, counts = np.unique(t, return_inverse=True, return_counts=True)
    for label in classes:
        if label != int(label):
            raise ValueError(
                f"{op}: class_weight needs targets that are classes, and {label} in y is no whole number; for a "
                f"regression use sample_weight"
            )
    if balanced:
        return (len(t) / (len(classes) * counts))[index]
    unknown, missing = sorted(set(given) - set(classes.tolist())), [int(c) for c in classes if c not in given]
    if is_all and unknown and missing:
        raise ValueError(
            f"{op}: class_weight has a weight for {unknown[0]}, which is not in y, and none for {missing[0]}, "
            f"which is; y has the classes {', '.join(str(int(c)) for c in classes)}"
        )
    return np.array([given.get(label, 1.0) for label in classes], np.float64)[index]


def of_both(w, of_classes):
    """Weights of samples (N, ...), or None, times those of their classes (N,)."""
    return of_classes if w is None else w * of_classes.reshape(of_classes.shape + (1,) * (w.ndim - 1))
