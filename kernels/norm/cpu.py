"""Normalisation on the CPU.

x, y, dx, dy (M, N), read as flat arrays    gamma, beta, dgamma, dbeta (N,)    mean, rstd (M,)

y  = xhat gamma + beta                        xhat = (x - mean) rstd    rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)
dx = rstd (g - mean(g) - xhat mean(g xhat))   g = dy gamma
dgamma = sum(dy xhat)    dbeta = sum(dy)

Ba, Kiros, Hinton 2016, arXiv:1607.06450. A task owns whole rows, and goes over each two or three times while it lies in
the first-level cache. Sums are float64, of the forward's parts of a row and of the gradient's parts of M, which are of
the array's type: the order depends on the shape alone. `out` may be x: a pass reads an element, then writes it.
"""

import math
from functools import lru_cache

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.machine import VECTOR_BYTES
from .._cpu.memory import empty, empty_like
from .._cpu.norm_rows import TOGETHER, add_gradients, add_rows, add_squares, write_gradients, write_rows
from .._cpu.streaming import fence, streams
from .._cpu.threads import spread
from .channels import normalise
from .channels_gradient import gradients

CHUNK = 1 << 12  # elements that are gone over while they are in the first-level cache, or TOGETHER rows
STEPS = 16  # of a task that streams: it ends with a fence, which waits for memory
BLOCK = 512  # elements of a row that are added in their own type, at most 32 in each lane of a vector
GRADIENT_CHUNK, ROWS = 1 << 16, 64  # of a task of the gradient, and rows that it has at least, against many sums


def layer_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, out=None):
    y = empty_like(x) if out is None else out
    rows, dtype = x.shape[:-1], x.dtype
    mean, rstd = empty(rows, dtype), empty(rows, dtype)
    gamma, beta = _row(gamma, _ones, x), _row(beta, _zeros, x)
    _forward(x.ravel(), gamma, beta, float(epsilon), True, y.ravel(), mean.ravel(), rstd.ravel())
    return y, mean, rstd


def layer_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd):
    dx = empty_like(x)
    C, dtype = x.shape[-1], x.dtype
    dgamma, dbeta = empty(C, dtype), empty(C, dtype)
    flat = [a.ravel() for a in (dy, x, mean, rstd, dx)]
    _backward(*flat, _row(gamma, _ones, x), dgamma, dbeta, True)
    return dx, None if gamma is None else dgamma, None if beta is None else dbeta


def rms_norm_forward(x, gamma=None, *, epsilon=1e-6, out=None):
    y = empty_like(x) if out is None else out
    rstd = empty(x.shape[:-1], x.dtype)
    gamma, beta = _row(gamma, _ones, x), _zeros(x.shape[-1], x.dtype)
    _forward(x.ravel(), gamma, beta, float(epsilon), False, y.ravel(), rstd.ravel(), rstd.ravel())
    return y, rstd


def rms_norm_backward(dy, x, gamma=None, *, rstd):
    dx = empty_like(x)
    C, dtype = x.shape[-1], x.dtype
    dgamma, dbeta = empty(C, dtype), empty(C, dtype)
    flat = [a.ravel() for a in (dy, x, rstd, rstd, dx)]
    _backward(*flat, _row(gamma, _ones, x), dgamma, dbeta, False)
    return dx, None if gamma is None else dgamma


def batch_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    C, dtype = x.shape[-1], x.dtype
    y = empty_like(x) if out is None else out
    mean, rstd, variance = empty(C, dtype), empty(C, dtype), empty(C, dtype)
    _normalise(x, 1, gamma, beta, epsilon, activation, False, y, mean, variance, rstd)
    return y, mean, rstd, variance


def batch_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, activation=None):
    return _gradients(dy, x, 1, gamma, beta, activation, False, mean, rstd)


def batch_norm_update(running_mean, running_var, mean, variance, *, momentum=0.99):
    flat = [a.ravel() for a in (running_mean, running_var, mean, variance)]
    _update(*flat, float(momentum), float(1 - momentum))


