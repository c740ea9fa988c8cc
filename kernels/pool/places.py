"""The numbers of places in a window, which tell where its largest value was."""

import numpy as np

from .. import _check as check


def place_dtype(places):
    """The smallest dtype for the number of a place in a window of so many."""
    return np.dtype(np.uint8 if places <= 256 else np.int32)


def check_places(op, dy, argmax, places):
    """argmax belongs to a dy of so many places a window; None: an image's, numbered as int32."""
    check.integers(op, "argmax", argmax, len(dy.shape), ("dy", dy))
    check.same_shape(op, dy=dy, argmax=argmax)
    expected = np.dtype(np.int32) if places is None else place_dtype(places)
    if argmax.dtype != expected and check.dtype(op, "argmax", argmax) != expected:
        because = "places are numbered in the image" if places is None else f"a window has {places} places"
        raise TypeError(f"{op}: argmax is {argmax.dtype}, expected {expected} because {because}")
