"""Embedding on the CPU.

ids (n,), read as flat int64    w, dw (V, D)    y, dy (n, D), of bags (B, D)

y = w[ids]              dw[v] = sum of dy over the places of v in ids
bags: y[b] = share[b] (sum of w[ids] over the places of bag b), share 1 or 1 / count

Forward, a task owns rows of y. The gradient brings the places into the order of their ids first, by counting, which
keeps the places of an id in their order; then a task owns rows of dw, and adds to each what belongs to it: no two tasks
write the same row, and the order of a sum does not depend on threads. Tasks are cut where rows plus places pass a
multiple of a fixed number, so that one that owns a frequent id owns fewer others.

Where few rows of a large table are used nothing is counted by row: the places are sorted by their ids' digits, from the
last to the first (LSD radix sort; Knuth, The Art of Computer Programming 3, 5.2.5).
"""

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import empty
from .._cpu.prefetch import prefetch
from .._cpu.streaming import STREAMED, fence, stream, streams
from .._cpu.threads import spread

CHUNK = 1 << 14  # elements of a task
AHEAD = 4  # rows; asking for a row so much earlier takes a third of the time off a table that is in no cache
WIDE = 1 << 10  # bytes of a row of a gradient that is streamed; rows of 256 were slower than ordinary stores
DIGIT = 11  # bits: 2,048 counters of 8 bytes stay in the first-level cache
_NONE = np.empty(0, np.int64)


def embedding_forward(ids, w, *, padding_index=None, out=None):
    y = empty((*ids.shape, w.shape[1]), w.dtype) if out is None else out
    _gather(_flat(ids), w.reshape(-1), w.shape[1], *_padding(padding_index), y.reshape(-1))
    return y


def embedding_backward(dy, ids, *, rows, padding_index=None):
    D = dy.shape[-1]
    dw = empty((rows, D), dy.dtype)
    _dense(dy.reshape(-1), _flat(ids), _NONE, np.empty(0, dy.dtype), D, *_padding(padding_index), rows, dw.reshape(-1))
    return dw


def embedding_sparse_backward(dy, ids, *, rows, padding_index=None):
    D = dy.shape[-1]
    used, ends, order = _sorted(_flat(ids), rows, *_padding(padding_index))
    gradients = empty((used.size, D), dy.dtype)
    _sums(dy.reshape(-1), order, ends, np.empty(0, dy.dtype), D, gradients.reshape(-1))
    return used, gradients


def embedding_bag_forward(ids, w, offsets=None, *, mode="sum", padding_index=None, out=None):
    bags = _bags(ids, offsets)
    y = empty((bags.size - 1, w.shape[1]), w.dtype) if out is None else out
    padding = _padding(padding_index)
    shares = np.empty(bags.size - 1, w.dtype)
    _bag_sums(_flat(ids), bags, w.reshape(-1), w.shape[1], *padding, mode == "mean", shares, y.reshape(-1))
    return y


def embedding_bag_backward(dy, ids, offsets=None, *, rows, mode="sum", padding_index=None):
    bags, D, ids = _bags(ids, offsets), dy.shape[1], _flat(ids)
    padding = _padding(padding_index)
    shares = np.empty(bags.size - 1, dy.dtype)
    _fill_shares(ids, bags, *padding, mode == "mean", shares)
    dw = empty((rows, D), dy.dtype)
    _dense(dy.reshape(-1), ids, bags, shares, D, *padding, rows, dw.reshape(-1))
    return dw


def one_hot_forward(ids, *, classes, dtype="float32"):
    y = empty((*ids.shape, classes), np.dtype(dtype))
    _one_hot(_flat(ids), classes, y.reshape(-1))
    return y


def first_misfit(ids, rows, padding_index):
    """The first place of the flat ids that holds neither a row nor the padding, or -1."""
    return _first_misfit(_flat(ids), rows, *_padding(padding_index))


def first_fall(offsets, size):
    """The first place of offsets (B,) that is beyond `size`, below the one before it, or first and not 0; or -1."""
    return _first_fall(_flat(offsets), size)


def _flat(ids):
    return (ids if ids.dtype == np.int64 else ids.astype(np.int64)).reshape(-1)


def _padding(padding_index):
    """(whether there is one, which)."""
    return padding_index is not None, padding_index or 0


def _bags(ids, offsets):
    """The first place of every bag, and the end of the last."""
    if offsets is None:
        return np.arange(ids.shape[0] + 1) * ids.shape[1]
    return np.append(offsets, ids.size).astype(np.int64)


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
            _clear(y, i * D, D)
        elif streamed:
            stream(w[ids[i] * D : ids[i] * D + D], y, i * D, D)
        else:
            for d in range(np.uint64(D)):
                y[to + d] = w[start + d]
    if streamed:
        fence()


@inner
def _clear(y, start, count):
    for i in range(np.uint64(start), np.uint64(start + count)):
        y[i] = 0


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
    """Bags task * group and on; their rows of y are this task's alone."""
    far = w.nbytes >= STREAMED
    for b in range(task * group, min((task + 1) * group, shares.size)):
        to = np.uint64(b * D)
        _clear(y, b * D, D)
        for i in range(bags[b], bags[b + 1]):
            if far and i + AHEAD < ids.size:
                prefetch(w, ids[i + AHEAD] * D, D)
            if not (padded and ids[i] == padding):
                start = np.uint64(ids[i] * D)
                for d in range(np.uint64(D)):
                    y[to + d] += w[start + d]
        if mean:
            share = _share(ids, bags[b], bags[b + 1], padded, padding, mean, y.dtype.type(1))
            for d in range(np.uint64(D)):
                y[to + d] *= share


