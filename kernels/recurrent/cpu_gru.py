"""GRU's loops over time on the CPU, in both forms.

zx (B, T, 3 H), the inputs' part of a; y, dy, before, other (B, T, H); gates (T, 3, B, H); inner (T, B, H)
da (B, T, 3 H); h0, h, dh, dh0 (B, H); tasks read all of them as flat arrays

z, r = sigmoid(a)   g = tanh(a)   h = z h' + (1 - z) g   a of g: zx + r inner, inner = h' u + b, or zx + inner u,
inner = r h'
da_z = dh (h' - g) z (1 - z)      da_g = dh (1 - z) (1 - g^2)
dinner = da_g r                   da_r = da_g inner r (1 - r)              with reset_after
dinner = da_g u^T                 da_r = dinner h' r (1 - r)               without
dh' = dh z + da_zr u^T + (dinner u^T or dinner r)
"""

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.panels import panel_columns
from .._cpu.prefetch import prefetch
from .._cpu.threads import flat, spread
from .cpu_steps import (
    PAD,
    TOGETHER,
    Sequences,
    add_column_sums,
    add_product,
    add_rows,
    add_transposed_product,
    ask_rows,
    clear,
    copy,
    keep,
    read_rows,
    sigmoid_of,
    silence,
    state_before,
    tanh_of,
    through_sigmoid,
    times,
    write_rows,
)