def batch_norm_inference_forward(x, mean, variance, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    y = empty_like(x) if out is None else out
    rstd = empty(mean.shape, x.dtype)
    _normalise(x, 1, gamma, beta, epsilon, activation, True, y, mean, variance, rstd)
    return y


def batch_norm_inference_backward(dy, x, mean, variance, gamma=None, beta=None, *, epsilon=1e-3, activation=None):
    rstd = empty(variance.shape, x.dtype)
    _fill_inverse_roots(variance, float(epsilon), rstd)
    return _gradients(dy, x, 1, gamma, beta, activation, True, mean, rstd)


def group_norm_forward(x, gamma=None, beta=None, *, groups, epsilon=1e-3, activation=None, out=None):
    y, shape, dtype = empty_like(x) if out is None else out, (x.shape[0], groups), x.dtype
    mean, rstd, variance = empty(shape, dtype), empty(shape, dtype), empty(shape, dtype)
    flat = mean.ravel(), variance.ravel(), rstd.ravel()
    _normalise(x, x.shape[0], gamma, beta, epsilon, activation, False, y, *flat)
    return y, mean, rstd


def group_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, groups, activation=None):
    return _gradients(dy, x, x.shape[0], gamma, beta, activation, False, mean.ravel(), rstd.ravel())


def instance_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, activation=None, out=None):
    return group_norm_forward(x, gamma, beta, groups=x.shape[-1], epsilon=epsilon, activation=activation, out=out)


def instance_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd, activation=None):
    return _gradients(dy, x, x.shape[0], gamma, beta, activation, False, mean.ravel(), rstd.ravel())


def _normalise(x, B, gamma, beta, epsilon, activation, given, y, mean, variance, rstd):
    """y and statistics of B samples, flat (B groups)."""
    C = x.shape[-1]
    P = x.size // max(B * C, 1)
    normalise(
        x.ravel(), B, P, _row(gamma, _ones, x), _row(beta, _zeros, x), float(epsilon), activation == "relu",
        given, y.ravel(), mean, variance, rstd,
    )  # fmt: skip


def _gradients(dy, x, B, gamma, beta, activation, given, mean, rstd):
    """dx, dgamma, dbeta of B samples, from their statistics, flat (B groups)."""
    C = x.shape[-1]
    P = x.size // max(B * C, 1)
    dx, dgamma, dbeta = empty_like(x), empty(C, x.dtype), empty(C, x.dtype)
    gradients(
        dy.ravel(), x.ravel(), B, P, _row(gamma, _ones, x), _row(beta, _zeros, x), activation == "relu",
        given, mean, rstd, dx.ravel(), dgamma, dbeta,
    )  # fmt: skip
    return dx, None if gamma is None else dgamma, None if beta is None else dbeta


@kernel
def _update(running_mean, running_var, mean, variance, momentum, rest):
    momentum, rest = mean.dtype.type(momentum), mean.dtype.type(rest)
    for c in range(np.uint64(mean.size)):
        running_mean[c] = running_mean[c] * momentum + mean[c] * rest
    for c in range(np.uint64(mean.size)):
        running_var[c] = running_var[c] * momentum + variance[c] * rest


@kernel
def _fill_inverse_roots(variance, epsilon, rstd):
    for c in range(np.uint64(rstd.size)):
        rstd[c] = 1 / math.sqrt(np.float64(variance[c]) + epsilon)


def _row(given, make, x):
    return make(x.shape[-1], x.dtype) if given is None else given


@lru_cache(maxsize=16)
def _ones(N, dtype):
    """What is only read; to make it anew takes a microsecond."""
    return np.ones(N, dtype)


@lru_cache(maxsize=16)
def _zeros(N, dtype):
    return np.zeros(N, dtype)


