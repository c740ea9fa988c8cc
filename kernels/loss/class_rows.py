"""Rows of classes on the CPU: the loss and the gradient of each.

y, dy (M, N)    t (M, N) of shares, or (M,) of labels, whose share is 1    q = y / sum_N(y), from logits softmax(y)

crossentropy   -sum_N(s log p)              s = t (1 - smoothing) + smoothing / N    p = clip(q), from logits q
focal          -alpha sum_N(s (1 - p)^gamma log p)
dy             g_n - q_n sum_N(g), g = d loss / d log p, 0 where q was clipped; from probabilities over y
               g = -s, or alpha s (1 - p)^gamma (gamma p log p / (1 - p) - 1)

From logits the exponentials of all rows of a task are computed at once, so that short rows make full vectors too. A
task keeps its rows in memory of its own, from which they are stored past the caches where dy is large. A label needs no
sums of its own: its loss and g are single numbers, and dy is -g q but for the label's place. Formulas of the focal
loss: Lin et al. 2017, arXiv:1708.02002, with a share for every class.

A row of weight 0 is not looked at: its label may be any number, its loss and gradient are 0. Sums are float64: within a
task in an order that the shape alone decides, then over the tasks in turn, so the bits do not depend on threads.
"""

import math

import numpy as np

from .._cpu.jit import inner
from .._cpu.vecmath import constant, exp_below, expm1, in_order, log, order
from .cpu_elements import power
from .reduction import GRADIENT, LOSS
from .rows_of_tasks import over_rows

_LOW, _HIGH = constant(1e-7), constant(1 - 1e-7)
_ZERO, _ONE, _TWO = constant(0.0), constant(1.0), constant(2.0)


@inner
def _exponentials(y, first, end, e):
    """e = e**(y - max_N y) of the rows."""
    N = y.shape[1]
    for m in range(first, end):
        m, shift = np.uint64(m), np.uint64((m - first) * N)
        largest = _largest(y, m)
        for n in range(np.uint64(N)):
            e[shift + n] = y[m, n] - largest
    for i in range(np.uint64((end - first) * N)):
        e[i] = exp_below(e[i])


@inner
def _largest(y, m):
    """The largest of row m; NaN is skipped and comes back with the sum of exponentials."""
    k = order(y[m, np.uint64(0)])
    for n in range(np.uint64(y.shape[1])):
        k = max(k, order(y[m, n]))
    return in_order(k, y[m, np.uint64(0)])


@inner
def _divided(y, first, end, e):
    """e = y / sum_N(y) of the rows."""
    N = y.shape[1]
    for m in range(first, end):
        m, shift = np.uint64(m), np.uint64((m - first) * N)
        divisor = _sum(y, m)
        for n in range(np.uint64(N)):
            e[shift + n] = y[m, n] / divisor


@inner
def _sum(y, m):
    """The sum of row m."""
    total = 0.0
    for n in range(np.uint64(y.shape[1])):
        total += np.float64(y[m, n])
    return y.dtype.type(total)


@inner
def _part(e, at, N):
    """The sum of e[at : at + N]."""
    total = 0.0
    for n in range(at, at + np.uint64(N)):
        total += np.float64(e[n])
    return total


@inner
def _slope(p, log_p, wrong, gamma):
    """g / s of a class: -(1 - p)^gamma (1 - gamma p log p / (1 - p)), `wrong` being 1 - p."""
    growth = -_ONE(p) if wrong == _ZERO(p) else p * log_p / wrong
    return power(wrong, gamma) * (gamma * growth - _ONE(p))


@inner
def _raise(e, start, exponent):
    """The elements from `start` on to the power of the exponent."""
    if exponent == _TWO(exponent):
        for i in range(start, np.uint64(e.size)):
            e[i] *= e[i]
    elif exponent == _ZERO(exponent):
        for i in range(start, np.uint64(e.size)):
            e[i] = _ONE(exponent)
    else:
        for i in range(start, np.uint64(e.size)):
            e[i] = power(e[i], exponent)


