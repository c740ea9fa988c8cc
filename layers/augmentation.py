"""Other images of the same thing as layers: in training every call draws new ones, in evaluation they stay.

Drawn is by the seed and by how often the layer was called; without a `seed` one is drawn when the layer is built. The
same for batches that a DataLoader prepares: tw.train's steps of these names. Arithmetic: _moves.py.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import refuse
from ._device import on_device
from ._layer import Layer, expect_axes, expect_image_shape
from ._moves import Crop, Flip, Rotate, Translate, Zoom
from ._random import draw_seed


class _Augmentation(Layer):
    """Keeps the seed and counts its calls; another base has `moved(x, rng) -> (y, backward)`."""

    def __init__(self, seed, input_shape, dtype, name):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        expect_image_shape(op, self.input_shape)
        if seed is not None:
            check.whole(op, "seed", seed)
        self.seed, self._steps = seed, 0

    def build(self, input_shape, source=None):
        if not self.built:
            self._seed = draw_seed() if self.seed is None else int(self.seed)
        super().build(input_shape, source)

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, "N, H, W, C")
        return {}

    def forward(self, x):
        if not self.training:
            return self._still(x)
        if on_device(x):
            raise NotImplementedError(
                f"{type(self).__name__}: images are moved on the CPU; give tw.train.{type(self).__name__} to a "
                f"DataLoader as transform="
            )
        refuse("random numbers that Python draws")
        self._steps += 1
        numbers = np.random.Philox(np.random.SeedSequence((self._seed, self._steps - 1)))
        return self.moved(x, np.random.Generator(numbers))

    def _still(self, x):
        return x, lambda dy: dy


class RandomFlip(Flip, _Augmentation):
    """In training half of the images mirrored: mode "horizontal" (left and right), "vertical", or both.

    (N, H, W, C) -> (N, H, W, C). "horizontal_and_vertical" draws each of the two by itself.
    """

    def __init__(
        self, mode="horizontal_and_vertical", seed=None, *, input_shape=None, dtype="float32", name=None
    ):  # fmt: skip
        super().__init__(seed, input_shape, dtype, name)
        self._keep(mode)


class RandomCrop(Crop, _Augmentation):
    """In training a random part of every image, in evaluation the middle: (N, H, W, C) -> (N, height, width, C).

    padding  as many rows and columns of `fill_value` around the image first: RandomCrop(32, 32, padding=4) is what
             CIFAR's images are mostly trained with. Images that are still smaller are a ValueError

    >>> RandomCrop(2, 2)([[[[1.0]] * 3] * 3]).shape
    (1, 2, 2, 1)
    """

    def __init__(
        self, height, width, seed=None, *, padding=0, fill_value=0.0, input_shape=None, dtype="float32", name=None
    ):
        super().__init__(seed, input_shape, dtype, name)
        self._keep(height, width, padding, fill_value)

    def weights(self, input_shape):
        super().weights(input_shape)
        self._room(input_shape)
        return {}

    def _still(self, x):
        return self.centred(x)


class RandomRotation(Rotate, _Augmentation):
    """In training every image turned around its centre by up to `factor` of a full turn both ways.

    (N, H, W, C) -> (N, H, W, C). A factor may be a pair, (least, greatest); more than 0 is against the clock. For
    fill_mode, interpolation and fill_value see _moves.py.
    """

    def __init__(
        self,
        factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(seed, input_shape, dtype, name)
        self._keep(factor, fill_mode, interpolation, fill_value)


class RandomZoom(Zoom, _Augmentation):
    """In training every image scaled: its height covers 1 + height_factor of the input's, more than 0 is smaller.

    (N, H, W, C) -> (N, H, W, C). width_factor is the same for the width, drawn by itself; None: both are one number,
    and shapes are kept. Factors and the rest as in RandomRotation.
    """

    def __init__(
        self,
        height_factor,
        width_factor=None,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(seed, input_shape, dtype, name)
        self._keep(height_factor, width_factor, fill_mode, interpolation, fill_value)


class RandomTranslation(Translate, _Augmentation):
    """In training every image shifted by up to height_factor of its height, width_factor of its width.

    (N, H, W, C) -> (N, H, W, C). Down and right are more than 0. Factors and the rest as in RandomRotation.
    """

    def __init__(
        self,
        height_factor,
        width_factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(seed, input_shape, dtype, name)
        self._keep(height_factor, width_factor, fill_mode, interpolation, fill_value)
