"""What the public losses check before they compute, and where they compute it."""

import numpy as np

from .. import _check as check
from .._check_device import on_device
from .._dispatch import Faces

faces = Faces(__package__)

_REDUCTIONS = "mean", "sum", "none"


def targets(op, y, t, ndim, weights, reduction):
    """y, t of one shape, and how their losses become one."""
    check.alike(op, ndim, y=y, t=t)
    if weights is not None or reduction != "mean":
        reduced(op, y, weights, reduction, ndim)


def reduced(op, y, weights, reduction, ndim=None, name="y"):
    """Weights for the first axes of y (for its rows, if `ndim` is 2), and one of the reductions."""
    if reduction not in _REDUCTIONS:
        check.choice(op, "reduction", reduction, _REDUCTIONS)
    if weights is not None:
        check.floats(op, 1 if ndim == 2 else None, **{"weights": weights})
        check.floats(op, None, **{name: y, "weights": weights})
        check.shape(op, "weights", weights, y.shape[: max(1, weights.ndim)], (name, y))


def dloss(op, dloss, y, losses, reduction, name="y"):
    """A number, or beside arrays on a device one of them, of shape (); an array for losses of shape `losses`."""
    if reduction == "none":
        check.floats(op, None, **{name: y, "dloss": dloss})
        check.shape(op, "dloss", dloss, losses, (name, y))
    elif y.__class__ is not np.ndarray and on_device(dloss):
        check.floats(op, None, y=y, dloss=dloss)
        check.rank(op, "dloss", dloss, 0)
    else:
        check.real(op, "dloss", dloss)


def one_number(op, reduction):
    """A gradient in the same pass needs a loss that is a number, whose own gradient is 1."""
    if reduction == "none":
        check.choice(op, "reduction", reduction, _REDUCTIONS[:2])


def shares(op, y, t, label_smoothing, weights, class_weights, reduction):
    """y, t (M, N) with a class at least."""
    targets(op, y, t, 2, weights, reduction)
    _classes(op, y, label_smoothing, class_weights)


def labels(op, y, t, label_smoothing, weights, class_weights, ignore_index, reduction):
    """y (M, N), t (M,) of labels that y has, or of the one that is ignored."""
    check.floats(op, 2, y=y)
    check.integers(op, "t", t, 1, ("y", y))
    check.shape(op, "t", t, y.shape[:1], ("y", y))
    _classes(op, y, label_smoothing, class_weights)
    if weights is not None or reduction != "mean":
        reduced(op, y, weights, reduction, 2)
    if ignore_index is not None:
        check.whole(op, "ignore_index", ignore_index, -(1 << 63))
    misfit = faces(y).first_misfit(t, y.shape[1], ignore_index)
    if misfit >= 0:
        check.label(op, "t", t, misfit, y)


def _classes(op, y, label_smoothing, class_weights):
    check.whole(op, "the number of classes in y", y.shape[1], 1)
    if label_smoothing:
        check.number(op, "label_smoothing", label_smoothing, 0, 1)
    if class_weights is not None:
        check.floats(op, None, y=y, class_weights=class_weights)
        check.shape(op, "class_weights", class_weights, y.shape[1:], ("y", y))


def focal(op, alpha, gamma):
    check.number(op, "alpha", alpha, 0)
    check.number(op, "gamma", gamma, 0)


def mean_alone(op, weights=None, reduction="mean", label_smoothing=0.0, class_weights=None, ignore_index=None):
    """On a device there is the mean over all, and nothing that weighs or leaves out."""
    given = {
        "weights": weights is not None,
        "reduction": reduction != "mean",
        "label_smoothing": label_smoothing,
        "class_weights": class_weights is not None,
        "ignore_index": ignore_index is not None,
    }
    for name, is_given in given.items():
        if is_given:
            remedy = "with tw.to_host(x) for every array x it runs on the CPU"
            raise NotImplementedError(f"{op}: there is no CUDA kernel for {name} yet; {remedy}")
