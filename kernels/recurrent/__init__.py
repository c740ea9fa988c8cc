"""Recurrent networks over whole sequences: simple_rnn, gru, lstm, with Keras's weights, order of gates and masks.

x (B, T, D) -> y (B, T, H), the state after every step, and the last states (B, H). w (D, G H) meets the inputs,
u (H, G H) the states, b (G H,); the G gates stand side by side (1; z, r, g; i, f, g, o). Formulas: reference.py.

Common to all three: states before the first step are h0 (and c0) (B, H), or 0 where they are None. mask (B, T), bool:
where it is False the step is passed over, the states stay and y repeats h. `reverse` reads the sequence from its end:
y[:, t] then is the state after reading x[:, t], the last state is y[:, 0]; a bidirectional network is two calls.
float32 or float64. A forward also returns what its gradient needs. TypeError or ValueError is raised for other dtypes,
orders and sizes, before anything is computed. A backward takes gradients of y and of the last states, each of which
may be None, and has None for an argument that is None, and for x where `need_dx` is false.
"""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)

ACTIVATIONS = ("tanh", "relu")


def simple_rnn_forward(x, w, u, b=None, h0=None, *, mask=None, activation="tanh", reverse=False, out=None):
    """Elman's network, h = f(x w + h' u + b), with f "tanh" or "relu" and h' the state before the step.

    x (B, T, D), w (D, H), u (H, H), b (H,), h0 (B, H), mask (B, T) -> y (B, T, H), h (B, H). `out` takes y.

    >>> import numpy as np
    >>> y, h = simple_rnn_forward(np.ones((1, 3, 1)), np.ones((1, 1)), np.ones((1, 1)), activation="relu")
    >>> y[0, :, 0], h
    (array([1., 2., 3.]), array([[3.]]))
    """
    op = "simple_rnn_forward"
    _check_network(op, 1, x, w, u, b, ("h0", h0), None, mask)
    check.choice(op, "activation", activation, ACTIVATIONS)
    check.out(op, out, (*x.shape[:2], u.shape[0]), x, x=x, w=w, u=u)
    return _faces(x).simple_rnn_forward(x, w, u, b, h0, mask=mask, activation=activation, reverse=reverse, out=out)


def simple_rnn_backward(
    dy, x, w, u, b=None, h0=None, *, y, mask=None, dh=None, activation="tanh", reverse=False, need_dx=True
):
    """Gradients of `simple_rnn_forward`, from its y: dx, dw, du, db, dh0.

    dy (B, T, H) or None, dh (B, H) or None is the gradient of the last state; the rest as in the forward.
    """
    op = "simple_rnn_backward"
    _check_network(op, 1, x, w, u, b, ("h0", h0), None, mask)
    check.choice(op, "activation", activation, ACTIVATIONS)
    _check_saved(op, x, u, dy, {"dh": dh}, y=(y, (*x.shape[:2], u.shape[0])))
    return _faces(x).simple_rnn_backward(
        dy, x, w, u, b, h0, y=y, mask=mask, dh=dh, activation=activation, reverse=reverse, need_dx=need_dx
    )


def gru_forward(x, w, u, b=None, h0=None, *, mask=None, reset_after=True, reverse=False, out=None):
    """Gated recurrent units, h = z h' + (1 - z) g with gates z, r = sigmoid(x w + h' u + b).

    With `reset_after`, Keras's default and cuDNN's form, g = tanh(x w + b[0] + r (h' u + b[1])) and b is (2, 3 H),
    biases of the inputs and of the states; without it, Cho's of 2014, g = tanh(x w + (r h') u + b) and b is (3 H,).
    x (B, T, D), w (D, 3 H), u (H, 3 H), h0 (B, H), mask (B, T) -> y (B, T, H), h (B, H), gates (T, 3, B, H) and
    inner (T, B, H), which is h' u + b[1] of g or r h'. `out` takes y.

    >>> import numpy as np
    >>> x, w, u = np.ones((1, 2, 1)), np.zeros((1, 3)), np.zeros((1, 3))
    >>> y, h, gates, inner = gru_forward(x, w, u, h0=np.ones((1, 1)))
    >>> y[0, :, 0], h
    (array([0.5 , 0.25]), array([[0.25]]))
    """
    op = "gru_forward"
    _check_network(op, 3, x, w, u, b, ("h0", h0), None, mask, reset_after)
    check.out(op, out, (*x.shape[:2], u.shape[0]), x, x=x, w=w, u=u)
    return _faces(x).gru_forward(x, w, u, b, h0, mask=mask, reset_after=reset_after, reverse=reverse, out=out)


def gru_backward(
    dy, x, w, u, b=None, h0=None, *, y, gates, inner, mask=None, dh=None, reset_after=True, reverse=False, need_dx=True
):
    """Gradients of `gru_forward`, from its y, gates and inner: dx, dw, du, db, dh0.

    dy (B, T, H) or None, dh (B, H) or None is the gradient of the last state; the rest as in the forward.
    """
    op = "gru_backward"
    _check_network(op, 3, x, w, u, b, ("h0", h0), None, mask, reset_after)
    (B, T, _), H = x.shape, u.shape[0]
    saved = {"y": (y, (B, T, H)), "gates": (gates, (T, 3, B, H)), "inner": (inner, (T, B, H))}
    _check_saved(op, x, u, dy, {"dh": dh}, **saved)
    return _faces(x).gru_backward(
        dy,
        x,
        w,
        u,
        b,
        h0,
        y=y,
        gates=gates,
        inner=inner,
        mask=mask,
        dh=dh,
        reset_after=reset_after,
        reverse=reverse,
        need_dx=need_dx,
    )


