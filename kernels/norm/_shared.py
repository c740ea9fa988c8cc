"""What the files of public functions share: the faces, and what normalisation by channels checks alike."""

from .. import _check as check
from .._dispatch import Faces

ACTIVATIONS = (None, "relu")

faces = Faces(__package__)


def channels(op, x, gamma, beta, least=1, **rows):
    """x (..., C) of `least` axes, with `rows`, gamma and beta of (C,), of which the last two may be None."""
    if gamma is not None:
        rows["gamma"] = gamma
    if beta is not None:
        rows["beta"] = beta
    check.floats(op, None, x=x, **rows)
    if x.ndim < least:
        check.rank(op, "x", x, least) if least > 1 else check.axis(op, -1, "x", x)
    for name, row in rows.items():
        check.shape(op, name, row, x.shape[-1:], ("x", x))


def options(op, x, epsilon, activation, out):
    """What all forwards take."""
    check.number(op, "epsilon", epsilon, 0)
    check.choice(op, "activation", activation, ACTIVATIONS)
    check.out(op, out, x.shape, x)


def gradient(op, dy, x, activation, shape=None, **saved):
    """dy like x, and what the forward saved, of `shape`."""
    check.floats(op, None, x=x, dy=dy, **saved)
    check.same_shape(op, x=x, dy=dy)
    for name, row in saved.items():
        check.shape(op, name, row, shape, ("x", x))
    check.choice(op, "activation", activation, ACTIVATIONS)
