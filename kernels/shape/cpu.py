"""Broadcasting arithmetic on the CPU.

Shapes are brought to few axes first: neighbours that are repeated together are one axis. So nearly all that
is added or multiplied is rows: y (M, R) of an array and itself, a row that is repeated, or a number for each row.

    y[i, r] = f(a[i_a + r s_a], b[i_b + r s_b])    s 0 where it is repeated along the last axis, else 1

The places i_a, i_b of a row are counted by the steps of the axes before the last. One task owns rows of about CHUNK
elements of y, or part of one. Gradients of what was repeated are summed in the order that kernels/reduce has.

What moves elements without changing them stands in cpu_moves.py, cpu_windows.py and cpu_gather.py.
"""

from functools import lru_cache

import numpy as np

from .._cpu.elementwise import binary
from .._cpu.jit import inner, kernel
from .._cpu.memory import empty
from .._cpu.threads import spread
from ..reduce.cpu import sum_forward
from .cpu_gather import first_misfit, gather_backward, gather_forward  # noqa: F401
from .cpu_moves import (  # noqa: F401
    concatenate_backward,
    concatenate_forward,
    copy,
    split_backward,
    split_forward,
    transpose_backward,
    transpose_forward,
)
from .cpu_windows import crop_backward, crop_forward, pad_backward, pad_forward  # noqa: F401

CHUNK = 1 << 14


def add_forward(a, b, *, out=None):
    return _add(a, b, out=out) if a.shape == b.shape else _broadcast(False, a, b, out)


def add_backward(dy, a, b):
    return _unbroadcast(dy, a.shape, True), _unbroadcast(dy, b.shape, True)


def multiply_forward(a, b, *, out=None):
    return _multiply(a, b, out=out) if a.shape == b.shape else _broadcast(True, a, b, out)


def multiply_backward(dy, a, b):
    da, db = (multiply_forward(dy, other) for other in (b, a))
    return _unbroadcast(da, a.shape, False), _unbroadcast(db, b.shape, False)


@binary
def _add(a, b, parameter):
    return a + b


@binary
def _multiply(a, b, parameter):
    return a * b


def _broadcast(product, a, b, out):
    shape, sizes, steps_a, steps_b = _plan(a.shape, b.shape)
    y = empty(shape, a.dtype) if out is None else out
    if y.size:
        _rows(product, a.reshape(-1), b.reshape(-1), sizes, steps_a, steps_b, y.reshape(-1))
    return y


@lru_cache(maxsize=1024)
def _plan(a, b):
    """(shape of y, sizes of its merged axes, elements of a and of b from one index of an axis to the next)."""
    shape = np.broadcast_shapes(a, b)
    a, b = ((1,) * (len(shape) - len(one)) + one for one in (a, b))
    sizes, kinds = [], []
    for n, one, other in zip(shape, a, b):
        if n == 1:
            continue
        kind = one != 1, other != 1
        if kinds and kinds[-1] == kind:
            sizes[-1] *= n
        else:
            sizes.append(n)
            kinds.append(kind)
    if not sizes:
        sizes, kinds = [1], [(True, True)]
    steps = np.zeros((2, len(sizes)), np.int64)
    for operand in (0, 1):
        step = 1
        for axis in range(len(sizes) - 1, -1, -1):
            if kinds[axis][operand]:
                steps[operand, axis] = step
                step *= sizes[axis]
    return shape, np.array(sizes), steps[0], steps[1]


@kernel
def _rows(product, a, b, sizes, steps_a, steps_b, y):
    R = sizes[-1]
    rows, pieces = max(1, CHUNK // R), -(-R // CHUNK)
    tasks = -(-(y.size // R) // rows) * pieces
    spread(_rows_task, tasks, y.size // 8, (product, a, b, sizes, steps_a, steps_b, rows, pieces, y))


@inner
def _rows_task(task, product, a, b, sizes, steps_a, steps_b, rows, pieces, y):
    """Rows of y, or a piece of one; nothing else writes there."""
    R, last = sizes[-1], sizes.size - 1
    first, left = task // pieces * rows, task % pieces * CHUNK
    width = np.uint64(min(CHUNK, R - left))
    for row in range(first, min(first + rows, y.size // R)):
        i, j, rest = left * steps_a[last], left * steps_b[last], row
        for axis in range(last - 1, -1, -1):
            index = rest % sizes[axis]
            i, j, rest = i + index * steps_a[axis], j + index * steps_b[axis], rest // sizes[axis]
        to, i, j = np.uint64(row * R + left), np.uint64(i), np.uint64(j)
        if steps_a[last] and steps_b[last]:
            if product:
                for r in range(width):
                    y[to + r] = a[i + r] * b[j + r]
            else:
                for r in range(width):
                    y[to + r] = a[i + r] + b[j + r]
        elif steps_a[last]:
            _with_number(product, a, i, b[j], y, to, width)
        else:
            _with_number(product, b, j, a[i], y, to, width)


@inner
def _with_number(product, x, start, number, y, to, width):
    if product:
        for r in range(width):
            y[to + r] = x[start + r] * number
    else:
        for r in range(width):
            y[to + r] = x[start + r] + number


def _unbroadcast(gradient, shape, copied):
    """The sum over the axes along which an array of `shape` was repeated; `copied`: never the array itself."""
    if gradient.shape == shape:
        return copy(gradient) if copied else gradient
    padded = (1,) * (gradient.ndim - len(shape)) + shape
    axes = tuple(axis for axis, (have, want) in enumerate(zip(gradient.shape, padded)) if have != want)
    if not axes:
        return (copy(gradient) if copied else gradient).reshape(shape)
    return sum_forward(gradient, axis=axes, keepdims=True).reshape(shape)
