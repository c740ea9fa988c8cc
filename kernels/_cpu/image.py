"""Products with the patches of an image, packed straight into tiles: no array of all patches is ever made.

The patch matrix of a view has a row for every output position (n, p, q) and a column for every tap and channel
(r, s, c). Its element is x[n, h, w, c] with

h = (p * step_h + base_h + r * dilation_h) / divisor_h    (the same for w)

and 0 outside the image or where the division has a remainder. A convolution has step = stride, base = -padding,
divisor 1. The gradient to its input is a view of dy with step 1, divisor = stride, base = padding - (R - 1) dilation,
and the taps in reverse; without dilation it is taken apart into stride x stride views with divisor 1, each of the
taps and the pixels that meet. A view of a group sees the channels from `channel` on.
"""

from collections import namedtuple
from functools import lru_cache

import numpy as np

from .bias import NONE
from .gemm import (
    COLUMNS,
    MULTIPLIES,
    ROWS,
    TASKS,
    Out,
    Right,
    block,
    block_bounds,
    blocks_of,
    tile_packed,
    tile_transposed,
)
from .jit import inner, kernel
from .panels import DEPTH, DIRECT_ROWS, STRIDE, Matrix, pack_panel, panel_columns
from .threads import spread

# Images (…, H, W, C), output positions P x Q, taps R x S.
View = namedtuple("View", "H W C P Q R S step_h step_w base_h base_w dilation_h dilation_w divisor_h divisor_w groups")


@lru_cache(maxsize=1024)
def numbers_of(view):
    """A view as kernels are given one: to tell the type of a named tuple takes Numba a microsecond in every call."""
    return np.array(view)


@inner
def view_of(numbers):
    """The view of these numbers."""
    n = numbers
    return View(
        n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12], n[13], n[14], n[15]
    )  # fmt: skip


@inner
def copy_patches(source, r0, rows, c0, columns, out):
    """Rows r0 … and columns c0 … of the patch matrix, by rows of STRIDE."""
    x, v, channel = source
    depth = v.C // v.groups
    row = v.S * depth
    q = r0 % v.Q
    p = r0 // v.Q % v.P
    n = r0 // (v.Q * v.P)
    joined = v.divisor_w == 1 and v.dilation_w == 1 and v.groups == 1  # a filter row is one run of memory
    for i in range(rows):
        h0 = p * v.step_h + v.base_h
        w0 = q * v.step_w + v.base_w
        inside = joined and w0 >= 0 and w0 + v.S <= v.W
        at = i * STRIDE
        c = c0
        while c < c0 + columns:
            r = c // row
            h, fits = _divided(h0 + r * v.dilation_h, v.divisor_h, v.H)
            if inside or not fits:
                length = min((r + 1) * row, c0 + columns) - c
                start = ((n * v.H + h) * v.W + w0) * v.C + c - r * row
            else:
                tap = c // depth
                length = min((tap + 1) * depth, c0 + columns) - c
                w, fits = _divided(w0 + (tap - r * v.S) * v.dilation_w, v.divisor_w, v.W)
                start = ((n * v.H + h) * v.W + w) * v.C + channel + c - tap * depth
            if fits:
                for k in range(np.uint64(length)):
                    out[np.uint64(at) + k] = x[np.uint64(start) + k]
            else:
                for k in range(np.uint64(length)):
                    out[np.uint64(at) + k] = 0
            at += length
            c += length
        q += 1
        if q == v.Q:
            q = 0
            p += 1
            if p == v.P:
                p = 0
                n += 1


@inner
def _divided(numerator, divisor, size):
    """(numerator / divisor, whether it is a whole number in [0, size))."""
    if divisor == 1:
        return numerator, 0 <= numerator < size
    whole = numerator // divisor
    return whole, whole * divisor == numerator and 0 <= whole < size


@inner
def pack_patches(source, i0, rows, k0, depth, out):
    copy_patches(source, i0, rows, k0, depth, out)


@inner
def pack_patches_transposed(source, i0, rows, k0, depth, out):
    copy_patches(source, k0, depth, i0, rows, out)


@inner
def pack_filter(w, taps, backward, groups, group, first, end, panels, start):
    """Columns first … end of a group's filter matrix, of these taps; backward: input and output channels swapped."""
    inputs, outputs = w.shape[1], w.shape[2] // groups
    depth = outputs if backward else inputs
    for t in range(taps.size):
        part = Matrix(w.reshape(-1), taps[t] * inputs * w.shape[2] + group * outputs, w.shape[2], backward)
        pack_panel(part, first, end, 0, depth, panels, start + t * depth * panel_columns(w.itemsize))


