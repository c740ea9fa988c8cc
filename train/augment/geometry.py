"""Images moved: flipped, cropped, rotated, scaled, shifted, each by random numbers of its own.

The arithmetic, and what lies beyond the edge by `fill_mode`: layers/_moves.py, which layers of the same names share.
"""

import numpy as np

from ...layers._moves import Crop, Flip, Rotate, Translate, Zoom
from ..advice import caution
from .base import Step


class _Moved(Step):
    """Base of steps whose other base has `moved(x, rng) -> (y, the way back)`."""

    def apply(self, x, y, rng):
        if np.ndim(y) > 2 and np.shape(y)[:3] == x.shape[:3]:
            caution(
                f"{type(self).__name__}: y has shape {np.shape(y)}, that of images or masks, and stays where it is; to "
                f"move both, let x hold them side by side in its channels, and take them apart afterwards"
            )
        return self.moved(x, rng)[0], y


class RandomFlip(Flip, _Moved):
    """Half of the images mirrored: mode "horizontal" (left and right), "vertical", or "horizontal_and_vertical"."""

    def __init__(self, mode="horizontal_and_vertical"):
        self._keep(mode)


class RandomCrop(Crop, _Moved):
    """A random part of height x width of every image: (N, H, W, C) -> (N, height, width, C).

    padding  as many rows and columns of `fill_value` around the image first: RandomCrop(32, 32, padding=4) is what
             CIFAR's images are mostly trained with
    """

    def __init__(self, height, width, padding=0, fill_value=0.0):
        self._keep(height, width, padding, fill_value)


class RandomRotation(Rotate, _Moved):
    """Every image turned around its centre: by up to `factor` of a full turn both ways, or (least, greatest).

    More than 0 is against the clock. For fill_mode, interpolation and fill_value see layers/_moves.py.
    """

    def __init__(self, factor, fill_mode="reflect", interpolation="bilinear", fill_value=0.0):
        self._keep(factor, fill_mode, interpolation, fill_value)


class RandomZoom(Zoom, _Moved):
    """Every image scaled around its centre: its height covers 1 + height_factor of the input's, more than 0 is smaller.

    width_factor  the same for the width, drawn by itself; None: both are one number, and shapes are kept
    """

    def __init__(
        self, height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear", fill_value=0.0
    ):  # fmt: skip
        self._keep(height_factor, width_factor, fill_mode, interpolation, fill_value)


class RandomTranslation(Translate, _Moved):
    """Every image shifted by up to height_factor of its height, width_factor of its width; down and right are > 0."""

    def __init__(self, height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", fill_value=0.0):
        self._keep(height_factor, width_factor, fill_mode, interpolation, fill_value)
