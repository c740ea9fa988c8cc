"""One step of all parameters in one call of a kernel, made from a function of one element.

An op is a function f(w, g, *kept, s) -> (w, *kept) after the step; g is the gradient as treated (_treatment.py), s the
op's numbers, of which s[0] is what decoupled weight decay keeps of w. `fused(f, kept)` makes a kernel of it.

One pass over the memory: a task owns some chunks (kernels/_cpu/lists.py), reads them one by one, and treats their
gradient in memory of its own that stays in the first-level cache. An element's result depends on nothing else; norms
are sums of chunks in float64, added in the parameters' order.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.lists import (
    CHUNK,
    END,
    PLACES,
    TOGETHER,
    chunk,
    chunks,
    elements,
    first_row,
    loop,
    piece,
    row_of,
    tables,
    tables_by_python,
    tasks,
)
from .._cpu.threads import spread
from .._varying import refuse
from ._arrays import expected

NUMBERS = 6  # all kernels take as many, so that a call costs little and what they call is compiled once
_NOTHING = np.empty(0)


def fused(f, kept, cost=0.25):
    """`step(op, names, columns, treatment, *numbers)` of an op that keeps so many arrays; `cost` in ns an element.

    There are NUMBERS numbers, whatever the op makes of them.
    """
    element = inner(f, forceinline=True)
    over = _LOOPS[kept](element)
    cost = np.float64(cost)

    @inner
    def task(t, table, like, rule, numbers):
        s, row = typed(numbers, like), first_row(t, table)
        for place in range(t * TOGETHER, min((t + 1) * TOGETHER, chunks(table))):
            row = row_of(place, row, table)
            over(chunk(place, row, table), table, like, rule, s)

    def run(table, like, rule, a, b, c, d, e, f):
        spread(task, tasks(table), int(cost * elements(table)), (table, like, rule, (a, b, c, d, e, f)))

    run.__module__, run.__qualname__ = f.__module__, f.__qualname__
    run = kernel(run)

    def step(op, names, columns, treatment, *numbers):
        found = read(op, names, columns)
        for table, like, rule in treated(found, treatment):
            run(table, like, rule, *[n if isinstance(n, float) else float(n) for n in numbers])

    return step


def read(op, names, columns):
    """The tables of columns; raises TypeError or ValueError where they are not as they should be."""
    found = tables(columns, 1 if len(columns) > 1 else -1)
    return found if found is not None else tables_by_python(expected(op, names, columns))


def treated(found, treatment):
    """[(table, empty array of the dtype, rule)] of each table.

    rule  (l1, 2 l2, limit of the elements, …) and what all gradients are multiplied by, or each of them; or nothing
    """
    if treatment is None:
        return [(table, like, _NOTHING) for table, like in found]
    limit = math.inf if treatment.clipvalue is None else treatment.clipvalue
    rule = np.array([treatment.l1, 2 * treatment.l2, limit])
    scales = [_NOTHING] * len(found)
    if treatment.clipnorm is not None:
        scales = [_factor(np.sqrt(squares(*parts, rule)), treatment.clipnorm) for parts in found]
    elif treatment.global_clipnorm is not None:
        scales = [np.array([global_factor(global_norm(found, rule), treatment.global_clipnorm)])] * len(found)
    return [(table, like, np.concatenate((rule, scale))) for (table, like), scale in zip(found, scales)]


def global_norm(found, rule=_NOTHING):
    """The norm of all gradients of tables."""
    return math.sqrt(sum(sum(squares(*parts, rule).tolist()) for parts in found))


def global_factor(norm, limit):
    """What gradients of this norm together are multiplied by."""
    if not math.isfinite(norm):
        return math.nan
    return limit / norm if norm > limit else 1.0


def _factor(norm, limit):
    greater = norm > limit
    return np.where(greater, limit / np.where(greater, norm, 1), np.where(norm <= limit, 1, norm))


def squares(table, like, rule):
    """The sum of the squares of each gradient, in float64."""
    refuse("norms, which Python computes with")
    sums = np.empty(len(table))
    _squares(table, like, rule, np.empty(table[-1, END]), sums)
    return sums


@kernel
def _squares(table, like, rule, parts, sums):
    spread(_squares_task, tasks(table), elements(table) // 8, (table, like, rule, parts))
    add_up(table, parts, sums)


@inner
def _squares_task(t, table, like, rule, parts):
    row = first_row(t, table)
    for place in range(t * TOGETHER, min((t + 1) * TOGETHER, chunks(table))):
        row = row_of(place, row, table)
        parts[place] = sum_of_squares(gradient(table, chunk(place, row, table), like, rule))


@inner
def add_up(table, parts, sums):
    """The sum of each parameter's chunks."""
    for k in range(table.shape[0]):
        total = 0.0
        for t in range(table[k - 1, END] if k else 0, table[k, END]):
            total += parts[t]
        sums[k] = total


