"""Values of images changed: brightness, contrast, saturation, hue, noise, each by random numbers of its own.

value_range  the colours' range, to which results are cut. None: of integers what their dtype holds from 0 on; of floats
             0 to 1, and nothing is cut, so that images with mean 0 may come too
"""

import numpy as np

from ...kernels import _check as check
from ...layers._images import back, interval, working
from .base import Augment, Step, width_of_range

_GREY = np.array([0.299, 0.587, 0.114])  # luma of red, green, blue, ITU-R BT.601
_YIQ = np.array([_GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])  # luma and two axes of colour, FCC 1953
_RGB = np.linalg.inv(_YIQ)


class _Values(Step):
    def __init__(self, value_range):
        op = type(self).__name__
        if value_range is not None:
            value_range = interval(op, "value_range", tuple(value_range))
            if value_range[0] == value_range[1]:
                raise ValueError(f"{op}: value_range is {value_range}, expected a low number, then a high one")
        self.value_range = value_range

    def apply(self, x, y, rng):
        limits, width = width_of_range(x, self.value_range)
        return back(self.changed(x.astype(working(x)), width, rng), x.dtype, limits), y

    def changed(self, x, width, rng):
        """The images, computed in floats; x may be overwritten."""
        raise NotImplementedError


class RandomBrightness(_Values):
    """Every image lighter or darker by up to `factor` of the range of values, or by (least, greatest)."""

    def __init__(self, factor, value_range=None):
        super().__init__(value_range)
        self._interval = interval("RandomBrightness", "factor", factor, -1, 1)
        self.factor = factor

    def changed(self, x, width, rng):
        x += _each(rng.uniform(*self._interval, len(x)) * width, x)
        return x


class RandomContrast(_Values):
    """The distance from the channel's mean times 1 + up to `factor` both ways, or times 1 + (least, greatest)."""

    def __init__(self, factor, value_range=None):
        super().__init__(value_range)
        self._interval = interval("RandomContrast", "factor", factor, -1)
        self.factor = factor

    def changed(self, x, width, rng):
        mean = x.mean((1, 2), keepdims=True, dtype=np.float64).astype(x.dtype)
        x -= mean
        x *= _each(1 + rng.uniform(*self._interval, len(x)), x)
        x += mean
        return x


class RandomSaturation(_Values):
    """The distance from grey times 1 + up to `factor` both ways, or times 1 + (least, greatest); -1 makes grey.

    For three channels: red, green, blue.
    """

    def __init__(self, factor, value_range=None):
        super().__init__(value_range)
        self._interval = interval("RandomSaturation", "factor", factor, -1)
        self.factor = factor

    def changed(self, x, width, rng):
        _expect_colours(self, x)
        grey = (x @ _GREY.astype(x.dtype))[..., None]
        x -= grey
        x *= _each(1 + rng.uniform(*self._interval, len(x)), x)
        x += grey
        return x


class RandomHue(_Values):
    """Colours turned around the grey axis by up to `factor` of a full turn both ways, or by (least, greatest).

    For three channels: red, green, blue. Luma stays as it is.
    """

    def __init__(self, factor, value_range=None):
        super().__init__(value_range)
        self._interval = interval("RandomHue", "factor", factor)
        self.factor = factor

    def changed(self, x, width, rng):
        _expect_colours(self, x)
        angle = 2 * np.pi * rng.uniform(*self._interval, len(x))
        turn = np.zeros((len(x), 3, 3))
        turn[:, 0, 0] = 1
        turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
        turn[:, 2, 1], turn[:, 1, 2] = np.sin(angle), -np.sin(angle)
        matrices = (_RGB @ turn @ _YIQ).astype(x.dtype)
        return (x.reshape(len(x), x.shape[1] * x.shape[2], 3) @ matrices.transpose(0, 2, 1)).reshape(x.shape)


class RandomNoise(_Values):
    """Normal noise added to every value, of a standard deviation of `stddev` times the range of values."""

    def __init__(self, stddev, value_range=None):
        super().__init__(value_range)
        check.number("RandomNoise", "stddev", stddev, 0)
        self.stddev = stddev

    def changed(self, x, width, rng):
        x += rng.standard_normal(x.shape, x.dtype) * x.dtype.type(self.stddev * width)
        return x


class RandomColorJitter(Augment):
    """RandomBrightness, RandomContrast, RandomSaturation and RandomHue, in this order; a factor of 0 leaves one out."""

    def __init__(self, brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05, value_range=None):
        self.brightness, self.contrast, self.saturation, self.hue = brightness, contrast, saturation, hue
        self.value_range = value_range
        kinds = (RandomBrightness, brightness), (RandomContrast, contrast), (RandomSaturation, saturation)
        kinds = *kinds, (RandomHue, hue)
        super().__init__(kind(factor, value_range) for kind, factor in kinds if factor != 0)


def _each(numbers, x):
    return numbers.astype(x.dtype)[:, None, None, None]


def _expect_colours(step, x):
    if x.shape[-1] != 3:
        raise ValueError(f"{type(step).__name__}: x has shape {x.shape}, expected 3 channels, red, green and blue")
