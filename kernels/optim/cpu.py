"""Optimizer steps on the CPU.

w, dw, velocity, m, v (...), any shape, read as flat arrays

sgd   w -= rate dw
      velocity = momentum velocity - rate dw    w += velocity    or, Nesterov's, w += momentum velocity - rate dw
adam  m += (1 - beta_1) (dw - m)    v += (1 - beta_2) (dw^2 - v)    w -= alpha m / (sqrt(v) + epsilon)
      alpha = rate sqrt(1 - beta_2^step) / (1 - beta_1^step)

Sutskever, Martens, Dahl, Hinton 2013; Kingma, Ba 2014, arXiv:1412.6980, in Keras's form. One pass over the memory; one
task owns CHUNK elements of every array, and an element's result depends on nothing else.
"""

import math

import numpy as np
from numba import prange

from .._cpu.elementwise import CHUNK
from .._cpu.jit import kernel


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False):
    if momentum == 0:
        _descend.over(w.size)(_flat(w), _flat(dw), float(learning_rate))
    else:
        _roll.over(w.size)(_flat(w), _flat(dw), _flat(velocity), float(learning_rate), float(momentum), bool(nesterov))


def adam_update(w, dw, m, v, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step):
    alpha = learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    _adam.over(w.size)(_flat(w), _flat(dw), _flat(m), _flat(v), alpha, 1.0 - beta_1, 1.0 - beta_2, float(epsilon))


def _flat(x):
    return x if x.ndim == 1 else x.reshape(-1)


@kernel(parallel=True)
def _descend(w, dw, rate):
    r = w.dtype.type(rate)
    for chunk in prange(-(-w.size // CHUNK)):
        for i in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, w.size))):
            w[i] -= r * dw[i]


@kernel(parallel=True)
def _roll(w, dw, velocity, rate, momentum, nesterov):
    r, mu = w.dtype.type(rate), w.dtype.type(momentum)
    for chunk in prange(-(-w.size // CHUNK)):
        for i in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, w.size))):
            step = mu * velocity[i] - r * dw[i]
            velocity[i] = step
            w[i] += mu * step - r * dw[i] if nesterov else step


@kernel(parallel=True)
def _adam(w, dw, m, v, alpha, gain_1, gain_2, epsilon):
    a, e = w.dtype.type(alpha), w.dtype.type(epsilon)
    g1, g2 = w.dtype.type(gain_1), w.dtype.type(gain_2)
    for chunk in prange(-(-w.size // CHUNK)):
        for i in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, w.size))):
            m[i] += g1 * (dw[i] - m[i])
            v[i] += g2 * (dw[i] * dw[i] - v[i])
            w[i] -= a * m[i] / (math.sqrt(v[i]) + e)
