"""Convolution on the CPU, as products with packed patches (`_cpu/image.py`).

x, dx (N, H, W, C)    w, dw (R, S, C / groups, K)    b, db (K,)    y, dy, dz (N, P, Q, K)

y[n, p, q, k]  = f(sum_rsc x[n, p stride + r dilation - top, q stride + s dilation - left, c] w[r, s, c, k] + b[k])
dz             = dy f'(z)
dx[n, h, w, c] = sum_rsk dz[n, p, q, k] w[r, s, c, k]    over all p stride + r dilation - top = h, and q likewise
dw[r, s, c, k] = sum_npq x[n, p stride + r dilation - top, …, c] dz[n, p, q, k]        db[k] = sum_npq dz[n, p, q, k]

Chetlur et al. 2014, cuDNN, arXiv:1410.0759, section 3 (the product without a matrix of patches). The accumulator has
the arrays' type; the order of every sum is fixed by the shapes.
"""

from functools import lru_cache

import numpy as np
from numba import get_num_threads

from .. import _window as window
from .._cpu.bias import NONE, activation_code, linear_gradient
from .._cpu.depthwise import depthwise_filter_gradient, depthwise_parts, depthwise_product
from .._cpu.image import View, filter_parts, filter_product, numbers_of, patch_product
from .._cpu.in_place import in_place_filter_gradient, in_place_parts, in_place_product, reads_in_place, sums_in_place
from .._cpu.memory import empty
from .._cpu.microkernel import BIAS
from .._cpu.panels import DIRECT_ROWS, empty_panels
from .._cpu.scatter import scattered_gradient, scatters
from .._cpu.strided import strided_gradient
from .._cpu.winograd import CHANNELS, SQUARES, channel_groups, empty_filters, winograd_product
from .._cpu.winograd_gradient import gradient_parts, winograd_filter_gradient
from .._varying import noted
from ..matmul.cpu import linear_forward

TRANSFORM = 16  # estimated; with it every layer of docs/ladder/conv2d.md takes its faster way but one


def conv2d_forward(
    x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, algorithm="auto", out=None
):
    view = forward_view(x.shape, w.shape, stride, padding, dilation, groups)
    y = empty((x.shape[0], view.P, view.Q, w.shape[3]), x.dtype) if out is None else out
    if w.size == 0:
        return without_channels(b, activation, y)
    convolve(x, view, w, b, activation_code(activation), algorithm, y)
    return y


def conv2d_backward(
    dy,
    x,
    w,
    b=None,
    y=None,
    *,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    activation=None,
    algorithm="auto",
    need_dx=True,
):
    if w.size == 0:
        return gradients_without_channels(dy, x, w, b, y, activation, need_dx)
    dz, db = linear_gradient(dy, y, activation, b)
    view = forward_view(x.shape, w.shape, stride, padding, dilation, groups)
    dw = filter_gradient(x, view, dz, w.shape, algorithm)
    dx = None
    if need_dx:
        dx = empty(x.shape, x.dtype)
        input_gradient(dz, view, w, None, NONE, algorithm, dx)
    return dx, dw, db


def without_channels(b, activation, y):
    """y = f(b), or f(0), where there are no input channels to sum over; nothing where there are no output channels."""
    if y.size:
        rows = y.reshape(-1, y.shape[3])
        nothing = np.empty((rows.shape[0], 0), y.dtype), np.empty((0, y.shape[3]), y.dtype)
        linear_forward(*nothing, b, activation=activation, out=rows)
    return y


def gradients_without_channels(dy, x, w, b, y, activation, need_dx):
    """Of `without_channels`: dx and dw are 0 or empty."""
    if dy.shape[3]:
        db = linear_gradient(dy, y, activation, b)[1]
    else:
        db = None if b is None else np.zeros_like(b)
    return np.zeros_like(x) if need_dx else None, np.zeros_like(w), db


def convolve(x, view, w, b, code, algorithm, y):
    """y = f(x * w + b), f by its `code`."""
    if uses_winograd(view, x.shape[0], w.shape[3], x.dtype, algorithm):
        _winograd(x, view, w, False, b, code, y)
    else:
        _product(x, view, w, _all_taps(view.R * view.S), False, b, code, y)


def filter_gradient(x, view, dz, shape, algorithm):
    """dw of that shape."""
    fast = uses_winograd(view, x.shape[0], shape[3], x.dtype, algorithm)
    return (_winograd_filter_gradient if fast else _direct_filter_gradient)(x, view, dz, shape)


