"""Where the matrices of a batch lie: leading axes that broadcast, rows of any distance."""

from functools import lru_cache

import numpy as np


def layout(batch, sizes, *arrays):
    """(the arrays' memory as single rows …, the `layout` of `product.gemm` for products of these `sizes`)."""
    rows, strides = zip(*(_memory(x) for x in arrays))
    return *rows, _layout(batch, sizes, strides, *((x.shape[:-2], x.strides[:-2], x.itemsize) for x in arrays))


def _memory(x):
    """(x's memory from its first element on as a single row, the stride of its matrices' rows in elements)."""
    if x.flags.c_contiguous or x.size == 0:
        return x.reshape(1, -1), x.shape[-1]
    strides = [step // x.itemsize for step in x.strides]
    span = 1 + sum((size - 1) * step for size, step in zip(x.shape, strides))
    return np.lib.stride_tricks.as_strided(x, (1, span), (span * x.itemsize, x.itemsize)), strides[-2]


@lru_cache(maxsize=1024)
def _layout(batch, sizes, rows, *places):
    starts = np.zeros((*batch, len(places)), np.int64)
    for column, (shape, strides, itemsize) in enumerate(places):
        for axis, (size, step) in enumerate(zip(shape[::-1], strides[::-1])):
            if size > 1:
                starts[..., column] += (np.arange(size) * (step // itemsize)).reshape(-1, *[1] * axis)
    return np.concatenate([[sizes], [rows], starts.reshape(-1, len(places))])


def summed(gradient, shape):
    """A gradient over the batch, summed to the shape of an operand that was broadcast."""
    if gradient.shape == shape:
        return gradient
    lead = gradient.ndim - len(shape)
    axes = [n + lead for n, size in enumerate(shape) if size != gradient.shape[n + lead]]
    return gradient.sum((*range(lead), *axes), keepdims=True).reshape(shape)
