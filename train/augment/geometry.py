"""Images moved: flipped, cropped, rotated, scaled, shifted, each by random numbers of its own.

An output pixel at (r, c) from the image's centre is what lies at A (r, c) + b in the input, between pixels by their
distance ("bilinear") or at the nearest one. Beyond the edge lies, by `fill_mode`:

    "constant"  fill_value    "nearest"  a a a|a b c d|d d d
    "reflect"   c b a|a b c d|d c b       "wrap"  b c d|a b c d|a b c
"""

import numpy as np

from ...kernels import _check as check
from .base import Step, back, interval, working

FILLS = ("constant", "nearest", "reflect", "wrap")
_PIXELS = 1 << 18  # in work at a time, so that the places and their neighbours stay in cache


class RandomFlip(Step):
    """Half of the images mirrored: mode "horizontal" (left and right), "vertical", or "horizontal_and_vertical"."""

    def __init__(self, mode="horizontal_and_vertical"):
        check.choice("RandomFlip", "mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))
        self.mode = mode

    def apply(self, x, y, rng):
        x = x.copy()
        if "horizontal" in self.mode:
            chosen = rng.random(len(x)) < 0.5
            x[chosen] = x[chosen, :, ::-1]
        if "vertical" in self.mode:
            chosen = rng.random(len(x)) < 0.5
            x[chosen] = x[chosen, ::-1]
        return x, y


class RandomCrop(Step):
    """A random part of height x width of every image: (N, H, W, C) -> (N, height, width, C).

    padding  as many rows and columns of `fill_value` around the image first: RandomCrop(32, 32, padding=4) is what
             CIFAR's images are mostly trained with
    """

    def __init__(self, height, width, padding=0, fill_value=0.0):
        check.whole("RandomCrop", "height", height, 1)
        check.whole("RandomCrop", "width", width, 1)
        check.whole("RandomCrop", "padding", padding)
        check.number("RandomCrop", "fill_value", fill_value)
        self.height, self.width, self.padding, self.fill_value = height, width, padding, fill_value

    def apply(self, x, y, rng):
        n, h, w, c = x.shape
        pad = self.padding
        if self.height > h + 2 * pad or self.width > w + 2 * pad:
            raise ValueError(
                f"RandomCrop: x has shape {x.shape} and padding is {pad}, expected at least {self.height} x "
                f"{self.width}, which is cut out"
            )
        if pad:
            padded = np.full((n, h + 2 * pad, w + 2 * pad, c), self.fill_value, x.dtype)
            padded[:, pad : pad + h, pad : pad + w] = x
            x = padded
        top = rng.integers(0, h + 2 * pad - self.height + 1, n)
        left = rng.integers(0, w + 2 * pad - self.width + 1, n)
        rows = top[:, None, None] + np.arange(self.height)[:, None]
        columns = left[:, None, None] + np.arange(self.width)
        return x[np.arange(n)[:, None, None], rows, columns], y


class _Moved(Step):
    """Base of what is a place in the input for every pixel of the output."""

    def __init__(self, fill_mode, interpolation, fill_value):
        op = type(self).__name__
        check.choice(op, "fill_mode", fill_mode, FILLS)
        check.choice(op, "interpolation", interpolation, ("bilinear", "nearest"))
        check.number(op, "fill_value", fill_value)
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def matrices(self, x, rng):
        """(N, 2, 3): A and b of every image."""
        raise NotImplementedError

    def apply(self, x, y, rng):
        return resample(x, self.matrices(x, rng), self.fill_mode, self.interpolation, self.fill_value), y


class RandomRotation(_Moved):
    """Every image turned around its centre: by up to `factor` of a full turn both ways, or (least, greatest).

    More than 0 is against the clock. For fill_mode, interpolation and fill_value see geometry.py.
    """

    def __init__(self, factor, fill_mode="reflect", interpolation="bilinear", fill_value=0.0):
        super().__init__(fill_mode, interpolation, fill_value)
        self._interval = interval("RandomRotation", "factor", factor)
        self.factor = factor

    def matrices(self, x, rng):
        angle = 2 * np.pi * rng.uniform(*self._interval, len(x))
        return _stacked([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]], len(x))


