"""Recurrent networks on the CPU: the inputs of all steps in one product, a loop over time, the weights' gradients.

x, dx (B, T, D)    y, dy, before (B, T, H)    w, dw (D, G H)    u, du (H, G H)    b, db (G H,)    h0, c0 … (B, H)
gates (T, G, B, H)    inner, cells (T, B, H)    zx, da (B, T, G H)

zx = x w + b                                        one product of B T rows
h  = step(zx + h' u), a step after the other        cpu_simple.py, cpu_gru.py, cpu_lstm.py: one call for all steps
da and dh, a step before the other                  likewise
dx = da w^T    dw = x^T da    du = before^T da    db = sum_BT da                            products of B T rows

A GRU's tasks do the last line themselves where the weights are small: what they read is then still in their cores'
caches, and da, before and other never go to memory.

Elman 1990; Cho et al. 2014, arXiv:1406.1078; Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000. Sums are of
the arrays' type; those of a step run in order, and tasks own whole sequences: the bits depend on nothing else.
"""

from functools import lru_cache

import numpy as np

from .._cpu.bias import NONE, linear_gradient
from .._cpu.memory import empty, empty_like
from .._cpu.panels import DIRECT_ROWS, empty_panels
from .._cpu.product import TRANSPOSE_A, gemm
from .._varying import copied, noted
from ..matmul.cpu import linear_backward, linear_forward, matmul_forward
from .cpu_gru import add_up, gru_gradient_steps, gru_steps
from .cpu_lstm import lstm_gradient_steps, lstm_steps
from .cpu_simple import simple_rnn_gradient_steps, simple_rnn_steps
from .cpu_steps import near, packed, work_of

_NO_MASK = np.ones((1, 1), bool)


def simple_rnn_forward(x, w, u, b=None, h0=None, *, mask=None, activation="tanh", reverse=False, out=None):
    y, h = _outputs(x, u, out)
    zx, options = _input_product(x, w, b), (*_masking(mask), bool(reverse), activation == "relu")
    simple_rnn_steps(*work_of(y, 1), zx, packed(u, False), _state(h0, h), *options, y, h)
    return y, h


def simple_rnn_backward(
    dy, x, w, u, b=None, h0=None, *, y, mask=None, dh=None, activation="tanh", reverse=False, need_dx=True
):
    da, before, dh0 = _gradients(x, u, y)
    states = _state(dh, dh0), packed(u, True), _state(h0, dh0)
    options = *_masking(mask), bool(reverse), activation == "relu"
    simple_rnn_gradient_steps(*work_of(y, 1), *_output_gradient(dy, y), *states, y, *options, da, before, dh0)
    du = matmul_forward(_rows(before), _rows(da), transpose_a=True)
    dx, dw, db = _input_gradients(da, x, w, b, need_dx)
    return dx, dw, du, db, None if h0 is None else dh0


def gru_forward(x, w, u, b=None, h0=None, *, mask=None, reset_after=True, reverse=False, out=None):
    y, h = _outputs(x, u, out)
    (B, T, H), dtype = y.shape, x.dtype
    gates, inner = empty((T, 3, B, H), dtype), empty((T, B, H), dtype)
    b_input, b_inner = b, _zeros((H,), dtype)
    if reset_after and b is not None:
        b_input, b_inner = copied(b[0]), b[1, 2 * H :]
        noted(np.add, b_input[: 2 * H], b[1, : 2 * H], b_input[: 2 * H])
    zx, options = _input_product(x, w, b_input), (*_masking(mask), bool(reverse), bool(reset_after))
    gru_steps(*work_of(y, 3), zx, packed(u, False), b_inner, _state(h0, h), *options, y, h, gates, inner)
    return y, h, gates, inner


