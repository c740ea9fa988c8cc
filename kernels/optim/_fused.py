"""One step of all parameters in one call of a kernel, made from a function of one element.

An op is a function f(w, g, *kept, s) -> (w, *kept) after the step; g is the gradient as treated (_treatment.py), s the
op's numbers, of which s[0] is what decoupled weight decay keeps of w. `fused(f, kept)` makes a kernel of it.

One pass over the memory: a task owns one chunk of one parameter (kernels/_cpu/lists.py), reads it, and treats its
gradient in memory of its own that stays in the first-level cache. An element's result depends on nothing else; norms
are sums of chunks in float64, added in the parameters' order.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.lists import CHUNK, END, PLACES, chunk, chunks, elements, loop, piece, tables, tables_by_python
from .._cpu.threads import spread
from ._arrays import expected

_NUMBERS = 6  # of an op; all kernels take as many, the last ones unused
_NOTHING = np.empty(0)


def fused(f, kept, cost=0.25):
    """`step(op, columns, treatment, *numbers)` of an op with so many kept arrays; `cost` in ns an element."""
    element = inner(f, forceinline=True)
    over = _LOOPS[kept](element)
    cost = np.float64(cost)

    @inner
    def task(t, table, like, scales, rule, numbers):
        over(chunk(t, table), table, like, scales, rule, typed(numbers, like))

    def run(table, like, scales, rule, numbers):
        spread(task, chunks(table), int(cost * elements(table)), (table, like, scales, rule, numbers))

    run.__module__, run.__qualname__ = f.__module__, f.__qualname__
    run = kernel(run)

    def step(op, columns, treatment, *numbers):
        numbers = tuple(map(float, numbers)) + (0.0,) * (_NUMBERS - len(numbers))
        for table, like, scales, rule in treated(read(op, columns), treatment):
            run(table, like, scales, rule, numbers)

    return step


def read(op, columns):
    """The tables of columns {name: arrays}; raises TypeError or ValueError where they are not as they should be."""
    names = list(columns)
    found = tables(tuple(columns.values()), _read_only(names))
    return found if found is not None else tables_by_python(tuple(expected(op, columns).values()))


def _read_only(names):
    return names.index("dw") if "dw" in names[1:] else len(names) - 1 if len(names) > 1 else -1


def treated(found, treatment):
    """(table, empty array of the dtype, scales, rule) of each table; scales and rule are empty where nothing is asked.

    scales  what each gradient is multiplied by, or all of them; rule  (l1, 2 l2, limit of the elements)
    """
    if treatment is None:
        for table, like in found:
            yield table, like, _NOTHING, _NOTHING
        return
    limit = math.inf if treatment.clipvalue is None else treatment.clipvalue
    rule = np.array([treatment.l1, 2 * treatment.l2, limit])
    scales = [_NOTHING] * len(found)
    if treatment.clipnorm is not None:
        scales = [_factor(np.sqrt(squares(*parts, rule)), treatment.clipnorm) for parts in found]
    elif treatment.global_clipnorm is not None:
        scales = [global_factor(global_norm(found, rule), treatment.global_clipnorm)] * len(found)
    for (table, like), scale in zip(found, scales):
        yield table, like, scale, rule


def global_norm(found, rule=_NOTHING):
    """The norm of all gradients of tables."""
    return math.sqrt(sum(float(squares(*parts, rule).sum()) for parts in found))


def global_factor(norm, limit):
    """What gradients of this norm are scaled by, as an array of one."""
    return _factor(np.array([norm]), limit) if math.isfinite(norm) else np.array([math.nan])


def _factor(norm, limit):
    greater = norm > limit
    return np.where(greater, limit / np.where(greater, norm, 1), np.where(norm <= limit, 1, norm))


def squares(table, like, rule):
    """The sum of the squares of each gradient, in float64."""
    sums = np.empty(len(table))
    _squares(table, like, rule, np.empty(table[-1, END]), sums)
    return sums


@kernel
def _squares(table, like, rule, parts, sums):
    spread(_squares_task, chunks(table), elements(table) // 8, (table, like, rule, parts))
    add_up(table, parts, sums)


@inner
def _squares_task(t, table, like, rule, parts):
    place = chunk(t, table)
    parts[t] = sum_of_squares(gradient(table, place, like, parts[:0], rule))


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
def gradient(table, place, like, scales, rule):
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
    if scales.size:
        _scale(result, p(scales[place[0] if scales.size > 1 else 0]))
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
    def over(place, table, like, scales, rule, s):
        step(piece(table, 0, place, like), gradient(table, place, like, scales, rule), s)

    return over


def _loop_1(f):
    @loop
    def step(w, g, a, s):
        for i in range(np.uint64(w.size)):
            w[i], a[i] = f(w[i], g[i], a[i], s)

    @inner
    def over(place, table, like, scales, rule, s):
        g = gradient(table, place, like, scales, rule)
        step(piece(table, 0, place, like), g, piece(table, 2, place, like), s)

    return over


def _loop_2(f):
    @loop
    def step(w, g, a, b, s):
        for i in range(np.uint64(w.size)):
            w[i], a[i], b[i] = f(w[i], g[i], a[i], b[i], s)

    @inner
    def over(place, table, like, scales, rule, s):
        g = gradient(table, place, like, scales, rule)
        step(piece(table, 0, place, like), g, piece(table, 2, place, like), piece(table, 3, place, like), s)

    return over


def _loop_3(f):
    @loop
    def step(w, g, a, b, c, s):
        for i in range(np.uint64(w.size)):
            w[i], a[i], b[i], c[i] = f(w[i], g[i], a[i], b[i], c[i], s)

    @inner
    def over(place, table, like, scales, rule, s):
        g = gradient(table, place, like, scales, rule)
        a, b, c = piece(table, 2, place, like), piece(table, 3, place, like), piece(table, 4, place, like)
        step(piece(table, 0, place, like), g, a, b, c, s)

    return over


_LOOPS = _loop_0, _loop_1, _loop_2, _loop_3
