"""What the files of public functions share: the faces, and what normalisation by channels checks alike."""

from .. import _check as check
from .._dispatch import Faces

ACTIVATIONS = (None, "relu")

faces = Faces(__package__)


NONE = {}  # no further arrays


def channels(op, x, gamma, beta, least=1, others=NONE, **rows):
    """x (..., C) of `least` axes, with `rows`, gamma and beta of (C,), of which the last two may be None.

    `others` are arrays of the same dtype whose shapes `gradient` looks at.
    """
    if gamma is not None:
        rows["gamma"] = gamma
    if beta is not None:
        rows["beta"] = beta
    check.floats(op, None, x=x, **rows, **others)
    if x.ndim < least:
        check.rank(op, "x", x, least) if least > 1 else check.axis(op, -1, "x", x)
    C = x.shape[-1:]
    for name, row in rows.items():
        if row.shape != C:
            check.shape(op, name, row, C, ("x", x))


def options(op, x, epsilon, activation, out):
    """What all forwards take."""
    check.number(op, "epsilon", epsilon, 0)
    if activation not in ACTIVATIONS:
        check.choice(op, "activation", activation, ACTIVATIONS)
    if out is not None:
        check.out(op, out, x.shape, x)


def gradient(op, x, activation, dy, shape=None, **saved):
    """dy like x, and what the forward saved, of `shape`; their dtypes have been checked."""
    if dy.shape != x.shape:
        check.shape(op, "dy", dy, x.shape, ("x", x))
    for name, row in saved.items():
        if row.shape != shape:
            check.shape(op, name, row, shape, ("x", x))
    if activation not in ACTIVATIONS:
        check.choice(op, "activation", activation, ACTIVATIONS)
