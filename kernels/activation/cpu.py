"""Activations on the CPU.

x, y, dx, dy (...), any shape, read as flat arrays

relu  y = max(x, 0)    dx = dy [y > 0]
"""
from .._cpu.elementwise import binary, unary
from .._cpu.jit import kernel


def relu_forward(x, *, out=None):
    return _relu(x, out=out)


def relu_backward(dy, y, *, out=None):
    return _relu_gradient(dy, y, out=out)


@unary
@kernel
def _relu(x, zero):
    return zero if x < zero else x  # a comparison with NaN is false: NaN stays


@binary
@kernel
def _relu_gradient(dy, y, zero):
    return dy if y > zero else zero
