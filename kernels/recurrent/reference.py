"""Recurrent networks in NumPy, step by step, as their formulas read.

x, dx (B, T, D)    y, dy (B, T, H)    h0, h, c0, c and their gradients (B, H)    mask (B, T)
w (D, G H), u (H, G H), b (G H,): G gates side by side    gates (T, G, B, H)    inner, cells (T, B, H)

simple_rnn  h = f(x w + h' u + b)                                          Elman 1990, Finding structure in time
gru         z, r = sigmoid(x w + h' u + b)    h = z h' + (1 - z) g         Cho et al. 2014, arXiv:1406.1078, eq. 5 to 8
            g = tanh(x w + (r h') u + b)                inner = r h'
     or     g = tanh(x w + b[0] + r (h' u + b[1]))      inner = h' u + b[1]    reset_after, as in cuDNN
lstm        i, f, o = sigmoid(x w + h' u + b)    g = tanh(x w + h' u + b)  Hochreiter, Schmidhuber 1997; the gate f is
            c = f c' + i g    h = o tanh(c)                                of Gers, Schmidhuber, Cummins 2000

h', c' are the states before a step. Keras's order of the gates: z, r, g and i, f, g, o. A masked step keeps the states.
The gradients follow the steps backwards (Werbos 1990, Backpropagation through time); da is that of what a gate's
function is applied to, 0 in a masked step.
"""

import numpy as np


def simple_rnn_forward(x, w, u, b=None, h0=None, *, mask=None, activation="tanh", reverse=False, out=None):
    f = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0)}[activation]
    h, live = _start(x, u, h0), _live(x, mask)
    y = np.empty((*x.shape[:2], u.shape[0]), x.dtype)
    for t in _steps(x, reverse):
        h = np.where(live[t], f(_sum(x[:, t] @ w + h @ u, b)), h)
        y[:, t] = h
    return y, h


def simple_rnn_backward(
    dy, x, w, u, b=None, h0=None, *, y, mask=None, dh=None, activation="tanh", reverse=False, need_dx=True
):
    live, before = _live(x, mask), _before(y, _start(x, u, h0), reverse)
    dh = _start(x, u, dh)
    da = np.zeros((*x.shape[:2], u.shape[1]), x.dtype)
    for t in _steps(x, not reverse):
        dh = dh if dy is None else dh + dy[:, t]
        through = np.where(y[:, t] > 0, dh, 0) if activation == "relu" else dh * (1 - y[:, t] ** 2)
        da[:, t] = np.where(live[t], through, 0)
        dh = np.where(live[t], 0, dh) + da[:, t] @ u.T
    du = _product(before, da)
    return *_weights(x, w, da, b, need_dx, du), None if h0 is None else dh


def gru_forward(x, w, u, b=None, h0=None, *, mask=None, reset_after=True, reverse=False, out=None):
    H = u.shape[0]
    b_input, b_inner = b if reset_after and b is not None else (b, None)
    h, live = _start(x, u, h0), _live(x, mask)
    y, gates, inner = _results(x, H, 3)
    for t in _steps(x, reverse):
        a = _sum(x[:, t] @ w, b_input)
        if reset_after:
            a_inner = _sum(h @ u, b_inner)
            z, r = np.split(_sigmoid(a[:, : 2 * H] + a_inner[:, : 2 * H]), 2, axis=1)
            inner[t] = a_inner[:, 2 * H :]
            g = np.tanh(a[:, 2 * H :] + r * inner[t])
        else:
            z, r = np.split(_sigmoid(a[:, : 2 * H] + h @ u[:, : 2 * H]), 2, axis=1)
            inner[t] = r * h
            g = np.tanh(a[:, 2 * H :] + inner[t] @ u[:, 2 * H :])
        h = np.where(live[t], z * h + (1 - z) * g, h)
        y[:, t], gates[t] = h, (z, r, g)
    return y, h, gates, inner


