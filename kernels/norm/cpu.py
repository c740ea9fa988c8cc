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

import numpy as np

from .._cpu.jit import inner, kernel
from .._cpu.memory import empty, empty_like
from .._cpu.threads import spread

CHUNK = 1 << 12  # elements of a task's rows
BLOCK = np.uint64(1024)  # elements of a row that are added in their own type, at most 32 in each lane of a loop
GRADIENT_CHUNK, ROWS = (
    1 << 15,
    64,
)  # of a task of the gradient, and rows that it has at least, against many sums of tasks


def layer_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, out=None):
    y = empty_like(x) if out is None else out
    mean, rstd = empty(x.shape[:-1], x.dtype), empty(x.shape[:-1], x.dtype)
    gamma, beta = _row(gamma, np.ones, x), _row(beta, np.zeros, x)
    _forward(x.reshape(-1), gamma, beta, float(epsilon), y.reshape(-1), mean.reshape(-1), rstd.reshape(-1))
    return y, mean, rstd


def layer_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd):
    dx = empty_like(x)
    dgamma, dbeta = empty(x.shape[-1:], x.dtype), empty(x.shape[-1:], x.dtype)
    flat = [a.reshape(-1) for a in (dy, x, mean, rstd, dx)]
    _backward(*flat, _row(gamma, np.ones, x), dgamma, dbeta)
    return dx, None if gamma is None else dgamma, None if beta is None else dbeta


def _row(given, make, x):
    return make(x.shape[-1], x.dtype) if given is None else given


@kernel
def _forward(x, gamma, beta, epsilon, y, mean, rstd):
    rows = max(1, CHUNK // gamma.size)
    spread(_forward_task, -(-mean.size // rows), x.size, (x, gamma, beta, epsilon, rows, y, mean, rstd))


@inner
def _forward_task(task, x, gamma, beta, epsilon, rows, y, mean, rstd):
    """Rows task * rows and on: a pass for each quantity, so that short rows do not wait for one another's divisions."""
    N, share = np.uint64(gamma.size), 1 / gamma.size
    first, end = task * rows, min((task + 1) * rows, mean.size)
    for row in range(first, end):
        start = np.uint64(row) * N
        total = _sum(x, start, min(start + BLOCK, start + N))
        for block in range(start + BLOCK, start + N, BLOCK):
            total += _sum(x, block, min(block + BLOCK, start + N))
        mean[row] = total * share
    for row in range(first, end):
        start, center = np.uint64(row) * N, mean[row]
        squares = _sum_of_squares(x, start, min(start + BLOCK, start + N), center)
        for block in range(start + BLOCK, start + N, BLOCK):
            squares += _sum_of_squares(x, block, min(block + BLOCK, start + N), center)
        rstd[row] = squares * share
    for row in range(np.uint64(first), np.uint64(end)):
        rstd[row] = 1 / math.sqrt(np.float64(rstd[row]) + epsilon)
    for row in range(first, end):
        start, center, scale = np.uint64(row) * N, mean[row], rstd[row]
        for n in range(N):
            y[start + n] = (x[start + n] - center) * scale * gamma[n] + beta[n]


@inner
def _sum(x, first, end):
    total = x.dtype.type(0)
    for i in range(first, end):
        total += x[i]
    return np.float64(total)


@inner
def _sum_of_squares(x, first, end, center):
    """The sum of (x - center)^2."""
    total = x.dtype.type(0)
    for i in range(first, end):
        total += (x[i] - center) * (x[i] - center)
    return np.float64(total)


@kernel
def _backward(dy, x, mean, rstd, dx, gamma, dgamma, dbeta):
    M, N = mean.size, gamma.size
    rows = max(ROWS, GRADIENT_CHUNK // N)
    sums = np.empty((-(-M // rows), 2, N), x.dtype)
    spread(_backward_task, sums.shape[0], 2 * x.size, (dy, x, mean, rstd, gamma, rows, dx, sums))
    totals = np.zeros((2, N))
    for task in range(sums.shape[0]):
        for n in range(np.uint64(N)):
            totals[0, n] += sums[task, 0, n]
            totals[1, n] += sums[task, 1, n]
    for n in range(np.uint64(N)):
        dgamma[n], dbeta[n] = totals[0, n], totals[1, n]


@inner
def _backward_task(task, dy, x, mean, rstd, gamma, rows, dx, sums):
    """Rows task * rows and on, and their sums of dgamma and dbeta; sums[task] is this task's alone."""
    N, share, p = np.uint64(gamma.size), 1 / gamma.size, x.dtype.type
    dgamma, dbeta = sums[task, 0], sums[task, 1]
    for n in range(N):
        dgamma[n] = 0
        dbeta[n] = 0
    for row in range(task * rows, min((task + 1) * rows, mean.size)):
        start, center, scale = np.uint64(row) * N, mean[row], rstd[row]
        total, moment = 0.0, 0.0
        for n in range(N):
            xhat = (x[start + n] - center) * scale
            g = dy[start + n] * gamma[n]
            dx[start + n] = g  # rounded: with the product inside of a multiply-add, g - mean(g) would not cancel
            total += np.float64(g)
            moment += np.float64(g * xhat)
            dgamma[n] += dy[start + n] * xhat
            dbeta[n] += dy[start + n]
        a, b = p(total * share), p(moment * share)
        for i in range(start, start + N):
            dx[i] = scale * (dx[i] - a - (x[i] - center) * scale * b)
