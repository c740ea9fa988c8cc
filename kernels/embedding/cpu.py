"""Embedding on the CPU.

ids (n,), read as flat int64    w, dw (V, D)    y, dy (n, D), of bags (B, D)

y = w[ids]              dw[v] = sum of dy over the places of v in ids
bags: y[b] = share[b] (sum of w[ids] over the places of bag b), share 1 or 1 / count

Forward, a task owns rows of y. Gradients are in gradient.py.
"""

from functools import lru_cache

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import empty
from .._cpu.prefetch import prefetch
from .._cpu.streaming import STREAMED, fence, stream, streams
from .._cpu.threads import spread
from .gradient import AHEAD, CHUNK, clear, dense, sorted_places, sums

FAR = 1 << 20  # bytes of a table that the nearest caches do not hold
ROWS_AHEAD = 24  # of a bag: its rows are added so fast that AHEAD would be too late
_NONE, _INT64 = np.empty(0, np.int64), np.dtype(np.int64)


def embedding_forward(ids, w, *, padding_index=None, out=None):
    y = empty((*ids.shape, w.shape[1]), w.dtype) if out is None else out
    _gather(_flat(ids), w.ravel(), w.shape[1], *_padding(padding_index), y.ravel())
    return y


def embedding_backward(dy, ids, *, rows, padding_index=None):
    D = dy.shape[-1]
    dw = empty((rows, D), dy.dtype)
    dense(dy.ravel(), _flat(ids), _NONE, np.empty(0, dy.dtype), D, *_padding(padding_index), rows, dw.ravel())
    return dw


def embedding_sparse_backward(dy, ids, *, rows, padding_index=None):
    D = dy.shape[-1]
    used, ends, order = sorted_places(_flat(ids), rows, *_padding(padding_index))
    gradients = empty((used.size, D), dy.dtype)
    sums(dy.ravel(), order, ends, np.empty(0, dy.dtype), D, gradients.ravel())
    return used, gradients


def embedding_bag_forward(ids, w, offsets=None, *, mode="sum", padding_index=None, out=None):
    bags = _bags(ids, offsets)
    y = empty((bags.size - 1, w.shape[1]), w.dtype) if out is None else out
    padding = _padding(padding_index)
    shares = np.empty(bags.size - 1, w.dtype)
    _bag_sums(_flat(ids), bags, w.ravel(), w.shape[1], *padding, mode == "mean", shares, y.ravel())
    return y


def embedding_bag_backward(dy, ids, offsets=None, *, rows, mode="sum", padding_index=None):
    bags, D, ids = _bags(ids, offsets), dy.shape[1], _flat(ids)
    padding = _padding(padding_index)
    shares = np.empty(bags.size - 1, dy.dtype)
    _fill_shares(ids, bags, *padding, mode == "mean", shares)
    dw = empty((rows, D), dy.dtype)
    dense(dy.ravel(), ids, bags, shares, D, *padding, rows, dw.ravel())
    return dw


def one_hot_forward(ids, *, classes, dtype="float32"):
    y = empty((*ids.shape, classes), np.dtype(dtype))
    _one_hot(_flat(ids), classes, y.ravel())
    return y


def first_misfit(ids, rows, padding_index):
    """The first place of the flat ids that holds neither a row nor the padding, or -1."""
    return _first_misfit(_flat(ids), rows, *_padding(padding_index))


def first_fall(offsets, size):
    """The first place of offsets (B,) that is beyond `size`, below the one before it, or first and not 0; or -1."""
    return _first_fall(_flat(offsets), size)


def _flat(ids):
    return (ids if ids.dtype is _INT64 or ids.dtype == _INT64 else ids.astype(np.int64)).ravel()


def _padding(padding_index):
    """(whether there is one, which)."""
    return padding_index is not None, padding_index or 0


def _bags(ids, offsets):
    """The first place of every bag, and the end of the last."""
    if offsets is None:
        return _even_bags(*ids.shape)
    bags = np.empty(offsets.size + 1, np.int64)
    bags[:-1], bags[-1] = offsets, ids.size
    return bags


@lru_cache(maxsize=8)
def _even_bags(B, L):
    return np.arange(B + 1) * L