def gru_backward(
    dy, x, w, u, b=None, h0=None, *, y, gates, inner, mask=None, dh=None, reset_after=True, reverse=False, need_dx=True
):
    (B, _, D), H = x.shape, u.shape[0]
    own = reset_after and near(x, u)
    rows, work = work_of(y, 3)
    da, before, dh0 = (y, y, empty((B, H), x.dtype)) if own else _gradients(x, u, y)
    other = y if own else empty_like(y)  # the gradient of `inner`, or without reset_after `inner` itself, in y's order
    states = _state(dh, dh0), packed(u, True), _state(h0, dh0)
    options = *_masking(mask), bool(reverse), bool(reset_after)
    dx, sums, panels = (empty_like(x) if own and need_dx else y), dh0, dh0.reshape(-1)
    if own:
        sums, panels, work = empty((-(-B // rows), (D + H + 2) * 3 * H), x.dtype), packed(w, True), 3 * work
    more = own, x, panels, bool(need_dx), dx, sums
    gru_gradient_steps(
        rows, work, *_output_gradient(dy, y), *states, y, gates, inner, *options, da, before, other, dh0, *more
    )
    if own:
        total = empty(sums.shape[1], x.dtype)
        add_up(sums, H, total)
        dw, du, db = (
            part.reshape(-1, 3 * H) for part in (total[: 3 * H * D], total[3 * H * D : -6 * H], total[-6 * H :])
        )
        db = None if b is None else db
        return dx if need_dx else None, dw, du, db, None if h0 is None else dh0
    du = empty_like(u)
    _columns_product(_rows(before), _rows(da), 0, du, 0, 2 * H)
    if reset_after:
        _columns_product(_rows(before), _rows(other), 0, du, 2 * H, H)
    else:
        _columns_product(_rows(other), _rows(da), 2 * H, du, 2 * H, H)
    dx, dw, db = _input_gradients(da, x, w, None if b is None else b.reshape(-1)[: 3 * H], need_dx)
    if b is not None and reset_after:
        both = empty_like(b)
        noted(np.copyto, both[:, : 2 * H], db[: 2 * H])
        noted(np.copyto, both[0, 2 * H :], db[2 * H :])
        if H:
            noted(np.copyto, both[1, 2 * H :], linear_gradient(_rows(other), None, None, b)[1])
        db = both
    return dx, dw, du, db, None if h0 is None else dh0


def lstm_forward(x, w, u, b=None, h0=None, c0=None, *, mask=None, reverse=False, out=None):
    y, h = _outputs(x, u, out)
    (B, T, H), dtype = y.shape, x.dtype
    c, gates, cells = empty_like(h), empty((T, 4, B, H), dtype), empty((T, B, H), dtype)
    zx, options = _input_product(x, w, b), (*_masking(mask), bool(reverse))
    lstm_steps(*work_of(y, 4), zx, packed(u, False), _state(h0, h), _state(c0, c), *options, y, h, c, gates, cells)
    return y, h, c, gates, cells


def lstm_backward(
    dy, x, w, u, b=None, h0=None, c0=None, *, y, gates, cells, mask=None, dh=None, dc=None, reverse=False, need_dx=True
):
    da, before, dh0 = _gradients(x, u, y)
    dc0 = empty_like(dh0)
    states = _state(dh, dh0), _state(dc, dc0), packed(u, True), _state(h0, dh0), _state(c0, dc0)
    given, options = _output_gradient(dy, y), (*_masking(mask), bool(reverse))
    lstm_gradient_steps(*work_of(y, 4), *given, *states, y, gates, cells, *options, da, before, dh0, dc0)
    du = matmul_forward(_rows(before), _rows(da), transpose_a=True)
    dx, dw, db = _input_gradients(da, x, w, b, need_dx)
    return dx, dw, du, db, None if h0 is None else dh0, None if c0 is None else dc0


def _outputs(x, u, out):
    """y and the last states."""
    B, T, _ = x.shape
    H = u.shape[0]
    return empty((B, T, H), x.dtype) if out is None else out, empty((B, H), x.dtype)


def _gradients(x, u, y):
    """da, room for the states before every step in the order of y, and dh0."""
    B, T, H = y.shape
    return empty((B, T, u.shape[1]), x.dtype), empty_like(y), empty((B, H), x.dtype)


def _state(given, like):
    return _zeros(like.shape, like.dtype) if given is None else given


@lru_cache(maxsize=64)
def _zeros(shape, dtype):
    """What is only read."""
    return np.zeros(shape, dtype)


def _masking(mask):
    return (_NO_MASK, False) if mask is None else (mask, True)


def _output_gradient(dy, y):
    """An array in place of None, and whether it holds anything."""
    return (y, False) if dy is None else (dy, True)


def _rows(a):
    """All steps of all sequences as one matrix; -1 would not do where they are empty."""
    B, T, N = a.shape
    return a.reshape(B * T, N)


def _input_product(x, w, b):
    return linear_forward(_rows(x), w, b)


def _input_gradients(da, x, w, b, need_dx):
    dx, dw, db = linear_backward(_rows(da), _rows(x), w, b, need_dx=need_dx)
    return dx.reshape(x.shape) if need_dx else None, dw, db


def _columns_product(a, b, b0, c, c0, N):
    """N columns of c, from c0 on: a^T b[:, b0 : b0 + N]."""
    K, M = a.shape
    unused = _zeros((1,), a.dtype)
    panels = unused if M <= DIRECT_ROWS else empty_panels(K, N, a.dtype)
    places = _places((M, N, K), (M, b.shape[1], c.shape[1]), (0, 0, 0))
    gemm(a, b.reshape(1, -1)[:, b0:], unused, panels, c.reshape(1, -1)[:, c0:], places, TRANSPOSE_A, NONE)


@lru_cache(maxsize=1024)
def _places(sizes, strides, starts):
    """`product.gemm`'s layout of one product."""
    return np.array([sizes, strides, starts], np.int64)
