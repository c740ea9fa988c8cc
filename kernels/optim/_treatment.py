"""What becomes of gradients before an optimizer's step: penalties on the weights, and clipping."""

from typing import NamedTuple

from .. import _check as check


class _Treatment(NamedTuple):
    l1: float = 0.0
    l2: float = 0.0
    clipvalue: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None


class Treatment(_Treatment):
    """What becomes of a gradient dw before a step uses it; the array dw itself stays as it is.

    l1, l2           dw + l1 * sign(w) + 2 * l2 * w: the gradient of l1 * sum(|w|) + l2 * sum(w^2), as Keras's
                     regularizers have it. PyTorch's `weight_decay` of SGD and Adam is 2 * l2.
    clipvalue        every element is cut to [-clipvalue, clipvalue]
    clipnorm         an array whose norm is greater is scaled to this norm
    global_clipnorm  all arrays of a call are scaled by one factor, to this norm of them together, if theirs is greater;
                     if theirs is no finite number, all become NaN, as in Keras

    At most one of the three clips, as in Keras. Norms are of penalised gradients; their squares are summed in float64,
    in an order that is fixed. Pascanu, Mikolov, Bengio 2012, arXiv:1211.5063, section 3.2.

    >>> Treatment(clipnorm=1.0).clipnorm
    1.0
    """

    __slots__ = ()

    def __new__(cls, l1=0.0, l2=0.0, clipvalue=None, clipnorm=None, global_clipnorm=None):
        self = super().__new__(cls, l1, l2, clipvalue, clipnorm, global_clipnorm)
        check.number(cls.__name__, "l1", l1, 0)
        check.number(cls.__name__, "l2", l2, 0)
        expect_clips(cls.__name__, clipvalue=clipvalue, clipnorm=clipnorm, global_clipnorm=global_clipnorm)
        return self


def expect_clips(op, **clips):
    """At most one of the limits is given, and it is a number from 0."""
    given = [name for name, limit in clips.items() if limit is not None]
    for name in given:
        check.number(op, name, clips[name], 0)
    if len(given) > 1:
        raise ValueError(f"{op}: {given[0]} and {given[1]} are given, expected at most one way to clip")
