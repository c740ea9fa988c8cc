"""Images moved by random numbers: flipped, cropped, rotated, scaled, shifted. What layers and tw.train's steps share.

x images (N, H, W, C)    rng the generator of the random numbers

Every class is a part of another one: it checks and keeps the arguments, and `moved(x, rng)` is (y, backward).

An output pixel at (r, c) from the image's centre is what lies at A (r, c) + b in the input, between pixels by their
distance ("bilinear") or at the nearest one. Beyond the edge lies, by `fill_mode`:

    "constant"  fill_value    "nearest"  a a a|a b c d|d d d
    "reflect"   c b a|a b c d|d c b       "wrap"  b c d|a b c d|a b c
"""

import numpy as np

from ..kernels import _check as check
from ._images import back, interval, working

FILLS = ("constant", "nearest", "reflect", "wrap")
_PIXELS = 1 << 18  # in work at a time, so that the places and their neighbours stay in cache


class Flip:
    """Half of the images mirrored."""

    def _keep(self, mode):
        check.choice(type(self).__name__, "mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))
        self.mode = mode

    def moved(self, x, rng):
        across = rng.random(len(x)) < 0.5 if "horizontal" in self.mode else None
        down = rng.random(len(x)) < 0.5 if "vertical" in self.mode else None

        def flipped(x):
            y = x.copy()
            if across is not None:
                y[across] = y[across, :, ::-1]
            if down is not None:
                y[down] = y[down, ::-1]
            return y

        return flipped(x), flipped


class Crop:
    """A random part of every image, after so many rows and columns of a value around it."""

    def _keep(self, height, width, padding, fill_value):
        op = type(self).__name__
        check.whole(op, "height", height, 1)
        check.whole(op, "width", width, 1)
        check.whole(op, "padding", padding)
        check.number(op, "fill_value", fill_value)
        self.height, self.width, self.padding, self.fill_value = height, width, padding, fill_value

    def moved(self, x, rng):
        n = len(x)
        rows, columns = self._room(x.shape)
        return self._cut(x, rng.integers(0, rows + 1, n), rng.integers(0, columns + 1, n))

    def centred(self, x):
        """(y, backward) of the part in the middle of every image."""
        rows, columns = self._room(x.shape)
        return self._cut(x, np.full(len(x), rows // 2), np.full(len(x), columns // 2))

    def _room(self, shape):
        """How many rows and columns more there are than are cut out. Raises ValueError where there are less."""
        rows, columns = (size + 2 * self.padding for size in shape[1:3])
        if self.height > rows or self.width > columns:
            raise ValueError(
                f"{type(self).__name__}: x has shape {tuple(shape)} and padding is {self.padding}, expected at least "
                f"{self.height} x {self.width}, which is cut out"
            )
        return rows - self.height, columns - self.width

    def _cut(self, x, top, left):
        (n, h, w, c), pad = x.shape, self.padding
        inner = np.s_[:, pad : pad + h, pad : pad + w]
        shape = n, h + 2 * pad, w + 2 * pad, c
        rows = top[:, None, None] + np.arange(self.height)[:, None]
        columns = left[:, None, None] + np.arange(self.width)
        part = np.arange(n)[:, None, None], rows, columns
        if pad:
            padded = np.full(shape, self.fill_value, x.dtype)
            padded[inner] = x
            x = padded

        def backward(dy):
            dx = np.zeros(shape, dy.dtype)
            dx[part] = dy
            return np.ascontiguousarray(dx[inner])

        return x[part], backward


class _Mapped:
    """What is a place in the input for every pixel of the output."""

    def _keep_filling(self, fill_mode, interpolation, fill_value):
        op = type(self).__name__
        check.choice(op, "fill_mode", fill_mode, FILLS)
        check.choice(op, "interpolation", interpolation, ("bilinear", "nearest"))
        check.number(op, "fill_value", fill_value)
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _matrices(self, x, rng):
        """(N, 2, 3): A and b of every image."""
        raise NotImplementedError

    def moved(self, x, rng):
        matrices, way = self._matrices(x, rng), (self.fill_mode, self.interpolation)
        return resample(x, matrices, *way, self.fill_value), lambda dy: resample_backward(dy, matrices, *way)


class Rotate(_Mapped):
    """Every image turned around its centre, by part of a full turn."""

    def _keep(self, factor, *filling):
        self._keep_filling(*filling)
        op = type(self).__name__
        self._interval = interval(op, "factor", factor)
        furthest = max(map(abs, self._interval))
        if furthest > 1:
            raise ValueError(
                f"{op}: factor is {factor!r}, expected parts of a full turn, from -1 to 1; so many degrees are "
                f"{furthest:g} / 360"
            )
        self.factor = _plain(factor)

    def _matrices(self, x, rng):
        angle = 2 * np.pi * rng.uniform(*self._interval, len(x))
        return _stacked([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]], len(x))


class Zoom(_Mapped):
    """Every image scaled around its centre: its height covers 1 + height_factor of the input's."""

    def _keep(self, height_factor, width_factor, *filling):
        op = type(self).__name__
        self._keep_filling(*filling)
        self._height = interval(op, "height_factor", height_factor, -0.999)
        self._width = None if width_factor is None else interval(op, "width_factor", width_factor, -0.999)
        self.height_factor, self.width_factor = _plain(height_factor), _plain(width_factor)

    def _matrices(self, x, rng):
        height = width = 1 + rng.uniform(*self._height, len(x))
        if self._width is not None:
            width = 1 + rng.uniform(*self._width, len(x))
        return _stacked([[height, 0, 0], [0, width, 0]], len(x))


class Translate(_Mapped):
    """Every image shifted by a part of its height and of its width."""

    def _keep(self, height_factor, width_factor, *filling):
        op = type(self).__name__
        self._keep_filling(*filling)
        self._height = interval(op, "height_factor", height_factor, -1, 1)
        self._width = interval(op, "width_factor", width_factor, -1, 1)
        self.height_factor, self.width_factor = _plain(height_factor), _plain(width_factor)

    def _matrices(self, x, rng):
        down = rng.uniform(*self._height, len(x)) * x.shape[1]
        right = rng.uniform(*self._width, len(x)) * x.shape[2]
        return _stacked([[1, 0, -down], [0, 1, -right]], len(x))


def _plain(factor):
    """A factor to keep: pairs are lists when they come from files."""
    return tuple(factor) if isinstance(factor, list) else factor


def resample(x, matrices, fill_mode, interpolation, fill_value):
    """The images x (N, H, W, C) seen through matrices (N, 2, 3); of x's dtype."""
    out = np.empty(x.shape, x.dtype)
    for some, r, q in _places(x.shape, matrices):
        out[some] = back(_gathered(x[some], r, q, fill_mode, interpolation, fill_value), x.dtype)
    return out


def resample_backward(dy, matrices, fill_mode, interpolation):
    """The gradient of `resample`: every pixel of x gets the shares of those that were taken from it."""
    dx = np.zeros(dy.shape, dy.dtype)
    for some, r, q in _places(dy.shape, matrices):
        _scatter(dy[some], dx[some], r, q, fill_mode, interpolation)
    return dx


def _places(shape, matrices):
    """(some of the images, the rows and the columns in them that their pixels come from)."""
    n, h, w, c = shape
    if not (h and w and c):
        return
    rows = np.arange(h)[:, None] - (h - 1) / 2
    columns = np.arange(w) - (w - 1) / 2
    step = max(1, _PIXELS // (h * w))
    for start in range(0, n, step):
        some = slice(start, start + step)
        m = matrices[some, :, :, None, None]
        r = m[:, 0, 0] * rows + m[:, 0, 1] * columns + m[:, 0, 2] + (h - 1) / 2
        q = m[:, 1, 0] * rows + m[:, 1, 1] * columns + m[:, 1, 2] + (w - 1) / 2
        yield some, r, q


def _gathered(x, r, q, fill_mode, interpolation, fill_value):
    pixels = x.reshape(-1, x.shape[-1])

    def at(i, j):
        found = pixels.take(_flat(i, j, x.shape, fill_mode), 0)
        if fill_mode == "constant":
            found[_beyond(i, j, x.shape)] = fill_value
        return found

    if interpolation == "nearest":
        return at(*_nearest(r, q))
    i, j, down, right = _between(r, q, working(x))
    above = at(i, j) * (1 - right) + at(i, j + 1) * right
    below = at(i + 1, j) * (1 - right) + at(i + 1, j + 1) * right
    return above * (1 - down) + below * down


def _scatter(dy, dx, r, q, fill_mode, interpolation):
    """Add to dx what `_gathered` took, by its share."""
    pixels = dx.reshape(-1, dx.shape[-1])

    def add(i, j, dy):
        if fill_mode == "constant":
            dy = np.where(_beyond(i, j, dx.shape)[..., None], dy.dtype.type(0), dy)
        np.add.at(pixels, _flat(i, j, dx.shape, fill_mode).ravel(), dy.reshape(-1, dx.shape[-1]))

    if interpolation == "nearest":
        add(*_nearest(r, q), dy)
        return
    i, j, down, right = _between(r, q, dy.dtype)
    for step, share in ((0, 1 - down), (1, down)):
        add(i + step, j, dy * (share * (1 - right)))
        add(i + step, j + 1, dy * (share * right))


def _nearest(r, q):
    return np.floor(r + 0.5).astype(np.int64), np.floor(q + 0.5).astype(np.int64)


def _between(r, q, dtype):
    """(the pixels above and to the left of places, how far down and to the right of them these are)."""
    i, j = np.floor(r).astype(np.int64), np.floor(q).astype(np.int64)
    return i, j, (r - i).astype(dtype)[..., None], (q - j).astype(dtype)[..., None]


def _flat(i, j, shape, fill_mode):
    """Numbers of pixels in a batch of images, for places that may lie beyond the edge."""
    n, h, w, _ = shape
    first = (np.arange(n) * (h * w))[:, None, None]
    return first + _inside(i, h, fill_mode) * w + _inside(j, w, fill_mode)


def _beyond(i, j, shape):
    return (i < 0) | (i >= shape[1]) | (j < 0) | (j >= shape[2])


def _inside(i, size, fill_mode):
    """The place in the image for one that may lie beyond its edge."""
    if fill_mode == "reflect":
        i = i % (2 * size)
        return np.minimum(i, 2 * size - 1 - i)
    return i % size if fill_mode == "wrap" else i.clip(0, size - 1)


def _stacked(rows, count):
    return np.stack([np.stack([np.broadcast_to(entry, count) for entry in row], -1) for row in rows], -2)
