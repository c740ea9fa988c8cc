"""The gradient of a 3 x 3 convolution to its filter by Winograd's minimal filtering.

The idea of winograd.py with the roles changed: squares of 6 x 6 pixels and of 4 x 4 of dy give 3 x 3,

dw = A3^T [sum over squares of (B^T x B) * (G4 dy G4^T)] A3

with G4 (6, 4) and A3 (6, 3) of the same points; in one dimension

G4   dy = (dy0,    (dy0 + 2 dy2 ± a (dy1 + 2 dy3)) / 6,    -(dy0 + dy2/2 ± (dy1 + dy3/2) / a) / (3/2),    dy3)
A3^T m  = (m0 + s + t,    a d + e/a,    2 s + t/2 + m5)                          s, d = m1 ± m2    t, e = m3 ± m4

The sums over squares are 36 products of (C, squares) by (squares, K), of CHANNELS x CHANNELS a task; parts of the
squares are added in their order.
"""

import numpy as np

from .gemm import MULTIPLIES, TASKS
from .image import add_parts
from .jit import inner, kernel
from .machine import TILE_ROWS
from .microkernel import ACCUMULATE, tile_by_columns
from .panels import panel_columns
from .threads import spread
from .transforms import transform
from .winograd import CHANNELS, PAD, SQUARES, A, image_transform, place_of, transform_patch

STEP = SQUARES * CHANNELS + PAD  # from one of the 36 matrices of transformed squares to the next


def _of_gradient(dy):
    even, odd = 1 / 6 * (dy[0] + 2 * dy[2]), A / 6 * (dy[1] + 2 * dy[3])
    even2, odd2 = -2 / 3 * (dy[0] + 0.5 * dy[2]), -2 / 3 / A * (dy[1] + 0.5 * dy[3])
    return [dy[0], even + odd, even - odd, even2 + odd2, even2 - odd2, dy[3]]


def _to_filter(m):
    s, d, t, e = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + s + t, A * d + 1 / A * e, 2 * s + 0.5 * t + m[5]]


_gradient_transform = transform("winograd_gradient", _of_gradient, 4, 6)
_to_filter_transform = transform("winograd_to_filter", _to_filter, 6, 3)


def gradient_parts(squares, C, K):
    """How many partial sums `winograd_filter_gradient` makes: enough tasks, each at least SQUARES squares."""
    blocks = -(-C // CHANNELS) * -(-K // CHANNELS)
    return max(1, min(-(-TASKS // blocks), -(-squares // SQUARES)))


@kernel
def winograd_filter_gradient(x, top, left, dz, parts, dw):
    """dw (3, 3, C, K) of x (N, H, W, C) and dz (N, P, Q, K), through `parts` (count, 9 * C, K)."""
    N, P, Q, K = dz.shape
    C = x.shape[3]
    squares = N * -(-P // 4) * -(-Q // 4)
    blocks = -(-C // CHANNELS) * -(-K // CHANNELS)
    spread(_gradient_task, parts.shape[0] * blocks, 36 * squares * C * K // MULTIPLIES, (x, top, left, dz, parts))
    add_parts(parts, dw.reshape(9 * C, K))


@inner
def _gradient_task(task, x, top, left, dz, parts):
    """One part of dw, for CHANNELS of x and CHANNELS of dz."""
    (N, P, Q, K), C = dz.shape, x.shape[3]
    down, across = -(-P // 4), -(-Q // 4)
    inputs = -(-C // CHANNELS)
    blocks = inputs * -(-K // CHANNELS)
    part, c0, k0 = task // blocks, task % inputs * CHANNELS, task % blocks // inputs * CHANNELS
    length = -(-N * down * across // parts.shape[0])
    first, end = min(part * length, N * down * across), min((part + 1) * length, N * down * across)
    channels, outputs = min(CHANNELS, C - c0), min(CHANNELS, K - k0)
    images = np.empty(36 * STEP + TILE_ROWS, x.dtype)
    gradients = np.empty(36 * STEP, x.dtype)
    sums = np.empty(36 * (CHANNELS * CHANNELS + PAD), x.dtype)
    if first == end:
        sums[:] = 0
    edge = np.empty(36 * CHANNELS, x.dtype)
    for start in range(first, end, SQUARES):
        count = min(SQUARES, end - start)
        for s in range(count):
            n, i, j = place_of(start + s, down, across)
            to = s * CHANNELS
            transform_patch(image_transform, x, n, c0, channels, i - top, j - left, 6, images, to, STEP, edge)
            transform_patch(_gradient_transform, dz, n, k0, outputs, i, j, 4, gradients, to, STEP, edge)
        _multiply(images, gradients, count, channels, outputs, sums, 0 if start == first else ACCUMULATE)
    flat = parts.reshape(-1)
    column = CHANNELS * CHANNELS + PAD
    row = 6 * column
    for c in range(channels):
        place = (part * 9 * C + c0 + c) * K + k0
        _to_filter_transform(sums, c * CHANNELS, row, column, flat, place, 3 * C * K, C * K, outputs, images, 0, 0)


@inner
def _multiply(images, gradients, count, channels, outputs, sums, flags):
    """sums (36, L, L) (+)= images (36, SQUARES, L), transposed, @ gradients (36, SQUARES, L), for L = CHANNELS."""
    L = CHANNELS
    width = panel_columns(sums.itemsize)
    for element in range(36):
        base = element * STEP
        for k in range(0, outputs, width):
            columns = min(width, outputs - k)
            for c in range(0, channels, TILE_ROWS):
                rows = min(TILE_ROWS, channels - c)
                a, b, to = base + c, base + k, element * (L * L + PAD) + c * L + k
                tile_by_columns(images, a, L, gradients, b, L, sums, to, L, images, 0, count, rows, columns, flags)