@inner
def _shares_from_logits(y, t, m, parameters, scale, want, e, at):
    N = y.shape[1]
    p = y.dtype.type
    keep, floor = p(1 - parameters[0]), p(parameters[0] / N)
    alpha, gamma = p(parameters[1]), p(parameters[2])
    powers, loss = _part(e, at, N), 0.0
    shift = _largest(y, m)
    log_sum = p(math.log(powers))
    if gamma == _ZERO(gamma):
        if want & LOSS:
            for n in range(np.uint64(N)):
                loss -= np.float64((t[m, n] * keep + floor) * (y[m, n] - shift - log_sum))
            loss *= alpha
        if want & GRADIENT:
            factor = p((np.float64(_sum(t, m)) * keep + floor * N) / powers)
            for n in range(np.uint64(N)):
                e[at + n] = alpha * scale * (e[at + n] * factor - (t[m, n] * keep + floor))
        return loss
    wrong = np.uint64(e.size - N)  # where 1 - p is: a loop that also adds in float64 would have half as many lanes
    if want & LOSS:
        for n in range(np.uint64(N)):
            e[wrong + n] = -expm1(y[m, n] - shift - log_sum)
        _raise(e, wrong, gamma)
        for n in range(np.uint64(N)):
            loss -= np.float64((t[m, n] * keep + floor) * e[wrong + n] * (y[m, n] - shift - log_sum))
        loss *= alpha
    if want & GRADIENT:
        inverse = p(1 / powers)
        for n in range(np.uint64(N)):
            e[wrong + n] = -expm1(y[m, n] - shift - log_sum)
        if gamma == _TWO(gamma):
            for n in range(np.uint64(N)):
                g = _TWO(gamma) * (e[at + n] * inverse) * (y[m, n] - shift - log_sum) - e[wrong + n]
                e[wrong + n] *= (t[m, n] * keep + floor) * g
        else:
            for n in range(np.uint64(N)):
                g = _slope(e[at + n] * inverse, y[m, n] - shift - log_sum, e[wrong + n], gamma)
                e[wrong + n] = (t[m, n] * keep + floor) * g
        factor = p(_part(e, wrong, N) / powers)
        for n in range(np.uint64(N)):
            e[at + n] = alpha * scale * (e[wrong + n] - factor * e[at + n])
    return loss


@inner
def _labels_from_logits(y, t, m, parameters, scale, want, e, at):
    N, label = y.shape[1], np.uint64(t[m])
    p, smoothing, alpha, gamma = y.dtype.type, parameters[0], parameters[1], parameters[2]
    powers, shift = _part(e, at, N), _largest(y, m)
    log_sum = math.log(powers)
    log_p, own = np.float64(y[m, label] - shift) - log_sum, np.float64(e[at + label]) / powers
    loss, g = -log_p, -1.0
    if smoothing:
        away = 0.0
        for n in range(np.uint64(N)):
            away += np.float64(y[m, n] - shift)
        loss = log_sum - (1 - smoothing) * (log_p + log_sum) - smoothing * away / N
    if gamma:
        wrong = -math.expm1(log_p)
        factor = wrong**gamma
        loss *= factor
        g = factor * (gamma * (-1.0 if wrong == 0 else own * log_p / wrong) - 1)
    if want & GRADIENT:
        g *= alpha * scale
        factor, floor = p(-g / powers), p(-g * smoothing / N)
        there = p(-g * (own - (1 - smoothing) - smoothing / N))
        for n in range(at, at + np.uint64(N)):
            e[n] = e[n] * factor - floor
        e[at + label] = there
    return alpha * loss


@inner
def _clip(q):
    q = _LOW(q) if q < _LOW(q) else q  # comparisons with NaN are false: NaN stays
    return _HIGH(q) if q > _HIGH(q) else q