@inner
def sum_of_squares(x):
    total = 0.0
    for i in range(np.uint64(x.size)):
        total += np.float64(x[i]) * np.float64(x[i])
    return total


@inner
def gradient(table, place, like, rule):
    """The gradient of a chunk, as treated."""
    g = piece(table, min(1, table.shape[1] - PLACES - 1), place, like)  # w, dw, …, or gradients alone
    if rule.size == 0:
        return g
    p = like.dtype.type
    result = np.empty(CHUNK, like.dtype)[: g.size]
    if rule[0] != 0 or rule[1] != 0:
        _penalise(piece(table, 0, place, like), g, result, p(rule[0]), p(rule[1]))
    else:
        _copy(g, result)
    if rule.size > 3:
        _scale(result, p(rule[3 + (place[0] if rule.size > 4 else 0)]))
    if rule[2] < math.inf:
        _cut(result, p(rule[2]))
    return result


@loop
def _penalise(w, g, result, l1, l2):
    for i in range(np.uint64(w.size)):
        result[i] = g[i] + (l1 if w[i] > 0 else -l1 if w[i] < 0 else l1 * w[i]) + l2 * w[i]


@loop
def _copy(g, result):
    for i in range(np.uint64(g.size)):
        result[i] = g[i]


@loop
def _scale(x, scale):
    for i in range(np.uint64(x.size)):
        x[i] *= scale


@loop
def _cut(x, limit):
    for i in range(np.uint64(x.size)):
        x[i] = limit if x[i] > limit else -limit if x[i] < -limit else x[i]


@inner
def typed(numbers, like):
    p = like.dtype.type
    return p(numbers[0]), p(numbers[1]), p(numbers[2]), p(numbers[3]), p(numbers[4]), p(numbers[5])


def _loop_0(f):
    @loop
    def step(w, g, s):
        for i in range(np.uint64(w.size)):
            w[i] = f(w[i], g[i], s)

    @inner
    def over(place, table, like, rule, s):
        step(piece(table, 0, place, like), gradient(table, place, like, rule), s)

    return over


def _loop_1(f):
    @loop
    def step(w, g, a, s):
        for i in range(np.uint64(w.size)):
            w[i], a[i] = f(w[i], g[i], a[i], s)

    @inner
    def over(place, table, like, rule, s):
        g = gradient(table, place, like, rule)
        step(piece(table, 0, place, like), g, piece(table, 2, place, like), s)

    return over


def _loop_2(f):
    @loop
    def step(w, g, a, b, s):
        for i in range(np.uint64(w.size)):
            w[i], a[i], b[i] = f(w[i], g[i], a[i], b[i], s)

    @inner
    def over(place, table, like, rule, s):
        g = gradient(table, place, like, rule)
        step(piece(table, 0, place, like), g, piece(table, 2, place, like), piece(table, 3, place, like), s)

    return over


def _loop_3(f):
    @loop
    def step(w, g, a, b, c, s):
        for i in range(np.uint64(w.size)):
            w[i], a[i], b[i], c[i] = f(w[i], g[i], a[i], b[i], c[i], s)

    @inner
    def over(place, table, like, rule, s):
        g = gradient(table, place, like, rule)
        a, b, c = piece(table, 2, place, like), piece(table, 3, place, like), piece(table, 4, place, like)
        step(piece(table, 0, place, like), g, a, b, c, s)

    return over


_LOOPS = _loop_0, _loop_1, _loop_2, _loop_3
