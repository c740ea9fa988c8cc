"""The gradient of a convolution to an image of few channels: products with the filter, added where patches lie.

dx[n, h, w, c] = sum over p stride + r dilation - top = h, q stride + s dilation - left = w of g[r, s, c, p, q]
g[r, s, c, p, q] = sum_k w[r, s, c, k] dz[n, p, q, k]

As a convolution of dz, this would have as many columns as channels, and most lanes of a vector would be empty. Here
neighbouring outputs are the columns of g, which are added to planes of one channel each, a stride's columns apart.
"""

from collections import namedtuple

import numpy as np
from numba.core import cgutils

from .bias import RELU, activate
from .emit import I64, ir_function
from .gemm import MULTIPLIES, TASKS, Out
from .image import view_of
from .in_place import width_of
from .jit import inner, kernel
from .machine import TILE_ROWS
from .microkernel import ACCUMULATE, BIAS, tile_by_rows
from .panels import DEPTH, Matrix, pack_panel, panel_columns
from .threads import spread

LEAST_ROWS = 8  # of a band of the image: its first and last outputs are computed in the next band, too
CHANNELS = 8  # up to here; with 16 channels a convolution of dz fills its vectors

# Rows of an image, and for every channel the columns of every phase of the stride: (rows, C, step_w, columns).
_Planes = namedtuple("_Planes", "data C steps columns")


def _add_rows_code(vectors, args):
    """y[places[i] + j] += x[i * ldx + j] for i < rows and j < columns."""
    y, places, x, ldx, rows, columns = args[:6]
    builder = vectors.builder
    with cgutils.for_range(builder, rows, intp=I64) as loop:
        to = builder.gep(y, [builder.load(builder.gep(places, [loop.index]))])
        row = builder.gep(x, [builder.mul(loop.index, ldx)])

        def add(j, mask, to=to, row=row):
            place = builder.gep(to, [j])
            total = builder.fadd(vectors.load(place, mask), vectors.load(builder.gep(row, [j]), mask))
            vectors.store(total, place, mask)

        vectors.over(columns, add)


add_rows = ir_function("add_rows", "aoaiii", _add_rows_code)


def scatters(view):
    """Whether the gradient to a view's image goes this way, if its channels are one group."""
    return view.C <= CHANNELS


@kernel
def scattered_gradient(dz, view, w, bias, flags, code, dx):
    """dx (N, H, W, C) = f(the gradient of dz (N, P, Q, K) by w (R * S * C, K) + bias); no bias with 0 for `flags`."""
    view = view_of(view)
    N, H, _, C = dx.shape
    bands = bands_of(N, H)
    work = dz.size * w.shape[0] // MULTIPLIES
    out = Out(dx.reshape(-1), 0, C, bias, flags, code)
    spread(_band, N * bands, work, (dz.reshape(-1), dz.shape[3], view, w.reshape(-1), bands, out, H))


@inner
def bands_of(N, H):
    """Bands of rows into which each of N images of H rows is cut."""
    return max(1, min(-(-TASKS // max(N, 1)), H // LEAST_ROWS))


@inner
def band_of(task, bands, H):
    """(image, first row, end) of a task."""
    rows = -(-H // bands)
    first = min(task % bands * rows, H)
    return task // bands, first, min(first + rows, H)


@inner
def outputs_of(view, h0, h1):
    """The rows of outputs p0:p1 whose patches meet the rows h0:h1 of an image."""
    reach = view.base_h + (view.R - 1) * view.dilation_h
    p0 = max(0, -((reach - h0) // view.step_h))
    return p0, max(p0, min(view.P, (h1 - 1 - view.base_h) // view.step_h + 1))


@inner
def _band(task, dz, K, view, w, bands, out, H):
    """A band of rows of one image."""
    C, W = view.C, view.W
    n, h0, h1 = band_of(task, bands, H)
    columns = -(-max(width_of(view), W - view.base_w) // view.step_w)
    planes = _Planes(np.zeros((h1 - h0) * C * view.step_w * columns, dz.dtype), C, view.step_w, columns)
    shifts = np.empty(view.S * C, np.int64)  # of a tap and channel in a row of the planes
    for k in range(shifts.size):
        u, c = k // C * view.dilation_w, k % C
        shifts[k] = (c * view.step_w + u % view.step_w) * columns + u // view.step_w
    width, taps = panel_columns(dz.itemsize), view.R * view.S * C
    panel = np.empty(min(K, DEPTH) * width, dz.dtype)
    products = np.empty(taps * width, dz.dtype)
    p0, p1 = outputs_of(view, h0, h1)
    for p in range(p0, p1):
        for q in range(0, view.Q, width):
            count = min(width, view.Q - q)
            start = ((n * view.P + p) * view.Q + q) * K
            _multiply(w, taps, dz, start, K, count, panel, products)
            _add(products, view, p * view.step_h + view.base_h - h0, q, count, h1 - h0, planes, shifts)
    if h0 < h1:
        _interleave(planes, (n * H + h0) * W * C, h1 - h0, W, -view.base_w, out)


@inner
def _interleave(planes, start, rows, W, left, out):
    """f(planes + bias) to the pixels of whole rows of an image, from out.c[start] on."""
    C, zero = planes.C, out.c.dtype.type(0)
    for h in range(rows):
        for c in range(C):
            bias = out.bias[c] if out.flags == BIAS else zero
            for phase in range(planes.steps):
                plane = ((h * C + c) * planes.steps + phase) * planes.columns
                first = -((phase - left) // planes.steps)  # the first of the phase's columns that is not padding
                end = -((phase - left - W) // planes.steps)
                to = start + (h * W + phase - left) * C + c
                for i in range(first, end):
                    value = planes.data[plane + i] + bias
                    out.c[to + i * planes.steps * C] = zero if out.code == RELU and value < zero else value
    if out.code > RELU:
        activate(out.c, start, C, rows * W, C, out.code)


@inner
def _multiply(w, taps, dz, start, K, count, panel, products):
    """products (taps, a panel's columns) = w (taps, K) @ `count` rows of dz, transposed."""
    width = panel_columns(w.itemsize)
    for k in range(0, max(K, 1), DEPTH):
        depth = min(DEPTH, K - k)
        pack_panel(Matrix(dz, start, K, True), 0, count, k, depth, panel, 0)
        flags = ACCUMULATE if k else 0
        for i in range(0, taps, TILE_ROWS):
            rows, to = min(TILE_ROWS, taps - i), i * width
            tile_by_rows(w, i * K + k, K, panel, 0, width, products, to, width, w, 0, depth, rows, count, flags)


@inner
def _add(products, view, row, q, count, rows, planes, shifts):
    """Add the products of outputs q … of one row, whose patches start at `row`, to the planes of `rows` rows."""
    width = panel_columns(planes.data.itemsize)
    for r in range(view.R):
        h = row + r * view.dilation_h
        if 0 <= h < rows:
            to = h * planes.C * planes.steps * planes.columns + q
            add_rows(planes.data, to, shifts, 0, products, r * shifts.size * width, width, shifts.size, count)
