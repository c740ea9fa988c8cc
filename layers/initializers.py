"""Initial weights, by name or as objects, with Keras's formulas and arguments.

fan_in and fan_out are a unit's inputs and outputs; those of a filter (R, S, C, K) are R S C and R S K.
glorot      variance 1 / mean(fan_in, fan_out)   Glorot, Bengio 2010
he          variance 2 / fan_in                  He et al. 2015, arXiv:1502.01852
lecun       variance 1 / fan_in                  LeCun et al. 1998
orthogonal  the Q of a normal matrix's QR        Saxe, McClelland, Ganguli 2013, arXiv:1312.6120

An object without a `seed` draws from the random numbers of `tw.set_seed`; with one it gives the same values every time.
"""

import math

import numpy as np

from ..kernels import _check as check
from ._random import generator
from ._settings import Settings

_STDDEV_OF_TRUNCATED = 0.87962566103423978  # of a standard normal cut at -2 and 2
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class Initializer(Settings):
    """Base of all: `initializer(shape, dtype)` is a fresh array. A subclass has `fill(shape, dtype)`."""

    def __call__(self, shape, dtype="float32"):
        return self.fill(tuple(shape), np.dtype(dtype))

    def _generator(self):
        return generator() if self.seed is None else np.random.Generator(np.random.Philox(self.seed))

    def _keep_seed(self, seed):
        if seed is not None:
            check.whole(type(self).__name__, "seed", seed)
        self.seed = seed


class Zeros(Initializer):
    """All 0."""

    def fill(self, shape, dtype):
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All 1."""

    def fill(self, shape, dtype):
        return np.ones(shape, dtype)


class Constant(Initializer):
    """All one value.

    >>> Constant(0.5)((2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, value=0.0):
        check.real("Constant", "value", value)
        self.value = value

    def fill(self, shape, dtype):
        return np.full(shape, self.value, dtype)


class RandomUniform(Initializer):
    """Evenly between `minval` and `maxval`."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        check.number("RandomUniform", "minval", minval)
        check.number("RandomUniform", "maxval", maxval, minval)
        self.minval, self.maxval = minval, maxval
        self._keep_seed(seed)

    def fill(self, shape, dtype):
        return _uniform(self._generator(), shape, dtype, self.minval, self.maxval)


class RandomNormal(Initializer):
    """Normally distributed, with a mean and a standard deviation."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        check.number(type(self).__name__, "mean", mean)
        check.number(type(self).__name__, "stddev", stddev, 0)
        self.mean, self.stddev = mean, stddev
        self._keep_seed(seed)

    def fill(self, shape, dtype):
        values = self._generator().standard_normal(shape, dtype)
        values *= self.stddev
        values += self.mean
        return values


class TruncatedNormal(RandomNormal):
    """As `RandomNormal`, with what lies more than two standard deviations from the mean drawn again."""

    def fill(self, shape, dtype):
        values = _truncated(self._generator(), shape, dtype)
        values *= self.stddev
        values += self.mean
        return values


class VarianceScaling(Initializer):
    """Mean 0 and the variance scale / fan, where `mode` names the fan and `distribution` the shape of the bell."""

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None):
        check.positive("VarianceScaling", "scale", scale)
        check.choice("VarianceScaling", "mode", mode, _MODES)
        check.choice("VarianceScaling", "distribution", distribution, _DISTRIBUTIONS)
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self._keep_seed(seed)

    def fill(self, shape, dtype):
        return _scaled(self._generator(), shape, dtype, self.scale, self.mode, self.distribution)


class _Scaled(Initializer):
    """`VarianceScaling` with all but the seed decided by the class."""

    def __init__(self, seed=None):
        self._keep_seed(seed)

    def fill(self, shape, dtype):
        return _scaled(self._generator(), shape, dtype, *self.variance)


class GlorotUniform(_Scaled):
    """Evenly within sqrt(6 / (fan_in + fan_out)) of 0."""

    variance = 1, "fan_avg", "uniform"


