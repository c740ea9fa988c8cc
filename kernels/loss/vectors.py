"""Losses of whole rows: how far vectors are from each other, a number for every row of (M, N).

`weights` (M,) are those of the rows. Where a weight is 0, loss and gradient are 0, whatever the row is.
"""

from .. import _check as check
from . import checks
from .checks import faces


def kl_divergence_forward(y, t, *, weights=None, reduction="mean"):
    """Kullback-Leibler divergence of y from t, mean over rows of sum(t log(t / y)).

    y, t (M, N), float32 or float64, rows of probabilities, clipped to [1e-7, 1] as in Keras -> a number of their dtype.
    Raises TypeError or ValueError for other dtypes and orders, and where the shapes differ. Kullback, Leibler 1951.

    >>> import numpy as np
    >>> round(float(kl_divergence_forward(np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]]))), 4)
    0.3681
    """
    checks.targets("kl_divergence_forward", y, t, 2, weights, reduction)
    return faces(y).kl_divergence_forward(y, t, weights=weights, reduction=reduction)


def kl_divergence_backward(dloss, y, t, *, weights=None, reduction="mean"):
    """Gradient of `kl_divergence_forward`: dy = -t / y dloss / M, 0 where y was clipped.

    dloss, a number, or (M,) for the reduction "none"; y, t (M, N) -> dy (M, N).
    """
    checks.targets("kl_divergence_backward", y, t, 2, weights, reduction)
    checks.dloss("kl_divergence_backward", dloss, y, y.shape[:1], reduction)
    return faces(y).kl_divergence_backward(dloss, y, t, weights=weights, reduction=reduction)


def cosine_similarity_forward(y, t, *, weights=None, reduction="mean"):
    """Cosine of the angle between rows, negated so that less is better: mean of -(y t) / (|y| |t|).

    y, t (M, N), float32 or float64 -> a number of their dtype. Lengths are taken as 1e-6 at least, as in Keras: a row
    of zeros has the loss 0. Raises TypeError or ValueError for other dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> float(cosine_similarity_forward(np.array([[3.0, 0.0]]), np.array([[2.0, 0.0]])))
    -1.0
    """
    checks.targets("cosine_similarity_forward", y, t, 2, weights, reduction)
    return faces(y).cosine_similarity_forward(y, t, weights=weights, reduction=reduction)


def cosine_similarity_backward(dloss, y, t, *, weights=None, reduction="mean"):
    """Gradient of `cosine_similarity_forward`: dy = -(t / |t| - c y / |y|) / |y| dloss / M, c the cosine.

    dloss, a number, or (M,) for the reduction "none"; y, t (M, N) -> dy (M, N).
    """
    checks.targets("cosine_similarity_backward", y, t, 2, weights, reduction)
    checks.dloss("cosine_similarity_backward", dloss, y, y.shape[:1], reduction)
    return faces(y).cosine_similarity_backward(dloss, y, t, weights=weights, reduction=reduction)


def triplet_forward(anchor, positive, negative, *, margin=1.0, weights=None, reduction="mean"):
    """Triplet loss, mean over rows of max(|anchor - positive| - |anchor - negative| + margin, 0).

    anchor, positive, negative (M, N), float32 or float64 -> a number of their dtype. Raises TypeError or ValueError for
    other dtypes and orders, and where the shapes differ. Schroff et al. 2015, arXiv:1503.03832, equation 2, with
    distances in place of their squares, as in PyTorch.

    >>> import numpy as np
    >>> anchor, near, far = np.array([[0.0, 0.0]]), np.array([[0.0, 1.0]]), np.array([[0.0, 1.5]])
    >>> float(triplet_forward(anchor, near, far))
    0.5
    """
    _check_triplet("triplet_forward", anchor, positive, negative, margin, weights, reduction)
    return faces(anchor).triplet_forward(
        anchor, positive, negative, margin=margin, weights=weights, reduction=reduction
    )


def triplet_backward(dloss, anchor, positive, negative, *, margin=1.0, weights=None, reduction="mean"):
    """Gradients of `triplet_forward`: (u - v, -u, v) dloss / M where the loss is above 0, else 0.

    u = (anchor - positive) / |anchor - positive|, v likewise of the negative; 0 where the two are equal. dloss, a
    number, or (M,) for the reduction "none"; anchor, positive, negative (M, N) -> one (M, N) each.
    """
    _check_triplet("triplet_backward", anchor, positive, negative, margin, weights, reduction)
    checks.dloss("triplet_backward", dloss, anchor, anchor.shape[:1], reduction, "anchor")
    return faces(anchor).triplet_backward(
        dloss, anchor, positive, negative, margin=margin, weights=weights, reduction=reduction
    )


def _check_triplet(op, anchor, positive, negative, margin, weights, reduction):
    check.alike(op, 2, anchor=anchor, positive=positive, negative=negative)
    check.number(op, "margin", margin, 0)
    checks.reduced(op, anchor, weights, reduction, 2, "anchor")
