"""Dropout: zeros at random places, the same for the same seed, step and position."""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)


def dropout_forward(x, *, rate, seed, step, out=None):
    """Set a share `rate` of the elements to 0 and divide the others by 1 - rate, so that sums keep their expectation.

    x (...) -> y (...), float32 or float64. The rate is at least 0 and less than 1. Which elements stay is a function of
    seed, step (integers from 0 to 2**64 - 1) and the position alone: the same on every device, for every number of
    threads, for a part of the array and the whole. A NaN that is dropped is 0. Raises TypeError or ValueError.
    Srivastava et al. 2014; the random numbers are Philox4x32-10 of Salmon et al. 2011.

    >>> import numpy as np
    >>> dropout_forward(np.arange(1.0, 9.0), rate=0.5, seed=7, step=0)
    array([ 2.,  4.,  0.,  0.,  0., 12.,  0., 16.])
    """
    op = "dropout_forward"
    check.floats(op, None, x=x)
    check.out(op, out, x.shape, x)
    _check_mask(op, rate, seed, step)
    return _faces(x).dropout_forward(x, rate=rate, seed=seed, step=step, out=out)


def dropout_backward(dy, *, rate, seed, step, out=None):
    """Gradient of `dropout_forward`: dx = dy / (1 - rate) where x was kept, else 0. The mask is made again.

    dy (...) -> dx (...). rate, seed and step as in the forward. Raises TypeError or ValueError.
    """
    op = "dropout_backward"
    check.floats(op, None, dy=dy)
    check.out(op, out, dy.shape, dy)
    _check_mask(op, rate, seed, step)
    return _faces(dy).dropout_backward(dy, rate=rate, seed=seed, step=step, out=out)


def _check_mask(op, rate, seed, step):
    check.fraction(op, "rate", rate)
    check.word(op, "seed", seed)
    check.word(op, "step", step)
