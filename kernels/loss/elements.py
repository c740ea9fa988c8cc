"""Losses of elements: a number for every pair of y and t, of one shape.

`weights` are those of y's first axes: as many as y has elements, or one for every sample, which then holds for all of
its elements. Where a weight is 0, loss and gradient are 0, whatever y and t are.
"""

from .. import _check as check
from . import checks
from .checks import faces


def mse_forward(y, t, *, weights=None, reduction="mean"):
    """Mean squared error, mean((y - t)^2).

    y, t (...) of one shape, float32 or float64 -> a number of their dtype. Raises TypeError or ValueError for other
    dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> float(mse_forward(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    >>> mse_forward(np.array([1.0, 3.0]), np.array([1.0, 1.0]), reduction="none")
    array([0., 4.])
    """
    checks.targets("mse_forward", y, t, None, weights, reduction)
    return faces(y).mse_forward(y, t, weights=weights, reduction=reduction)


def mse_backward(dloss, y, t, *, weights=None, reduction="mean"):
    """Gradient of `mse_forward`: dy = 2 (y - t) dloss / size.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("mse_backward", y, t, None, weights, reduction)
    checks.dloss("mse_backward", dloss, y, y.shape, reduction)
    return faces(y).mse_backward(dloss, y, t, weights=weights, reduction=reduction)


def mse_with_gradient(y, t, *, weights=None, reduction="mean"):
    """(loss, dy): `mse_forward` and, for dloss = 1, `mse_backward` in one pass over memory.

    y, t (...) -> a number, dy (...). The reduction is "mean" or "sum".

    >>> import numpy as np
    >>> loss, dy = mse_with_gradient(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    >>> round(float(loss), 4), dy.tolist()
    (2.0, [0.0, 2.0])
    """
    checks.targets("mse_with_gradient", y, t, None, weights, reduction)
    checks.one_number("mse_with_gradient", reduction)
    return faces(y).mse_with_gradient(y, t, weights=weights, reduction=reduction)


def mae_forward(y, t, *, weights=None, reduction="mean"):
    """Mean absolute error, mean(|y - t|).

    y, t (...) of one shape, float32 or float64 -> a number of their dtype. Raises TypeError or ValueError for other
    dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> float(mae_forward(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    1.0
    """
    checks.targets("mae_forward", y, t, None, weights, reduction)
    return faces(y).mae_forward(y, t, weights=weights, reduction=reduction)


def mae_backward(dloss, y, t, *, weights=None, reduction="mean"):
    """Gradient of `mae_forward`: dy = sign(y - t) dloss / size, 0 where y = t.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("mae_backward", y, t, None, weights, reduction)
    checks.dloss("mae_backward", dloss, y, y.shape, reduction)
    return faces(y).mae_backward(dloss, y, t, weights=weights, reduction=reduction)


def huber_forward(y, t, *, delta=1.0, weights=None, reduction="mean"):
    """Huber's loss, mean of d^2 / 2 for d = y - t, from |d| = delta on of delta (|d| - delta / 2).

    y, t (...) of one shape, float32 or float64; delta above 0 -> a number of their dtype. Raises TypeError or
    ValueError for other dtypes and orders, and where the shapes differ. Huber 1964, Annals of Mathematical Statistics
    35, page 73.

    >>> import numpy as np
    >>> huber_forward(np.array([1.5, 3.0]), np.array([1.0, 1.0]), reduction="none")
    array([0.125, 1.5  ])
    """
    checks.targets("huber_forward", y, t, None, weights, reduction)
    check.positive("huber_forward", "delta", delta)
    return faces(y).huber_forward(y, t, delta=delta, weights=weights, reduction=reduction)


def huber_backward(dloss, y, t, *, delta=1.0, weights=None, reduction="mean"):
    """Gradient of `huber_forward`: dy = clip(y - t, -delta, delta) dloss / size.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("huber_backward", y, t, None, weights, reduction)
    checks.dloss("huber_backward", dloss, y, y.shape, reduction)
    check.positive("huber_backward", "delta", delta)
    return faces(y).huber_backward(dloss, y, t, delta=delta, weights=weights, reduction=reduction)


def log_cosh_forward(y, t, *, weights=None, reduction="mean"):
    """Mean of log cosh(y - t): a square near 0, a distance less log 2 far from it.

    y, t (...) of one shape, float32 or float64 -> a number of their dtype. Raises TypeError or ValueError for other
    dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> round(float(log_cosh_forward(np.array([1.0]), np.array([0.0]))), 4)
    0.4338
    >>> round(float(log_cosh_forward(np.array([1e4]), np.array([0.0]))), 4)
    9999.3069
    """
    checks.targets("log_cosh_forward", y, t, None, weights, reduction)
    return faces(y).log_cosh_forward(y, t, weights=weights, reduction=reduction)


def log_cosh_backward(dloss, y, t, *, weights=None, reduction="mean"):
    """Gradient of `log_cosh_forward`: dy = tanh(y - t) dloss / size.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("log_cosh_backward", y, t, None, weights, reduction)
    checks.dloss("log_cosh_backward", dloss, y, y.shape, reduction)
    return faces(y).log_cosh_backward(dloss, y, t, weights=weights, reduction=reduction)


def hinge_forward(y, t, *, weights=None, reduction="mean"):
    """Hinge loss, mean(max(1 - t y, 0)), t -1 or 1.

    y, t (...) of one shape, float32 or float64 -> a number of their dtype. Raises TypeError or ValueError for other
    dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> float(hinge_forward(np.array([0.5, -2.0]), np.array([1.0, -1.0])))
    0.25
    """
    checks.targets("hinge_forward", y, t, None, weights, reduction)
    return faces(y).hinge_forward(y, t, weights=weights, reduction=reduction)


def hinge_backward(dloss, y, t, *, weights=None, reduction="mean"):
    """Gradient of `hinge_forward`: dy = -t dloss / size where t y < 1, else 0.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("hinge_backward", y, t, None, weights, reduction)
    checks.dloss("hinge_backward", dloss, y, y.shape, reduction)
    return faces(y).hinge_backward(dloss, y, t, weights=weights, reduction=reduction)


def squared_hinge_forward(y, t, *, weights=None, reduction="mean"):
    """Squared hinge loss, mean(max(1 - t y, 0)^2), t -1 or 1.

    y, t (...) of one shape, float32 or float64 -> a number of their dtype. Raises TypeError or ValueError for other
    dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> float(squared_hinge_forward(np.array([0.5, -2.0]), np.array([1.0, -1.0])))
    0.125
    """
    checks.targets("squared_hinge_forward", y, t, None, weights, reduction)
    return faces(y).squared_hinge_forward(y, t, weights=weights, reduction=reduction)


def squared_hinge_backward(dloss, y, t, *, weights=None, reduction="mean"):
    """Gradient of `squared_hinge_forward`: dy = -2 t max(1 - t y, 0) dloss / size.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("squared_hinge_backward", y, t, None, weights, reduction)
    checks.dloss("squared_hinge_backward", dloss, y, y.shape, reduction)
    return faces(y).squared_hinge_backward(dloss, y, t, weights=weights, reduction=reduction)


def binary_crossentropy_forward(y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"):
    """Binary cross-entropy, mean(-t log y - (1 - t) log(1 - y)).

    y, t (...) of one shape, float32 or float64, t in [0, 1] -> a number of their dtype. `label_smoothing` moves t so
    far towards 1/2, as a share of the way. Raises TypeError or ValueError for other dtypes and orders, and where the
    shapes differ.

    >>> import numpy as np
    >>> round(float(binary_crossentropy_forward(np.array([0.5, 0.9]), np.array([1.0, 1.0]))), 4)
    0.3993
    >>> float(binary_crossentropy_forward(np.array([1e4, -1e4]), np.array([0.0, 0.0]), from_logits=True))
    5000.0
    """
    checks.targets("binary_crossentropy_forward", y, t, None, weights, reduction)
    check.number("binary_crossentropy_forward", "label_smoothing", label_smoothing, 0, 1)
    return faces(y).binary_crossentropy_forward(
        y, t, from_logits=from_logits, label_smoothing=label_smoothing, weights=weights, reduction=reduction
    )


def binary_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    """Gradient of `binary_crossentropy_forward`: (y - t) / (y (1 - y)), from logits sigmoid(y) - t, each dloss / size.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("binary_crossentropy_backward", y, t, None, weights, reduction)
    checks.dloss("binary_crossentropy_backward", dloss, y, y.shape, reduction)
    check.number("binary_crossentropy_backward", "label_smoothing", label_smoothing, 0, 1)
    return faces(y).binary_crossentropy_backward(
        dloss, y, t, from_logits=from_logits, label_smoothing=label_smoothing, weights=weights, reduction=reduction
    )


def binary_crossentropy_with_gradient(y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"):
    """(loss, dy): `binary_crossentropy_forward` and, for dloss = 1, its gradient in one pass over memory.

    y, t (...) -> a number, dy (...). The reduction is "mean" or "sum".

    >>> import numpy as np
    >>> loss, dy = binary_crossentropy_with_gradient(np.array([0.0, 0.0]), np.array([1.0, 0.0]), from_logits=True)
    >>> round(float(loss), 4), dy.tolist()
    (0.6931, [-0.25, 0.25])
    """
    checks.targets("binary_crossentropy_with_gradient", y, t, None, weights, reduction)
    check.number("binary_crossentropy_with_gradient", "label_smoothing", label_smoothing, 0, 1)
    checks.one_number("binary_crossentropy_with_gradient", reduction)
    return faces(y).binary_crossentropy_with_gradient(
        y, t, from_logits=from_logits, label_smoothing=label_smoothing, weights=weights, reduction=reduction
    )


def binary_focal_crossentropy_forward(
    y, t, *, alpha=None, gamma=2.0, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    """Binary cross-entropy times (1 - p_t)^gamma, p_t the probability of what is true.

    y, t (...) of one shape, float32 or float64, t in [0, 1] -> a number of their dtype. `alpha`, if given, is the
    weight of t = 1, and 1 - alpha that of t = 0. Lin et al. 2017, arXiv:1708.02002, equations 4 and 5; t between 0 and
    1 is taken linearly, as in Keras. Errors as in `binary_crossentropy_forward`.

    >>> import numpy as np
    >>> round(float(binary_focal_crossentropy_forward(np.array([0.5, 0.9]), np.array([1.0, 1.0]))), 4)
    0.0872
    """
    checks.targets("binary_focal_crossentropy_forward", y, t, None, weights, reduction)
    check.number("binary_focal_crossentropy_forward", "label_smoothing", label_smoothing, 0, 1)
    checks.focal("binary_focal_crossentropy_forward", 0.0 if alpha is None else alpha, gamma)
    return faces(y).binary_focal_crossentropy_forward(
        y,
        t,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        reduction=reduction,
    )


def binary_focal_crossentropy_backward(
    dloss, y, t, *, alpha=None, gamma=2.0, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    """Gradient of `binary_focal_crossentropy_forward`: that of cross-entropy and factor, times dloss / size.

    dloss, a number, or (...) for the reduction "none"; y, t (...) -> dy (...).
    """
    checks.targets("binary_focal_crossentropy_backward", y, t, None, weights, reduction)
    checks.dloss("binary_focal_crossentropy_backward", dloss, y, y.shape, reduction)
    check.number("binary_focal_crossentropy_backward", "label_smoothing", label_smoothing, 0, 1)
    checks.focal("binary_focal_crossentropy_backward", 0.0 if alpha is None else alpha, gamma)
    return faces(y).binary_focal_crossentropy_backward(
        dloss,
        y,
        t,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        weights=weights,
        reduction=reduction,
    )
