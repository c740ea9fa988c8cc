"""Rows of classes on CUDA: the loss and the gradient of each; the formulas are in cuda.py.

y, dy (M, N), read as flat arrays    t (M, N) of shares, read so too, or (M,) of labels    losses (M,)

The threads of a row go over it two or three times: first for what all of it needs, the sum or the largest and the sum
of exponentials, then for the loss, or for the gradient of every place. In `shared` the warps of a row meet.
"""

import math

from numba import cuda

from .._cuda.jit import device, kernel
from .._cuda.reduce import my_row, row_largest, row_total
from .._cuda.usage import Compiled
from .._cuda.warp import WARP, larger
from .cuda_elements import clip, outside

COMPILED = []

_LOSS, _GRADIENT = "T[::1]", "T, T[::1]"


def _rows(name, results):
    """Makes f(y, t, M, N, *results) a kernel, and lists it by this name for every type of array."""

    def make(f):
        for T in ("float32", "float64"):
            for target in ("int64", "int32") if name.startswith("sparse") else (T,):
                signature = f"void({T}[::1], {target}[::1], int64, int64, {results.replace('T', T)})"
                kind = T if target == T else f"{T}-{target}"
                COMPILED.append(Compiled(f, signature, f"{name}-{kind}"))
        return kernel(f)

    return make


@device
def _sum(y, first, size, shared):
    """The sum of a row."""
    total = type(y[0])(0)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        total += y[first + n]
    return row_total(total, shared)


@device
def _largest(y, first, size, shared):
    """The largest of a row; NaN is skipped and comes back with the sum of exponentials."""
    largest = type(y[0])(-math.inf)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        largest = larger(largest, y[first + n])
    return row_largest(largest, shared)


@device
def _sum_of_powers(y, first, size, largest, shared):
    """The sum of e**(y - largest) of a row."""
    p = type(y[0])
    total = p(0)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        total += p(math.exp(y[first + n] - largest))
    return row_total(total, shared)


@device
def _slope(q, t):
    """-d(-t log clip(q)) / dq."""
    p = type(q)
    return p(0) if outside(q) else t / q


@_rows("categorical_crossentropy_forward", _LOSS)
def shares(y, t, M, N, losses):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    p = type(y[0])
    divisor, total = _sum(y, first, size, shared), p(0)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        total -= t[first + n] * p(math.log(clip(y[first + n] / divisor)))
    total = row_total(total, shared)
    if size and cuda.threadIdx.x == 0:
        losses[row] = total


@_rows("categorical_crossentropy_backward", _GRADIENT)
def shares_gradient(y, t, M, N, share, dy):
    shared = cuda.shared.array(WARP, y.dtype)
    _, first, size = my_row(M, N)
    divisor, total = _sum(y, first, size, shared), type(share)(0)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        q = y[first + n] / divisor
        total += _slope(q, t[first + n]) * q
    total = row_total(total, shared)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        dy[first + n] = share * (total - _slope(y[first + n] / divisor, t[first + n])) / divisor


@_rows("categorical_crossentropy_forward-logits", _LOSS)
def shares_from_logits(y, t, M, N, losses):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    p = type(y[0])
    largest = _largest(y, first, size, shared)
    powers = _sum_of_powers(y, first, size, largest, shared)
    log_sum, total = p(math.log(powers if size else p(1))), p(0)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        total -= t[first + n] * (y[first + n] - largest - log_sum)
    total = row_total(total, shared)
    if size and cuda.threadIdx.x == 0:
        losses[row] = total


@_rows("categorical_crossentropy_backward-logits", _GRADIENT)
def shares_gradient_from_logits(y, t, M, N, share, dy):
    shared = cuda.shared.array(WARP, y.dtype)
    _, first, size = my_row(M, N)
    largest = _largest(y, first, size, shared)
    factor = _sum(t, first, size, shared) / _sum_of_powers(y, first, size, largest, shared)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        dy[first + n] = share * (type(share)(math.exp(y[first + n] - largest)) * factor - t[first + n])


@_rows("sparse_categorical_crossentropy_forward", _LOSS)
def labels(y, t, M, N, losses):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    divisor = _sum(y, first, size, shared)
    if size and cuda.threadIdx.x == 0:
        losses[row] = -type(divisor)(math.log(clip(y[first + t[row]] / divisor)))


@_rows("sparse_categorical_crossentropy_backward", _GRADIENT)
def labels_gradient(y, t, M, N, share, dy):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    divisor = _sum(y, first, size, shared)
    if size:
        label = t[row]
        q = y[first + label] / divisor
        g = _slope(q, type(share)(1))
        elsewhere, there = share * (g * q) / divisor, share * (g * q - g) / divisor
        for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            dy[first + n] = there if n == label else elsewhere


@_rows("sparse_categorical_crossentropy_forward-logits", _LOSS)
def labels_from_logits(y, t, M, N, losses):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    largest = _largest(y, first, size, shared)
    total = _sum_of_powers(y, first, size, largest, shared)
    if size and cuda.threadIdx.x == 0:
        losses[row] = type(total)(math.log(total)) - (y[first + t[row]] - largest)


@_rows("sparse_categorical_crossentropy_backward-logits", _GRADIENT)
def labels_gradient_from_logits(y, t, M, N, share, dy):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    p = type(share)
    largest = _largest(y, first, size, shared)
    factor = p(1) / _sum_of_powers(y, first, size, largest, shared)
    if size:
        label = t[row]
        for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            dy[first + n] = share * (p(math.exp(y[first + n] - largest)) * factor - p(n == label))