@kernel
def _dense(dy, ids, bags, shares, D, padded, padding, rows, dw):
    """dw (rows, D) from the gradients of places, or of bags of places where `bags` is not empty."""
    ends = np.zeros(rows, np.int64)
    for i in range(ids.size):
        if not (padded and ids[i] == padding):
            ends[ids[i]] += 1
    total = 0
    for v in range(rows):  # where each row's places begin; the next loop moves that to where they end
        count = ends[v]
        ends[v] = total
        total += count
    order = np.empty(total, np.int64)
    for b in range(max(bags.size - 1, 0)):
        for i in range(bags[b], bags[b + 1]):
            if not (padded and ids[i] == padding):
                order[ends[ids[i]]] = b
                ends[ids[i]] += 1
    if not bags.size:
        for i in range(ids.size):
            if not (padded and ids[i] == padding):
                order[ends[ids[i]]] = i
                ends[ids[i]] += 1
    _add_rows(dy, order, ends, shares, D, dw)


@kernel
def _sums(dy, order, ends, shares, D, dw):
    _add_rows(dy, order, ends, shares, D, dw)


@inner
def _add_rows(dy, order, ends, shares, D, dw):
    """dw[v] = sum of dy[order[k]] for k from ends[v - 1] to ends[v]."""
    units, unit = ends.size + order.size, max(1, CHUNK // max(1, D))
    spread(_rows_task, -(-units // unit), units * D // 6, (dy, order, ends, shares, D, unit, dw))


@inner
def _rows_task(task, dy, order, ends, shares, D, unit, dw):
    """The rows that begin at unit task * unit and on, where a row has as many units as it has places, and one more."""
    streamed = streams(dw) and D * dw.itemsize % VECTOR_BYTES == 0 and D * dw.itemsize >= WIDE
    nothing, total = np.zeros(D if streamed else 0, dw.dtype), np.empty(D if streamed else 0, dw.dtype)
    for v in range(_row_from(ends, task * unit), _row_from(ends, (task + 1) * unit)):
        begin = ends[v - 1] if v else 0
        if streamed:
            if begin < ends[v]:
                _add(dy, order, begin, ends[v], shares, D, total, 0)
            stream(total if begin < ends[v] else nothing, dw, v * D, D)
        elif begin < ends[v]:
            _add(dy, order, begin, ends[v], shares, D, dw, v * D)
        else:
            _clear(dw, v * D, D)
    if streamed:
        fence()


@inner
def _add(dy, order, begin, end, shares, D, dw, to):
    """dw[to : to + D] = the sum of dy[order[k]] share for k from begin to end."""
    to, one, far = np.uint64(to), dy.dtype.type(1), dy.nbytes >= STREAMED
    for k in range(begin, end):
        if far and k + AHEAD < order.size:
            prefetch(dy, order[k + AHEAD] * D, D)
        start = np.uint64(order[k] * D)
        share = shares[order[k]] if shares.size else one
        if k == begin:
            for d in range(np.uint64(D)):
                dw[to + d] = dy[start + d] * share
        else:
            for d in range(np.uint64(D)):
                dw[to + d] += dy[start + d] * share


@inner
def _row_from(ends, units):
    """The first row that begins at this unit or behind it."""
    low, high = 0, ends.size
    while low < high:
        middle = (low + high) // 2
        if (ends[middle - 1] if middle else 0) + middle >= units:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def _sorted(ids, rows, padded, padding):
    """(the different ids, where the places of each end in the order, the order of places by id)."""
    keys, order, count = np.empty(ids.size, np.int64), np.empty(ids.size, np.int64), 0
    for i in range(ids.size):
        if not (padded and ids[i] == padding):
            keys[count], order[count] = ids[i], i
            count += 1
    keys, order = keys[:count], order[:count]
    next_keys, next_order = np.empty(count, np.int64), np.empty(count, np.int64)
    shift = 0
    while (rows - 1) >> shift > 0:
        places = np.zeros((1 << DIGIT) + 1, np.int64)
        for k in range(count):
            places[((keys[k] >> shift) & ((1 << DIGIT) - 1)) + 1] += 1
        for digit in range(1 << DIGIT):
            places[digit + 1] += places[digit]
        for k in range(count):
            digit = (keys[k] >> shift) & ((1 << DIGIT) - 1)
            next_keys[places[digit]], next_order[places[digit]] = keys[k], order[k]
            places[digit] += 1
        keys, next_keys, order, next_order = next_keys, keys, next_order, order
        shift += DIGIT
    used = 0
    for k in range(count):
        used += k + 1 == count or keys[k] != keys[k + 1]
    values, ends, used = np.empty(used, np.int64), np.empty(used, np.int64), 0
    for k in range(count):
        if k + 1 == count or keys[k] != keys[k + 1]:
            values[used], ends[used] = keys[k], k + 1
            used += 1
    return values, ends, order


@kernel
def _one_hot(ids, classes, y):
    rows = max(1, CHUNK // max(classes, 1))
    spread(_one_hot_rows, -(-ids.size // rows), y.size // 12, (ids, classes, rows, y))


@inner
def _one_hot_rows(task, ids, classes, rows, y):
    first, end = task * rows, min((task + 1) * rows, ids.size)
    _clear(y, first * classes, (end - first) * classes)
    if classes:
        for i in range(first, end):
            y[i * classes + ids[i]] = 1
