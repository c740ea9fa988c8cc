"""Activations in NumPy, as their formulas read."""
import numpy as np


def relu_forward(x, *, out=None):
    return np.maximum(x, 0)


def relu_backward(dy, y, *, out=None):
    return np.where(y > 0, dy, np.zeros_like(dy))
