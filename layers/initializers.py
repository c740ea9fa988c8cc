"""Initial weights by name, with Keras's formulas.

fan_in and fan_out are a unit's inputs and outputs; those of a filter (R, S, C, K) are R S C and R S K.
glorot  variance 1 / mean(fan_in, fan_out)   Glorot, Bengio 2010
he      variance 2 / fan_in                  He et al. 2015, arXiv:1502.01852
lecun   variance 1 / fan_in                  LeCun et al. 1998
"""

import math

import numpy as np

from ..kernels import _check as check
from ._random import generator

_STDDEV_OF_TRUNCATED = 0.87962566103423978  # of a standard normal cut at -2 and 2


def initialize(name, shape, dtype):
    """A fresh array of `shape` and `dtype`, filled as the initializer `name` says."""
    return INITIALIZERS[name](shape, np.dtype(dtype))


def check_initializer(op, argument, name):
    """`name` is a known initializer."""
    check.choice(op, argument, name, tuple(INITIALIZERS))


def _fans(shape):
    if len(shape) < 2:
        return max(sum(shape), 1), max(sum(shape), 1)
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


def _uniform(variance):
    def fill(shape, dtype):
        limit = math.sqrt(3 * variance(*_fans(shape)))
        values = generator().random(shape, dtype)
        values *= 2 * limit
        values -= limit
        return values

    return fill


def _truncated_normal(variance):
    def fill(shape, dtype):
        values = generator().standard_normal(shape, dtype)
        while (outside := np.abs(values) > 2).any():
            values[outside] = generator().standard_normal(int(outside.sum()), dtype)
        values *= math.sqrt(variance(*_fans(shape))) / _STDDEV_OF_TRUNCATED
        return values

    return fill


def _glorot(fan_in, fan_out):
    return 2 / (fan_in + fan_out)


def _he(fan_in, fan_out):
    return 2 / fan_in


def _lecun(fan_in, fan_out):
    return 1 / fan_in


INITIALIZERS = {
    "zeros": np.zeros,
    "ones": np.ones,
    "glorot_uniform": _uniform(_glorot),
    "glorot_normal": _truncated_normal(_glorot),
    "he_uniform": _uniform(_he),
    "he_normal": _truncated_normal(_he),
    "lecun_uniform": _uniform(_lecun),
    "lecun_normal": _truncated_normal(_lecun),
}