def gru_backward(
    dy, x, w, u, b=None, h0=None, *, y, gates, inner, mask=None, dh=None, reset_after=True, reverse=False, need_dx=True
):
    H = u.shape[0]
    live, before = _live(x, mask), _before(y, _start(x, u, h0), reverse)
    dh = _start(x, u, dh)
    da = np.zeros((*x.shape[:2], 3 * H), x.dtype)
    da_inner = np.zeros_like(da)  # the gradient of what u gives, and its bias; of g's it differs with reset_after
    for t in _steps(x, not reverse):
        dh = dh if dy is None else dh + dy[:, t]
        z, r, g = gates[t]
        dz = np.where(live[t], dh * (before[:, t] - g) * z * (1 - z), 0)
        dg = np.where(live[t], dh * (1 - z) * (1 - g * g), 0)
        dh = np.where(live[t], dh * z, dh)
        if reset_after:
            dr = np.where(live[t], dg * inner[t] * r * (1 - r), 0)
            dinner = np.where(live[t], dg * r, 0)
            dh = dh + dinner @ u[:, 2 * H :].T
        else:
            dinner = dg
            dreset = dg @ u[:, 2 * H :].T
            dr = np.where(live[t], dreset * before[:, t] * r * (1 - r), 0)
            dh = dh + np.where(live[t], dreset * r, 0)
        da[:, t], da_inner[:, t] = np.hstack([dz, dr, dg]), np.hstack([dz, dr, dinner])
        dh = dh + da[:, t, : 2 * H] @ u[:, : 2 * H].T
    read = before if reset_after else inner.swapaxes(0, 1)  # by the last part of u
    du = _product(before, da_inner)
    du[:, 2 * H :] = _product(read, da_inner[..., 2 * H :])
    dx, dw, du, db = _weights(x, w, da, b, need_dx, du)
    if b is not None and reset_after:
        db = np.stack([db, da_inner.sum((0, 1))])
    return dx, dw, du, db, None if h0 is None else dh


def lstm_forward(x, w, u, b=None, h0=None, c0=None, *, mask=None, reverse=False, out=None):
    H = u.shape[0]
    h, c, live = _start(x, u, h0), _start(x, u, c0), _live(x, mask)
    y, gates, cells = _results(x, H, 4)
    for t in _steps(x, reverse):
        i, f, g, o = np.split(_sum(x[:, t] @ w + h @ u, b), 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        c = np.where(live[t], f * c + i * g, c)
        h = np.where(live[t], o * np.tanh(c), h)
        y[:, t], gates[t], cells[t] = h, (i, f, g, o), c
    return y, h, c, gates, cells


def lstm_backward(
    dy, x, w, u, b=None, h0=None, c0=None, *, y, gates, cells, mask=None, dh=None, dc=None, reverse=False, need_dx=True
):
    live, before = _live(x, mask), _before(y, _start(x, u, h0), reverse)
    cells_before = _before(cells.swapaxes(0, 1), _start(x, u, c0), reverse)
    dh, dc = _start(x, u, dh), _start(x, u, dc)
    da = np.zeros((*x.shape[:2], u.shape[1]), x.dtype)
    for t in _steps(x, not reverse):
        dh = dh if dy is None else dh + dy[:, t]
        i, f, g, o = gates[t]
        tanh_c = np.tanh(cells[t])
        dc = np.where(live[t], dc + dh * o * (1 - tanh_c**2), dc)
        parts = (
            dc * g * i * (1 - i),
            dc * cells_before[:, t] * f * (1 - f),
            dc * i * (1 - g * g),
            dh * tanh_c * o * (1 - o),
        )
        da[:, t] = np.where(live[t], np.hstack(parts), 0)
        dc = np.where(live[t], dc * f, dc)
        dh = np.where(live[t], 0, dh) + da[:, t] @ u.T
    du = _product(before, da)
    return *_weights(x, w, da, b, need_dx, du), None if h0 is None else dh, None if c0 is None else dc


def _sum(a, b):
    return a if b is None else a + b


def _sigmoid(a):
    return (1 + np.tanh(a / 2)) / 2


def _steps(x, reverse):
    return range(x.shape[1])[:: -1 if reverse else 1]


def _start(x, u, state):
    return np.zeros((x.shape[0], u.shape[0]), x.dtype) if state is None else state


def _live(x, mask):
    """(T, B, 1): whether a step of a sequence counts."""
    return np.ones((x.shape[1], x.shape[0], 1), bool) if mask is None else mask.T[:, :, None]


def _results(x, H, G):
    """y, gates, inner or cells."""
    (B, T, _), dtype = x.shape, x.dtype
    return np.empty((B, T, H), dtype), np.empty((T, G, B, H), dtype), np.empty((T, B, H), dtype)


def _before(states, first, reverse):
    """(B, T, H): the state before every step."""
    if reverse:
        return np.concatenate([states, first[:, None]], 1)[:, 1:]
    return np.concatenate([first[:, None], states], 1)[:, :-1]


def _weights(x, w, da, b, need_dx, du):
    """dx, dw, du, db."""
    return da @ w.T if need_dx else None, _product(x, da), du, None if b is None else da.sum((0, 1))


def _product(a, da):
    """Of all steps, a^T da."""
    return np.tensordot(a, da, ((0, 1), (0, 1)))
