"""Matrix products on a GPU, of device arrays in C order: float32 and float64 by `_cuda/gemm.py`, float16 and bfloat16
by the tensor cores of `_cuda/gemm_tensor.py` from compute capability 8.0 on, large ones at 9.0 by those of
`_cuda/gemm_hopper.py`, below 8.0 in float32.

a (..., M, K)    b (..., K, N)    y (..., M, N)        y = a b         da = dy b^T    db = a^T dy
x (M, K)    w (K, N)    b (N,)    y (M, N)             y = f(x w + b)  dx = dz w^T    dw = x^T dz    db = sum_M dz

dz = dy f'(z). Sums are float32, or float64 for float64, in an order that depends on shapes alone. No atomics.
"""

import functools
import itertools

import numpy as np

from .._cuda import columns, gemm, gemm_tensor, halves, state, sums
from .._cuda.matrix import matrix
from .._cuda.memory import empty, empty_like
from .._cuda.products import gradient, product
from .._cuda.usage import Compiled

TENSOR_CORES = (8, 0)  # the first with cp.async and tensor cores for bfloat16


def _in_float32_below_8_0(function):
    """The function, computed in float32 for 16-bit kinds where the card has no tensor cores for them."""

    @functools.wraps(function)
    def call(*arrays, out=None, **options):
        dtype = (arrays or tuple(options.values()))[0].dtype
        if dtype.itemsize != 2 or state.capability() >= TENSOR_CORES:
            return function(*arrays, **options) if out is None else function(*arrays, out=out, **options)
        arrays = (x if x is None else halves.widened(x) for x in arrays)
        options = {name: halves.widened(x) if hasattr(x, "dtype") else x for name, x in options.items()}
        results = function(*arrays, **options)
        if isinstance(results, tuple):
            return tuple(x if x is None else halves.narrowed(x, dtype) for x in results)
        return halves.narrowed(results, dtype, out)

    return call


@_in_float32_below_8_0
def matmul_forward(a, b, *, transpose_a=False, transpose_b=False, out=None):
    (*lead, M, _), (*other, _, N) = _turned(a, transpose_a), _turned(b, transpose_b)
    batch = np.broadcast_shapes(tuple(lead), tuple(other))
    y = empty((*batch, M, N), a.dtype) if out is None else out
    product("matmul_forward", a, transpose_a, b, transpose_b, y)
    return y


@_in_float32_below_8_0
def matmul_backward(dy, a, b, *, transpose_a=False, transpose_b=False):
    op = "matmul_backward"
    if transpose_a:  # da^T = b dy^T
        da = gradient(op, b, transpose_b, dy, True, a)
    else:
        da = gradient(op, dy, False, b, not transpose_b, a)
    if transpose_b:  # db^T = dy^T a
        return da, gradient(op, dy, True, a, transpose_a, b)
    return da, gradient(op, a, not transpose_a, dy, False, b)


@_in_float32_below_8_0
def linear_forward(x, w, b=None, *, activation=None, out=None):
    y = empty((x.shape[0], w.shape[1]), x.dtype) if out is None else out
    product("linear_forward", x, False, w, False, y, b, activation)
    return y


@_in_float32_below_8_0
def linear_backward(dy, x, w, b=None, y=None, *, activation=None, need_dx=True):
    op = "linear_backward"
    dz, db = columns.gradient(op, dy, y, gemm.ACTIVATIONS.index(activation), b is not None)
    dx, dw = empty_like(x) if need_dx else None, empty_like(w)
    if need_dx:
        product(op, dz, False, w, True, dx)
    product(op, x, True, dz, False, dw)
    return dx, dw, db


def _turned(x, transpose):
    """The shape of op(x)."""
    *lead, rows, columns = x.shape
    return (*lead, columns, rows) if transpose else (*lead, rows, columns)


def _compiled():
    """Every kernel that a product can choose, besides those that other files list themselves (usage.py)."""
    choices = itertools.product(halves.KINDS, ("LARGE", "SMALL"), (True, False), (False, True), (False, True))
    for kind, size, aligned, *form in choices:
        if halves.is_half(kind):
            tile = getattr(gemm_tensor, size)
            function = gemm_tensor.make_tensor_gemm(*tile, kind, *form, aligned)
            signature, most = gemm_tensor.SIGNATURE, gemm_tensor.REGISTERS.get(tile)
        else:
            sides = matrix(not form[0], aligned), matrix(form[1], aligned)
            tile = getattr(gemm, size)[np.dtype(kind)]
            function = gemm.make_product(tile, np.dtype(kind), *sides, aligned, sums.pitched)
            signature, most = gemm.signature(kind, 5, 5), gemm.REGISTERS.get(tile)
        way, turned = "aligned" if aligned else "any", "".join("nt"[turned] for turned in form)
        name = f"gemm-{kind}-{size.lower()}-{way}-{turned}"
        yield Compiled(function, signature, name, max_registers=most)
    for kind in halves.KINDS:
        yield Compiled(sums.make_add(kind, sums.pitched), sums.add_signature(kind), f"add_parts-{kind}")


COMPILED = tuple(_compiled())
