"""Optimizer steps in NumPy, as their formulas read. They change their arrays, or those of their lists, in place."""

import numpy as np


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False):
    if isinstance(w, list):
        for arrays in zip(w, dw, velocity or [None] * len(w)):
            sgd_update(*arrays, learning_rate=learning_rate, momentum=momentum, nesterov=nesterov)
        return
    if momentum == 0:
        w -= learning_rate * dw
        return
    velocity[...] = momentum * velocity - learning_rate * dw
    w += momentum * velocity - learning_rate * dw if nesterov else velocity


def adam_update(w, dw, m, v, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step):
    if isinstance(w, list):
        for arrays in zip(w, dw, m, v):
            adam_update(*arrays, learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, step=step)
        return
    m += (1 - beta_1) * (dw - m)
    v += (1 - beta_2) * (dw * dw - v)
    alpha = learning_rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    w -= alpha * m / (np.sqrt(v) + epsilon)
