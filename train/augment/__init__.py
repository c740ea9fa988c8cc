"""Augmentation of batches of images N, H, W, C: other images of the same thing, drawn by random numbers.

Every step is called as `step(x, y, rng) -> (x, y)` and keeps no state, so that a batch is the same again for the same
rng, whenever and in whichever thread it is made.
"""

from .base import Augment, Step
from .colour import (
    RandomBrightness,
    RandomColorJitter,
    RandomContrast,
    RandomHue,
    RandomNoise,
    RandomSaturation,
)
from .geometry import RandomCrop, RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from .mixing import CutOut, MixUp

__all__ = [
    "Augment",
    "CutOut",
    "MixUp",
    "RandomBrightness",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomHue",
    "RandomNoise",
    "RandomRotation",
    "RandomSaturation",
    "RandomTranslation",
    "RandomZoom",
    "Step",
]