def input_gradient(dz, view, w, bias, code, algorithm, dx):
    """dx = f(the gradient of `convolve` to x + bias); a convolution's own gradient has neither bias nor f."""
    if view.groups == 1 and (scatters(view) or view.step_h * view.step_w > 1):
        given, flags = (dz.ravel(), 0) if bias is None else (bias, BIAS)
        rows = w.reshape(-1, w.shape[3])
        if scatters(view):
            scattered_gradient(dz, numbers_of(view), rows, given, flags, code, dx)
        else:
            panels = empty_panels(w.shape[3], rows.shape[0], dz.dtype)
            strided_gradient(dz, numbers_of(view), rows, given, flags, code, panels, dx)
        return
    parts = _backward_views(view, w.shape[3])
    depthwise = _is_depthwise(view, w.shape[3])
    for a, b, part, taps in parts:  # pixels a, a + stride, … of the height and b, b + stride, … of the width
        if depthwise and part.divisor_h == part.divisor_w == 1:
            _depthwise(dz, part, w, taps, bias, code, dx, (a, b, view.step_h, view.step_w))
        elif len(parts) > 1:
            pixels = empty((dx.shape[0], part.P, part.Q, dx.shape[3]), dz.dtype)
            _product(dz, part, w, taps, True, bias, code, pixels)
            noted(np.copyto, dx[:, a :: view.step_h, b :: view.step_w], pixels)
        elif uses_winograd(part, dx.shape[0], dx.shape[3], dz.dtype, algorithm):
            _winograd(dz, part, w, True, bias, code, dx)
        else:
            _product(dz, part, w, taps, True, bias, code, dx)


