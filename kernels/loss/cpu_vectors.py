"""Losses of whole rows on the CPU: how far vectors are from each other.

y, t, dy (M, N)    anchor a, positive p, negative n, da, dp, dn (M, N)    |x| the length sqrt(sum_N(x^2))

kl_divergence       sum_N(s log(s / r))        r = clip(y), s = clip(t) to [1e-7, 1]  dy = -s / r, 0 where clipped
cosine_similarity   -sum_N(y t) / (|y| |t|)    lengths at least 1e-6                  dy = -(t / |t| - c y / |y|) / |y|
triplet             max(|a - p| - |a - n| + margin, 0)    u = (a - p) / |a - p|, v = (a - n) / |a - n|, of 0 it is 0
                    da = u - v, dp = -u, dn = v where the loss is above 0

Sums, and squares with them, are float64: within a task in an order that the shape alone decides, then over the tasks in
turn, so the bits do not depend on threads. A row of weight 0 is not looked at.
"""

import math

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty, empty_like
from .._cpu.threads import spread
from .._cpu.vecmath import constant, log
from .reduction import GRADIENT, LOSS, backward, divided, forward, nothing, share_of, weights_of
from .rows_of_tasks import added, over_rows, rows_of_a_task, weight_of

_LOW, _ZERO, _ONE = constant(1e-7), constant(0.0), constant(1.0)
_LENGTH = 1e-12  # the least square of a length that a vector is divided by


def kl_divergence_forward(y, t, *, weights=None, reduction="mean"):
    return forward(_kl_divergence, y, t, y.shape[:1], weights, 0.0, reduction)


def kl_divergence_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return backward(_kl_divergence, dloss, y, t, y.shape[:1], weights, 0.0, reduction)


def cosine_similarity_forward(y, t, *, weights=None, reduction="mean"):
    return forward(_cosine_similarity, y, t, y.shape[:1], weights, 0.0, reduction)


def cosine_similarity_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return backward(_cosine_similarity, dloss, y, t, y.shape[:1], weights, 0.0, reduction)


def triplet_forward(anchor, positive, negative, *, margin=1.0, weights=None, reduction="mean"):
    M, none = len(anchor), nothing(anchor.dtype)
    losses = empty(M, anchor.dtype) if reduction == "none" else none
    w, _, divisor = weights_of(weights, (M,), none)
    total = _triplet(anchor, positive, negative, w, float(margin), losses)
    return losses if reduction == "none" else divided(total, divisor, reduction, anchor.dtype)


def triplet_backward(dloss, anchor, positive, negative, *, margin=1.0, weights=None, reduction="mean"):
    gradients, none = (empty_like(anchor), empty_like(anchor), empty_like(anchor)), nothing(anchor.dtype)
    w, _, divisor = weights_of(weights, (len(anchor),), none)
    dlosses, share = (dloss, 1.0) if reduction == "none" else (none, share_of(dloss, divisor, reduction))
    _triplet_gradient(anchor, positive, negative, w, float(margin), dlosses, share, *gradients)
    return gradients


@inner
def _nothing_to_prepare(y, first, end, e):
    pass


@inner
def _kl_divergence_row(y, t, m, parameters, scale, want, e, at):
    loss = 0.0
    if want & LOSS:
        N = np.uint64(y.shape[1])
        room = np.uint64(e.size) - N  # a loop with a logarithm that adds in float64 would have half as many lanes
        for n in range(N):
            r, s = _clip(y[m, n]), _clip(t[m, n])
            e[room + n] = s * log(s / r)
        for n in range(N):
            loss += np.float64(e[room + n])
    if want & GRADIENT:
        for n in range(np.uint64(y.shape[1])):
            q = y[m, n]
            e[at + n] = scale * (_ZERO(q) if (q < _LOW(q)) | (q > _ONE(q)) else -_clip(t[m, n]) / q)
    return loss


@inner
def _clip(x):
    x = _LOW(x) if x < _LOW(x) else x  # comparisons with NaN are false: NaN stays
    return _ONE(x) if x > _ONE(x) else x


@inner
def _cosine_similarity_row(y, t, m, parameters, scale, want, e, at):
    yy, tt, yt = 0.0, 0.0, 0.0
    for n in range(np.uint64(y.shape[1])):
        a, b = np.float64(y[m, n]), np.float64(t[m, n])
        yy += a * a
        tt += b * b
        yt += a * b
    short = yy < _LENGTH
    length = math.sqrt(_LENGTH if short else yy)
    other = math.sqrt(_LENGTH if tt < _LENGTH else tt)
    loss = -yt / (length * other)
    if want & GRADIENT:
        p = y.dtype.type
        back = p(0.0 if short else scale * -loss / (length * length))
        along = p(scale / (length * other))
        for n in range(np.uint64(y.shape[1])):
            e[at + n] = back * y[m, n] - along * t[m, n]
    return loss


_kl_divergence = over_rows(_nothing_to_prepare, _kl_divergence_row, 500)
_cosine_similarity = over_rows(_nothing_to_prepare, _cosine_similarity_row, 150)


@inner
def _distance(a, b, m):
    total = 0.0
    for n in range(np.uint64(a.shape[1])):
        d = np.float64(a[m, n]) - np.float64(b[m, n])
        total += d * d
    return math.sqrt(total)


@kernel
def _triplet(a, p, n, weights, margin, losses):
    sums = np.empty(-(-a.shape[0] // rows_of_a_task(a)))
    spread(_triplet_task, sums.size, a.size // 5, (a, p, n, weights, margin, losses, sums))
    return added(sums)


@inner
def _triplet_task(group, a, p, n, weights, margin, losses, sums):
    rows, total = rows_of_a_task(a), 0.0
    for m in range(group * rows, min((group + 1) * rows, a.shape[0])):
        m, weight, loss = np.uint64(m), weight_of(weights, m), 0.0
        if weight != 0:
            loss = _distance(a, p, m) - _distance(a, n, m) + margin
            loss = 0.0 if loss < 0 else weight * loss
        if losses.size:
            losses[m] = loss
        total += loss
    sums[group] = total


@kernel
def _triplet_gradient(a, p, n, weights, margin, dlosses, share, da, dp, dn):
    arguments = (a, p, n, weights, margin, dlosses, share, da, dp, dn)
    spread(_triplet_gradient_task, -(-a.shape[0] // rows_of_a_task(a)), a.size // 3, arguments)


@inner
def _triplet_gradient_task(group, a, p, n, weights, margin, dlosses, share, da, dp, dn):
    rows, kind = rows_of_a_task(a), a.dtype.type
    for m in range(group * rows, min((group + 1) * rows, a.shape[0])):
        m, weight = np.uint64(m), weight_of(weights, m)
        near, far = _distance(a, p, m), _distance(a, n, m)
        if weight == 0 or near - far + margin <= 0:
            for i in range(np.uint64(a.shape[1])):
                da[m, i] = dp[m, i] = dn[m, i] = 0
            continue
        scale = weight * share * (np.float64(dlosses[m]) if dlosses.size else 1.0)
        u, v = kind(scale / near if near != 0 else 0.0), kind(scale / far if far != 0 else 0.0)
        for i in range(np.uint64(a.shape[1])):
            towards, away = u * (a[m, i] - p[m, i]), v * (a[m, i] - n[m, i])
            da[m, i], dp[m, i], dn[m, i] = towards - away, -towards, away
