"""The k largest along an axis on the CPU.

x, dx (M, N, R), N along the axis; values, indices, dy (M, K, R)

Up to FEW are kept in their order, and a new one moves those behind it up by one: for each a choice between two values,
no branch, since one that is not foreseen costs more than all of them. More are kept in a heap with the worst at its
root: the smallest value, of equal ones the last (Williams 1964, Algorithm 232; Floyd 1964, Algorithm 245); at the end
the worst are taken off one by one.

Most elements are not even looked at one by one. Of a row (R = 1), the largest of every BLOCK are found first, as vector
code. K blocks hold a value at least as large as the K-th largest of these, and what is smaller than it is not wanted.
Of columns, BLOCK of a row are compared at once with the least that is kept of each, and put in their places at once.
A task owns whole m, or columns of one m.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty
from .._cpu.threads import spread
from .._cpu.vecmath import in_order, order

CHUNK = 1 << 14  # elements of a task
BLOCK = 32
FEW = 32
COLUMNS = 256  # of a task: whole lines of memory, and some of them
KEPT = 1 << 14  # elements kept by a task of columns: they stay in the second-level cache


def top_k_forward(x, *, k, axis=-1):
    shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
    values, indices = empty(shape, x.dtype), empty(shape, np.dtype(np.int64))
    _find(x.reshape(-1), *_split(x.shape, axis), k, values.reshape(-1), indices.reshape(-1))
    return values, indices


def top_k_backward(dy, indices, *, input_shape, axis=-1):
    dx = empty(input_shape, dy.dtype)
    indices = indices if indices.dtype == np.int64 else indices.astype(np.int64)
    _put(dy.reshape(-1), indices.reshape(-1), *_split(input_shape, axis), dx.reshape(-1))
    return dx


def _split(shape, axis):
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


@kernel
def _find(x, M, N, R, k, values, indices):
    width = max(1, min(R, COLUMNS, max(BLOCK, KEPT // k // BLOCK * BLOCK)))
    blocks = -(-R // width)
    group = max(1, CHUNK // max(1, N * width)) if blocks == 1 else 1
    spread(_find_rows, -(-M // group) * blocks, x.size, (x, M, N, R, k, blocks, group, width, values, indices))


@inner
def _find_rows(task, x, M, N, R, k, blocks, group, width, values, indices):
    first, left = task // blocks * group, task % blocks * width
    columns = min(width, R - left)
    best, places = np.empty(columns * k, x.dtype), np.empty(columns * k, np.int64)
    most = np.empty(-(-N // BLOCK) if R == 1 else 0, x.dtype)
    least = np.empty(columns if R > 1 else 0, x.dtype)
    down, across = (columns, 1) if k <= FEW else (1, k)  # from one that is kept to the next, and to the next column's
    for m in range(first, min(first + group, M)):
        if R == 1:
            _of_row(x, m * N, N, k, most, best, places)
        else:
            _of_columns(x, m * N * R + left, N, R, k, columns, least, best, places)
        for column in range(columns if k > FEW else 0):
            _sort(best, places, column * k, k)
        for j in range(k):
            to = (m * k + j) * R + left
            for column in range(columns):
                values[to + column] = best[j * down + column * across]
                indices[to + column] = places[j * down + column * across]


@inner
def _of_row(x, start, N, k, most, best, places):
    unordered = _largest(x, start, N, most)
    least = x[start]
    bounded = not unordered and most.size > k  # NaN is in no order: then all is looked at
    if bounded:
        for b in range(most.size):
            _offer(best, places, k, b, b, most[b])
        least = best[k - 1 if k <= FEW else 0]
    count = 0
    for b in range(most.size):
        if bounded and most[b] < least:
            continue
        for n in range(b * BLOCK, min((b + 1) * BLOCK, N)):
            if not bounded or x[start + n] >= least:
                _offer(best, places, k, count, n, x[start + n])
                count += 1


@inner
def _largest(x, start, N, most):
    """most[b]: the largest of a block, if there is no NaN; whether there is one."""
    unordered, whole = False, N // BLOCK
    for b in range(whole):
        first = np.uint64(start + b * BLOCK)
        largest = order(x[first])
        for i in range(np.uint64(BLOCK)):  # a number that is known makes vector code of so short a loop
            largest = max(largest, order(x[first + i]))
            unordered |= x[first + i] != x[first + i]
        most[b] = in_order(largest, x[first])
    if whole < most.size:
        first = np.uint64(start + whole * BLOCK)
        largest = order(x[first])
        for i in range(first, np.uint64(start + N)):
            largest = max(largest, order(x[i]))
            unordered |= x[i] != x[i]
        most[whole] = in_order(largest, x[first])
    return unordered


@inner
def _of_columns(x, start, N, R, k, columns, least, best, places):
    """Of few, the j-th of a column is at j * columns + column; else its heap begins at column * k."""
    values, numbers = np.empty(BLOCK, x.dtype), np.empty(BLOCK, np.int64)
    for n in range(N):
        for first in range(0, columns, BLOCK):
            count, row = min(BLOCK, columns - first), start + n * R + first
            if n >= k and not _is_any_above(x, row, least, first, count):
                continue
            if k <= FEW:
                _insert_row(x, row, n, k, columns, first, count, best, places, values, numbers)
                last = np.uint64(min(n, k - 1) * columns)
                for j in range(np.uint64(first), np.uint64(first + count)):
                    least[j] = best[last + j]
            else:
                for j in range(first, first + count):
                    _into_heap(best, places, j * k, k, n, n, x[row + j - first])
                    least[j] = best[j * k]


@inner
def _is_any_above(x, start, least, first, count):
    """Whether one of x is larger than the least that is kept, or either is NaN."""
    above, start, first = False, np.uint64(start), np.uint64(first)
    if count == BLOCK:
        for j in range(np.uint64(BLOCK)):
            above |= not x[start + j] <= least[first + j]
    else:
        for j in range(np.uint64(count)):
            above |= not x[start + j] <= least[first + j]
    return above


@inner
def _insert_row(x, start, n, k, columns, first, count, best, places, values, numbers):
    """Put x[start + j], which is n-th, into its place in column first + j, if it has one.

    What it displaces goes on to the next place, by way of `values` and `numbers`: with memory of their own this is
    vector code.
    """
    start, columns = np.uint64(start), np.uint64(columns)
    for j in range(np.uint64(count)):
        values[j], numbers[j] = x[start + j], n
    for i in range(min(n, k)):
        here = np.uint64(i) * columns + np.uint64(first)
        for j in range(np.uint64(count)):
            mine, its, my_place, its_place = values[j], best[here + j], numbers[j], places[here + j]
            goes = _is_behind(its, its_place, mine, my_place)
            best[here + j], values[j] = (mine if goes else its), (its if goes else mine)
            places[here + j], numbers[j] = (my_place if goes else its_place), (its_place if goes else my_place)
    if n < k:
        here = np.uint64(n) * columns + np.uint64(first)
        for j in range(np.uint64(count)):
            best[here + j], places[here + j] = values[j], numbers[j]


@inner(forceinline=True)
def _offer(best, places, k, count, place, value):
    """Take one more, after `count` others, that comes behind them."""
    if k <= FEW:
        _insert(best, places, k, count, place, value)
    else:
        _into_heap(best, places, 0, k, count, place, value)


@inner(forceinline=True)
def _insert(best, places, k, count, place, value):
    last = np.uint64(min(count, k - 1))
    if count >= k and not _is_above(value, best[last]):
        return
    goes = True
    for i in range(last):
        here = last - i
        ahead = here - np.uint64(1)
        moves = _is_above(value, best[ahead])
        mine, its = (value if goes else best[here]), (place if goes else places[here])
        best[here], places[here] = (best[ahead] if moves else mine), (places[ahead] if moves else its)
        goes = moves
    if goes:
        best[0], places[0] = value, place


@inner
def _into_heap(best, places, base, k, count, place, value):
    if count < k:
        best[base + count], places[base + count] = value, place
        if count == k - 1:
            for i in range(k // 2 - 1, -1, -1):
                _sink(best, places, base, i, k, best[base + i], places[base + i])
    elif _is_above(value, best[base]):
        _sink(best, places, base, 0, k, value, place)


@inner
def _sort(best, places, base, k):
    """The heap of k in descending order: the worst goes to the end, and what was there into the heap."""
    for j in range(k - 1, 0, -1):
        value, place = best[base + j], places[base + j]
        best[base + j], places[base + j] = best[base], places[base]
        _sink(best, places, base, 0, j, value, place)


@inner
def _sink(best, places, base, i, size, value, place):
    """Put one in at i, where there was another, into the heap of `size`."""
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        worse = base + child
        if child + 1 < size and _is_behind(best[worse + 1], places[worse + 1], best[worse], places[worse]):
            child, worse = child + 1, worse + 1
        if not _is_behind(best[worse], places[worse], value, place):
            break
        best[base + i], places[base + i] = best[worse], places[worse]
        i = child
    best[base + i], places[base + i] = value, place


@inner(forceinline=True)
def _is_above(a, b):
    """a > b, where NaN is above all else."""
    return (a > b) | ((a != a) & (b == b))


@inner(forceinline=True)
def _is_behind(a, i, b, j):
    """Whether a from place i comes behind b from place j in the result."""
    return _is_above(b, a) | ((i > j) & (not _is_above(a, b)))


@kernel
def _put(dy, indices, M, N, R, dx):
    group = max(1, CHUNK // max(1, N * R))
    spread(_put_rows, -(-M // group), dx.size // 8, (dy, indices, M, N, R, group, dx))


@inner
def _put_rows(task, dy, indices, M, N, R, group, dx):
    first, end = task * group, min((task + 1) * group, M)
    for i in range(np.uint64(first * N * R), np.uint64(end * N * R)):
        dx[i] = 0
    rows = dy.size // max(1, M * R)
    for m in range(first, end):
        for i in range(m * rows, (m + 1) * rows):
            for r in range(R):
                dx[(m * N + indices[i * R + r]) * R + r] = dy[i * R + r]