@kernel
def patch_product(x, view, w, taps, backward, bias, flags, code, panels, y):
    """y (M, groups * N) = f(patches of x @ filter + bias), a group of channels at a time.

    `taps` says which of the taps of w (R * S, C / groups, K) meets each tap of the view, which comes as its numbers.
    """
    view = view_of(view)
    M, N = y.shape[0], y.shape[1] // view.groups
    K = view.R * view.S * (view.C // view.groups)
    per_group = -(-N // panel_columns(x.itemsize))
    spread(filter_task, view.groups * per_group, w.size // 4, (w, taps, backward, view.groups, per_group, N, K, panels))
    rows, columns = blocks_of(M, N, panel_columns(x.itemsize), 1)
    tasks = -(-M // rows) * -(-N // columns)
    spread(
        _patch_task,
        view.groups * tasks,
        y.size * K // MULTIPLIES,
        (x, view, tasks, rows, columns, panels, N, K, bias, flags, code, y),
    )


@inner
def filter_task(p, w, taps, backward, groups, per_group, N, K, panels):
    """Panel p of the filter."""
    width = panel_columns(w.itemsize)
    group, first = p // per_group, p % per_group * width
    pack_filter(w, taps, backward, groups, group, first, N, panels, p * width * K)


@inner
def _patch_task(job, x, view, tasks, rows, columns, panels, N, K, bias, flags, code, y):
    """A block of y, in one group."""
    group = job // tasks
    i0, i1, j0, j1 = block_bounds(job % tasks, y.shape[0], N, rows, columns)
    source = (x, view, group * (view.C // view.groups))
    size = -(-N // panel_columns(x.itemsize)) * panel_columns(x.itemsize) * K
    right = Right(panels[group * size :], K, 0, N, False, Matrix(panels, 0, 0, False))
    out = Out(y.reshape(-1), group * N, y.shape[1], bias[group * N :], flags, code)
    block(pack_patches, tile_packed, STRIDE, source, 0, K, right, out, i0, i1, j0, j1)


def filter_parts(M, rows, columns):
    """How many partial sums `filter_product` makes: enough tasks, each at least one depth block."""
    blocks = -(-rows // ROWS) * -(-columns // COLUMNS)
    return max(1, min(-(-TASKS // blocks), -(-M // DEPTH)))


@kernel
def filter_product(x, view, dz, panels, parts, dw):
    """dw (K, groups * N) = patches of x, transposed, @ dz (M, groups * N), through `parts` (count, K, groups * N)."""
    view = view_of(view)
    M, N = dz.shape[0], dz.shape[1] // view.groups
    K = dw.shape[0]
    per_group = -(-N // panel_columns(x.itemsize))
    direct = K <= DIRECT_ROWS
    if not direct:
        spread(_gradient_panel_task, view.groups * per_group, dz.size // 4, (dz, per_group, N, panels))
    blocks = -(-K // ROWS) * -(-N // COLUMNS)
    spread(
        _part_task,
        view.groups * parts.shape[0] * blocks,
        dz.size * K // MULTIPLIES,
        (x, view, M, N, dz, direct, panels, parts),
    )
    add_parts(parts, dw)


@inner
def _gradient_panel_task(p, dz, per_group, N, panels):
    """Panel p of dz."""
    width = panel_columns(dz.itemsize)
    group, first = p // per_group, p % per_group * width
    M = dz.shape[0]
    matrix = Matrix(dz.reshape(-1), 0, dz.shape[1], False)
    pack_panel(matrix, group * N + first, (group + 1) * N, 0, M, panels, p * width * M)


@inner
def _part_task(job, x, view, M, N, dz, direct, panels, parts):
    """A block of one group's part of dw."""
    count, K, columns = parts.shape
    down, right = -(-K // ROWS), -(-N // COLUMNS)
    group, part = job // (count * down * right), job // (down * right) % count
    i0, j0 = job % down * ROWS, job // down % right * COLUMNS
    depths = -(-M // DEPTH)
    length = -(-depths // count) * DEPTH
    source = (x, view, group * (view.C // view.groups))
    size = 0 if direct else -(-N // panel_columns(x.itemsize)) * panel_columns(x.itemsize) * M
    right = Right(panels[group * size :], M, 0, N, direct, Matrix(dz.reshape(-1), group * N, dz.shape[1], False))
    out = Out(parts.reshape(-1), part * K * columns + group * N, columns, panels, 0, NONE)
    block(
        pack_patches_transposed,
        tile_transposed,
        STRIDE,
        source,
        min(part * length, M),
        min((part + 1) * length, M),
        right,
        out,
        i0,
        min(i0 + ROWS, K),
        j0,
        min(j0 + COLUMNS, N),
    )


@inner
def add_parts(parts, total):
    """total (rows, columns) = parts (count, rows, columns), added up in their order; a single part is the total."""
    if parts.shape[0] > 1:
        spread(_sum_task, total.shape[0], parts.size // 4, (parts, total))


@inner
def _sum_task(i, parts, dw):
    """Row i of dw: the parts in their order."""
    for j in range(np.uint64(dw.shape[1])):
        dw[i, j] = parts[0, i, j]
    for part in range(1, parts.shape[0]):
        for j in range(np.uint64(dw.shape[1])):
            dw[i, j] += parts[part, i, j]
