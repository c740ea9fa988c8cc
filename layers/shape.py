"""Layers that move elements, or put zeros around them, over kernels/shape and kernels/resize."""

import math

from ..kernels import _check as check
from ..kernels._window import pair
from ..kernels.resize import INTERPOLATIONS, upsample2d_backward, upsample2d_forward
from ..kernels.shape import (
    crop_backward,
    crop_forward,
    pad_backward,
    pad_forward,
    transpose_backward,
    transpose_forward,
)
from ._layer import Layer, expect_axes, expect_image_shape
from ._sequence import expect_sequence_shape


class _Moving(Layer):
    """A layer after which places are others, so that no mask fits."""

    def mask_after(self, mask):
        """None: the steps that the mask was of are moved."""
        return None


class Flatten(_Moving):
    """All axes but the first as one: (N, ...) -> (N, product)."""

    def forward(self, x):
        shape = x.shape
        return x.reshape(shape[0], math.prod(shape[1:])), lambda dy: dy.reshape(shape)


class Reshape(_Moving):
    """The same elements in another shape: (N, ...) -> (N, *target_shape); one size may be -1.

    Raises ValueError where a sample's elements do not fill the shape.

    >>> Reshape((2, -1))([[1.0, 2.0, 3.0, 4.0]]).shape
    (1, 2, 2)
    """

    def __init__(self, target_shape, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        target_shape = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        for size in target_shape:
            check.whole("Reshape", "target_shape", size, -1)
        if target_shape.count(-1) > 1:
            raise ValueError(f"Reshape: target_shape is {target_shape}, expected -1 for one size at most")
        self.target_shape = tuple(int(size) for size in target_shape)

    def weights(self, input_shape):
        self._target(input_shape)
        return {}

    def forward(self, x):
        shape = x.shape
        return x.reshape(shape[0], *self._target(shape)), lambda dy: dy.reshape(shape)

    def _target(self, shape):
        """The shape of a sample of the result, of no samples too, for which NumPy finds no size for -1."""
        target, size = self.target_shape, math.prod(shape[1:])
        known = math.prod(n for n in target if n != -1)
        found = tuple(size // max(known, 1) if n == -1 else n for n in target)
        if math.prod(found) != size:
            raise ValueError(
                f"Reshape: a sample of x has shape {tuple(shape[1:])}, {size} elements, which do not fill {target}"
            )
        return found


class Permute(_Moving):
    """Axes in another order, counted from 1 because the batch axis stays: (N, A, B) -> (N, B, A) for `dims=(2, 1)`.

    >>> Permute((2, 1))([[[1.0, 2.0]]]).shape
    (1, 2, 1)
    """

    def __init__(self, dims, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: dims is {dims}, expected each axis from 1 to {max(len(self.dims), 1)} once")

    def weights(self, input_shape):
        if len(input_shape) != len(self.dims) + 1:
            raise ValueError(
                f"Permute: x has shape {tuple(input_shape)}, expected {len(self.dims) + 1} axes for dims {self.dims}"
            )
        return {}

    def forward(self, x):
        axes = (0, *self.dims)
        return transpose_forward(x, axes=axes), lambda dy: transpose_backward(dy, axes=axes)


class _Borders(_Moving):
    """`argument` names what is at each end of the axes between the batch and the channels."""

    axes = "N, H, W, C"
    argument = "padding"

    def _keep(self, value):
        op, argument = type(self).__name__, self.argument
        if self.axes == "N, T, C":
            expect_sequence_shape(op, self.input_shape)
            borders = pair(op, argument, value, 0)
            pairs = (borders,)
        else:
            expect_image_shape(op, self.input_shape)
            borders = pairs = _around_image(op, argument, value)
        setattr(self, argument, borders)
        self._width = ((0, 0), *pairs, (0, 0))

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, self.axes)
        return {}

    def forward(self, x):
        width = self._width
        return pad_forward(x, width=width), lambda dy: pad_backward(dy, width=width)


class _Cropping(_Borders):
    argument = "cropping"

    def weights(self, input_shape):
        super().weights(input_shape)
        for size, ends in zip(input_shape[1:], self._width[1:-1]):
            if sum(ends) >= size:
                raise ValueError(
                    f"{type(self).__name__}: cropping is {self.cropping}, which leaves nothing of x "
                    f"{tuple(input_shape)}"
                )
        return {}

    def forward(self, x):
        width = self._width
        return crop_forward(x, width=width), lambda dy: crop_backward(dy, width=width)


def _around_image(op, argument, value):
    """((top, bottom), (left, right)) of an integer, a pair (height, width), or that itself."""
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(one, (tuple, list)) for one in value):
        return tuple(pair(op, argument, one, 0) for one in value)
    height, width = pair(op, argument, value, 0)
    return (height, height), (width, width)


class ZeroPadding1D(_Borders):
    """Zeros before and after a sequence: (N, T, C) -> (N, left + T + right, C); a number, or a pair (left, right)."""

    axes = "N, T, C"

    def __init__(self, padding=1, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self._keep(padding)


class ZeroPadding2D(_Borders):
    """Zeros around an image: (N, H, W, C) -> (N, top + H + bottom, left + W + right, C).

    `padding` is a number, a pair (height, width), or ((top, bottom), (left, right)).
    """

    def __init__(self, padding=1, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self._keep(padding)


class Cropping1D(_Cropping):
    """A sequence without its ends: (N, T, C) -> (N, T - left - right, C); a number, or a pair (left, right)."""

    axes = "N, T, C"

    def __init__(self, cropping=1, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self._keep(cropping)


class Cropping2D(_Cropping):
    """An image without its borders: (N, H, W, C) -> (N, H - top - bottom, W - left - right, C).

    `cropping` is a number, a pair (height, width), or ((top, bottom), (left, right)).
    """

    def __init__(self, cropping=0, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self._keep(cropping)


class UpSampling2D(_Moving):
    """Images larger by whole factors: (N, H, W, C) -> (N, f H, g W, C).

    `size` is a number or a pair (f, g); `interpolation` is "nearest" or "bilinear". Formulas:
    kernels/resize/reference.py.
    """

    def __init__(self, size=2, interpolation="nearest", *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        expect_image_shape("UpSampling2D", self.input_shape)
        check.choice("UpSampling2D", "interpolation", interpolation, INTERPOLATIONS)
        self.size, self.interpolation = pair("UpSampling2D", "size", size), interpolation
        self._options = {"factor": self.size, "interpolation": interpolation}

    def weights(self, input_shape):
        expect_axes("UpSampling2D", input_shape, "N, H, W, C")
        return {}

    def forward(self, x):
        options = self._options
        return upsample2d_forward(x, **options), lambda dy: upsample2d_backward(dy, **options)