class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (fan_in + fan_out)."""

    variance = 1, "fan_avg", "truncated_normal"


class HeUniform(_Scaled):
    """Evenly within sqrt(6 / fan_in) of 0."""

    variance = 2, "fan_in", "uniform"


class HeNormal(_Scaled):
    """Truncated normal of variance 2 / fan_in."""

    variance = 2, "fan_in", "truncated_normal"


class LecunUniform(_Scaled):
    """Evenly within sqrt(3 / fan_in) of 0."""

    variance = 1, "fan_in", "uniform"


class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / fan_in."""

    variance = 1, "fan_in", "truncated_normal"


class Orthogonal(Initializer):
    """A matrix whose columns, or rows where there are fewer of those, are orthogonal and have the length `gain`.

    All axes but the last together are the rows. Raises ValueError for shapes of less than two axes.
    """

    def __init__(self, gain=1.0, seed=None):
        check.number("Orthogonal", "gain", gain)
        self.gain = gain
        self._keep_seed(seed)

    def fill(self, shape, dtype):
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: the shape is {shape}, expected at least 2 axes")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self._generator().standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diag(r))  # without it QR's own choice of signs would favour some matrices
        q = q.T if rows < columns else q
        return np.ascontiguousarray(self.gain * q, dtype).reshape(shape)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, and 0 elsewhere. Raises ValueError for shapes of other than two axes."""

    def __init__(self, gain=1.0):
        check.number("Identity", "gain", gain)
        self.gain = gain

    def fill(self, shape, dtype):
        if len(shape) != 2:
            raise ValueError(f"Identity: the shape is {shape}, expected 2 axes")
        values = np.eye(*shape, dtype=dtype)
        values *= self.gain
        return values


def initialize(initializer, shape, dtype):
    """A fresh array of `shape` and `dtype`, filled as the initializer, a name or an object, says."""
    if isinstance(initializer, str):
        return INITIALIZERS[initializer](shape, dtype)
    values = np.array(initializer(shape, dtype), dtype, order="C")
    if values.shape != tuple(shape):
        raise ValueError(f"{initializer!r}: the values have shape {values.shape}, expected {tuple(shape)}")
    return values


def check_initializer(op, argument, initializer):
    """The name of an initializer, an object, or a function (shape, dtype) -> array."""
    if isinstance(initializer, type) or not (isinstance(initializer, str) or callable(initializer)):
        hint = f"; write {initializer.__name__}(), an object of it" if isinstance(initializer, type) else ""
        raise TypeError(
            f"{op}: {argument} is {initializer!r}, expected a name or an object of layers.initializers{hint}"
        )
    if isinstance(initializer, str):
        check.choice(op, argument, initializer, tuple(INITIALIZERS))


def _uniform(random, shape, dtype, low, high):
    values = random.random(shape, dtype)
    values *= high - low
    values += low
    return values


def _truncated(random, shape, dtype):
    """Standard normal values, those beyond -2 and 2 drawn again."""
    values = random.standard_normal(shape, dtype)
    while (outside := np.abs(values) > 2).any():
        values[outside] = random.standard_normal(int(outside.sum()), dtype)
    return values


def _scaled(random, shape, dtype, scale, mode, distribution):
    fan_in, fan_out = _fans(shape)
    variance = scale / {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    if distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return _uniform(random, shape, dtype, -limit, limit)
    if distribution == "untruncated_normal":
        values = random.standard_normal(shape, dtype)
        values *= math.sqrt(variance)
    else:
        values = _truncated(random, shape, dtype)
        values *= math.sqrt(variance) / _STDDEV_OF_TRUNCATED
    return values


def _fans(shape):
    if len(shape) < 2:
        return max(sum(shape), 1), max(sum(shape), 1)
    receptive = math.prod(shape[:-2])
    return max(receptive * shape[-2], 1), max(receptive * shape[-1], 1)


INITIALIZERS = {
    "zeros": Zeros(),
    "ones": Ones(),
    "constant": Constant(),
    "normal": RandomNormal(),
    "random_normal": RandomNormal(),
    "truncated_normal": TruncatedNormal(),
    "uniform": RandomUniform(),
    "random_uniform": RandomUniform(),
    "variance_scaling": VarianceScaling(),
    "glorot_uniform": GlorotUniform(),
    "glorot_normal": GlorotNormal(),
    "he_uniform": HeUniform(),
    "he_normal": HeNormal(),
    "lecun_uniform": LecunUniform(),
    "lecun_normal": LecunNormal(),
    "orthogonal": Orthogonal(),
    "identity": Identity(),
}
