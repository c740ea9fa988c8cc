"""Resizing of images: upsampling by whole factors."""

from .. import _check as check
from .._dispatch import Faces
from .._window import pair

_faces = Faces(__name__)

INTERPOLATIONS = ("nearest", "bilinear")


def upsample2d_forward(x, *, factor=2, interpolation="nearest", out=None):
    """Images larger by whole factors, as Keras's UpSampling2D.

    x (N, H, W, C) float32 or float64 -> y (N, f H, g W, C). The factor (f, g) is a number or a pair. "nearest" repeats
    every pixel; "bilinear" goes evenly from the centre of a pixel to that of the next, and stays the same from the
    centres of the border outwards (half-pixel centres: output p lies at (p + 1/2) / f - 1/2). Raises TypeError or
    ValueError for other dtypes, ranks and orders, and for another factor or interpolation.

    >>> import numpy as np
    >>> x = np.array([0.0, 4.0]).reshape(1, 1, 2, 1)
    >>> upsample2d_forward(x, factor=(1, 2), interpolation="bilinear").ravel()
    array([0., 1., 3., 4.])
    """
    op = "upsample2d_forward"
    check.floats(op, 4, x=x)
    factor = f, g = pair(op, "factor", factor)
    check.choice(op, "interpolation", interpolation, INTERPOLATIONS)
    N, H, W, C = x.shape
    check.out(op, out, (N, f * H, g * W, C), x, x=x)
    return _faces(x).upsample2d_forward(x, factor=factor, interpolation=interpolation, out=out)


def upsample2d_backward(dy, *, factor=2, interpolation="nearest"):
    """Gradient of `upsample2d_forward`: every pixel of dx is the sum of those of dy that it went into, by weight.

    dy (N, f H, g W, C) -> dx (N, H, W, C). Sums are in a fixed order. Raises as the forward, and ValueError where
    height or width of dy is no multiple of the factor.
    """
    op = "upsample2d_backward"
    check.floats(op, 4, dy=dy)
    factor = f, g = pair(op, "factor", factor)
    check.choice(op, "interpolation", interpolation, INTERPOLATIONS)
    check.multiple(op, "the height of dy", dy.shape[1], f, "the factor")
    check.multiple(op, "the width of dy", dy.shape[2], g, "the factor")
    return _faces(dy).upsample2d_backward(dy, factor=factor, interpolation=interpolation)