@kernel
def _forward(x, gamma, beta, epsilon, centered, y, mean, rstd):
    N = gamma.size
    past = streams(y) and N * y.itemsize % VECTOR_BYTES == 0
    step = max(TOGETHER, min(CHUNK // N, rstd.size))
    rows = step * (STEPS if past else 1)
    tasks = -(-rstd.size // rows)
    spread(_forward_task, tasks, x.size // 2, (x, gamma, beta, epsilon, centered, past, step, rows, y, mean, rstd))


@inner
def _forward_task(task, x, gamma, beta, epsilon, centered, past, step, rows, y, mean, rstd):
    """Rows task * rows and on, `step` of them at a time."""
    N, p = gamma.size, x.dtype.type
    share = 1 / N
    totals, centers = np.empty(step), np.zeros(step, x.dtype)
    end = min((task + 1) * rows, rstd.size)
    for first in range(task * rows, end, step):
        count, place = min(step, end - first), first * N
        if centered:
            totals[:] = 0
            for n in range(0, N, BLOCK):
                add_rows(x, place + n, totals, 0, N, count, min(BLOCK, N - n))
            for r in range(np.uint64(count)):
                centers[r] = totals[r] * share
                mean[np.uint64(first) + r] = centers[r]
        totals[:] = 0
        for n in range(0, N, BLOCK):
            add_squares(x, place + n, centers, 0, totals, 0, N, count, min(BLOCK, N - n))
        for r in range(np.uint64(count)):
            rstd[np.uint64(first) + r] = 1 / math.sqrt(np.float64(p(totals[r] * share)) + epsilon)
        write_rows(x, place, centers, 0, rstd, first, gamma, 0, beta, 0, y, place, N, count, step * N, past)
    if past:
        fence()


@kernel
def _backward(dy, x, mean, rstd, dx, gamma, dgamma, dbeta, centered):
    M, N = rstd.size, gamma.size
    past = streams(dx) and N * dx.itemsize % VECTOR_BYTES == 0
    step = max(TOGETHER, min(CHUNK // N, M))
    rows = max(ROWS, GRADIENT_CHUNK // N)
    sums = np.empty((-(-M // rows), 2, N), x.dtype)
    spread(_backward_task, sums.shape[0], x.size, (dy, x, mean, rstd, gamma, centered, past, step, rows, dx, sums))
    totals = np.zeros((2, N))
    for task in range(sums.shape[0]):
        for n in range(np.uint64(N)):
            totals[0, n] += sums[task, 0, n]
            totals[1, n] += sums[task, 1, n]
    for n in range(np.uint64(N)):
        dgamma[n], dbeta[n] = totals[0, n], totals[1, n]


@inner
def _backward_task(task, dy, x, mean, rstd, gamma, centered, past, step, rows, dx, sums):
    """Rows task * rows and on, and their sums of dgamma and dbeta; sums[task] is this task's alone."""
    N = gamma.size
    share = 1 / N
    dgamma, dbeta = sums[task, 0], sums[task, 1]
    dgamma[:] = 0
    dbeta[:] = 0
    totals, moments = np.empty(step), np.empty(step)
    a, b, centers = np.zeros(step, x.dtype), np.empty(step, x.dtype), np.zeros(step, x.dtype)
    end = min((task + 1) * rows, rstd.size)
    for first in range(task * rows, end, step):
        count, place = min(step, end - first), first * N
        if centered:
            for r in range(np.uint64(count)):
                centers[r] = mean[np.uint64(first) + r]
        totals[:] = 0
        moments[:] = 0
        for n in range(0, N, BLOCK):
            add_gradients(
                dy, place + n, x, place + n, centers, 0, rstd, first, gamma, n, dgamma, n, dbeta, n, totals, 0,
                moments, 0, N, count, min(BLOCK, N - n),
            )  # fmt: skip
        for r in range(np.uint64(count)):
            b[r] = moments[r] * share
        if centered:
            for r in range(np.uint64(count)):
                a[r] = totals[r] * share
        write_gradients(
            dy, place, x, place, centers, 0, rstd, first, gamma, 0, a, 0, b, 0, dx, place, N, count, step * N, past
        )
    if past:
        fence()