def uses_winograd(view, N, K, dtype, algorithm):
    """Whether a convolution of N images to K channels goes by Winograd's way: if asked for, or if it costs less.

    Costs are in multiply-adds; moving an element through a transform costs about TRANSFORM of them.
    """
    if view.R != 3 or view.S != 3 or algorithm == "direct":
        return False
    fits = view.step_h == view.step_w == view.dilation_h == view.dilation_w == view.groups == 1
    if algorithm != "auto":
        return fits and algorithm == "winograd"
    # In float64 the transforms would cost what the precision is wanted for; a short sum is more exact than they are.
    if not fits or view.divisor_h != 1 or dtype != np.float32 or min(view.C, K) < 16:
        return False
    C, squares = view.C, N * -(-view.P // 4) * -(-view.Q // 4)
    cost = 36 * (squares * C * K + TRANSFORM * (squares * (C + K) + C * K))
    return cost < 9 * N * view.P * view.Q * C * K


def _winograd(x, view, w, backward, b, code, y):
    N, P, Q, K = y.shape
    blocks = -(-N * -(-P // 4) * -(-Q // 4) // SQUARES)
    groups = channel_groups(blocks, -(-K // CHANNELS), get_num_threads())
    filters = empty_filters(view.C, K, x.dtype, blocks, groups)
    bias, flags = (filters, 0) if b is None else (b, BIAS)
    winograd_product(x, -view.base_h, -view.base_w, w, backward, bias, flags, code, filters, groups, y)


def _winograd_filter_gradient(x, view, dz, shape):
    C, K = shape[2:]
    squares = x.shape[0] * -(-view.P // 4) * -(-view.Q // 4)
    dw = empty(shape, x.dtype)
    parts = _parts(gradient_parts(squares, C, K), dw.reshape(9 * C, K))
    winograd_filter_gradient(x, -view.base_h, -view.base_w, dz, parts, dw)
    return dw


def _is_depthwise(view, K):
    return view.groups == view.C == K


def _depthwise(x, view, w, taps, b, code, y, grid=(0, 0, 1, 1)):
    """The outputs are the pixels (first row, first column, step down, step to the right) of y."""
    top, left, down, right = grid
    N, H, W, C = y.shape
    bias, flags = (y.ravel(), 0) if b is None else (b, BIAS)
    place = ((top * W + left) * C, H * W * C, down * W * C, right * C)
    depthwise_product(x, numbers_of(view), w, taps, bias, flags, code, N, y.ravel(), place)


def _product(x, view, w, taps, backward, b, code, y):
    if _is_depthwise(view, y.shape[3]) and view.divisor_h == view.divisor_w == 1:
        _depthwise(x, view, w, taps, b, code, y)
        return
    channels = y.shape[3] // view.groups
    depth = view.R * view.S * view.C // view.groups
    panels = empty_panels(depth, channels, x.dtype, view.groups)
    bias, flags = (panels, 0) if b is None else (b, BIAS)
    w = w.reshape(-1, *w.shape[2:])
    run = in_place_product if reads_in_place(view) else patch_product
    run(x.ravel(), numbers_of(view), w, taps, backward, bias, flags, code, panels, y.reshape(-1, y.shape[3]))


def _direct_filter_gradient(x, view, dz, shape):
    dw = empty(shape, x.dtype)
    if _is_depthwise(view, shape[3]):
        rows = dw.reshape(-1, view.C)
        depthwise_filter_gradient(x, numbers_of(view), dz, _parts(depthwise_parts(x.shape[0], view.P), rows), rows)
        return dw
    rows, flat = dw.reshape(-1, shape[3]), x.ravel()
    K, N = rows.shape
    dz = dz.reshape(-1, N)
    M = dz.shape[0]
    if sums_in_place(view, x.dtype, N):
        in_place_filter_gradient(flat, numbers_of(view), dz, _parts(in_place_parts(M // view.Q), rows), rows)
        return dw
    panels = flat if K <= DIRECT_ROWS else empty_panels(M, N // view.groups, x.dtype, view.groups)
    filter_product(flat, numbers_of(view), dz, panels, _parts(filter_parts(M, K, N // view.groups), rows), rows)
    return dw


def _parts(count, dw):
    """Room for so many partial sums of dw; a single one is dw itself."""
    return empty((count, *dw.shape), dw.dtype) if count > 1 else dw.reshape(1, *dw.shape)


@lru_cache(maxsize=1024)
def _all_taps(count):
    return np.arange(count)


def forward_view(image, filters, stride, padding, dilation, groups):
    """The view of images by the filters of a convolution; what it is given has been checked."""
    try:
        return _forward_view(image, filters, stride, padding, dilation, groups)
    except TypeError:  # lists are no keys of a cache
        return _forward_view.__wrapped__(image, filters, stride, padding, dilation, groups)


@lru_cache(maxsize=1024)
def _forward_view(image, filters, stride, padding, dilation, groups):
    (_, H, W, C), (R, S) = image, filters[:2]
    stride, dilation = window.pair("conv2d", "stride", stride), window.pair("conv2d", "dilation", dilation)
    (P, Q), pads = window.resolve("conv2d", (H, W), (R, S), stride, padding, dilation)
    return View(H, W, C, P, Q, R, S, *stride, -pads[0], -pads[2], *dilation, 1, 1, groups)


@lru_cache(maxsize=1024)
def _backward_views(v, K):
    """[(a, b, view of dz, taps)]: what gives the pixels a, a + stride, … and b, b + stride, … of dx."""
    if (v.step_h, v.step_w) == (1, 1) or (v.dilation_h, v.dilation_w) != (1, 1):
        bases = (-v.base_h - (v.R - 1) * v.dilation_h, -v.base_w - (v.S - 1) * v.dilation_w)
        reverse = np.arange(v.R * v.S)[::-1].copy()
        divisors = v.step_h, v.step_w
        view = View(v.P, v.Q, K, v.H, v.W, v.R, v.S, 1, 1, *bases, v.dilation_h, v.dilation_w, *divisors, v.groups)
        return [(0, 0, view, reverse)]
    views = []
    for a in range(min(v.step_h, v.H)):
        rows, base_h = _meeting(a, -v.base_h, v.R, v.step_h)
        for b in range(min(v.step_w, v.W)):
            columns, base_w = _meeting(b, -v.base_w, v.S, v.step_w)
            taps = np.array([r * v.S + s for r in rows for s in columns], np.int64)
            pixels = -(-(v.H - a) // v.step_h), -(-(v.W - b) // v.step_w)
            size = v.P, v.Q, K, *pixels, len(rows), len(columns)
            views.append((a, b, View(*size, 1, 1, base_h, base_w, 1, 1, 1, 1, v.groups), taps))
    return views


def _meeting(pixel, padding, taps, stride):
    """(the taps that meet pixel, pixel + stride, … of the input, last first; the output that the first one meets)."""
    first = (pixel + padding) % stride
    meeting = list(range(first, taps, stride))[::-1]
    return meeting, (pixel + padding - first) // stride - (len(meeting) - 1)
