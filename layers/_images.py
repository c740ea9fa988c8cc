"""What changes of images share: ranges of random numbers, the dtype to compute in, and the way back to their own."""

import numpy as np

from ..kernels import _check as check


def interval(op, name, factor, low=-np.inf, high=np.inf):
    """(low, high) from a number, which means both ways, or from a pair."""
    pair = factor if isinstance(factor, (tuple, list)) else (-factor, factor)
    if len(pair) != 2:
        raise ValueError(f"{op}: {name} is {factor!r}, expected a number, or a pair, the least and the greatest")
    for end in pair:
        check.number(op, name, end, low, high)
    if pair[0] > pair[1]:
        raise ValueError(f"{op}: {name} is {factor!r}, expected the least number first, or a number from 0")
    return float(pair[0]), float(pair[1])


def working(x):
    """The dtype in which images are computed with."""
    return x.dtype if x.dtype.kind == "f" and x.dtype.itemsize >= 4 else np.dtype(np.float32)


def back(x, dtype, value_range=None):
    """Computed images in their own dtype: integers are rounded, and cut to what the dtype holds."""
    if value_range is not None:
        x = np.clip(x, *value_range)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        x = np.clip(np.rint(x), limits.min, limits.max)
    return x.astype(dtype, copy=False)
