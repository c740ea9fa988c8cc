"""Matrix products on a GPU, of Numba's device arrays in C order: float32 and float64 by `_cuda/gemm.py`, float16 and
bfloat16 by the tensor cores of `_cuda/gemm_tensor.py`, from compute capability 8.0 on.

a, x (M, K)    b, w (K, N)    y (M, N)        y = f(x w + b)
"""

import itertools
import math

import numpy as np
from numba import cuda

from .._cuda import gemm, gemm_tensor
from .._cuda.gemm import ACTIVATIONS
from .._cuda.vector import SIMULATED


def matmul_forward(a, b, *, transpose_a=False, transpose_b=False, out=None):
    (*lead, M, _), (*other, N) = _turned(a, transpose_a), _turned(b, transpose_b)
    batch = np.broadcast_shapes(tuple(lead), tuple(other[:-1]))
    y = cuda.device_array((*batch, M, N), a.dtype) if out is None else out
    if a.ndim > 2 == b.ndim and not transpose_a:  # one product with all the rows
        _product(_rows(a), False, b, transpose_b, None, None, _rows(y))
        return y
    for place in np.ndindex(batch):
        _product(_matrix(a, place), transpose_a, _matrix(b, place), transpose_b, None, None, y[place] if place else y)
    return y


def linear_forward(x, w, b=None, *, activation=None, out=None):
    y = cuda.device_array((x.shape[0], w.shape[1]), x.dtype) if out is None else out
    _product(x, False, w, False, b, activation, y)
    return y


def _product(a, transpose_a, b, transpose_b, bias, activation, y):
    """y = f(op(a) @ op(b) + bias), of matrices."""
    (M, N), K = y.shape, a.shape[0 if transpose_a else 1]
    if not M * N:
        return
    dtype = np.dtype(y.dtype)
    aligned = all(_aligned(x) for x in (a, b, y))
    left, right = (a, b) if K else (y, y)  # where K is 0 nothing is read, and there may be no memory
    flat = [x.reshape(-1) for x in (left, right, y, y if bias is None else bias)]
    if dtype.itemsize == 2:
        flat = [x.view(np.uint16) for x in flat]
        tile = gemm_tensor.choose(M, N)
        kernel = gemm_tensor.compiled(tile, dtype.name, transpose_a, transpose_b, aligned)
        threads = gemm_tensor.block_threads(*tile)
    else:
        tile = gemm.choose(M, N, dtype)
        kernel = gemm.compiled(tile, dtype, transpose_a, transpose_b, aligned)
        threads = gemm.block_threads(*tile)
    blocks = -(-M // tile[0]) * -(-N // tile[1])
    left, right, result, row = flat
    kernel[blocks, threads](left, right, row, bias is not None, ACTIVATIONS.index(activation), result, M, N, K)


def _aligned(x):
    """Whether a matrix and all its rows begin at multiples of 16 bytes."""
    place = 0 if SIMULATED or not x.size else x.__cuda_array_interface__["data"][0]
    return place % 16 == 0 and x.shape[1] * x.dtype.itemsize % 16 == 0


def _turned(x, transpose):
    """The shape of op(x)."""
    *lead, rows, columns = x.shape
    return (*lead, columns, rows) if transpose else (*lead, rows, columns)


def _rows(x):
    *lead, columns = x.shape
    return x.reshape(math.prod(lead), columns)


def _matrix(x, place):
    """The matrix that stands at a place of the whole batch."""
    own = place[len(place) - (x.ndim - 2) :]
    own = tuple(0 if size == 1 else n for n, size in zip(own, x.shape))
    return x[own] if own else x


def _compiled():
    """Every kernel that a product can choose: (function, signature, name, architectures)."""
    architectures = (8, 0), (9, 0, "a"), (10, 0)
    kinds = ("float32", "float64", "float16", "bfloat16")
    choices = itertools.product(kinds, ("LARGE", "SMALL"), (True, False), (False, True), (False, True))
    for place, (kind, size, aligned, *form) in enumerate(choices):
        if kind in ("float16", "bfloat16"):
            function = gemm_tensor.make_tensor_gemm(*getattr(gemm_tensor, size), kind, *form, aligned)
            array = "uint16[::1]"
        else:
            function = gemm.make_gemm(*getattr(gemm, size)[np.dtype(kind)], np.dtype(kind), *form, aligned)
            array = f"{kind}[::1]"
        signature = f"void({array}, {array}, {array}, boolean, int64, {array}, int64, int64, int64)"
        name = (
            f"gemm-{kind}-{size.lower()}-{'aligned' if aligned else 'any'}-{''.join('nt'[turned] for turned in form)}"
        )
        hot = size == "LARGE" and aligned and not any(form)  # the others in turn, 2 s each
        yield function, signature, name, architectures if hot else (architectures[place % 3],)


COMPILED = tuple(_compiled())
