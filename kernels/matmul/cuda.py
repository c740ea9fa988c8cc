"""Matrix products on a GPU, of Numba's device arrays in C order: float32 and float64 by `_cuda/gemm.py`, float16 and
bfloat16 by the tensor cores of `_cuda/gemm_tensor.py`, from compute capability 8.0 on.

a, x (M, K)    b, w (K, N)    y (M, N)        y = f(x w + b)
"""

import itertools
import math

import numpy as np

from .._cuda import gemm, gemm_tensor, sums
from .._cuda.gemm import ACTIVATIONS
from .._cuda.matrix import batches, matrix, shape_of
from .._cuda.memory import empty
from .._cuda.stream import start
from .._cuda.vector import SIMULATED


def matmul_forward(a, b, *, transpose_a=False, transpose_b=False, out=None):
    op = "matmul_forward"
    (*lead, M, K), (*other, _, N) = _turned(a, transpose_a), _turned(b, transpose_b)
    batch = np.broadcast_shapes(tuple(lead), tuple(other))
    y = empty((*batch, M, N), a.dtype) if out is None else out
    if a.ndim > 2 == b.ndim and not transpose_a:  # one product with all the rows
        _product(op, _rows(a), False, b, transpose_b, None, None, _rows(y))
    elif a.dtype.itemsize == 2:
        for place in np.ndindex(batch):
            result = y[place] if place else y
            _product(op, _matrix(a, place), transpose_a, _matrix(b, place), transpose_b, None, None, result)
    elif y.size:
        *far, outer, inner = batches(batch, lead, other)
        count = outer[0] * inner[0]
        flat = [x.reshape(-1) if x.size else y.reshape(-1) for x in (a, b, y)]
        aligned = _all_aligned(a, b, y)
        shapes = [
            (inner[0], outer[n] * rows * columns, inner[n] * rows * columns)
            for n, rows, columns in ((1, M, K), (2, K, N))
        ]
        sides = [matrix(not transpose_a, aligned), matrix(transpose_b, aligned)]
        for place in np.ndindex(*(size for size, *_ in far)):
            first = [sum(i * axis[n] for i, axis in zip(place, far)) for n in (1, 2)]
            number = sum(i * math.prod(axis[0] for axis in far[k + 1 :]) for k, i in enumerate(place)) * count
            left, right, result = flat[0][first[0] * M * K :], flat[1][first[1] * K * N :], flat[2][number * M * N :]
            gemm.multiply(
                op,
                (sides[0], left, shape_of(M, K, shapes[0])),
                (sides[1], right, shape_of(N, K, shapes[1])),
                None,
                None,
                result,
                (M, N, K),
                batch=count,
                aligned_y=aligned,
            )
    return y


def linear_forward(x, w, b=None, *, activation=None, out=None):
    y = empty((x.shape[0], w.shape[1]), x.dtype) if out is None else out
    _product("linear_forward", x, False, w, False, b, activation, y)
    return y


def _product(op, a, transpose_a, b, transpose_b, bias, activation, y):
    """y = f(op(a) @ op(b) + bias), of matrices."""
    (M, N), K = y.shape, a.shape[0 if transpose_a else 1]
    if not M * N:
        return
    dtype = np.dtype(y.dtype)
    aligned = _all_aligned(a, b, y)
    left, right = (a, b) if K else (y, y)  # where K is 0 nothing is read, and there may be no memory
    flat = [x.reshape(-1) for x in (left, right, y, y if bias is None else bias)]
    if dtype.itemsize == 2:
        flat = [x.view(np.uint16) for x in flat]
        tile = gemm_tensor.choose(M, N)
        kernel = gemm_tensor.compiled(tile, dtype.name, transpose_a, transpose_b, aligned)
        blocks = -(-M // tile[0]) * -(-N // tile[1])
        left, right, result, row = flat
        code = ACTIVATIONS.index(activation)
        threads = gemm_tensor.block_threads(*tile)
        start(kernel, blocks, threads, left, right, row, bias is not None, code, result, M, N, K)
    else:
        left, right, result, row = flat
        gemm.multiply(
            op,
            (matrix(not transpose_a, aligned), left, shape_of(M, K)),
            (matrix(transpose_b, aligned), right, shape_of(N, K)),
            None if bias is None else row,
            activation,
            result,
            (M, N, K),
            aligned_y=aligned,
        )


def _all_aligned(*arrays):
    return all(_aligned(x) for x in arrays)


def _aligned(x):
    """Whether a matrix and all its rows begin at multiples of 16 bytes."""
    place = 0 if SIMULATED or not x.size else x.__cuda_array_interface__["data"][0]
    return place % 16 == 0 and tuple(x.shape)[-1] * x.dtype.itemsize % 16 == 0


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
            signature = f"void({array}, {array}, {array}, boolean, int64, {array}, int64, int64, int64)"
        else:
            sides = matrix(not form[0], aligned), matrix(form[1], aligned)
            function = gemm.make_product(getattr(gemm, size)[np.dtype(kind)], np.dtype(kind), *sides, aligned)
            signature = gemm.signature(kind, 5, 5)
        name = (
            f"gemm-{kind}-{size.lower()}-{'aligned' if aligned else 'any'}-{''.join('nt'[turned] for turned in form)}"
        )
        hot = size == "LARGE" and aligned and not any(form)  # the others in turn, 2 s each
        yield function, signature, name, architectures if hot else (architectures[place % 3],)
    for kind in ("float32", "float64"):
        yield sums.make_add(kind), sums.add_signature(kind), f"add_parts-{kind}", architectures


COMPILED = tuple(_compiled())
