"""Which elements of an image each output of a convolution meets, in numbers that a kernel takes; no CUDA needed.

x (N, H, W, C)    y (N, P, Q, K)    filters R x S

Output (p, q) meets by its tap (r, s) the pixel h = p step + r dilation + base of the height, and likewise of the width.
The gradient to x is of the same kind: the pixels a, a + stride, a + 2 stride, … of x are met by every T-th tap from
some first one on, and by neighbouring elements of dy,

    a + i stride = p stride + r dilation - top    r = first + j T, T = stride / d, d = gcd(stride, dilation)
    p = i - j dilation / d + base                 base = (a + top - first dilation) / stride

so that no tap is tried in vain. Where no tap meets a class of pixels, its view has no taps and its gradient is 0.
"""

import math
from collections import namedtuple
from functools import lru_cache

from .. import _window as window
from .division import divisor

View = namedtuple("View", "H W C P Q R S step_h step_w base_h base_w dilation_h dilation_w")
Taps = namedtuple("Taps", "first down right")  # tap (r, s) of a view is tap first + r down + s right of the filters
Grid = namedtuple("Grid", "start image row column")  # output (n, p, q) lies at start + n image + p row + q column


@lru_cache(maxsize=1024)
def forward_view(image, filters, stride, padding, dilation):
    """(view, taps, grid) of y from x (N, H, W, C) and filters (R, S, C / groups, K)."""
    (_, H, W, C), (R, S, _, K) = image, filters
    stride, dilation = window.pair("conv2d", "stride", stride), window.pair("conv2d", "dilation", dilation)
    (P, Q), pads = window.resolve("conv2d", (H, W), (R, S), stride, padding, dilation)
    view = View(H, W, C, P, Q, R, S, *stride, -pads[0], -pads[2], *dilation)
    return view, Taps(0, S, 1), Grid(0, P * Q * K, Q * K, K)


@lru_cache(maxsize=1024)
def backward_views(v, K):
    """[(view of dy, taps, grid of dx)] of the classes of pixels of x; v, the forward's view to K channels."""
    views = []
    for a in range(min(v.step_h, v.H)):
        rows = _meeting(a, -v.base_h, v.R, v.step_h, v.dilation_h)
        for b in range(min(v.step_w, v.W)):
            columns = _meeting(b, -v.base_w, v.S, v.step_w, v.dilation_w)
            size = -(-(v.H - a) // v.step_h), -(-(v.W - b) // v.step_w), rows.count, columns.count
            view = View(v.P, v.Q, K, *size, 1, 1, rows.base, columns.base, -rows.dilation, -columns.dilation)
            taps = Taps(rows.first * v.S + columns.first, rows.every * v.S, columns.every)
            grid = Grid((a * v.W + b) * v.C, v.H * v.W * v.C, v.step_h * v.W * v.C, v.step_w * v.C)
            views.append((view, taps, grid))
    return views


_Meeting = namedtuple("_Meeting", "count first every base dilation")


def _meeting(pixel, padding, taps, stride, dilation):
    """The taps that meet pixel, pixel + stride, … of the input."""
    common = math.gcd(stride, dilation)
    every = stride // common
    for first in range(min(every, taps)):
        base, rest = divmod(pixel + padding - first * dilation, stride)
        if rest == 0:
            return _Meeting(-(-(taps - first) // every), first, every, base, dilation // common)
    return _Meeting(0, 0, 1, 0, 1)


def places_of(view):
    """What the patches of conv_sides.py need of a view, without the number of images: a tuple of integers."""
    return (*view[:3], *divisor(view.P), *divisor(view.Q), view.R, *divisor(view.S), *view[7:])
