"""Matrix products on the CPU: `_cpu/gemm.py` with the right operands.

a, x (M, K)    b, w (K, N)    y, dy, dz (M, N)

y  = f(x w + b)
dz = dy f'(z)      relu: [y > 0]    sigmoid: y (1 - y)    tanh: 1 - y^2
dx = dz w^T        dw = x^T dz      db = sum_M dz

Goto, van de Geijn 2008, Anatomy of high-performance matrix multiplication. The accumulator has the arrays' type; an
element's sum runs over K in order, so its bits do not depend on tiles or threads.
"""

from .._cpu.bias import NONE, activation_code, activation_gradient
from .._cpu.gemm import DIRECT_ROWS, empty_panels, gemm, product
from .._cpu.jit import kernel
from .._cpu.memory import empty, empty_like
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
    (M, K), N = x.shape, w.shape[1]
    dz = dy if activation is None else empty_like(dy)
    db = empty(N, x.dtype)
    dx = empty_like(x) if need_dx else dz
    dw = empty_like(w)
    if max(M, K) <= DIRECT_ROWS:
        panels = db
    else:
        panels = max(empty_panels(N, K, x.dtype), empty_panels(M, N, x.dtype), key=len)
    _linear_backward(dy, dy if y is None else y, activation_code(activation), x, w, need_dx, panels, dz, db, dx, dw)
    return dx if need_dx else None, dw, None if b is None else db


@kernel
def _linear_backward(dy, y, code, x, w, need_dx, panels, dz, db, dx, dw):
    activation_gradient(dy, y, code, dz, db)
    if need_dx:
        product(dz, False, w, True, db, 0, NONE, panels, dx)
    product(x, True, dz, False, db, 0, NONE, panels, dw)


def _product(a, transpose_a, b, transpose_b, bias=None, activation=None, out=None):
    K, M = a.shape if transpose_a else a.shape[::-1]
    N = b.shape[0] if transpose_b else b.shape[1]
    c = empty((M, N), a.dtype) if out is None else out
    panels = c.reshape(-1) if M <= DIRECT_ROWS else empty_panels(K, N, a.dtype)
    code = activation_code(activation)
    if bias is None:
        gemm(a, transpose_a, b, transpose_b, panels, 0, code, panels, c)
    else:
        gemm(a, transpose_a, b, transpose_b, bias, BIAS, code, panels, c)
    return c
