"""Random numbers of what draws some when it is called: of a generator, a seed, or `tw.set_seed`."""

import numpy as np

from ..kernels import _check as check
from ..layers._random import generator


def random_numbers(op, name, given):
    """The generator of a seed, an integer or several of them; a generator as it is; for None that of `tw.set_seed`."""
    if given is None:
        return generator()
    if isinstance(given, np.random.Generator):
        return given
    for number in given if isinstance(given, (tuple, list)) else [given]:
        check.whole(op, name, number)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(given)))
