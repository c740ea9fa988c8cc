"""Convolutions multiplied where the image lies: no patches are packed.

A patch is a few runs of memory, at the same distances from every output's place, and the tile gathers it so
(`tile_gathered`). Where patches reach over the edge of the image, a task first copies the rows that its band of
outputs sees, with zeros around them. For the gradient to the filter the two change roles: rows are taps and channels,
and the depth is runs of outputs.
"""

import numpy as np

from .bias import RELU, activate
from .gemm import MULTIPLIES, TASKS, Out
from .image import add_parts, filter_task, view_of
from .jit import inner, kernel
from .machine import VECTOR_BYTES
from .microkernel import ACCUMULATE, tile_gathered
from .microkernel import RELU as TILE_RELU
from .panels import DEPTH, panel_columns
from .threads import spread

TOGETHER = 64  # outputs whose channels are all computed before the next
BAND = 16384  # elements of an image that a task copies, about: half of the first cache level


def reads_in_place(view):
    """Whether an output sees all channels of pixels that are whole steps apart."""
    return view.groups == view.divisor_w == view.divisor_h == 1


def sums_in_place(view, dtype, columns):
    """Whether the filter's gradient is best summed so: few taps and channels, and dz in whole vectors."""
    few = view.R * view.S * view.C <= DEPTH
    return reads_in_place(view) and few and columns % (VECTOR_BYTES // dtype.itemsize) == 0


@inner
def width_of(view):
    """Pixels of a row that its outputs see."""
    return (view.Q - 1) * view.step_w + (view.S - 1) * view.dilation_w + 1


@inner
def _is_inside(view):
    """Whether no patch reaches over an edge."""
    inside = view.base_h >= 0 and view.base_h + _rows(view, view.P) <= view.H
    return inside and view.base_w >= 0 and view.base_w + width_of(view) <= view.W


@inner
def _pitch(view):
    """Elements from row to row where patches are gathered."""
    return (view.W if _is_inside(view) else width_of(view)) * view.C


@inner
def _rows(view, outputs):
    """Rows of the image that so many rows of outputs see."""
    return (outputs - 1) * view.step_h + (view.R - 1) * view.dilation_h + 1


@inner
def _band(view, N):
    """Rows of outputs that are one task's."""
    most = BAND // max(view.step_h * _pitch(view), 1)
    return max(1, min(most, view.P, -(-N * view.P // TASKS)))


@inner
def _grid(rows, columns, down, right):
    """The places i * down + j * right."""
    places = np.empty(rows * columns, np.int64)
    for i in range(rows):
        for j in range(columns):
            places[i * columns + j] = i * down + j * right
    return places


@inner
def _outputs(view, band):
    """Where the patch of every output of a band starts."""
    return _grid(band, view.Q, view.step_h * _pitch(view), view.step_w * view.C)


@inner
def _runs(view):
    """Where the runs of a patch start, and how long they are."""
    down, right = view.dilation_h * _pitch(view), view.dilation_w * view.C
    if view.dilation_w == 1:
        return _grid(view.R, 1, down, 0), view.S * view.C
    return _grid(view.R, view.S, down, right), view.C


@inner
def _source(x, view, n, p0, outputs):
    """(an array, the place in it) of the part of image n that `outputs` rows from p0 on see."""
    if _is_inside(view):
        return x, ((n * view.H + p0 * view.step_h + view.base_h) * view.W + view.base_w) * view.C
    copy = np.empty(_rows(view, outputs) * _pitch(view), x.dtype)
    low, width = max(0, -view.base_w), width_of(view)
    high = max(low, min(width, view.W - view.base_w))
    for i in range(_rows(view, outputs)):
        h = p0 * view.step_h + view.base_h + i
        row = i * width * view.C
        inside = 0 <= h < view.H
        first = row + (low if inside else width) * view.C
        end = row + (high if inside else width) * view.C
        pixel = ((n * view.H + h) * view.W + view.base_w + low) * view.C
        for k in range(np.uint64(row), np.uint64(first)):
            copy[k] = 0
        for k in range(np.uint64(end - first)):
            copy[np.uint64(first) + k] = x[np.uint64(pixel) + k]
        for k in range(np.uint64(end), np.uint64(row + width * view.C)):
            copy[k] = 0
    return copy, 0


@kernel
def in_place_product(x, view, w, taps, backward, bias, flags, code, panels, y):
    """y (M, N) = f(patches of x @ filter + bias); the other arguments are those of `patch_product`."""
    view = view_of(view)
    N, K, width = y.shape[1], view.R * view.S * view.C, panel_columns(x.itemsize)
    count = -(-N // width)
    spread(filter_task, count, w.size // 4, (w, taps, backward, 1, count, N, K, panels))
    flags |= TILE_RELU if code == RELU else 0
    out = Out(y.reshape(-1), 0, N, bias, flags, code)
    images = y.shape[0] // max(view.P * view.Q, 1)
    band = _band(view, images)
    runs, run = _runs(view)
    work = y.size * K // MULTIPLIES
    tasks = images * -(-view.P // band)
    spread(_output_band, tasks, work, (x, view, band, _outputs(view, band), runs, run, panels, out))


@inner
def _output_band(task, x, view, band, places, runs, run, panels, out):
    """A band of rows of outputs of one image."""
    bands = -(-view.P // band)
    n, p0 = task // bands, task % bands * band
    outputs = min(band, view.P - p0)
    source, start = _source(x, view, n, p0, outputs)
    K, N, width = runs.size * run, out.stride, panel_columns(out.c.itemsize)
    to = out.start + (n * view.P + p0) * view.Q * N
    rows = outputs * view.Q
    together = max(DEPTH // run, 1)  # runs of a depth block; of a long one, parts are blocks
    for i in range(0, rows, TOGETHER):
        high = min(TOGETHER, rows - i)
        for j in range(0, N, width):
            columns = min(width, N - j)
            for r in range(0, runs.size, together):
                for t in range(0, run, DEPTH):
                    count, length = min(together, runs.size - r), min(DEPTH, run - t)
                    k = r * run + t
                    at = (ACCUMULATE if k > 0 else 0) | (out.flags if k + count * length == K else 0)
                    tile_gathered(
                        source, start + t, places, i, runs, r, length, 1, panels, j * K + k * width, width,
                        out.c, to + i * N + j, N, out.bias, j, count, high, columns, at,
                    )  # fmt: skip
    if out.code > RELU:
        activate(out.c, to, N, rows, N, out.code)


def in_place_parts(rows):
    """How many partial sums `in_place_filter_gradient` makes of so many rows of outputs."""
    return max(1, min(TASKS, rows))


@kernel
def in_place_filter_gradient(x, view, dz, parts, dw):
    """dw (K, N) = patches of x, transposed, @ dz (M, N), through `parts` (count, K, N)."""
    view = view_of(view)
    images = dz.shape[0] // max(view.P * view.Q, 1)
    band = _band(view, images)
    runs, run = _runs(view)
    taps = np.empty(runs.size * run, np.int64)
    for k in range(taps.size):
        taps[k] = runs[k // run] + k % run
    rows = _grid(band, 1, view.step_h * _pitch(view), 0)
    work = dz.size * dw.shape[0] // MULTIPLIES
    spread(_part, parts.shape[0], work, (x, view, band, images, taps, rows, dz, parts))
    add_parts(parts, dw)


@inner
def _part(part, x, view, band, images, taps, rows, dz, parts):
    """The part of a run of bands."""
    count, K, N = parts.shape
    parts[part] = 0
    flat, gradients, width = parts.reshape(-1), dz.reshape(-1), panel_columns(dz.itemsize)
    bands = -(-view.P // band)
    per_part = -(-images * bands // count)
    step = view.step_w * view.C
    run = min(view.Q, DEPTH)
    together = DEPTH // run  # rows of outputs in a depth block, if they are short
    for task in range(part * per_part, min((part + 1) * per_part, images * bands)):
        n, p0 = task // bands, task % bands * band
        outputs = min(band, view.P - p0)
        source, start = _source(x, view, n, p0, outputs)
        first = (n * view.P + p0) * view.Q
        for p in range(0, outputs, together):
            for q in range(0, view.Q, run):
                for j in range(0, N, width):
                    tile_gathered(
                        source, start + q * step, taps, 0, rows, p, min(run, view.Q - q), step,
                        gradients, (first + p * view.Q + q) * N + j, N, flat, part * K * N + j, N, flat, 0,
                        min(together, outputs - p), K, min(width, N - j), ACCUMULATE,
                    )  # fmt: skip
