"""Matrix products on a GPU: `_cuda/gemm.py` with the right operands. Arrays are Numba's device arrays in C order.

a, x (M, K)    b, w (K, N)    y (M, N)        y = f(x w + b)
"""

import itertools
import math

import numpy as np
from numba import cuda

from .._cuda.gemm import ACTIVATIONS, LARGE, SMALL, block_threads, choose, compiled, make_gemm
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
    flat = [x.reshape(-1) for x in (a, b, y)] if K else [y.reshape(-1)] * 3  # nothing is read where K is 0
    aligned = all(_aligned(x) for x in (a, b, y))
    tile = choose(M, N, dtype)
    kernel = compiled(tile, dtype, transpose_a, transpose_b, aligned)
    blocks = -(-M // tile[0]) * -(-N // tile[1])
    left, right, result = flat
    arguments = left, right, result if bias is None else bias, bias is not None, ACTIVATIONS.index(activation), result
    kernel[blocks, block_threads(*tile)](*arguments, M, N, K)


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
    choices = itertools.product(LARGE, (LARGE, SMALL), (True, False), (False, True), (False, True))
    for place, (dtype, tiles, aligned, *form) in enumerate(choices):
        size, rows = "large" if tiles is LARGE else "small", "aligned" if aligned else "any"
        letters = "".join("nt"[transposed] for transposed in form)
        signature = "void({0}, {0}, {0}, boolean, int64, {0}, int64, int64, int64)".format(f"{dtype}[::1]")
        function = make_gemm(*tiles[dtype], dtype, *form, aligned)
        hot = tiles is LARGE and aligned and letters == "nn"  # the others in turn, 3 s each
        yield (
            function,
            signature,
            f"gemm-{dtype}-{size}-{rows}-{letters}",
            architectures if hot else (architectures[place % 3],),
        )


COMPILED = tuple(_compiled())
