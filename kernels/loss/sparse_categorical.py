"""Losses of classes with a label for every row: a number for every row of y (M, N) and t (M,).

`weights` (M,) are those of the rows. `class_weights` (N,) are those of classes: a row is weighed by that of its label
besides. Where a row's weight is 0, its loss and gradient are 0, whatever it is; rows whose label is `ignore_index`
count as rows of weight 0. `label_smoothing` gives a part of every row to all classes alike, as in categorical.py.
"""

from . import checks
from .checks import faces


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
    """Cross-entropy with a label for every row, mean over rows of -log y[t].

    y (M, N), float32 or float64; t (M,), integers from 0 to N - 1, or `ignore_index` -> a number of y's dtype. Raises
    TypeError for labels that are no integers, ValueError for one that is out of range, both before anything is
    computed.

    >>> import numpy as np
    >>> y = np.array([[0.25, 0.75], [0.5, 0.5]])
    >>> round(float(sparse_categorical_crossentropy_forward(y, np.array([1, 0]))), 4)
    0.4904
    >>> round(float(sparse_categorical_crossentropy_forward(y, np.array([1, -1]), ignore_index=-1)), 4)
    0.2877
    """
    op = "sparse_categorical_crossentropy_forward"
    checks.labels(op, y, t, label_smoothing, weights, class_weights, ignore_index, reduction)
    return faces(y).sparse_categorical_crossentropy_forward(
        y,
        t,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        ignore_index=ignore_index,
        reduction=reduction,
    )


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
    """Gradient of `sparse_categorical_crossentropy_forward`; from logits dy = (softmax(y) - [n = t]) dloss / M.

    dloss, a number, or (M,) for the reduction "none"; y, (M, N), t (M,) -> dy (M, N).
    """
    op = "sparse_categorical_crossentropy_backward"
    checks.labels(op, y, t, label_smoothing, weights, class_weights, ignore_index, reduction)
    checks.dloss(op, dloss, y, y.shape[:1], reduction)
    return faces(y).sparse_categorical_crossentropy_backward(
        dloss,
        y,
        t,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        ignore_index=ignore_index,
        reduction=reduction,
    )


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
    """(loss, dy): `sparse_categorical_crossentropy_forward` and, for dloss = 1, its gradient in one pass over memory.

    y (M, N), t as there -> a number, dy (M, N). The reduction is "mean" or "sum".

    >>> import numpy as np
    >>> y, t = np.array([[0.0, 0.0]]), np.array([1])
    >>> loss, dy = sparse_categorical_crossentropy_with_gradient(y, t, from_logits=True)
    >>> round(float(loss), 4), dy.tolist()
    (0.6931, [[0.5, -0.5]])
    """
    op = "sparse_categorical_crossentropy_with_gradient"
    checks.labels(op, y, t, label_smoothing, weights, class_weights, ignore_index, reduction)
    checks.one_number(op, reduction)
    return faces(y).sparse_categorical_crossentropy_with_gradient(
        y,
        t,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        class_weights=class_weights,
        ignore_index=ignore_index,
        reduction=reduction,
    )


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
    """Focal loss with a label for every row, mean over rows of -alpha (1 - y[t])^gamma log y[t].

    y (M, N), float32 or float64; t (M,), integers from 0 to N - 1, or `ignore_index` -> a number of y's dtype. Raises
    TypeError for labels that are no integers, ValueError for one that is out of range, both before anything is
    computed. Lin et al. 2017, arXiv:1708.02002, equation 5, with one alpha; for one each use `class_weights`.

    >>> import numpy as np
    >>> y = np.array([[0.25, 0.75], [0.5, 0.5]])
    >>> round(float(sparse_categorical_focal_crossentropy_forward(y, np.array([1, 0]))), 4)
    0.0239
    """
    op = "sparse_categorical_focal_crossentropy_forward"
    checks.labels(op, y, t, 0.0, weights, class_weights, ignore_index, reduction)
    checks.focal(op, alpha, gamma)
    return faces(y).sparse_categorical_focal_crossentropy_forward(
        y,
        t,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        weights=weights,
        class_weights=class_weights,
        ignore_index=ignore_index,
        reduction=reduction,
    )


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
    """Gradient of `sparse_categorical_focal_crossentropy_forward`.

    dloss, a number, or (M,) for the reduction "none"; y, (M, N), t (M,) -> dy (M, N).
    """
    op = "sparse_categorical_focal_crossentropy_backward"
    checks.labels(op, y, t, 0.0, weights, class_weights, ignore_index, reduction)
    checks.focal(op, alpha, gamma)
    checks.dloss(op, dloss, y, y.shape[:1], reduction)
    return faces(y).sparse_categorical_focal_crossentropy_backward(
        dloss,
        y,
        t,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        weights=weights,
        class_weights=class_weights,
        ignore_index=ignore_index,
        reduction=reduction,
    )
