"""Gradients of embeddings on the CPU: every row of a table gets the sum of what belongs to it.

ids (n,) int64    dy (n, D), of bags (B, D), read flat    dw (V, D), or (K, D) of the rows that are used

The places are brought into the order of their ids first, by counting, which keeps the places of an id in their order;
then a task owns rows of dw, and adds to each what belongs to it: no two tasks write the same row, and the order of a
sum does not depend on threads. Tasks are cut where rows plus places pass a multiple of a fixed number, so that one that
owns a frequent id owns fewer others.

A table that fits into the caches is instead cut into parts that fit into the nearest: a task clears its part and then
adds the places of all its rows, in their order. That needs no order by rows, and stores without decisions row by row.

Where few rows of a large table are used nothing is counted by row: the places are sorted by their ids' digits, from the
last to the first (LSD radix sort; Knuth, The Art of Computer Programming 3, 5.2.5).
"""

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.prefetch import prefetch
from .._cpu.streaming import STREAMED, fence, stream, streams
from .._cpu.threads import spread

CHUNK = 1 << 14  # elements of a task
PART = 1 << 15  # elements of a part of a table that the caches hold
AHEAD = 4  # rows; asking for a row so much earlier takes a third of the time off a table that is in no cache
WIDE = 1 << 10  # bytes of a row of a gradient that is streamed; rows of 256 were slower than ordinary stores
DIGIT = 11  # bits: 2,048 counters of 8 bytes stay in the first-level cache


@inner
def clear(y, start, count):
    for i in range(np.uint64(start), np.uint64(start + count)):
        y[i] = 0


@kernel
def dense(dy, ids, bags, shares, D, padded, padding, rows, dw):
    """dw (rows, D) from the gradients of places, or of bags of places where `bags` is not empty."""
    if dw.nbytes < STREAMED:
        _by_parts(dy, ids, bags, shares, D, padded, padding, rows, dw)
        return
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


@inner
def _by_parts(dy, ids, bags, shares, D, padded, padding, rows, dw):
    """The same for a table that the caches hold; a part is 1 << shift rows."""
    shift = 0
    while (2 << shift) * D <= PART and 1 << shift < rows:
        shift += 1
    parts = -(-rows >> shift)
    ends = np.zeros(parts + 1, np.int64)
    for i in range(ids.size):
        if not (padded and ids[i] == padding):
            ends[(ids[i] >> shift) + 1] += 1
    for part in range(parts):  # ends[part] is where a part's places begin; the next loop moves that to where they end
        ends[part + 1] += ends[part]
    keys, order = np.empty(ends[parts], np.int64), np.empty(ends[parts], np.int64)
    b = 0
    for i in range(ids.size):
        if bags.size:
            while bags[b + 1] <= i:
                b += 1
        if not (padded and ids[i] == padding):
            k = ends[ids[i] >> shift]
            ends[ids[i] >> shift] = k + 1
            keys[k], order[k] = ids[i], b if bags.size else i
    work = dw.size // 24 + keys.size * D // 6
    spread(_part_task, parts, work, (dy, keys, order, ends, shares, D, 1 << shift, dw))


@inner
def _part_task(task, dy, keys, order, ends, shares, D, rows, dw):
    """Rows task * rows and on of a table."""
    one, far = dy.dtype.type(1), dy.nbytes >= STREAMED
    clear(dw, task * rows * D, min(rows * D, dw.size - task * rows * D))
    for k in range(ends[task - 1] if task else 0, ends[task]):
        if far and k + AHEAD < order.size:
            prefetch(dy, order[k + AHEAD] * D, D)
        to, start = np.uint64(keys[k] * D), np.uint64(order[k] * D)
        share = shares[order[k]] if shares.size else one
        for d in range(np.uint64(D)):
            dw[to + d] += dy[start + d] * share


@kernel
def sums(dy, order, ends, shares, D, dw):
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
            clear(dw, v * D, D)
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
def sorted_places(ids, rows, padded, padding):
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