@kernel
def gru_steps(rows, work, zx, panels, b, h0, mask, masked, reverse, reset_after, y, h, gates, inner):
    s = Sequences(*y.shape, rows, flat(mask), masked, reverse)
    arrays = flat(zx), panels, flat(b), flat(h0), flat(y), flat(h), flat(gates), flat(inner)
    spread(_task, -(-s.B // rows), work, (s, reset_after, *arrays))


@inner
def _task(task, s, reset_after, zx, panels, b, h0, y, last_h, gates, inners):
    """All steps of the sequences from `first` on."""
    first = task * s.rows
    rows = min(s.rows, s.B - first)
    T, H, n, start, size, apart = s.T, s.H, rows * s.H, first * s.H, panels.size // 3, s.B * s.H
    room = np.empty(2 * n, y.dtype)
    h, new = room[:n], room[n:]
    copy(h0[start:], h)
    for step in range(T):
        t = T - 1 - step if s.reverse else step
        at = first * T + t  # the place of the first sequence's step
        z, part = gates[t * 3 * apart + start :], inners[t * apart + start :][:n]
        r, g = z[apart:], z[2 * apart :][:n]
        for gate in range(3):
            a = z[gate * apart :][:n]
            read_rows(zx, (at * 3 + gate) * H, T * 3 * H, rows, a)
            state, sums = h, a
            if gate == 2:
                if reset_after:
                    sums = part
                    read_rows(b, 0, 0, rows, part)
                else:
                    state = part
                    times(r, h, part)
            add_product(state, rows, panels[gate * size :], H, sums)
            if gate < 2:
                sigmoid_of(a)
        if reset_after:
            _add_times(r, part, g)
        tanh_of(g)
        _mix(z, h, g, new)
        keep(s, first, rows, t, h, new)
        write_rows(new, rows, y, at * H, T * H)
        h, new = new, h
    copy(h, last_h[start : start + n])


@inner
def _add_times(a, b, c):
    """c += a b."""
    for j in range(np.uint64(c.size)):
        c[j] += a[j] * b[j]


@inner
def _mix(z, h, g, new):
    one = z.dtype.type(1)
    for j in range(np.uint64(new.size)):
        new[j] = z[j] * h[j] + (one - z[j]) * g[j]


@kernel
def gru_gradient_steps(
    rows,
    work,
    dy,
    has_dy,
    dh,
    panels,
    h0,
    y,
    gates,
    inner,
    mask,
    masked,
    reverse,
    reset_after,
    da,
    before,
    other,
    dh0,
    own,
    x,
    w_panels,
    need_dx,
    dx,
    sums,
):
    """If tasks do the weights' gradients on their `own`, da, before and other are not used, but dx and sums."""
    s = Sequences(*y.shape, rows, flat(mask), masked, reverse)
    given = flat(dy), has_dy, flat(dh), flat(h0), flat(y), flat(gates), flat(inner), panels
    results = flat(da), flat(before), flat(other), flat(dh0)
    more = own, flat(x), x.shape[2], w_panels, need_dx, flat(dx), flat(sums)
    spread(_gradient_task, -(-s.B // rows), work, (s, reset_after, *given, *results, *more))


@inner
def _gradient_task(
    task, s, reset_after, dy, has_dy, last_dh, h0, y, gates, inners, panels, all_da, all_before, all_other, dh0,
    own, x, D, w_panels, need_dx, dx, all_sums,
):  # fmt: skip
    """All steps of the sequences from `first` on, the last step first.

    On its own a task gathers rows of da, before and other for as many steps as make TOGETHER of them, and their x.
    """
    first = task * s.rows
    rows = min(s.rows, s.B - first)
    T, H, n, start, apart, width = s.T, s.H, rows * s.H, first * s.H, s.B * s.H, panel_columns(y.itemsize)
    together = max(TOGETHER // rows, 1) * rows if own else 0
    room = np.empty(7 * n + rows * D + together * (D + 5 * H) + 4 * PAD, y.dtype)
    dh, new_dh, h, dinner, parts = room[:n], room[n : 2 * n], room[2 * n : 3 * n], room[3 * n : 4 * n], room[4 * n :]
    dz, dr, dg, dxs = parts[:n], parts[n : 2 * n], parts[2 * n : 3 * n], parts[3 * n :][: rows * D]
    da, before, other = all_da, all_before, all_other
    inputs = sums = room[7 * n + rows * D :]
    if own:
        da, inputs = inputs[: together * 3 * H + PAD], inputs[together * 3 * H + PAD :]
        before, inputs = inputs[: together * H + PAD], inputs[together * H + PAD :]
        other, inputs = inputs[: together * H + PAD], inputs[together * H + PAD :]
        size = (D + H + 2) * 3 * H
        sums = all_sums[task * size : (task + 1) * size]
        clear(sums)
    gathered, to, step_rows = 0, 0, 1
    copy(last_dh[start:], dh)
    for step in range(T):
        t = step if s.reverse else T - 1 - step
        at = first * T + t  # the place of the first sequence's step
        to, step_rows = (gathered, 1) if own else (at, T)
        if step + 1 < T:
            ahead = 1 if s.reverse else -1  # the next step's rows lie too far apart to be expected
            for gate in range(3):
                prefetch(gates, ((t + ahead) * 3 + gate) * apart + start, n)
            prefetch(inners, (t + ahead) * apart + start, n)
            ask_rows(dy, (at + ahead) * H, T * H, rows, H)
        if has_dy:
            add_rows(dy, at * H, T * H, rows, dh)
        state_before(s, first, rows, t, y, h0, h)
        write_rows(h, rows, before, to * H, step_rows * H)
        z, inner = gates[t * 3 * apart + start :], inners[t * apart + start :][:n]
        r, g = z[apart:], z[2 * apart :]
        _less(h, g, dr)  # dr's memory is free as yet
        through_sigmoid(dh, dr, z, dz)
        _through_mix(dh, z, g, dg)
        times(dh, z, new_dh)
        silence(s, first, rows, t, dg)
        keep(s, first, rows, t, dh, new_dh)
        if reset_after:
            times(dg, r, dinner)
            through_sigmoid(dg, inner, r, dr)
        else:
            clear(dinner)
        if own:
            read_rows(x, at * D, T * D, rows, inputs[gathered * D :][: rows * D])
            clear(dxs)
        for turn in range(3):
            gate = (turn + 2) % 3
            part, sum_of = parts[gate * n : (gate + 1) * n], new_dh
            silence(s, first, rows, t, part)
            write_rows(part, rows, da, (to * 3 + gate) * H, step_rows * 3 * H)
            if own and need_dx:
                add_product(part, rows, w_panels[gate * H * width :], 3 * H, dxs)
            if gate == 2:
                if reset_after:
                    part = dinner
                    silence(s, first, rows, t, part)
                else:
                    sum_of = dinner
            add_product(part, rows, panels[gate * H * width :], 3 * H, sum_of)
            if gate == 2 and not reset_after:
                through_sigmoid(dinner, h, r, dr)
                times(dinner, r, dinner)
                silence(s, first, rows, t, dinner)
                _add(dinner, new_dh)
        write_rows(dinner if reset_after else inner, rows, other, to * H, step_rows * H)
        dh, new_dh = new_dh, dh
        if own:
            if need_dx:
                write_rows(dxs, rows, dx, at * D, T * D)
            gathered += rows
            if gathered == together or step == T - 1:
                _add_gradients(inputs, before, da, other, D, H, gathered, sums)
                gathered = 0
    copy(dh, dh0[start : start + n])


@inner
def _add_gradients(x, before, da, other, D, H, rows, sums):
    """To the sums dw (D, 3 H), du (H, 3 H) and db (2, 3 H) what so many gathered rows add; `add_up` has the rest."""
    of_u, of_b = 3 * H * D, 3 * H * (D + H)
    add_transposed_product(x, D, da, 3 * H, 3 * H, rows, sums, 0, 3 * H)
    add_transposed_product(before, H, da, 3 * H, 2 * H, rows, sums, of_u, 3 * H)
    add_transposed_product(before, H, other, H, H, rows, sums, of_u + 2 * H, 3 * H)
    add_column_sums(da, rows, sums[of_b : of_b + 3 * H])
    add_column_sums(other, rows, sums[of_b + 5 * H : of_b + 6 * H])


@kernel
def add_up(sums, H, total):
    """The sum of the tasks' sums (tasks, size), in their order; of z and r both biases have the same gradient."""
    for j in range(np.uint64(total.size)):
        total[j] = sums[0, j]
    for task in range(np.uint64(1), np.uint64(sums.shape[0])):
        for j in range(np.uint64(total.size)):
            total[j] += sums[task, j]
    to = total[total.size - 3 * H :]
    copy(total[total.size - 6 * H :], to[: 2 * H])


@inner
def _less(a, b, c):
    """c = a - b."""
    for j in range(np.uint64(c.size)):
        c[j] = a[j] - b[j]


@inner
def _through_mix(d, z, g, da):
    """da = d (1 - z) (1 - g^2)."""
    one = z.dtype.type(1)
    for j in range(np.uint64(da.size)):
        da[j] = d[j] * (one - z[j]) * (one - g[j] * g[j])


@inner
def _add(a, b):
    """b += a."""
    for j in range(np.uint64(b.size)):
        b[j] += a[j]