class RandomZoom(_Moved):
    """Every image scaled around its centre: its height covers 1 + height_factor of the input's, more than 0 is smaller.

    width_factor  the same for the width, drawn by itself; None: both are one number, and shapes are kept
    """

    def __init__(
        self, height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear", fill_value=0.0
    ):  # fmt: skip
        super().__init__(fill_mode, interpolation, fill_value)
        self._height = interval("RandomZoom", "height_factor", height_factor, -0.999)
        self._width = None if width_factor is None else interval("RandomZoom", "width_factor", width_factor, -0.999)
        self.height_factor, self.width_factor = height_factor, width_factor

    def matrices(self, x, rng):
        height = width = 1 + rng.uniform(*self._height, len(x))
        if self._width is not None:
            width = 1 + rng.uniform(*self._width, len(x))
        return _stacked([[height, 0, 0], [0, width, 0]], len(x))


class RandomTranslation(_Moved):
    """Every image shifted by up to height_factor of its height, width_factor of its width; down and right are > 0."""

    def __init__(self, height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", fill_value=0.0):
        super().__init__(fill_mode, interpolation, fill_value)
        self._height = interval("RandomTranslation", "height_factor", height_factor, -1, 1)
        self._width = interval("RandomTranslation", "width_factor", width_factor, -1, 1)
        self.height_factor, self.width_factor = height_factor, width_factor

    def matrices(self, x, rng):
        down = rng.uniform(*self._height, len(x)) * x.shape[1]
        right = rng.uniform(*self._width, len(x)) * x.shape[2]
        return _stacked([[1, 0, -down], [0, 1, -right]], len(x))


def resample(x, matrices, fill_mode, interpolation, fill_value):
    """The images x (N, H, W, C) seen through matrices (N, 2, 3); of x's dtype."""
    n, h, w, c = x.shape
    out = np.empty(x.shape, x.dtype)
    if not x.size:
        return out
    rows = np.arange(h)[:, None] - (h - 1) / 2
    columns = np.arange(w) - (w - 1) / 2
    step = max(1, _PIXELS // (h * w))
    for start in range(0, n, step):
        some = slice(start, start + step)
        m = matrices[some, :, :, None, None]
        r = m[:, 0, 0] * rows + m[:, 0, 1] * columns + m[:, 0, 2] + (h - 1) / 2
        q = m[:, 1, 0] * rows + m[:, 1, 1] * columns + m[:, 1, 2] + (w - 1) / 2
        out[some] = back(_gathered(x[some], r, q, fill_mode, interpolation, fill_value), x.dtype)
    return out


def _gathered(x, r, q, fill_mode, interpolation, fill_value):
    n, h, w, c = x.shape
    pixels = x.reshape(-1, c)
    first = (np.arange(n) * (h * w))[:, None, None]

    def at(i, j):
        found = pixels.take(first + _inside(i, h, fill_mode) * w + _inside(j, w, fill_mode), 0)
        if fill_mode == "constant":
            found[(i < 0) | (i >= h) | (j < 0) | (j >= w)] = fill_value
        return found

    if interpolation == "nearest":
        return at(np.floor(r + 0.5).astype(np.int64), np.floor(q + 0.5).astype(np.int64))
    i, j = np.floor(r).astype(np.int64), np.floor(q).astype(np.int64)
    dtype = working(x)
    down, right = (r - i).astype(dtype)[..., None], (q - j).astype(dtype)[..., None]
    above = at(i, j) * (1 - right) + at(i, j + 1) * right
    below = at(i + 1, j) * (1 - right) + at(i + 1, j + 1) * right
    return above * (1 - down) + below * down


def _inside(i, size, fill_mode):
    """The place in the image for one that may lie beyond its edge."""
    if fill_mode == "reflect":
        i = i % (2 * size)
        return np.minimum(i, 2 * size - 1 - i)
    return i % size if fill_mode == "wrap" else i.clip(0, size - 1)


def _stacked(rows, count):
    return np.stack([np.stack([np.broadcast_to(entry, count) for entry in row], -1) for row in rows], -2)
