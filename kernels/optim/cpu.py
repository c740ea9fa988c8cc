"""Optimizer steps on the CPU.

w, dw, velocity, m, v (...), any shape, read as flat arrays, or lists of such, one after another

sgd   w -= rate dw
      velocity = momentum velocity - rate dw    w += velocity    or, Nesterov's, w += momentum velocity - rate dw
adam  m += (1 - beta_1) (dw - m)    v += (1 - beta_2) (dw^2 - v)    w -= alpha m / (sqrt(v) + epsilon)
      alpha = rate sqrt(1 - beta_2^step) / (1 - beta_1^step)

Sutskever, Martens, Dahl, Hinton 2013; Kingma, Ba 2014, arXiv:1412.6980, in Keras's form. One pass over the memory; one
task owns CHUNK elements of every array, and an element's result depends on nothing else.
"""

import math
from itertools import repeat

import numpy as np

from .._cpu.elementwise import CHUNK
from .._cpu.jit import inner, kernel
from .._cpu.threads import spread


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False):
    if w.__class__ is list:
        for arrays in zip(w, dw, velocity or repeat(None)):
            sgd_update(*arrays, learning_rate=learning_rate, momentum=momentum, nesterov=nesterov)
    elif momentum == 0:
        _descend(_flat(w), _flat(dw), float(learning_rate))
    else:
        _roll(_flat(w), _flat(dw), _flat(velocity), float(learning_rate), float(momentum), bool(nesterov))


def adam_update(w, dw, m, v, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step):
    if w.__class__ is list:
        options = {"learning_rate": learning_rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
        for arrays in zip(w, dw, m, v):
            adam_update(*arrays, **options, step=step)
        return
    alpha = learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    _adam(_flat(w), _flat(dw), _flat(m), _flat(v), alpha, 1.0 - beta_1, 1.0 - beta_2, float(epsilon))


def _flat(x):
    return x if x.ndim == 1 else x.reshape(-1)


@inner
def _chunk(task, size):
    """The elements of a task."""
    return range(np.uint64(task * CHUNK), np.uint64(min((task + 1) * CHUNK, size)))


@kernel
def _descend(w, dw, rate):
    spread(_descend_chunk, -(-w.size // CHUNK), w.size // 8, (w, dw, w.dtype.type(rate)))


@inner
def _descend_chunk(task, w, dw, rate):
    for i in _chunk(task, w.size):
        w[i] -= rate * dw[i]


@kernel
def _roll(w, dw, velocity, rate, momentum, nesterov):
    settings = (w.dtype.type(rate), w.dtype.type(momentum), nesterov)
    spread(_roll_chunk, -(-w.size // CHUNK), w.size // 5, (w, dw, velocity, *settings))


@inner
def _roll_chunk(task, w, dw, velocity, rate, momentum, nesterov):
    for i in _chunk(task, w.size):
        step = momentum * velocity[i] - rate * dw[i]
        velocity[i] = step
        w[i] += momentum * step - rate * dw[i] if nesterov else step


@kernel
def _adam(w, dw, m, v, alpha, gain_1, gain_2, epsilon):
    p = w.dtype.type
    spread(_adam_chunk, -(-w.size // CHUNK), w.size // 4, (w, dw, m, v, p(alpha), p(gain_1), p(gain_2), p(epsilon)))


@inner
def _adam_chunk(task, w, dw, m, v, alpha, gain_1, gain_2, epsilon):
    for i in _chunk(task, w.size):
        m[i] += gain_1 * (dw[i] - m[i])
        v[i] += gain_2 * (dw[i] * dw[i] - v[i])
        w[i] -= alpha * m[i] / (math.sqrt(v[i]) + epsilon)
