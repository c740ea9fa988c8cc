"""Losses of elements on the CPU: how the losses and slopes of a task's elements become a sum, and come to their place.

A kernel has a loop for losses, one for slopes and one for both, in which what is not asked for is not computed. Results
of a BLOCK go through memory of the task's own: from there they are weighed, added, and stored past the caches where
they are large.
"""

import numpy as np

from .._cpu.elementwise import CHUNK, LIGHT, STREAM_CHUNK
from .._cpu.jit import inner, kernel
from .._cpu.streaming import STREAMED, fence, stream, streams
from .._cpu.threads import spread
from .._cpu.vecmath import constant
from .reduction import GRADIENT, LOSS
from .rows_of_tasks import added

BLOCK = 1 << 10  # elements: results of 4 KB beside 8 KB of inputs


def over_elements(f=None, *, cost=LIGHT, usual=None):
    """A kernel as reduction.py says, from f(y, t, a, b, c, d) -> (loss, slope); a to d are parameters.

    `cost` is about how many picoseconds an element takes one core. Where b is the `usual` number it is a constant in
    loops of their own: what f asks about b is not asked for every element, of which a vector would take both answers.
    """
    if f is None:
        return lambda f: over_elements(f, cost=cost, usual=usual)

    @inner(forceinline=True)
    def fill(y, target, a, b, c, d, share, want, start, stop, loss, slope):
        shift = np.uint64(start)
        if want == LOSS:
            for i in range(np.uint64(start), np.uint64(stop)):
                loss[i - shift] = f(y[i], target[i], a, b, c, d)[0]
        elif want == GRADIENT:
            for i in range(np.uint64(start), np.uint64(stop)):
                slope[i - shift] = f(y[i], target[i], a, b, c, d)[1] * share
        else:
            for i in range(np.uint64(start), np.uint64(stop)):
                loss[i - shift], g = f(y[i], target[i], a, b, c, d)
                slope[i - shift] = g * share

    if usual is None:
        choose = fill
    else:
        common = constant(usual)

        @inner(forceinline=True)
        def choose(y, target, a, b, c, d, share, want, start, stop, loss, slope):
            if b == common(b):
                fill(y, target, a, common(b), c, d, share, want, start, stop, loss, slope)
            else:
                fill(y, target, a, b, c, d, share, want, start, stop, loss, slope)

    @inner
    def task(t, y, target, weights, repeats, parameters, dlosses, share, losses, dy, want, size, sums):
        p = y.dtype.type
        a, b, c, d = p(parameters[0]), p(parameters[1]), p(parameters[2]), p(parameters[3])
        loss, slope = np.empty(BLOCK, y.dtype), np.empty(BLOCK, y.dtype)
        w = np.empty(BLOCK if weights.size else 0, y.dtype)
        total, end, streamed = 0.0, min((t + 1) * size, y.size), streams(dy)
        for start in range(t * size, end, BLOCK):
            stop = min(start + BLOCK, end)
            choose(y, target, a, b, c, d, p(share), want, start, stop, loss, slope)
            if weights.size:
                _repeat(weights, repeats, start, stop, w)
            if want & LOSS:
                total += _take_losses(loss, w, losses, start, stop)
            if want & GRADIENT:
                _take_slopes(slope, w, dlosses, dy, start, stop, streamed)
        sums[t] = total
        if streamed:
            fence()

    def loop(y, t, weights, repeats, parameters, dlosses, share, losses, dy, want):
        size = STREAM_CHUNK if y.nbytes >= STREAMED else CHUNK
        sums = np.empty(-(-y.size // size))
        arguments = (y, t, weights, repeats, parameters, dlosses, share, losses, dy, want, size, sums)
        spread(task, sums.size, y.size * cost // 1000, arguments)
        return added(sums)

    loop.__module__, loop.__qualname__ = f.py_func.__module__, f.py_func.__qualname__
    return kernel(loop)


@inner
def _repeat(weights, repeats, start, stop, w):
    """w = the weights of the elements [start, stop), of which `repeats` have one together."""
    if repeats == 1:
        for i in range(np.uint64(stop - start)):
            w[i] = weights[np.uint64(start) + i]
        return
    i = start
    while i < stop:
        row = i // repeats
        end = min((row + 1) * repeats, stop)
        for j in range(np.uint64(i - start), np.uint64(end - start)):
            w[j] = weights[row]
        i = end


@inner
def _weigh(x, w, count):
    """x *= w; 0 where the weight is, whatever x is."""
    zero = x.dtype.type(0)
    for i in range(np.uint64(count)):
        x[i] = zero if w[i] == zero else x[i] * w[i]


@inner
def _take_losses(loss, w, losses, start, stop):
    """The losses of a block to their place, if there is one; their sum."""
    count = stop - start
    if w.size:
        _weigh(loss, w, count)
    if losses.size:
        for i in range(np.uint64(count)):
            losses[np.uint64(start) + i] = loss[i]
        return 0.0
    total = 0.0
    for i in range(np.uint64(count)):
        total += np.float64(loss[i])
    return total


@inner
def _take_slopes(slope, w, dlosses, dy, start, stop, streamed):
    """The gradients of a block to their place."""
    count = stop - start
    if dlosses.size:
        for i in range(np.uint64(count)):
            slope[i] *= dlosses[np.uint64(start) + i]
    if w.size:
        _weigh(slope, w, count)
    if streamed:
        stream(slope, dy, start, count)
    else:
        for i in range(np.uint64(count)):
            dy[np.uint64(start) + i] = slope[i]
