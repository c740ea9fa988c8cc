"""Losses: one number for a result y and what was wanted, t, and its gradient for y.

A loss is a mean: over all elements (mse, binary_crossentropy) or over the rows (the categorical ones). The loss of
nothing is 0, and so is its gradient. `from_logits` says that y holds logits, not probabilities: nothing overflows then,
and the gradient is that of sigmoid or softmax and loss in one. Probabilities are clipped to [1e-7, 1 - 1e-7], those of
classes after each row was divided by its sum, as in Keras; where a probability was clipped its gradient is 0.

On CUDA a loss stays on the device, as an array of shape (), and `dloss` may be such an array.

Float targets are not checked: beyond [0, 1] they make a cross-entropy that means nothing, and NaN gives NaN.
"""

import numpy as np

from .. import _check as check
from .._check_device import on_device
from .._dispatch import Faces

_faces = Faces(__name__)


def mse_forward(y, t):
    """Mean squared error, mean((y - t)^2).

    y, t (...) of one shape, float32 or float64 -> a number of their dtype. Raises TypeError or ValueError for other
    dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> float(mse_forward(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    _check_targets("mse_forward", y, t)
    return _faces(y).mse_forward(y, t)


def mse_backward(dloss, y, t):
    """Gradient of `mse_forward`: dy = 2 (y - t) dloss / size.

    dloss, a number; y, t (...) -> dy (...).
    """
    _check_targets("mse_backward", y, t)
    _check_dloss("mse_backward", dloss, y)
    return _faces(y).mse_backward(dloss, y, t)


def binary_crossentropy_forward(y, t, *, from_logits=False):
    """Binary cross-entropy, mean(-t log y - (1 - t) log(1 - y)).

    y, t (...) of one shape, float32 or float64, t in [0, 1] -> a number of their dtype. Raises TypeError or ValueError
    for other dtypes and orders, and where the shapes differ.

    >>> import numpy as np
    >>> round(float(binary_crossentropy_forward(np.array([0.5, 0.9]), np.array([1.0, 1.0]))), 4)
    0.3993
    >>> float(binary_crossentropy_forward(np.array([1e4, -1e4]), np.array([0.0, 0.0]), from_logits=True))
    5000.0
    """
    _check_targets("binary_crossentropy_forward", y, t)
    return _faces(y).binary_crossentropy_forward(y, t, from_logits=from_logits)


def binary_crossentropy_backward(dloss, y, t, *, from_logits=False):
    """Gradient of `binary_crossentropy_forward`: (y - t) / (y (1 - y)), from logits sigmoid(y) - t, each dloss / size.

    dloss, a number; y, t (...) -> dy (...).
    """
    _check_targets("binary_crossentropy_backward", y, t)
    _check_dloss("binary_crossentropy_backward", dloss, y)
    return _faces(y).binary_crossentropy_backward(dloss, y, t, from_logits=from_logits)


def categorical_crossentropy_forward(y, t, *, from_logits=False):
    """Cross-entropy with a probability for every class, mean over rows of -sum(t log y).

    y, t (M, N), float32 or float64, the rows of t one-hot or shares that sum to 1 -> a number of their dtype. Raises
    TypeError or ValueError for other dtypes and orders, and where the shapes differ or there is no class.

    >>> import numpy as np
    >>> y = np.array([[0.25, 0.75], [0.5, 0.5]])
    >>> round(float(categorical_crossentropy_forward(y, np.array([[0.0, 1.0], [1.0, 0.0]]))), 4)
    0.4904
    """
    _check_shares("categorical_crossentropy_forward", y, t)
    return _faces(y).categorical_crossentropy_forward(y, t, from_logits=from_logits)


def categorical_crossentropy_backward(dloss, y, t, *, from_logits=False):
    """Gradient of `categorical_crossentropy_forward`; from logits dy = (softmax(y) sum(t) - t) dloss / M.

    dloss, a number; y, t (M, N) -> dy (M, N).
    """
    _check_shares("categorical_crossentropy_backward", y, t)
    _check_dloss("categorical_crossentropy_backward", dloss, y)
    return _faces(y).categorical_crossentropy_backward(dloss, y, t, from_logits=from_logits)


def sparse_categorical_crossentropy_forward(y, t, *, from_logits=False):
    """Cross-entropy with a label for every row, mean over rows of -log y[t].

    y (M, N), float32 or float64; t (M,), integers from 0 to N - 1 -> a number of y's dtype. Raises TypeError for labels
    that are no integers, ValueError for one that is out of range, both before anything is computed.

    >>> import numpy as np
    >>> y = np.array([[0.25, 0.75], [0.5, 0.5]])
    >>> round(float(sparse_categorical_crossentropy_forward(y, np.array([1, 0]))), 4)
    0.4904
    """
    _check_labels("sparse_categorical_crossentropy_forward", y, t)
    return _faces(y).sparse_categorical_crossentropy_forward(y, t, from_logits=from_logits)


def sparse_categorical_crossentropy_backward(dloss, y, t, *, from_logits=False):
    """Gradient of `sparse_categorical_crossentropy_forward`; from logits dy = (softmax(y) - [n = t]) dloss / M.

    dloss, a number; y (M, N), t (M,) -> dy (M, N).
    """
    _check_labels("sparse_categorical_crossentropy_backward", y, t)
    _check_dloss("sparse_categorical_crossentropy_backward", dloss, y)
    return _faces(y).sparse_categorical_crossentropy_backward(dloss, y, t, from_logits=from_logits)


def _check_targets(op, y, t):
    check.floats(op, None, y=y, t=t)
    check.same_shape(op, y=y, t=t)


def _check_shares(op, y, t):
    check.floats(op, 2, y=y, t=t)
    check.same_shape(op, y=y, t=t)
    check.whole(op, "the number of classes in y", y.shape[1], 1)


def _check_dloss(op, dloss, y):
    """A number, or beside arrays on a device one of them, of shape ()."""
    if y.__class__ is not np.ndarray and on_device(dloss):
        check.floats(op, None, y=y, dloss=dloss)
        check.rank(op, "dloss", dloss, 0)
    else:
        check.real(op, "dloss", dloss)


def _check_labels(op, y, t):
    check.floats(op, 2, y=y)
    check.integers(op, "t", t, 1, ("y", y))
    check.shape(op, "t", t, y.shape[:1], ("y", y))
    check.whole(op, "the number of classes in y", y.shape[1], 1)
    misfit = _faces(y).first_misfit(t, y.shape[1])
    if misfit >= 0:
        check.label(op, "t", t, misfit, y)
