"""Losses on CUDA.

y, t, dy (...), read as flat arrays, or (M, N) with classes; sparse t (M,)    p = clip(y), q = y / sum_N(y)

mse                       (y - t)^2                                         dy = 2 (y - t) share
binary_crossentropy       -t log p - (1 - t) log(1 - p)                     dy = (p - t) / (p (1 - p)) share
  from logits             max(y, 0) - y t + log(1 + e**-|y|)                dy = (sigmoid(y) - t) share
categorical_crossentropy  -sum_N(t log clip(q))                             dy = (sum_N(g q) - g) / sum_N(y) share
                                                                            g = t / q, 0 where q was clipped
  from logits             -sum_N(t (z - log sum_N(e**z))), z = y - max_N y  dy = (softmax(y) sum_N(t) - t) share
sparse                    t is one where n is the label, else 0

The loss is the mean over all elements, or over the M rows; share is dloss over their number. It stays on the device, as
an array of shape (), and so may dloss be one. Of classes, 8 to 32 threads of a warp or a whole block own a row, as
`reduce.plan` says, and go over it two or three times while it lies in a cache. Sums are in y's type, in an order that
the shape alone decides.
"""

import itertools
import math
import numbers

import numpy as np
from numba import cuda

from .._cuda import launch, reduce, stream
from .._cuda.elementwise import binary, multiprocessors
from .._cuda.jit import device, kernel
from .._cuda.memory import empty, empty_like
from .._cuda.reduce import MeanOf, my_row, row_largest, row_total
from .._cuda.stream import start
from .._cuda.usage import Compiled
from .._cuda.warp import WARP, larger
from .checks import mean_alone

LOW, HIGH = 1e-7, 1 - 1e-7


def mse_forward(y, t, *, weights=None, reduction="mean"):
    mean_alone("mse_forward", weights, reduction)
    return _mse(y, t)


def mse_backward(dloss, y, t, *, weights=None, reduction="mean"):
    mean_alone("mse_backward", weights, reduction)
    return _over_elements(_mse_gradient, dloss, y, t)


