"""Dropout: zeros or noise at random places, the same for the same seed, step and position."""

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


def spatial_dropout_forward(x, *, rate, seed, step, out=None):
    """Set a share `rate` of the channels to 0, everywhere in their image, and divide the others by 1 - rate.

    x (N, ..., C), with any number of axes between -> y of its shape. Whether channel c of image n stays is what
    `dropout_forward` decides for element (n, c) of an array (N, C). Options, errors and `out` as there. Tompson,
    Goroshin, Jain, LeCun, Bregler 2015, arXiv:1411.4280, section 3.2.

    >>> import numpy as np
    >>> spatial_dropout_forward(np.ones((1, 2, 4)), rate=0.5, seed=7, step=0)
    array([[[2., 2., 0., 0.],
            [2., 2., 0., 0.]]])
    """
    op = "spatial_dropout_forward"
    _check_channels(op, "x", x, out)
    _check_mask(op, rate, seed, step)
    return _faces(x).spatial_dropout_forward(x, rate=rate, seed=seed, step=step, out=out)


def spatial_dropout_backward(dy, *, rate, seed, step, out=None):
    """Gradient of `spatial_dropout_forward`: dx = dy / (1 - rate) where the channel was kept, else 0.

    dy (N, ..., C) -> dx of its shape. rate, seed and step as in the forward.
    """
    op = "spatial_dropout_backward"
    _check_channels(op, "dy", dy, out)
    _check_mask(op, rate, seed, step)
    return _faces(dy).spatial_dropout_backward(dy, rate=rate, seed=seed, step=step, out=out)


def gaussian_noise_forward(x, *, stddev, seed, step, out=None):
    """Add noise of a normal distribution with mean 0: y = x + stddev n.

    x (...) -> y (...), float32 or float64; stddev at least 0. n is a function of seed, step and the position alone, as
    in `dropout_forward`, and the same in float32 and float64 but for rounding; it lies within 5.8. Raises TypeError or
    ValueError. Box, Muller 1958, "A note on the generation of random normal deviates", of the words of Philox.

    >>> import numpy as np
    >>> gaussian_noise_forward(np.zeros(4), stddev=2.0, seed=7, step=0).round(2)
    array([ 0.  , -0.61,  3.58,  2.14])
    """
    op = "gaussian_noise_forward"
    check.floats(op, None, x=x)
    check.out(op, out, x.shape, x)
    check.number(op, "stddev", stddev, 0)
    check.word(op, "seed", seed)
    check.word(op, "step", step)
    return _faces(x).gaussian_noise_forward(x, stddev=stddev, seed=seed, step=step, out=out)


def gaussian_noise_backward(dy, *, out=None):
    """Gradient of `gaussian_noise_forward`: dx is a copy of dy, since the noise depends on nothing."""
    check.floats("gaussian_noise_backward", None, dy=dy)
    check.out("gaussian_noise_backward", out, dy.shape, dy)
    return _faces(dy).gaussian_noise_backward(dy, out=out)


def _check_channels(op, name, x, out):
    check.floats(op, None, **{name: x})
    if x.ndim < 2:
        raise ValueError(f"{op}: {name} has shape {tuple(x.shape)}, expected (N, ..., C)")
    check.out(op, out, x.shape, x)


def _check_mask(op, rate, seed, step):
    check.fraction(op, "rate", rate)
    check.word(op, "seed", seed)
    check.word(op, "step", step)
