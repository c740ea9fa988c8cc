"""Convolution on a GPU, of Numba's device arrays in C order: float32 and float64, always the direct sum.

x, dx (N, H, W, C)    w, dw (R, S, C / groups, K)    b, db (K,)    y, dy, dz (N, P, Q, K)

y[n, p, q, k]  = f(sum_rsc x[n, p stride + r dilation - top, q stride + s dilation - left, c] w[r, s, c, k] + b[k])
dz             = dy f'(z)
dx[n, h, w, c] = sum_rsk dz[n, p, q, k] w[r, s, c, k]    over all p stride + r dilation - top = h, and q likewise
dw[r, s, c, k] = sum_npq x[n, p stride + r dilation - top, …, c] dz[n, p, q, k]        db[k] = sum_npq dz[n, p, q, k]

Each is a matrix product (`_cuda/gemm.py`) that gathers its sides as it goes (`_cuda/conv_sides.py`), all groups in one
launch; dx is one for every class of pixels that the same taps meet (`_cuda/conv_views.py`), stride x stride of them.
With one channel a group it is a plain sum (`_cuda/depthwise.py`). Chetlur et al. 2014, cuDNN, arXiv:1410.0759, section
3. The accumulator has the arrays' type; the order of every sum is fixed by the shapes.
"""

import itertools

import numpy as np

from .._cuda import columns as column_sums
from .._cuda import depthwise, gemm, sums
from .._cuda.access import BYTES, address
from .._cuda.conv_sides import (
    SHAPES,
    columns,
    columns_shape,
    filters,
    filters_shape,
    grid_rows,
    grid_shape,
    patches,
    patches_shape,
)
from .._cuda.conv_views import backward_views, forward_view
from .._cuda.memory import empty, empty_like
from .._cuda.usage import Compiled
from ..matmul.cuda import linear_forward


