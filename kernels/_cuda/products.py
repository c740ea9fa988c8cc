"""Products of arrays of matrices, of any kind, and their gradients where an operand was broadcast.

a (..., M, K) or (..., K, M)    b (..., K, N) or (..., N, K)    y (..., M, N)

A batch is one launch; the leading axes of a and b broadcast to those of y. The gradient of a broadcast operand is the
sum over the axes that it lacks: one product with a longer K where the operands' rows allow that, else all products of
the batch, held in memory, added in order.
"""

import functools
import math

import numpy as np

from . import gemm, gemm_tensor, sums
from .access import has_wide_rows
from .halves import accumulator, bits, is_half
from .matrix import batches, matrix, shape_of
from .memory import empty


def product(op, a, turned_a, b, turned_b, y, bias=None, activation=None):
    """y = f(op(a) op(b) + bias), where op transposes what is `turned`; a y of float32 keeps sums of 16-bit kinds."""
    if not y.size:
        return
    if a.ndim > 2 == b.ndim and not turned_a:  # one product with all the rows
        a, y = rows_of(a), rows_of(y)
    (M, N, K), shape_a, shape_b, count, far = _plan(tuple(a.shape), turned_a, tuple(b.shape), tuple(y.shape))
    aligned = has_wide_rows(a) and has_wide_rows(b) and (has_wide_rows(y) or y.dtype != a.dtype)
    spare = y if y.dtype == a.dtype else empty((1,), a.dtype)  # where K is 0 nothing is read, and there is no memory
    a_flat, b_flat, y_flat = (x.reshape(-1) if x.size else spare.reshape(-1) for x in (a, b, y))
    for number, (first_a, first_b) in enumerate(far):
        left, right = _behind(a_flat, first_a * M * K), _behind(b_flat, first_b * K * N)
        result = _behind(y_flat, number * count * M * N)
        rest = bias, activation, result, (M, N, K)
        if is_half(a.dtype.name):
            sides = (turned_a, left, shape_a), (turned_b, right, shape_b)
            gemm_tensor.multiply(op, a.dtype.name, *sides, *rest, batch=count, aligned=aligned)
        else:
            sides = (matrix(not turned_a, aligned), left, shape_a), (matrix(turned_b, aligned), right, shape_b)
            gemm.multiply(op, *sides, *rest, batch=count, aligned_y=aligned)


@functools.lru_cache(maxsize=4096)
def _plan(a, turned_a, b, y):
    """(sizes, shapes of both sides, products of a launch, first matrices of a and b for every launch) for shapes."""
    (*batch, M, N), (*lead, rows, columns), other = y, a, b[:-2]
    K = rows if turned_a else columns
    *far, outer, inner = batches(batch, lead, other)
    shape_a = shape_of(M, K, (inner[0], outer[1] * M * K, inner[1] * M * K))
    shape_b = shape_of(N, K, (inner[0], outer[2] * K * N, inner[2] * K * N))
    places = np.ndindex(*(size for size, *_ in far))
    firsts = [tuple(sum(i * axis[n] for i, axis in zip(place, far)) for n in (1, 2)) for place in places]
    return (M, N, K), shape_a, shape_b, outer[0] * inner[0], firsts


def _behind(x, first):
    """The flat array x from an element on; a slice costs more than asking."""
    return x[first:] if first else x


def gradient(op, left, turned_left, right, turned_right, like):
    """The gradient of `like`: op(left) op(right), summed over the leading axes along which `like` was broadcast."""
    dx = empty(like.shape, like.dtype)
    leads = [tuple(x.shape)[:-2] for x in (left, right)]
    batch, (*own, M, N) = np.broadcast_shapes(*leads), like.shape
    if not dx.size:
        return dx
    if math.prod(own) == 1 and leads[0] == leads[1] and turned_left and not turned_right:  # one long sum over all rows
        product(op, rows_of(left), True, rows_of(right), False, dx.reshape((M, N)))
    elif math.prod(own) == math.prod(batch):
        product(op, left, turned_left, right, turned_right, dx.reshape((*batch, M, N)))
    else:
        whole = empty((*batch, M, N), accumulator(like.dtype.name))
        product(op, left, turned_left, right, turned_right, whole)
        _add(whole, batch, own, M * N, dx)
    return dx


def _add(whole, batch, own, inner, dx):
    """dx = whole (*batch, inner) summed over the axes of the batch that `own` lacks, the last ones first."""
    axes = []  # (size, whether it stays)
    for size, mine in zip(batch, (1,) * (len(batch) - len(own)) + tuple(own)):
        stays = mine == size
        if axes and axes[-1][1] == stays:
            axes[-1] = axes[-1][0] * size, stays
        elif size != 1:
            axes.append((size, stays))
    parts = whole.reshape(-1) if whole.size else empty((1,), whole.dtype)
    while axes:
        size, stays = axes.pop()
        if stays:
            inner *= size
            continue
        outer = math.prod(n for n, _ in axes)
        last = all(stays for _, stays in axes)
        y = bits(dx.reshape(-1)) if last else empty((outer * inner,), whole.dtype)
        kind = dx.dtype.name if last else whole.dtype.name
        sums.add_parts(parts, size, y, False, 0, y, (outer, 1, inner), (inner, inner), kind)
        parts = y


def rows_of(x):
    """All rows of an array, as one matrix."""
    *lead, columns = x.shape
    return x.reshape((math.prod(lead), columns))
