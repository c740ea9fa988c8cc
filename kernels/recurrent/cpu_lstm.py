"""LSTM's loops over time on the CPU.

zx (B, T, 4 H), the inputs' part of a; y, dy, before (B, T, H); gates (T, 4, B, H); cells (T, B, H); da (B, T, 4 H)
h0, h, c0, c, dh, dc, dh0, dc0 (B, H); tasks read all of them as flat arrays

i, f, o = sigmoid(a)   g = tanh(a)   c = f c' + i g   h = o tanh(c)
dc += dh o (1 - tanh(c)^2)    da_i = dc g i (1 - i)    da_f = dc c' f (1 - f)    da_g = dc i (1 - g^2)
da_o = dh tanh(c) o (1 - o)   dc' = dc f               dh' = da u^T
"""

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.panels import panel_columns
from .._cpu.threads import flat, spread
from .._cpu.vecmath import tanh
from .cpu_steps import (
    Sequences,
    add_product,
    add_rows,
    clear,
    copy,
    keep,
    read_rows,
    sigmoid_of,
    silence,
    state_before,
    tanh_of,
    through_sigmoid,
    through_tanh,
    times,
    write_rows,
)


@kernel
def lstm_steps(rows, work, zx, panels, h0, c0, mask, masked, reverse, y, h, c, gates, cells):
    s = Sequences(*y.shape, rows, flat(mask), masked, reverse)
    arrays = flat(h0), flat(c0), flat(y), flat(h), flat(c), flat(gates), flat(cells)
    spread(_task, -(-s.B // rows), work, (s, flat(zx), panels, *arrays))


@inner
def _task(task, s, zx, panels, h0, c0, y, last_h, last_c, gates, cells):
    """All steps of the sequences from `first` on."""
    first = task * s.rows
    rows = min(s.rows, s.B - first)
    T, H, n, start, size, apart = s.T, s.H, rows * s.H, first * s.H, panels.size // 4, s.B * s.H
    room = np.empty(3 * n, y.dtype)
    h, new, before = room[:n], room[n : 2 * n], room[2 * n :]
    copy(h0[start:], h)
    copy(c0[start:], before)
    for step in range(T):
        t = T - 1 - step if s.reverse else step
        at = first * T + t  # the place of the first sequence's step
        step_gates = gates[t * 4 * apart + start :]
        for gate in range(4):
            a = step_gates[gate * apart :][:n]
            read_rows(zx, (at * 4 + gate) * H, T * 4 * H, rows, a)
            add_product(h, rows, panels[gate * size :], H, a)
            if gate == 2:
                tanh_of(a)
            else:
                sigmoid_of(a)
        c = cells[t * apart + start :][:n]
        _cell(step_gates, step_gates[apart:], step_gates[2 * apart :], before, c)
        _output(step_gates[3 * apart :], c, new)
        keep(s, first, rows, t, before, c)
        keep(s, first, rows, t, h, new)
        write_rows(new, rows, y, at * H, T * H)
        h, new, before = new, h, c
    copy(h, last_h[start : start + n])
    copy(before, last_c[start : start + n])


@inner
def _cell(i, f, g, before, c):
    for j in range(np.uint64(c.size)):
        c[j] = f[j] * before[j] + i[j] * g[j]


@inner
def _output(o, c, h):
    for j in range(np.uint64(h.size)):
        h[j] = o[j] * tanh(c[j])


@kernel
def lstm_gradient_steps(
    rows, work, dy, has_dy, dh, dc, panels, h0, c0, y, gates, cells, mask, masked, reverse, da, before, dh0, dc0
):
    s = Sequences(*y.shape, rows, flat(mask), masked, reverse)
    given = flat(dy), has_dy, flat(dh), flat(dc), flat(h0), flat(c0), flat(y), flat(gates), flat(cells), panels
    spread(_gradient_task, -(-s.B // rows), work, (s, *given, flat(da), flat(before), flat(dh0), flat(dc0)))


@inner
def _gradient_task(task, s, dy, has_dy, last_dh, last_dc, h0, c0, y, gates, cells, panels, da, before, dh0, dc0):
    """All steps of the sequences from `first` on, the last step first."""
    first = task * s.rows
    rows = min(s.rows, s.B - first)
    T, H, n, start, apart, width = s.T, s.H, rows * s.H, first * s.H, s.B * s.H, panel_columns(y.itemsize)
    room = np.empty(10 * n, y.dtype)
    dh, dc, new_dh, new_dc = room[:n], room[n : 2 * n], room[2 * n : 3 * n], room[3 * n : 4 * n]
    tanh_c, c, parts = room[4 * n : 5 * n], room[5 * n : 6 * n], room[6 * n :]
    copy(last_dh[start:], dh)
    copy(last_dc[start:], dc)
    for step in range(T):
        t = step if s.reverse else T - 1 - step
        at = first * T + t  # the place of the first sequence's step
        if has_dy:
            add_rows(dy, at * H, T * H, rows, dh)
        state_before(s, first, rows, t, y, h0, c)
        write_rows(c, rows, before, at * H, T * H)
        i = gates[t * 4 * apart + start :]
        f, g, o = i[apart:], i[2 * apart :], i[3 * apart :]
        _tanh(cells[t * apart + start :], tanh_c)
        if step == T - 1:
            copy(c0[start:], c)
        else:
            copy(cells[(t + 1 if s.reverse else t - 1) * apart + start :], c)
        through_sigmoid(dh, tanh_c, o, parts[3 * n :])
        through_tanh(dh, o, tanh_c, new_dc)
        _add(dc, new_dc)
        through_sigmoid(new_dc, g, i, parts[:n])
        through_sigmoid(new_dc, c, f, parts[n : 2 * n])
        through_tanh(new_dc, i, g, parts[2 * n : 3 * n])
        times(new_dc, f, new_dc)
        clear(new_dh)
        keep(s, first, rows, t, dc, new_dc)
        keep(s, first, rows, t, dh, new_dh)
        for gate in range(4):
            part = parts[gate * n : (gate + 1) * n]
            silence(s, first, rows, t, part)
            add_product(part, rows, panels[gate * H * width :], 4 * H, new_dh)
            write_rows(part, rows, da, (at * 4 + gate) * H, T * 4 * H)
        dh, new_dh, dc, new_dc = new_dh, dh, new_dc, dc
    copy(dh, dh0[start : start + n])
    copy(dc, dc0[start : start + n])


@inner
def _tanh(x, y):
    for j in range(np.uint64(y.size)):
        y[j] = tanh(x[j])


@inner
def _add(a, b):
    for j in range(np.uint64(b.size)):
        b[j] += a[j]
