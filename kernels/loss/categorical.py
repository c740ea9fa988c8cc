"""Losses of classes with a share for every class: a number for every row of y (M, N) and t (M, N).

`weights` (M,) are those of the rows. `class_weights` (N,) are those of classes: a row is weighed by those of its
classes in their shares besides. Where a row's weight is 0, its loss and gradient are 0, whatever it is.
`label_smoothing` gives that part of every row to all classes alike (Szegedy et al. 2016, arXiv:1512.00567, section 7).
"""

from . import checks
from .checks import faces


def categorical_crossentropy_forward(
    y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    """Cross-entropy with a probability for every class, mean over rows of -sum(t log y).

    y, t (M, N), float32 or float64, the rows of t one-hot or shares that sum to 1 -> a number of their dtype. Raises
    TypeError or ValueError for other dtypes and orders, and where the shapes differ or there is no class.

    >>> import numpy as np
    >>> y = np.array([[0.25, 0.75], [0.5, 0.5]])
    >>> round(float(categorical_crossentropy_forward(y, np.array([[0.0, 1.0], [1.0, 0.0]]))), 4)
    0.4904
    """
    op = "categorical_crossentropy_forward"
    checks.shares(op, y, t, label_smoothing, weights, class_weights, reduction)
    return faces(y).categorical_crossentropy_forward(
        y,
        t,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        reduction=reduction,
    )


def categorical_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    """Gradient of `categorical_crossentropy_forward`; from logits dy = (softmax(y) sum(t) - t) dloss / M.

    dloss, a number, or (M,) for the reduction "none"; y, t (M, N) -> dy (M, N).
    """
    op = "categorical_crossentropy_backward"
    checks.shares(op, y, t, label_smoothing, weights, class_weights, reduction)
    checks.dloss(op, dloss, y, y.shape[:1], reduction)
    return faces(y).categorical_crossentropy_backward(
        dloss,
        y,
        t,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        reduction=reduction,
    )


def categorical_crossentropy_with_gradient(
    y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    """(loss, dy): `categorical_crossentropy_forward` and, for dloss = 1, its gradient in one pass over memory.

    y (M, N), t as there -> a number, dy (M, N). The reduction is "mean" or "sum".

    >>> import numpy as np
    >>> y, t = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
    >>> loss, dy = categorical_crossentropy_with_gradient(y, t, from_logits=True)
    >>> round(float(loss), 4), dy.tolist()
    (0.6931, [[-0.5, 0.5]])
    """
    op = "categorical_crossentropy_with_gradient"
    checks.shares(op, y, t, label_smoothing, weights, class_weights, reduction)
    checks.one_number(op, reduction)
    return faces(y).categorical_crossentropy_with_gradient(
        y,
        t,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        reduction=reduction,
    )


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
    """Focal loss of classes, mean over rows of -alpha sum(t (1 - y)^gamma log y).

    y, t (M, N), float32 or float64, the rows of t one-hot or shares that sum to 1 -> a number of their dtype. Raises
    TypeError or ValueError for other dtypes and orders, and where the shapes differ or there is no class.
    Lin et al. 2017, arXiv:1708.02002, equation 5, with one alpha; for one each use `class_weights`.

    >>> import numpy as np
    >>> y = np.array([[0.25, 0.75], [0.5, 0.5]])
    >>> round(float(categorical_focal_crossentropy_forward(y, np.array([[0.0, 1.0], [1.0, 0.0]]))), 4)
    0.0239
    """
    op = "categorical_focal_crossentropy_forward"
    checks.shares(op, y, t, label_smoothing, weights, class_weights, reduction)
    checks.focal(op, alpha, gamma)
    return faces(y).categorical_focal_crossentropy_forward(
        y,
        t,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        reduction=reduction,
    )


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
    """Gradient of `categorical_focal_crossentropy_forward`.

    dloss, a number, or (M,) for the reduction "none"; y, t (M, N) -> dy (M, N).
    """
    op = "categorical_focal_crossentropy_backward"
    checks.shares(op, y, t, label_smoothing, weights, class_weights, reduction)
    checks.focal(op, alpha, gamma)
    checks.dloss(op, dloss, y, y.shape[:1], reduction)
    return faces(y).categorical_focal_crossentropy_backward(
        dloss,
        y,
        t,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        reduction=reduction,
    )