def conv2d_forward(
    x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, algorithm="auto", out=None
):
    view, *where = forward_view(tuple(x.shape), tuple(w.shape), stride, padding, dilation)
    y = empty((x.shape[0], view.P, view.Q, w.shape[3]), x.dtype) if out is None else out
    if w.size == 0:
        _without_channels(b, activation, y)
    elif y.size:
        convolve("conv2d_forward", x, view, where, w, groups, b, activation, y)
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
    op = "conv2d_backward"
    rows = [None if given is None else given.reshape(dy.size // max(dy.shape[3], 1), dy.shape[3]) for given in (dy, y)]
    dz, db = column_sums.gradient(op, *rows, gemm.ACTIVATIONS.index(activation), b is not None)
    dz = dz.reshape(dy.shape)
    dx, dw = empty_like(x) if need_dx else None, empty_like(w)
    view, *_ = forward_view(tuple(x.shape), tuple(w.shape), stride, padding, dilation)
    if dw.size:
        filter_gradient(op, x, view, dz, groups, dw)
        if need_dx and dx.size:
            input_gradient(op, dz, view, w, groups, None, None, dx)
    elif need_dx:
        _without_channels(None, None, dx)
    return dx, dw, db


def convolve(op, x, view, where, w, groups, b, activation, y):
    """y = f(x * w + b), none of them empty; view, *where as of `forward_view`."""
    N, K = x.shape[0], w.shape[3]
    bias = None if b is None else b.reshape(-1)
    if groups == view.C:
        wide = K == view.C and _aligned(K, x, w, y)
        depthwise.depthwise_product(op, _flat(x), _flat(w), bias, activation, _flat(y), N, view, *where, (K, K), wide)
        return
    depth, channels = view.C // groups, K // groups
    rows, taps = N * view.P * view.Q, view.R * view.S * depth
    ways = _ways(_aligned(depth, x), _aligned(channels, w, y))
    left = patches(True, ways[0]), _flat(x), patches_shape(view, N, depth)
    right = columns(ways[1]), _flat(w), columns_shape(taps, K, channels)
    layout = {"batch": groups, "layout": (K, channels), "aligned_y": ways[1]}
    gemm.multiply(op, left, right, bias, activation, _flat(y), (rows, channels, taps), **layout)


def filter_gradient(op, x, view, dz, groups, dw):
    """dw, which is not empty, of the forward's view."""
    N, K = x.shape[0], dw.shape[3]
    x, dz = (given if given.size else dw for given in (x, dz))  # without images nothing is read
    if groups == view.C:
        wide = K == view.C and _aligned(K, x, dz, dw)
        depthwise.depthwise_gradient(op, _flat(x), _flat(dz), N, view, _flat(dw), K, wide)
        return
    depth, channels = view.C // groups, K // groups
    rows, taps = N * view.P * view.Q, view.R * view.S * depth
    ways = _ways(_aligned(depth, x), _aligned(channels, dz, dw))
    left = patches(False, ways[0]), _flat(x), patches_shape(view, N, depth)
    right = columns(ways[1]), _flat(dz), columns_shape(rows, K, channels)
    layout = {"batch": groups, "layout": (K, channels), "aligned_y": ways[1]}
    gemm.multiply(op, left, right, None, None, _flat(dw), (taps, channels, rows), **layout)


def input_gradient(op, dz, view, w, groups, b, activation, dx):
    """dx = f(the gradient of `convolve` to x + b), none of them empty; a convolution's own has neither b nor f."""
    (N, _, _, C), K = dx.shape, w.shape[3]
    bias = None if b is None else b.reshape(-1)
    depth, channels = C // groups, K // groups
    aligned = _aligned(channels, dz, w) and _aligned(depth, dx)
    for part, taps, grid in backward_views(view, K):
        if groups == C:
            wide = K == C and _aligned(K, dz, w, dx)
            where = taps, grid, (K, C), wide
            depthwise.depthwise_product(op, _flat(dz), _flat(w), bias, activation, _flat(dx), N, part, *where)
            continue
        left = patches(True, aligned), _flat(dz), patches_shape(part, N, channels)
        right = filters(aligned), _flat(w), filters_shape(part, taps, depth, K, groups)
        sizes = N * part.P * part.Q, depth, part.R * part.S * channels
        layout = {"batch": groups, "layout": grid_shape(part, grid, depth), "rows": grid_rows, "aligned_y": aligned}
        gemm.multiply(op, left, right, bias, activation, _flat(dx), sizes, **layout)


def _without_channels(b, activation, y):
    """y = f(b), or f(0), where there are no channels to sum over; nothing where there are none of y."""
    if y.size:
        rows = y.reshape(-1, y.shape[3])
        nothing = empty((rows.shape[0], 0), y.dtype), empty((0, rows.shape[1]), y.dtype)
        linear_forward(*nothing, b, activation=activation, out=rows)


def _flat(x):
    return x.reshape(-1)


def _aligned(channels, *arrays):
    """Whether arrays and, inside of them, groups of so many channels begin at multiples of 16 bytes."""
    return channels * arrays[0].dtype.itemsize % BYTES == 0 and not any(address(x) % BYTES for x in arrays)


def _ways(left, right):
    """The alignment of two sides as kernels are made for it: of the left one alone it is that of none."""
    return left and right, right


def _compiled():
    """Every kernel that dispatch can choose."""
    pairs = (False, False), (False, True), (True, True)
    for dtype, wide in itertools.product(("float32", "float64"), (False, True)):
        name = f"{dtype}-{'wide' if wide else 'narrow'}"
        function, signature = depthwise.make_product(dtype, wide), depthwise.product_signature(dtype)
        yield Compiled(function, signature, f"depthwise-{name}")
        function, signature = depthwise.make_gradient(dtype, wide), depthwise.gradient_signature(dtype)
        yield Compiled(function, signature, f"depthwise-dw-{name}")
    for dtype in ("float32", "float64"):
        signature = sums.add_signature(dtype, SHAPES["grid"])
        yield Compiled(sums.make_add(dtype, grid_rows), signature, f"add_parts-grid-{dtype}")
        for size, (left, right) in itertools.product(("LARGE", "SMALL"), pairs):
            tile, kind = getattr(gemm, size)[np.dtype(dtype)], np.dtype(dtype)
            most = gemm.REGISTERS.get(tile)
            signature = gemm.signature(dtype, SHAPES["patches"], SHAPES["columns"])
            name = f"{dtype}-{size.lower()}-{('any', 'aligned_y', 'aligned')[left + right]}"
            for way, along_k in (("forward", True), ("dw", False)):
                function = gemm.make_product(tile, kind, patches(along_k, left), columns(right), right)
                yield Compiled(function, signature, f"conv-{way}-{name}", max_registers=most)
            if left == right:
                signature = gemm.signature(dtype, SHAPES["patches"], SHAPES["filters"], SHAPES["grid"])
                function = gemm.make_product(tile, kind, patches(True, left), filters(right), right, grid_rows)
                yield Compiled(function, signature, f"conv-dx-{name}", max_registers=most)


COMPILED = tuple(_compiled())