def binary_crossentropy_forward(y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"):
    mean_alone("binary_crossentropy_forward", weights, reduction, label_smoothing)
    return (_binary_from_logits if from_logits else _binary)(y, t)


def binary_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    mean_alone("binary_crossentropy_backward", weights, reduction, label_smoothing)
    return _over_elements(_binary_from_logits_gradient if from_logits else _binary_gradient, dloss, y, t)


def categorical_crossentropy_forward(
    y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    mean_alone("categorical_crossentropy_forward", weights, reduction, label_smoothing, class_weights)
    return _mean_over_rows(_categorical_from_logits if from_logits else _categorical, y, t)


def categorical_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    mean_alone("categorical_crossentropy_backward", weights, reduction, label_smoothing, class_weights)
    return _over_rows(_categorical_from_logits_gradient if from_logits else _categorical_gradient, dloss, y, t)


def sparse_categorical_crossentropy_forward(
    y,
    t,
    *,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    op = "sparse_categorical_crossentropy_forward"
    mean_alone(op, weights, reduction, label_smoothing, class_weights, ignore_index)
    return _mean_over_rows(_sparse_from_logits if from_logits else _sparse, y, t)


def sparse_categorical_crossentropy_backward(
    dloss,
    y,
    t,
    *,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    op = "sparse_categorical_crossentropy_backward"
    mean_alone(op, weights, reduction, label_smoothing, class_weights, ignore_index)
    return _over_rows(_sparse_from_logits_gradient if from_logits else _sparse_gradient, dloss, y, t)


def first_misfit(t, classes, ignore_index=None):
    """The first place of t (M,) that holds no label in [0, classes), or -1.

    The only one here that waits for the device; what a graph records is not looked at.
    """
    mean_alone("sparse_categorical_crossentropy", ignore_index=ignore_index)
    M = t.size
    if stream.is_recording() or not M:
        return -1
    blocks = launch.ceil_div(M, reduce.PIECE)
    found = empty(blocks, np.dtype(np.int64))
    start(_misfits, blocks, reduce.PIECE_THREADS, t, classes, found)
    behind = int(found.copy_to_host().max())
    return M - behind if behind else -1


def _over_elements(gradient, dloss, y, t):
    number, array = _parted(dloss)
    return _times(gradient(y, t, option=number / max(1, y.size)), array)


def _mean_over_rows(kernel, y, t):
    losses = empty(y.shape[0], y.dtype)
    _start_rows("the loss", kernel, y, t, losses)
    return reduce.mean(losses)


def _over_rows(kernel, dloss, y, t):
    number, array = _parted(dloss)
    dy = empty_like(y)
    _start_rows("the gradient of the loss", kernel, y, t, y.dtype.type(number / max(1, y.shape[0])), dy.reshape(-1))
    return _times(dy, array)


def _start_rows(op, kernel, y, t, *results):
    M, N = y.shape
    width, rows, _ = reduce.plan(N)
    reduce.start_rows(op, kernel, M, (width, rows), y.reshape(-1), t.reshape(-1), M, N, *results)


def _parted(dloss):
    """dloss as (number, array on the device or None), whose product it is."""
    return (dloss, None) if isinstance(dloss, numbers.Real) else (1.0, dloss)


def _times(dy, array):
    """dy, multiplied by the element of an array if there is one."""
    if array is not None and dy.size:
        start(_scale, *launch.strided(dy.size, multiprocessors()), dy.reshape(-1), array.reshape(1))
    return dy


def _scale_in_place(dy, dloss):
    for i in range(cuda.grid(1), dy.size, cuda.gridsize(1)):
        dy[i] *= dloss[0]


def _find_misfits(t, classes, found):
    """found[b]: how many labels of t there are from block b's first misfit on, 0 if it has none."""
    shared = cuda.shared.array(WARP, np.int64)
    first = np.int64(cuda.blockIdx.x) * reduce.PIECE
    behind = np.int64(0)
    for m in range(first + cuda.threadIdx.x, min(first + reduce.PIECE, t.size), cuda.blockDim.x):
        if t[m] < 0 or t[m] >= classes:
            behind = larger(behind, np.int64(t.size - m))
    behind = row_largest(behind, shared)
    if cuda.threadIdx.x == 0:
        found[cuda.blockIdx.x] = behind


_scale, _misfits = kernel(_scale_in_place), kernel(_find_misfits)


@device
def _squared(y, t):
    return (y - t) * (y - t)


@binary("mse_backward")
def _mse_gradient(y, t, share):
    return share * type(y)(2) * (y - t)


@device
def _clip(y):
    p = type(y)
    y = p(LOW) if y < p(LOW) else y  # comparisons with NaN are false: NaN stays
    return p(HIGH) if y > p(HIGH) else y


@device
def _outside(y):
    p = type(y)
    return y < p(LOW) or y > p(HIGH)


@device
def _binary_loss(y, t):
    p = type(y)
    q = _clip(y)
    return -t * p(math.log(q)) - (p(1) - t) * p(math.log(p(1) - q))


@binary("binary_crossentropy_backward")
def _binary_gradient(y, t, share):
    p = type(y)
    q = _clip(y)
    return share * (p(0) if _outside(y) else (q - t) / (q * (p(1) - q)))


@device
def _binary_loss_from_logits(y, t):
    p = type(y)
    return (y if y > p(0) else p(0)) - y * t + p(math.log1p(p(math.exp(-abs(y)))))


@binary("binary_crossentropy_backward-logits")
def _binary_from_logits_gradient(y, t, share):
    p = type(y)
    e = p(math.exp(-abs(y)))
    return share * ((e if y < p(0) else p(1)) / (p(1) + e) - t)


_mse = MeanOf("mse_forward", _squared)
_binary = MeanOf("binary_crossentropy_forward", _binary_loss)
_binary_from_logits = MeanOf("binary_crossentropy_forward-logits", _binary_loss_from_logits)


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
    return p(0) if _outside(q) else t / q


def _categorical_rows(y, t, M, N, losses):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    p = type(y[0])
    divisor, total = _sum(y, first, size, shared), p(0)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        total -= t[first + n] * p(math.log(_clip(y[first + n] / divisor)))
    total = row_total(total, shared)
    if size and cuda.threadIdx.x == 0:
        losses[row] = total


def _categorical_gradient_rows(y, t, M, N, share, dy):
    shared = cuda.shared.array(WARP, y.dtype)
    _, first, size = my_row(M, N)
    divisor, total = _sum(y, first, size, shared), type(share)(0)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        q = y[first + n] / divisor
        total += _slope(q, t[first + n]) * q
    total = row_total(total, shared)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        dy[first + n] = share * (total - _slope(y[first + n] / divisor, t[first + n])) / divisor


def _categorical_from_logits_rows(y, t, M, N, losses):
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


def _categorical_from_logits_gradient_rows(y, t, M, N, share, dy):
    shared = cuda.shared.array(WARP, y.dtype)
    _, first, size = my_row(M, N)
    largest = _largest(y, first, size, shared)
    factor = _sum(t, first, size, shared) / _sum_of_powers(y, first, size, largest, shared)
    for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        dy[first + n] = share * (type(share)(math.exp(y[first + n] - largest)) * factor - t[first + n])


def _sparse_rows(y, t, M, N, losses):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    divisor = _sum(y, first, size, shared)
    if size and cuda.threadIdx.x == 0:
        losses[row] = -type(divisor)(math.log(_clip(y[first + t[row]] / divisor)))


def _sparse_gradient_rows(y, t, M, N, share, dy):
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


def _sparse_from_logits_rows(y, t, M, N, losses):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    largest = _largest(y, first, size, shared)
    total = _sum_of_powers(y, first, size, largest, shared)
    if size and cuda.threadIdx.x == 0:
        losses[row] = type(total)(math.log(total)) - (y[first + t[row]] - largest)


def _sparse_from_logits_gradient_rows(y, t, M, N, share, dy):
    shared = cuda.shared.array(WARP, y.dtype)
    row, first, size = my_row(M, N)
    p = type(share)
    largest = _largest(y, first, size, shared)
    factor = p(1) / _sum_of_powers(y, first, size, largest, shared)
    if size:
        label = t[row]
        for n in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            dy[first + n] = share * (p(math.exp(y[first + n] - largest)) * factor - p(n == label))


_categorical, _categorical_gradient = kernel(_categorical_rows), kernel(_categorical_gradient_rows)
_categorical_from_logits = kernel(_categorical_from_logits_rows)
_categorical_from_logits_gradient = kernel(_categorical_from_logits_gradient_rows)
_sparse, _sparse_gradient = kernel(_sparse_rows), kernel(_sparse_gradient_rows)
_sparse_from_logits = kernel(_sparse_from_logits_rows)
_sparse_from_logits_gradient = kernel(_sparse_from_logits_gradient_rows)


def _compiled():
    for loop in (_mse, _binary, _binary_from_logits, _mse_gradient, _binary_gradient, _binary_from_logits_gradient):
        yield from loop.compiled
    for label in ("int64", "int32"):
        yield Compiled(_find_misfits, f"void({label}[::1], int64, int64[::1])", f"first_misfit-{label}")
    for T in ("float32", "float64"):
        yield Compiled(_scale_in_place, f"void({T}[::1], {T}[::1])", f"loss_backward-scale-{T}")
        for (name, result, function), target in itertools.product(_ROWS, (T, "int64", "int32")):
            if name.startswith("sparse") == (target != T):
                signature = f"void({T}[::1], {target}[::1], int64, int64, {result.replace('T', T)})"
                kind = f"{T}-{target}" if target != T else T
                yield Compiled(function, signature, f"{name}-{kind}")


_LOSS, _GRADIENT = "T[::1]", "T, T[::1]"
_ROWS = (
    ("categorical_crossentropy_forward", _LOSS, _categorical_rows),
    ("categorical_crossentropy_forward-logits", _LOSS, _categorical_from_logits_rows),
    ("categorical_crossentropy_backward", _GRADIENT, _categorical_gradient_rows),
    ("categorical_crossentropy_backward-logits", _GRADIENT, _categorical_from_logits_gradient_rows),
    ("sparse_categorical_crossentropy_forward", _LOSS, _sparse_rows),
    ("sparse_categorical_crossentropy_forward-logits", _LOSS, _sparse_from_logits_rows),
    ("sparse_categorical_crossentropy_backward", _GRADIENT, _sparse_gradient_rows),
    ("sparse_categorical_crossentropy_backward-logits", _GRADIENT, _sparse_from_logits_gradient_rows),
)
COMPILED = tuple(_compiled())
