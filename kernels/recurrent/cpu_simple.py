"""Elman's network's loops over time on the CPU.

zx, da (B, T, H), the inputs' part of a, and a's gradient; y, dy, before (B, T, H); h0, h, dh, dh0 (B, H); tasks read
all of them as flat arrays

h = f(a), f tanh or relu    da = dh f'(a), f' = 1 - h^2 or [h > 0]    dh' = da u^T
"""

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.threads import flat, spread
from .cpu_steps import (
    Sequences,
    add_product,
    add_rows,
    clear,
    copy,
    keep,
    read_rows,
    silence,
    state_before,
    tanh_of,
    write_rows,
)


@kernel
def simple_rnn_steps(rows, work, zx, panels, h0, mask, masked, reverse, relu, y, h):
    s = Sequences(*y.shape, rows, flat(mask), masked, reverse)
    spread(_task, -(-s.B // rows), work, (s, relu, flat(zx), panels, flat(h0), flat(y), flat(h)))


@inner
def _task(task, s, relu, zx, panels, h0, y, last_h):
    """All steps of the sequences from `first` on."""
    first = task * s.rows
    rows = min(s.rows, s.B - first)
    T, H, n, start = s.T, s.H, rows * s.H, first * s.H
    room = np.empty(2 * n, y.dtype)
    h, new = room[:n], room[n:]
    copy(h0[start:], h)
    for step in range(T):
        t = T - 1 - step if s.reverse else step
        at = (first * T + t) * H  # the place of the first sequence's step
        read_rows(zx, at, T * H, rows, new)
        add_product(h, rows, panels, H, new)
        if relu:
            _relu_of(new)
        else:
            tanh_of(new)
        keep(s, first, rows, t, h, new)
        write_rows(new, rows, y, at, T * H)
        h, new = new, h
    copy(h, last_h[start : start + n])


@inner
def _relu_of(a):
    zero = a.dtype.type(0)
    for j in range(np.uint64(a.size)):
        a[j] = zero if a[j] < zero else a[j]  # NaN stays


@kernel
def simple_rnn_gradient_steps(rows, work, dy, has_dy, dh, panels, h0, y, mask, masked, reverse, relu, da, before, dh0):
    s = Sequences(*y.shape, rows, flat(mask), masked, reverse)
    given = flat(dy), has_dy, flat(dh), flat(h0), flat(y), panels
    spread(_gradient_task, -(-s.B // rows), work, (s, relu, *given, flat(da), flat(before), flat(dh0)))


@inner
def _gradient_task(task, s, relu, dy, has_dy, last_dh, h0, y, panels, da, before, dh0):
    """All steps of the sequences from `first` on, the last step first."""
    first = task * s.rows
    rows = min(s.rows, s.B - first)
    T, H, n, start = s.T, s.H, rows * s.H, first * s.H
    room = np.empty(4 * n, y.dtype)
    dh, new_dh, h, part = room[:n], room[n : 2 * n], room[2 * n : 3 * n], room[3 * n :]
    copy(last_dh[start:], dh)
    for step in range(T):
        t = step if s.reverse else T - 1 - step
        at = (first * T + t) * H  # the place of the first sequence's step
        if has_dy:
            add_rows(dy, at, T * H, rows, dh)
        state_before(s, first, rows, t, y, h0, h)
        write_rows(h, rows, before, at, T * H)
        read_rows(y, at, T * H, rows, h)
        if relu:
            _through_relu(dh, h, part)
        else:
            _through_tanh(dh, h, part)
        silence(s, first, rows, t, part)
        clear(new_dh)
        keep(s, first, rows, t, dh, new_dh)
        add_product(part, rows, panels, H, new_dh)
        write_rows(part, rows, da, at, T * H)
        dh, new_dh = new_dh, dh
    copy(dh, dh0[start : start + n])


@inner
def _through_relu(d, y, da):
    zero = y.dtype.type(0)
    for j in range(np.uint64(da.size)):
        da[j] = d[j] if y[j] > zero else zero


@inner
def _through_tanh(d, y, da):
    one = y.dtype.type(1)
    for j in range(np.uint64(da.size)):
        da[j] = d[j] * (one - y[j] * y[j])