@inner
def _inverse_inside(q):
    """1 / q, and 0 where q was clipped."""
    return _ZERO(q) if (q < _LOW(q)) | (q > _HIGH(q)) else _ONE(q) / q


@inner
def _shares(y, t, m, parameters, scale, want, e, at):
    N = y.shape[1]
    p = y.dtype.type
    keep, floor = p(1 - parameters[0]), p(parameters[0] / N)
    alpha, gamma = p(parameters[1]), p(parameters[2])
    loss, wrong = 0.0, np.uint64(e.size - N)
    if want & LOSS:
        for n in range(np.uint64(N)):
            e[wrong + n] = _ONE(gamma) - _clip(e[at + n])
        _raise(e, wrong, gamma)
        for n in range(np.uint64(N)):
            e[wrong + n] *= (t[m, n] * keep + floor) * log(_clip(e[at + n]))
        loss = -_part(e, wrong, N)
    if want & GRADIENT:
        for n in range(np.uint64(N)):
            e[wrong + n] = t[m, n] * keep + floor
        if gamma == _ZERO(gamma):
            for n in range(np.uint64(N)):
                e[wrong + n] *= -_inverse_inside(e[at + n])
        elif gamma == _TWO(gamma):
            for n in range(np.uint64(N)):
                c = _clip(e[at + n])
                rest = _ONE(c) - c
                e[wrong + n] *= (_TWO(c) * c * log(c) - rest) * rest * _inverse_inside(e[at + n])
        else:
            for n in range(np.uint64(N)):
                c = _clip(e[at + n])
                e[wrong + n] *= _slope(c, log(c), _ONE(c) - c, gamma) * _inverse_inside(e[at + n])
        total, divisor = 0.0, _sum(y, m)
        for n in range(np.uint64(N)):
            total += np.float64(e[wrong + n] * e[at + n])
        for n in range(np.uint64(N)):
            e[at + n] = alpha * scale * (e[wrong + n] - p(total)) / divisor
    return alpha * loss


@inner
def _spread_over_row(y, m, scale, total, e, at):
    """e = scale (e - total) / sum_N(y): from a gradient for q to one for y."""
    divisor = _sum(y, m)
    for n in range(np.uint64(y.shape[1])):
        e[at + n] = scale * (e[at + n] - total) / divisor


@inner
def _labels(y, t, m, parameters, scale, want, e, at):
    N, label = y.shape[1], np.uint64(t[m])
    p = y.dtype.type
    smoothing, alpha, gamma = p(parameters[0]), p(parameters[1]), p(parameters[2])
    q = e[at + label]
    c = _clip(q)
    loss = -np.float64(log(c) * power(_ONE(c) - c, gamma))
    floor = smoothing / p(N)
    if want & LOSS and smoothing != _ZERO(q):
        loss *= np.float64(_ONE(q) - smoothing)
        for n in range(np.uint64(N)):
            loss -= np.float64(floor * log(_clip(e[at + n])))
    if want & GRADIENT:
        g = (_ONE(q) - smoothing) * _slope(c, log(c), _ONE(c) - c, gamma) / c
        g = _ZERO(q) if (q < _LOW(q)) | (q > _HIGH(q)) else g
        total = np.float64(g * q)
        if smoothing == _ZERO(q):
            for n in range(at, at + np.uint64(N)):
                e[n] = _ZERO(q)
        else:
            for n in range(at, at + np.uint64(N)):
                slope = _ZERO(q) if (e[n] < _LOW(q)) | (e[n] > _HIGH(q)) else -floor / e[n]
                total += np.float64(slope * e[n])
                e[n] = slope
        e[at + label] += g
        _spread_over_row(y, m, scale * alpha, p(total), e, at)
    return alpha * loss


shares_from_logits = over_rows(_exponentials, _shares_from_logits, 1000)
labels_from_logits = over_rows(_exponentials, _labels_from_logits, 700)
shares = over_rows(_divided, _shares, 1500)
labels = over_rows(_divided, _labels, 500)
