"""Optimizer steps on CUDA, one launch over all elements of a parameter.

w, dw, velocity, m, v (...), any shape, read as flat arrays

sgd   w -= rate dw
      velocity = momentum velocity - rate dw    w += velocity    or, Nesterov's, w += momentum velocity - rate dw
adam  m += (1 - beta_1) (dw - m)    v += (1 - beta_2) (dw^2 - v)    w -= alpha m / (sqrt(v) + epsilon)
      alpha = rate sqrt(1 - beta_2^step) / (1 - beta_1^step)

Sutskever, Martens, Dahl, Hinton 2013; Kingma, Ba 2014, arXiv:1412.6980, in Keras's form. A thread owns a group of four
neighbouring float32 elements of every array, or one element where an array is not on a 16-byte boundary or is
float64: no race, and an element's result depends on nothing else.
"""

import math

from numba import cuda

from .._cuda.access import load4, store4
from .._cuda.elementwise import Pair
from .._cuda.jit import device


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False):
    if momentum == 0:
        _descend.launch((w, dw), learning_rate)
    else:
        _roll.launch((w, dw, velocity), learning_rate, momentum, bool(nesterov))


def adam_update(w, dw, m, v, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step):
    alpha = learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    _adam.launch((w, dw, m, v), alpha, 1.0 - beta_1, 1.0 - beta_2, epsilon)


def _descend_narrow(w, dw, rate):
    for i in range(cuda.grid(1), w.size, cuda.gridsize(1)):
        w[i] -= rate * dw[i]


def _descend_wide(w, dw, rate):
    groups = w.size // 4
    for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
        i = 4 * group
        wa, wb, wc, wd = load4(w, i)
        da, db, dc, dd = load4(dw, i)
        store4(w, i, (wa - rate * da, wb - rate * db, wc - rate * dc, wd - rate * dd))
    i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
    if i < w.size:
        w[i] -= rate * dw[i]


@device
def _rolled(w, dw, velocity, rate, momentum, nesterov):
    """(w, velocity) of an element after the step."""
    step = momentum * velocity - rate * dw
    return w + (momentum * step - rate * dw if nesterov else step), step


def _roll_narrow(w, dw, velocity, rate, momentum, nesterov):
    for i in range(cuda.grid(1), w.size, cuda.gridsize(1)):
        w[i], velocity[i] = _rolled(w[i], dw[i], velocity[i], rate, momentum, nesterov)


def _roll_wide(w, dw, velocity, rate, momentum, nesterov):
    groups = w.size // 4
    for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
        i = 4 * group
        wa, wb, wc, wd = load4(w, i)
        da, db, dc, dd = load4(dw, i)
        va, vb, vc, vd = load4(velocity, i)
        wa, va = _rolled(wa, da, va, rate, momentum, nesterov)
        wb, vb = _rolled(wb, db, vb, rate, momentum, nesterov)
        wc, vc = _rolled(wc, dc, vc, rate, momentum, nesterov)
        wd, vd = _rolled(wd, dd, vd, rate, momentum, nesterov)
        store4(w, i, (wa, wb, wc, wd))
        store4(velocity, i, (va, vb, vc, vd))
    i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
    if i < w.size:
        w[i], velocity[i] = _rolled(w[i], dw[i], velocity[i], rate, momentum, nesterov)


@device
def _adapted(w, dw, m, v, alpha, gain_1, gain_2, epsilon):
    """(w, m, v) of an element after the step."""
    p = type(w)
    m = m + gain_1 * (dw - m)
    v = v + gain_2 * (dw * dw - v)
    return w - alpha * m / (p(math.sqrt(v)) + epsilon), m, v


def _adam_narrow(w, dw, m, v, alpha, gain_1, gain_2, epsilon):
    for i in range(cuda.grid(1), w.size, cuda.gridsize(1)):
        w[i], m[i], v[i] = _adapted(w[i], dw[i], m[i], v[i], alpha, gain_1, gain_2, epsilon)


def _adam_wide(w, dw, m, v, alpha, gain_1, gain_2, epsilon):
    groups = w.size // 4
    for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
        i = 4 * group
        wa, wb, wc, wd = load4(w, i)
        da, db, dc, dd = load4(dw, i)
        ma, mb, mc, md = load4(m, i)
        va, vb, vc, vd = load4(v, i)
        wa, ma, va = _adapted(wa, da, ma, va, alpha, gain_1, gain_2, epsilon)
        wb, mb, vb = _adapted(wb, db, mb, vb, alpha, gain_1, gain_2, epsilon)
        wc, mc, vc = _adapted(wc, dc, mc, vc, alpha, gain_1, gain_2, epsilon)
        wd, md, vd = _adapted(wd, dd, md, vd, alpha, gain_1, gain_2, epsilon)
        store4(w, i, (wa, wb, wc, wd))
        store4(m, i, (ma, mb, mc, md))
        store4(v, i, (va, vb, vc, vd))
    i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
    if i < w.size:
        w[i], m[i], v[i] = _adapted(w[i], dw[i], m[i], v[i], alpha, gain_1, gain_2, epsilon)


_descend = Pair("sgd_update", "T[::1], T[::1], T", _descend_narrow, _descend_wide)
_roll = Pair("sgd_update-momentum", "T[::1], T[::1], T[::1], T, T, boolean", _roll_narrow, _roll_wide)
_adam = Pair("adam_update", "T[::1], T[::1], T[::1], T[::1], T, T, T, T", _adam_narrow, _adam_wide)
COMPILED = _descend.compiled + _roll.compiled + _adam.compiled
