"""Convolutions in which every channel has a filter of its own: no matrix product, but sums over taps for all channels.

Where a view's divisors are 1 (`image.py`), the taps that lie inside the image are a rectangle, r0 <= r < r1 and
s0 <= s < s1, and the same rectangle serves neighbouring outputs of a row except at its ends. A strip of STRIP such
outputs is summed up in registers, a vector of channels at a time. The gradient to the filter sums x dy along the
rows, in four interleaved chains.
"""

from collections import namedtuple

from .bias import RELU, activate
from .depthwise_strips import (
    EDGE,
    STRIP,
    gradient_of_3x3,
    one_output,
    row_product,
    strip_3,
    strip_3_by_2,
    strip_5,
    strip_5_by_2,
    strip_of_outputs,
)
from .image import add_parts, view_of
from .jit import inner, kernel
from .microkernel import RELU as CUT
from .threads import spread

# Output (n, p, q) of channel 0 lies at start + n * image + p * row + q * column.
Grid = namedtuple("Grid", "start image row column")

MULTIPLIES = 8  # that one core does in a nanosecond, at least
ROWS = 8  # rows of outputs whose part of the filter's gradient one task sums up


@kernel
def depthwise_product(x, view, w, taps, bias, flags, code, N, y, grid):
    """y = f(sum over taps of x * w (R * S, C) + bias) for the outputs of N images; the view's divisors are 1.

    Output (n, p, q) lies in y, flat, where the `grid` says: the four numbers of a Grid.
    """
    view, grid = view_of(view), Grid(*grid)
    work = N * view.P * view.Q * view.C * taps.size // MULTIPLIES
    flags |= CUT if code == RELU else 0
    spread(_output_row, N * view.P, work, (x.reshape(-1), view, w.reshape(-1), taps, bias, flags, code, y, grid))


@inner
def taps_inside(first, step, count, size):
    """(low, high) of the t < count for which 0 <= first + t * step < size; low = high where there is none."""
    low = min(max(0, -(first // step)), count)
    return low, max(low, min(count, -((first - size) // step)))


@inner
def _output_row(row, x, view, w, taps, bias, flags, code, y, grid):
    """Row `row % P` of image `row // P`."""
    n, p = row // view.P, row % view.P
    C, y_step = view.C, grid.column
    y_start = grid.start + n * grid.image + p * grid.row
    h = p * view.step_h + view.base_h
    r0, r1 = taps_inside(h, view.dilation_h, view.R, view.H)
    tap = taps[0] if taps.size else 0
    w_row = (taps[view.S] - taps[0]) * C if view.R > 1 else 0
    w_column = (taps[1] - taps[0]) * C if view.S > 1 else 0
    x_row, x_column, x_step = view.dilation_h * view.W * C, view.dilation_w * C, view.step_w * C
    shared = view.dilation_w == 1 and (view.S == 3 or view.S == 5) and (view.step_w == 1 or view.step_w == 2)
    seen = (STRIP - 1) * view.step_w + (view.S - 1) * view.dilation_w + 1  # pixels of a strip
    start = (n * view.H + h + r0 * view.dilation_h) * view.W
    q = 0
    while q < view.Q:
        first = min(q, view.Q - STRIP)  # the last strip does some outputs again
        left = first * view.step_w + view.base_w
        low, high = max(0, -left), min(seen, view.W - left)
        to = y_start + first * y_step
        if first >= 0 and shared and low <= EDGE and high >= seen - EDGE and r1 - r0 == view.S:
            pixel, weight = (start + left) * C, tap * C + r0 * w_row
            packed = (C << 32) | (low << 8) | high
            if view.S == 3 and view.step_w == 1:
                strip_3(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            elif view.S == 3:
                strip_3_by_2(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            elif view.step_w == 1:
                strip_5(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            else:
                strip_5_by_2(x, pixel, x_row, C, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags)
            q = first + STRIP
            continue
        whole = first >= 0 and low == 0 and high == seen
        if not whole:
            first = q
        left = first * view.step_w + view.base_w
        s0, s1 = taps_inside(left, view.dilation_w, view.S, view.W)
        pixel, weight = (start + left + s0 * view.dilation_w) * C, tap * C + r0 * w_row + s0 * w_column
        if r0 == r1 or s0 == s1:  # nothing is read then
            pixel, weight = 0, 0
        packed = (C << 32) | ((r1 - r0) << 16) | (s1 - s0)
        to = y_start + first * y_step
        if whole:
            strip_of_outputs(
                x, pixel, x_row, x_column, x_step, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags
            )
            q = first + STRIP
        else:
            one_output(
                x, pixel, x_row, x_column, x_step, w, weight, w_row, w_column, y, to, y_step, packed, bias, 0, flags
            )
            q += 1
    if code > RELU:
        activate(y, y_start, y_step, view.Q, C, code)


def depthwise_parts(N, P):
    """How many partial sums `depthwise_filter_gradient` makes."""
    return max(1, -(-N * P // ROWS))


@kernel
def depthwise_filter_gradient(x, view, dz, parts, dw):
    """dw (R * S, C) = sum over outputs of x * dz (N, P, Q, C), through `parts` (count, R * S, C)."""
    view = view_of(view)
    work = dz.size * view.R * view.S // MULTIPLIES
    spread(_gradient_part, parts.shape[0], work, (x.reshape(-1), view, dz, parts))
    add_parts(parts, dw)


@inner
def _is_3x3(view):
    return view.R == view.S == 3 and view.step_w == view.dilation_h == view.dilation_w == 1


@inner
def _gradient_part(part, x, view, dz, parts):
    """The part of ROWS rows of dz."""
    C = view.C
    parts[part] = 0
    total, gradients = parts.reshape(-1), dz.reshape(-1)
    for row in range(part * ROWS, min((part + 1) * ROWS, dz.shape[0] * view.P)):
        n, p = row // view.P, row % view.P
        h = p * view.step_h + view.base_h
        r0, r1 = taps_inside(h, view.dilation_h, view.R, view.H)
        if _is_3x3(view):
            pixel, to = (n * view.H + h) * view.W * C, part * 9 * C
            packed, bounds = (C << 32) | view.Q, (-view.base_w << 48) | (r0 << 40) | (r1 << 32) | view.W
            gradient_of_3x3(
                x, pixel, view.W * C, C, gradients, row * view.Q * C, C, total, to, 3 * C, C, packed, bounds
            )
            continue
        for r in range(r0, r1):
            for s in range(view.S):
                first = view.base_w + s * view.dilation_w
                q0, q1 = taps_inside(first, view.step_w, view.Q, view.W)
                if q0 == q1:
                    continue
                pixel = ((n * view.H + h + r * view.dilation_h) * view.W + first + q0 * view.step_w) * C
                to = (part * view.R * view.S + r * view.S + s) * C
                row_product(x, pixel, view.step_w * C, gradients, (row * view.Q + q0) * C, C, q1 - q0, total, to, C)
