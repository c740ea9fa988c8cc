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

import numbers

import numpy as np
from numba import cuda

from .._cuda import launch, reduce, stream
from .._cuda.elementwise import multiprocessors
from .._cuda.jit import kernel
from .._cuda.memory import empty, empty_like
from .._cuda.reduce import row_largest
from .._cuda.stream import start
from .._cuda.usage import Compiled
from .._cuda.warp import WARP, larger
from . import cuda_class_rows as rows
from . import cuda_elements as elements
from .checks import mean_alone


def mse_forward(y, t, *, weights=None, reduction="mean"):
    mean_alone("mse_forward", weights, reduction)
    return elements.mse(y, t)


def mse_backward(dloss, y, t, *, weights=None, reduction="mean"):
    mean_alone("mse_backward", weights, reduction)
    return _over_elements(elements.mse_gradient, dloss, y, t)


def binary_crossentropy_forward(y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"):
    mean_alone("binary_crossentropy_forward", weights, reduction, label_smoothing)
    return (elements.binary_loss_from_logits if from_logits else elements.binary_loss)(y, t)


def binary_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    mean_alone("binary_crossentropy_backward", weights, reduction, label_smoothing)
    gradient = elements.binary_gradient_from_logits if from_logits else elements.binary_gradient
    return _over_elements(gradient, dloss, y, t)


def categorical_crossentropy_forward(
    y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    mean_alone("categorical_crossentropy_forward", weights, reduction, label_smoothing, class_weights)
    return _mean_over_rows(rows.shares_from_logits if from_logits else rows.shares, y, t)


def categorical_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    mean_alone("categorical_crossentropy_backward", weights, reduction, label_smoothing, class_weights)
    return _over_rows(rows.shares_gradient_from_logits if from_logits else rows.shares_gradient, dloss, y, t)


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
    return _mean_over_rows(rows.labels_from_logits if from_logits else rows.labels, y, t)


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
    return _over_rows(rows.labels_gradient_from_logits if from_logits else rows.labels_gradient, dloss, y, t)


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
    width, together, _ = reduce.plan(N)
    reduce.start_rows(op, kernel, M, (width, together), y.reshape(-1), t.reshape(-1), M, N, *results)


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


def _compiled():
    yield from elements.COMPILED
    yield from rows.COMPILED
    for label in ("int64", "int32"):
        yield Compiled(_find_misfits, f"void({label}[::1], int64, int64[::1])", f"first_misfit-{label}")
    for T in ("float32", "float64"):
        yield Compiled(_scale_in_place, f"void({T}[::1], {T}[::1])", f"loss_backward-scale-{T}")


COMPILED = tuple(_compiled())
