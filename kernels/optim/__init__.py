"""Optimizer steps: they change the parameters and what is kept for them in place.

They take the arrays of one parameter, or lists of the arrays of many: on a CUDA device a step of all is one launch.
"""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)
_LISTS = (list, tuple)


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False):
    """One step of gradient descent, as in Keras: w -= learning_rate * dw.

    With momentum: velocity = momentum * velocity - learning_rate * dw, then w += velocity, or, with Nesterov's,
    w += momentum * velocity - learning_rate * dw. w, dw, velocity (...) of one shape, float32 or float64; w and
    velocity are changed. Without momentum, velocity is left alone and may be None. Raises TypeError or ValueError
    before anything is changed. Sutskever, Martens, Dahl, Hinton 2013, equations 1 to 4.

    w, dw and velocity may also be lists or tuples of as many arrays; then velocity is a list or None.

    >>> import numpy as np
    >>> w = np.array([1.0, 2.0])
    >>> sgd_update(w, np.array([10.0, -10.0]), None)
    >>> w
    array([0.9, 2.1])
    """
    op = "sgd_update"
    check.number(op, "learning_rate", learning_rate, 0)
    check.number(op, "momentum", momentum, 0, 1)
    if momentum != 0:
        check.needed(op, "velocity", velocity, f"momentum is {momentum}", "start with np.zeros_like(w)")
    if w.__class__ in _LISTS and dw.__class__ in _LISTS:
        w, dw, *kept = _lists(op, w=w, dw=dw, **({} if velocity is None else {"velocity": velocity}))
        velocity = kept[0] if kept else None
    elif velocity is None:
        check.in_place(op, dw, w=w)
    else:
        check.in_place(op, dw, w=w, velocity=velocity)
    face = _faces(w if w.__class__ is not list else w[0])
    face.sgd_update(w, dw, velocity, learning_rate=learning_rate, momentum=momentum, nesterov=nesterov)


def adam_update(w, dw, m, v, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step):
    """One step of Adam, as in Keras, where `step` counts from 1.

    m += (1 - beta_1) (dw - m), v += (1 - beta_2) (dw^2 - v), and
    w -= learning_rate * sqrt(1 - beta_2^step) / (1 - beta_1^step) * m / (sqrt(v) + epsilon).
    w, dw, m, v (...) of one shape, float32 or float64; w, m and v are changed, and m and v start from zeros. Raises
    TypeError or ValueError before anything is changed. Kingma, Ba 2014, arXiv:1412.6980, the last lines of section 2.

    w, dw, m and v may also be lists or tuples of as many arrays.

    >>> import numpy as np
    >>> w, m, v = np.array([1.0, 2.0]), np.zeros(2), np.zeros(2)
    >>> adam_update(w, np.array([10.0, -0.1]), m, v, step=1)
    >>> w.round(6)
    array([0.999, 2.001])
    """
    op = "adam_update"
    if w.__class__ in _LISTS and dw.__class__ in _LISTS:
        w, dw, m, v = _lists(op, w=w, dw=dw, m=m, v=v)
    else:
        check.in_place(op, dw, w=w, m=m, v=v)
    check.number(op, "learning_rate", learning_rate, 0)
    check.fraction(op, "beta_1", beta_1)
    check.fraction(op, "beta_2", beta_2)
    check.number(op, "epsilon", epsilon, 0)
    check.whole(op, "step", step, 1)
    _faces(w if w.__class__ is not list else w[0]).adam_update(
        w, dw, m, v, learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, step=step
    )


def _lists(op, **columns):
    """Lists of the arrays of parameters, checked parameter by parameter; all lie where the first one does."""
    check.columns(op, **columns)
    if not columns["w"]:
        raise ValueError(f"{op}: w is an empty list, expected at least one array")
    for i, (w, dw, *_) in enumerate(zip(*columns.values())):
        check.in_place(op, dw, f"dw[{i}]", **{f"{name}[{i}]": x[i] for name, x in columns.items() if name != "dw"})
        if w.__class__ is not columns["w"][0].__class__:
            check.one_device(op, **{"w[0]": columns["w"][0], f"w[{i}]": w})
    return map(list, columns.values())
