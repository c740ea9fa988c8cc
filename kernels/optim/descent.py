"""Steps of one length for all elements, averages of weights, and clipping of all gradients together."""

from .. import _check as check
from ._arrays import options, placed


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=0.0, treatment=None):
    """One step of gradient descent, as in Keras: w -= learning_rate * dw.

    With momentum: velocity = momentum * velocity - learning_rate * dw, then w += velocity, or, with Nesterov's,
    w += momentum * velocity - learning_rate * dw. w, dw, velocity (...) of one shape, float32 or float64, or lists of
    such; w and velocity are changed. Without momentum, velocity is left alone and may be None. Raises TypeError or
    ValueError before anything is changed. Sutskever, Martens, Dahl, Hinton 2013, equations 1 to 4. PyTorch keeps
    velocity / -learning_rate, so that a rate that changes acts at once.

    >>> import numpy as np
    >>> w = np.array([1.0, 2.0])
    >>> sgd_update(w, np.array([10.0, -10.0]), None)
    >>> w
    array([0.9, 2.1])
    """
    op = "sgd_update"
    check.number(op, "momentum", momentum, 0, 1)
    options(op, learning_rate, weight_decay, treatment)
    if momentum != 0:
        check.needed(op, "velocity", velocity, f"momentum is {momentum}", "start with np.zeros_like(w)")
    face, (w, dw, velocity) = placed(op, ("w", "dw", "velocity"), w, dw, velocity)
    face.sgd_update(
        w, dw, velocity,
        learning_rate=learning_rate, momentum=momentum, nesterov=nesterov,
        weight_decay=weight_decay, treatment=treatment,
    )  # fmt: skip


def lion_update(w, dw, m, *, learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=0.0, treatment=None):
    """One step of Lion, whose steps are signs, as in Keras: w -= learning_rate * sign(beta_1 m + (1 - beta_1) dw).

    Then m = beta_2 m + (1 - beta_2) dw. w, dw, m (...) of one shape, float32 or float64, or lists of such; w and m are
    changed, and m starts from zeros. Raises TypeError or ValueError before anything is changed. Chen et al. 2023,
    arXiv:2302.06675, algorithm 2.

    >>> import numpy as np
    >>> w, m = np.array([1.0, 2.0]), np.zeros(2)
    >>> lion_update(w, np.array([10.0, -0.1]), m)
    >>> w
    array([0.999, 2.001])
    """
    op = "lion_update"
    check.number(op, "beta_1", beta_1, 0, 1)
    check.number(op, "beta_2", beta_2, 0, 1)
    options(op, learning_rate, weight_decay, treatment)
    face, (w, dw, m) = placed(op, ("w", "dw", "m"), w, dw, m)
    face.lion_update(
        w, dw, m,
        learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, weight_decay=weight_decay, treatment=treatment,
    )  # fmt: skip


def ema_update(average, w, *, momentum=0.99):
    """Take weights into their exponential moving average: average = momentum * average + (1 - momentum) * w.

    average, w (...) of one shape, float32 or float64, or lists of such; average is changed, and starts as a copy of w.
    Raises TypeError or ValueError before anything is changed. Polyak, Juditsky 1992 average all steps alike; this is
    the form of Keras's `use_ema` and PyTorch's `get_ema_multi_avg_fn`, whose decay is 0.999.

    >>> import numpy as np
    >>> average = np.array([1.0, 2.0])
    >>> ema_update(average, np.array([2.0, 2.0]), momentum=0.9)
    >>> average
    array([1.1, 2. ])
    """
    op = "ema_update"
    check.number(op, "momentum", momentum, 0, 1)
    face, (average, w) = placed(op, ("average", "w"), average, w)
    face.ema_update(average, w, momentum=momentum)


def clip_by_global_norm(dw, *, max_norm):
    """Scale all gradients by one factor so that their norm together is at most max_norm; returns the norm before.

    dw (...) float32 or float64, or a list of such, changed in place; the squares are summed in float64, in a fixed
    order. If the norm is no finite number, all become NaN, as in Keras; PyTorch's clip_grad_norm_ makes them 0 or NaN,
    and divides by the norm plus 1e-6. Raises TypeError or ValueError before anything is changed. Steps clip without
    changing dw and without another pass to write it, with `treatment=Treatment(global_clipnorm=max_norm)`. Pascanu,
    Mikolov, Bengio 2012, arXiv:1211.5063, algorithm 1.

    >>> import numpy as np
    >>> dw = [np.array([3.0, 0.0]), np.array([[4.0]])]
    >>> clip_by_global_norm(dw, max_norm=1.0)
    5.0
    >>> dw
    [array([0.6, 0. ]), array([[0.8]])]
    """
    op = "clip_by_global_norm"
    check.number(op, "max_norm", max_norm, 0)
    face, (dw,) = placed(op, ("dw",), dw)
    return face.clip_by_global_norm(dw, max_norm=max_norm)