@kernel
def _first_misfit(ids, rows, padded, padding):
    misfit = False
    for i in range(np.uint64(ids.size)):  # goes through to the end, because a loop with an exit would not vectorise
        misfit |= (np.uint64(ids[i]) >= np.uint64(rows)) & (not padded or ids[i] != padding)
    if misfit:
        for i in range(ids.size):
            if np.uint64(ids[i]) >= np.uint64(rows) and not (padded and ids[i] == padding):
                return i
    return -1


@kernel
def _first_fall(offsets, size):
    before = 0
    for b in range(offsets.size):
        if offsets[b] < before or offsets[b] > size or (b == 0 and offsets[b]):
            return b
        before = offsets[b]
    return -1


@kernel
def _gather(ids, w, D, padded, padding, y):
    rows = max(1, CHUNK // max(D, 1))
    streamed = streams(y) and D * y.itemsize % VECTOR_BYTES == 0
    spread(_gather_rows, -(-ids.size // rows), y.size // 6, (ids, w, D, rows, padded, padding, y, streamed))


@inner
def _gather_rows(task, ids, w, D, rows, padded, padding, y, streamed):
    end, far = min((task + 1) * rows, ids.size), w.nbytes >= STREAMED
    for i in range(task * rows, end):
        if far and i + AHEAD < end:
            prefetch(w, ids[i + AHEAD] * D, D)
        to, start = np.uint64(i * D), np.uint64(ids[i] * D)
        if padded and ids[i] == padding:
            clear(y, i * D, D)
        elif streamed:
            stream(w[ids[i] * D : ids[i] * D + D], y, i * D, D)
        else:
            for d in range(np.uint64(D)):
                y[to + d] = w[start + d]
    if streamed:
        fence()


@kernel
def _fill_shares(ids, bags, padded, padding, mean, shares):
    for b in range(shares.size):
        shares[b] = _share(ids, bags[b], bags[b + 1], padded, padding, mean, shares.dtype.type(1))


@inner
def _share(ids, first, end, padded, padding, mean, one):
    if not mean:
        return one
    count = end - first
    if padded:
        for i in range(first, end):
            count -= ids[i] == padding
    return one / type(one)(max(count, 1))


@kernel
def _bag_sums(ids, bags, w, D, padded, padding, mean, shares, y):
    group = max(1, CHUNK // max(1, D * (1 + ids.size // max(1, shares.size))))
    arguments = (ids, bags, w, D, group, padded, padding, mean, shares, y)
    spread(_bag_rows, -(-shares.size // group), ids.size * D // 6, arguments)


@inner
def _bag_rows(task, ids, bags, w, D, group, padded, padding, mean, shares, y):
    """Bags task * group and on; their rows of y are this task's alone. Four rows are added before they go to y's."""
    far = w.nbytes >= FAR
    for b in range(task * group, min((task + 1) * group, shares.size)):
        to = np.uint64(b * D)
        clear(y, b * D, D)
        for i in range(bags[b], bags[b + 1], 4):
            end = min(i + 4, bags[b + 1])
            if far:
                for k in range(i + ROWS_AHEAD, min(i + 4 + ROWS_AHEAD, ids.size)):
                    prefetch(w, ids[k] * D, D)
            if end == i + 4 and not padded:
                k, m = np.uint64(ids[i] * D), np.uint64(ids[i + 1] * D)
                n, o = np.uint64(ids[i + 2] * D), np.uint64(ids[i + 3] * D)
                for d in range(np.uint64(D)):
                    y[to + d] += (w[k + d] + w[m + d]) + (w[n + d] + w[o + d])
                continue
            for k in range(i, end):
                if not (padded and ids[k] == padding):
                    start = np.uint64(ids[k] * D)
                    for d in range(np.uint64(D)):
                        y[to + d] += w[start + d]
        if mean:
            share = _share(ids, bags[b], bags[b + 1], padded, padding, mean, y.dtype.type(1))
            for d in range(np.uint64(D)):
                y[to + d] *= share


@kernel
def _one_hot(ids, classes, y):
    rows = max(1, CHUNK // max(classes, 1))
    spread(_one_hot_rows, -(-ids.size // rows), y.size // 12, (ids, classes, rows, y))


@inner
def _one_hot_rows(task, ids, classes, rows, y):
    first, end = task * rows, min((task + 1) * rows, ids.size)
    clear(y, first * classes, (end - first) * classes)
    if classes:
        for i in range(first, end):
            y[i * classes + ids[i]] = 1
