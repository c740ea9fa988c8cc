"""Matrix products on the CPU: `_cpu/gemm.py` with the right operands.

a, x (M, K)    b, w (K, N)    y, dy, dz (M, N)

y  = f(x w + b)
dz = dy f'(z)      relu: [y > 0]    sigmoid: y (1 - y)    tanh: 1 - y^2
dx = dz w^T        dw = x^T dz      db = sum_M dz

Goto, van de Geijn 2008, Anatomy of high-performance matrix multiplication. The accumulator has the arrays' type; an
element's sum runs over K in order, so its bits do not depend on tiles or threads.
"""

from .._cpu.bias import activation_code, linear_gradient
from .._cpu.gemm import empty_panels, gemm
from .._cpu.memory import empty
from .._cpu.microkernel import BIAS


def matmul_forward(a, b, *, transpose_a=False, transpose_b=False, out=None):
    return _product(a, transpose_a, b, transpose_b, out=out)


def matmul_backward(dy, a, b, *, transpose_a=False, transpose_b=False):
    if transpose_a:
        da = _product(b, transpose_b, dy, True)
    else:
        da = _product(dy, False, b, not transpose_b)
    if transpose_b:
        db = _product(dy, True, a, transpose_a)
    else:
        db = _product(a, not transpose_a, dy, False)
    return da, db


def linear_forward(x, w, b=None, *, activation=None, out=None):
    return _product(x, False, w, False, b, activation, out)


def linear_backward(dy, x, w, b=None, y=None, *, activation=None, need_dx=True):
    dz, db = linear_gradient(dy, y, activation, b)
    dx = _product(dz, False, w, True) if need_dx else None
    return dx, _product(x, True, dz, False), db


def _product(a, transpose_a, b, transpose_b, bias=None, activation=None, out=None):
    K, M = a.shape if transpose_a else a.shape[::-1]
    N = b.shape[0] if transpose_b else b.shape[1]
    c = empty((M, N), a.dtype) if out is None else out
    flags = 0 if bias is None else BIAS
    panels = empty_panels(K, N, a.dtype)
    gemm(
        a, transpose_a, b, transpose_b, panels if bias is None else bias, flags, activation_code(activation), panels, c
    )
    return c
