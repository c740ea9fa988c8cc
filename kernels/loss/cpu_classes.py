"""Losses of classes on the CPU: what their kernels in class_rows.py are given.

y (M, N)    t (M, N) of shares, or (M,) of labels    weights (M,)    class_weights (N,)

A row's weight is that of its label, or of its classes in their shares, times its own; 0 if its label is ignored.
"""

import numpy as np

from .._cpu.jit import kernel
from . import class_rows as rows
from .reduction import backward, forward, with_gradient


def categorical_crossentropy_forward(
    y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    w = _share_weights(t, weights, class_weights)
    return forward(_dense(from_logits), y, t, y.shape[:1], w, (float(label_smoothing), 1.0, 0.0), reduction)


def categorical_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    w = _share_weights(t, weights, class_weights)
    return backward(_dense(from_logits), dloss, y, t, y.shape[:1], w, (float(label_smoothing), 1.0, 0.0), reduction)


def categorical_crossentropy_with_gradient(
    y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    w = _share_weights(t, weights, class_weights)
    return with_gradient(_dense(from_logits), y, t, y.shape[:1], w, (float(label_smoothing), 1.0, 0.0), reduction)


def categorical_focal_crossentropy_forward(
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    reduction="mean",
):
    w, parameters = _share_weights(t, weights, class_weights), (float(label_smoothing), float(alpha), float(gamma))
    return forward(_dense(from_logits), y, t, y.shape[:1], w, parameters, reduction)


def categorical_focal_crossentropy_backward(
    dloss,
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    reduction="mean",
):
    w, parameters = _share_weights(t, weights, class_weights), (float(label_smoothing), float(alpha), float(gamma))
    return backward(_dense(from_logits), dloss, y, t, y.shape[:1], w, parameters, reduction)


def sparse_categorical_crossentropy_forward(
    y,
    t,
    *,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w = _label_weights(y, t, weights, class_weights, ignore_index)
    return forward(_sparse(from_logits), y, t, y.shape[:1], w, (float(label_smoothing), 1.0, 0.0), reduction)


def sparse_categorical_crossentropy_backward(
    dloss,
    y,
    t,
    *,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w = _label_weights(y, t, weights, class_weights, ignore_index)
    return backward(_sparse(from_logits), dloss, y, t, y.shape[:1], w, (float(label_smoothing), 1.0, 0.0), reduction)


def sparse_categorical_crossentropy_with_gradient(
    y,
    t,
    *,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w = _label_weights(y, t, weights, class_weights, ignore_index)
    return with_gradient(_sparse(from_logits), y, t, y.shape[:1], w, (float(label_smoothing), 1.0, 0.0), reduction)


def sparse_categorical_focal_crossentropy_forward(
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w = _label_weights(y, t, weights, class_weights, ignore_index)
    return forward(_sparse(from_logits), y, t, y.shape[:1], w, (0.0, float(alpha), float(gamma)), reduction)


def sparse_categorical_focal_crossentropy_backward(
    dloss,
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w = _label_weights(y, t, weights, class_weights, ignore_index)
    return backward(_sparse(from_logits), dloss, y, t, y.shape[:1], w, (0.0, float(alpha), float(gamma)), reduction)


def _dense(from_logits):
    return rows.shares_from_logits if from_logits else rows.shares


def _sparse(from_logits):
    return rows.labels_from_logits if from_logits else rows.labels


def _share_weights(t, weights, class_weights):
    """The rows' weights: a row has that of its classes, in their shares."""
    if class_weights is None:
        return weights
    w = np.einsum("mn,n->m", t, class_weights)
    return w if weights is None else w * weights


def _label_weights(y, t, weights, class_weights, ignore_index):
    """The rows' weights: a row has that of its class, and 0 if its label is the one that is ignored."""
    if ignore_index is None:
        if class_weights is None:
            return weights
        w = class_weights[t]
    else:
        known = t != ignore_index
        w = known.astype(y.dtype)
        if class_weights is not None:
            w *= class_weights[np.where(known, t, 0)]
    return w if weights is None else w * weights


def first_misfit(t, classes, ignore_index=None):
    """The first place of t (M,) that holds no label in [0, classes) and not the one that is ignored, or -1."""
    return _first_misfit(t, classes, ignore_index is not None, ignore_index or 0)


@kernel
def _first_misfit(t, classes, some_ignored, ignored):
    misfit = False
    for m in range(np.uint64(t.size)):  # goes through to the end, because a loop with an exit would not vectorise
        misfit |= np.uint64(t[m]) >= np.uint64(classes)  # a negative label becomes a huge one
    if misfit:
        for m in range(t.size):
            if np.uint64(t[m]) >= np.uint64(classes) and not (some_ignored and np.uint64(t[m]) == np.uint64(ignored)):
                return m
    return -1
