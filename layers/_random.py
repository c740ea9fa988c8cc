"""The one source of random numbers: initial weights, shuffling and the seeds of dropout are drawn from it."""

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import refuse

_generator = np.random.Generator(np.random.Philox())


def set_seed(seed):
    """Start the random numbers anew: the same seed gives the same weights, shuffles and dropout masks.

    >>> set_seed(0)
    """
    global _generator
    check.whole("set_seed", "seed", seed)
    _generator = np.random.Generator(np.random.Philox(int(seed)))


def generator():
    """The generator of the current seed. Ask for it at every use: `set_seed` replaces it."""
    refuse("random numbers that Python draws")
    return _generator


def draw_seed():
    """A fresh seed for a counter-based kernel."""
    return int(generator().integers(1 << 63))
