"""Matrix products on the CPU: `_cpu/gemm.py` with the right operands.

a, x (M, K)    b, w (K, N)    y, dy, dz (M, N)

y  = f(x w + b)
dz = dy f'(z)      relu: [y > 0]    sigmoid: y (1 - y)    tanh: 1 - y^2
dx = dz w^T        dw = x^T dz      db = sum_M dz

Goto, van de Geijn 2008, Anatomy of high-performance matrix multiplication. The accumulator has the arrays' type; an
element's sum runs over K in order, so its bits do not depend on tiles or threads.
"""

import math

import numpy as np

from .._cpu.batch import layout, summed
from .._cpu.bias import NONE, activation_code, activation_gradient
from .._cpu.gemm import Out
from .._cpu.jit import kernel
from .._cpu.memory import empty, empty_like
from .._cpu.microkernel import BIAS
from .._cpu.panels import DIRECT_ROWS, Matrix, empty_panels
from .._cpu.product import ALONE, TRANSPOSE_A, TRANSPOSE_B, gemm, product

PANELS = 1 << 21  # elements of packed B at a time in a batch: 8 MB of float32, which the third cache level holds
_UNUSED = {np.dtype(dtype): np.zeros(1, dtype) for dtype in (np.float32, np.float64)}


def matmul_forward(a, b, *, transpose_a=False, transpose_b=False, out=None):
    return _product(a, transpose_a, b, transpose_b, None, 0, out)


def matmul_backward(dy, a, b, *, transpose_a=False, transpose_b=False):
    if a.ndim > 2 == b.ndim and not transpose_a and a.flags.c_contiguous:  # one product with all the rows
        da, db = matmul_backward(_rows(dy), _rows(a), b, transpose_b=transpose_b)
        return da.reshape(a.shape), db
    if transpose_a:
        da = _product(b, transpose_b, dy, True)
    else:
        da = _product(dy, False, b, not transpose_b)
    if transpose_b:
        db = _product(dy, True, a, transpose_a)
    else:
        db = _product(a, not transpose_a, dy, False)
    return summed(da, a.shape), summed(db, b.shape)


def linear_forward(x, w, b=None, *, activation=None, out=None):
    return _product(x, False, w, False, b, activation_code(activation), out)


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
    y = dy if y is None else y
    _linear_backward(dy, y, activation_code(activation), x, w, need_dx, panels, ALONE, dz, db, dx, dw)
    return dx if need_dx else None, dw, None if b is None else db


@kernel
def _linear_backward(dy, y, code, x, w, need_dx, panels, starts, dz, db, dx, dw):
    (M, K), N = x.shape, w.shape[1]
    activation_gradient(dy, y, code, dz, db)
    gradients = dz.reshape(-1)
    if need_dx:
        out = Out(dx.reshape(-1), 0, K, db, 0, NONE)
        product(Matrix(gradients, 0, N, False), Matrix(w.reshape(-1), 0, N, True), out, panels, starts, M, K, N)
    out = Out(dw.reshape(-1), 0, N, db, 0, NONE)
    product(Matrix(x.reshape(-1), 0, K, True), Matrix(gradients, 0, N, False), out, panels, starts, K, N, M)


def _product(a, transpose_a, b, transpose_b, bias=None, code=NONE, out=None):
    """f(op(a) @ op(b) + bias), for matrices in C order without any detour."""
    if not (a.ndim == b.ndim == 2 and a.flags.c_contiguous and b.flags.c_contiguous):
        return _batched(a, transpose_a, b, transpose_b, out)
    (M, K), (_, N) = a.shape, b.shape
    flags, dtype = 0, a.dtype
    if transpose_a:
        M, K, flags = K, M, TRANSPOSE_A
    if transpose_b:
        N = b.shape[0]
        flags |= TRANSPOSE_B
    c = empty((M, N), dtype) if out is None else out
    unused = _UNUSED[dtype]
    panels = unused if M <= DIRECT_ROWS else empty_panels(K, N, dtype)
    if bias is None:
        bias = unused
    else:
        flags |= BIAS
    gemm(a, b, bias, panels, c, ALONE, flags, code)
    return c


def _rows(x):
    """All rows of a batch as one matrix; -1 would not do where they are empty."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _batched(a, transpose_a, b, transpose_b, out):
    """op(a) @ op(b) over all leading axes, which broadcast; matrices by rows of any distance."""
    K, M = a.shape[-2:] if transpose_a else a.shape[:-3:-1]
    N = b.shape[-2] if transpose_b else b.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    c = empty((*batch, M, N), a.dtype) if out is None else out
    if a.ndim > 2 == b.ndim and not transpose_a and a.flags.c_contiguous:  # one product with all the rows
        _product(_rows(a), False, b, transpose_b, None, NONE, _rows(c))
        return c
    if c.size:
        flags = (TRANSPOSE_A if transpose_a else 0) + (TRANSPOSE_B if transpose_b else 0)
        left, right, out, places = layout(batch, (M, N, K), a, b, c)
        panels = unused = _UNUSED[a.dtype]
        if M > DIRECT_ROWS:
            shared = (places[2:, 1] == places[2, 1]).all()
            together = 1 if shared else min(len(places) - 2, max(PANELS // max(K * N, 1), 1))
            panels = empty_panels(K, N, a.dtype, together)
        gemm(left, right, unused, panels, out, places, flags, NONE)
    return c