def lstm_forward(x, w, u, b=None, h0=None, c0=None, *, mask=None, reverse=False, out=None):
    """Long short-term memory without peepholes: c = f c' + i g, h = o tanh(c).

    i, f, o = sigmoid(x w + h' u + b) and g = tanh(x w + h' u + b), each of its own columns, in the order i, f, g, o.
    x (B, T, D), w (D, 4 H), u (H, 4 H), b (4 H,), h0, c0 (B, H), mask (B, T) -> y (B, T, H), h, c (B, H),
    gates (T, 4, B, H) and cells (T, B, H), c after every step. `out` takes y.

    >>> import numpy as np
    >>> x, w, u = np.ones((1, 2, 1)), np.zeros((1, 4)), np.zeros((1, 4))
    >>> y, h, c, gates, cells = lstm_forward(x, w, u, c0=np.ones((1, 1)))
    >>> cells[:, 0, 0], c
    (array([0.5 , 0.25]), array([[0.25]]))
    """
    op = "lstm_forward"
    _check_network(op, 4, x, w, u, b, ("h0", h0), ("c0", c0), mask)
    check.out(op, out, (*x.shape[:2], u.shape[0]), x, x=x, w=w, u=u)
    return _faces(x).lstm_forward(x, w, u, b, h0, c0, mask=mask, reverse=reverse, out=out)


def lstm_backward(
    dy, x, w, u, b=None, h0=None, c0=None, *, y, gates, cells, mask=None, dh=None, dc=None, reverse=False, need_dx=True
):
    """Gradients of `lstm_forward`, from its y, gates and cells: dx, dw, du, db, dh0, dc0.

    dy (B, T, H) or None, dh, dc (B, H) or None are the gradients of the last states; the rest as in the forward.
    """
    op = "lstm_backward"
    _check_network(op, 4, x, w, u, b, ("h0", h0), ("c0", c0), mask)
    (B, T, _), H = x.shape, u.shape[0]
    saved = {"y": (y, (B, T, H)), "gates": (gates, (T, 4, B, H)), "cells": (cells, (T, B, H))}
    _check_saved(op, x, u, dy, {"dh": dh, "dc": dc}, **saved)
    return _faces(x).lstm_backward(
        dy,
        x,
        w,
        u,
        b,
        h0,
        c0,
        y=y,
        gates=gates,
        cells=cells,
        mask=mask,
        dh=dh,
        dc=dc,
        reverse=reverse,
        need_dx=need_dx,
    )


def _check_network(op, G, x, w, u, b, first, second, mask, biases=False):
    """Inputs and weights of G gates; first, second: (name, state) or None; `biases`: b has two rows."""
    arrays = {"x": x, "w": w, "u": u}
    if b is not None:
        arrays["b"] = b
    states = {}
    for name, state in (first, second) if second else (first,):
        if state is not None:
            states[name] = state
    check.floats(op, None, **arrays, **states)
    check.rank(op, "x", x, 3)
    check.rank(op, "u", u, 2)
    B, T, D = x.shape
    H, columns = u.shape
    N = G * H
    if columns != N:
        check.shape(op, "u", u, (H, N))
    if w.shape != (D, N):
        check.shape(op, "w", w, (D, N), ("u", u) if w.ndim == 2 and w.shape[0] == D else ("x", x))
    if b is not None:
        expected = (2, N) if biases else (N,)
        if b.shape != expected:
            check.shape(op, "b", b, expected, ("u", u))
    for name, state in states.items():
        if state.shape != (B, H):
            check.shape(op, name, state, (B, H), ("x", x) if state.shape[:1] != (B,) else ("u", u))
    if mask is not None:
        check.booleans(op, "mask", mask)
        check.shape(op, "mask", mask, (B, T), ("x", x))


def _check_saved(op, x, u, dy, states, **saved):
    """What a backward takes besides the forward's arguments: gradients, of which one is there, and saved results."""
    given = {name: state for name, state in states.items() if state is not None}
    if dy is not None:
        given["dy"] = dy
    elif not given:
        because = f"{' and '.join(states)} {'are' if len(states) > 1 else 'is'} None"
        check.needed(op, "dy", dy, because, "pass the gradient of y or of a last state")
    check.floats(op, None, x=x, **given, **{name: array for name, (array, _) in saved.items()})
    B, T, _ = x.shape
    H = u.shape[0]
    for name, gradient in given.items():
        expected = (B, T, H) if name == "dy" else (B, H)
        if gradient.shape != expected:
            check.shape(op, name, gradient, expected, ("x", x))
    for name, (array, expected) in saved.items():
        if array.shape != expected:
            check.shape(op, name, array, expected, ("x", x))
