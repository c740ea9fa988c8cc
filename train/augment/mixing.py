"""Images mixed with one another, and parts of them taken away."""

import numpy as np

from ...kernels import _check as check
from ...layers._door import as_array
from ...layers._images import back, working
from .base import Step


class MixUp(Step):
    """Every sample mixed with another one of the batch, targets likewise: l x + (1 - l) x', l y + (1 - l) y'.

    alpha  l comes from a beta distribution (alpha, alpha): small ones leave most samples nearly as they are

    y are numbers, rows of shares or None: for labels, integers (N,), TypeError; make them one_hot. Zhang et al. 2017,
    arXiv:1710.09412.
    """

    def __init__(self, alpha=0.2):
        check.positive("MixUp", "alpha", alpha)
        self.alpha = alpha

    def apply(self, x, y, rng):
        share, other = rng.beta(self.alpha, self.alpha, len(x)), rng.permutation(len(x))
        if y is not None:
            y = as_array("MixUp", "y", y)
            if y.dtype.kind != "f" and y.size == len(y):
                raise TypeError(
                    f"MixUp: y is {y.dtype} of shape {y.shape}, labels, which cannot be mixed; make them rows with "
                    f"tw.train.one_hot(y), and train with categorical_crossentropy"
                )
            if len(y) != len(x):
                raise ValueError(f"MixUp: x has {len(x)} samples and y has {len(y)}, expected as many")
            y = _mixed(y.astype(y.dtype if y.dtype.kind == "f" else np.float32), share, other)
        return back(_mixed(x.astype(working(x)), share, other), x.dtype), y


class CutOut(Step):
    """A rectangle of every image set to `fill_value`: `size`, or (height, width), around a pixel drawn anywhere.

    At the edge less of it is left. DeVries, Taylor 2017, arXiv:1708.04552.
    """

    def __init__(self, size, fill_value=0.0):
        height, width = size if isinstance(size, (tuple, list)) else (size, size)
        check.whole("CutOut", "size", height, 1)
        check.whole("CutOut", "size", width, 1)
        check.number("CutOut", "fill_value", fill_value)
        self.size, self.fill_value = size, fill_value
        self._height, self._width = height, width

    def apply(self, x, y, rng):
        n, h, w, _ = x.shape
        rows = _cut(rng, n, h, self._height)
        columns = _cut(rng, n, w, self._width)
        x = x.copy()
        x[rows[:, :, None] & columns[:, None, :]] = self.fill_value
        return x, y


def _mixed(x, share, other):
    share = share.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))
    return share * x + (1 - share) * x[other]


def _cut(rng, count, size, length):
    """(count, size): which places lie within `length` around one drawn."""
    first = rng.integers(0, max(size, 1), count) - length // 2
    places = np.arange(size)
    return (places >= first[:, None]) & (places < first[:, None] + length)
