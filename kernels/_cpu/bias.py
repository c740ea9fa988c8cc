"""What stands at the end of a matrix product and at the start of its gradient: activations, and sums over rows.

z, y, dy, dz (M, N)    db (N,)

y  = f(z)          relu: max(z, 0)    sigmoid: 1 / (1 + exp(-z))    tanh
dz = dy f'(z)      relu: [y > 0]      sigmoid: y (1 - y)            1 - y^2
db = sum_M dz      in groups of GROUP rows, then over the groups: the order is fixed by M alone
"""

import numpy as np

from .jit import inner, kernel
from .memory import empty, empty_like
from .threads import spread
from .vecmath import sigmoid, tanh

NONE, RELU, SIGMOID, TANH = range(4)
_CODES = {None: NONE, "relu": RELU, "sigmoid": SIGMOID, "tanh": TANH}
GROUP = 64  # rows that one task reduces: 8 KB of a layer of 32 channels, 256 KB of one of 1,024


def activation_code(name):
    """The number by which compiled code knows an activation."""
    return _CODES[name]


@inner
def activate(c, start, ldc, rows, columns, code):
    """f in place on a block of c that is still in the cache; relu is done by the tile itself."""
    for i in range(rows):
        row = start + i * ldc
        if code == SIGMOID:
            for j in range(np.uint64(row), np.uint64(row + columns)):
                c[j] = sigmoid(c[j])
        elif code == TANH:
            for j in range(np.uint64(row), np.uint64(row + columns)):
                c[j] = tanh(c[j])


def linear_gradient(dy, y, activation, b):
    """(dz, db) for a result y (..., N) of f(z + b): dz is dy itself without an activation, db None without a bias."""
    if activation is None and b is None:
        return dy, None
    N = dy.shape[-1]
    dy_rows = dy.reshape(-1, N)
    dz = dy if activation is None else empty_like(dy)
    db = empty(N, dy.dtype)
    y_rows = dy_rows if activation is None else y.reshape(-1, N)
    _gradient(dy_rows, y_rows, activation_code(activation), dz.reshape(-1, N), db)
    return dz, None if b is None else db


@kernel
def _gradient(dy, y, code, dz, db):
    """`activation_gradient`, for launchers."""
    activation_gradient(dy, y, code, dz, db)


@inner
def activation_gradient(dy, y, code, dz, db):
    """dz and db of dy (M, N) and the result y; without an activation dz is dy."""
    M, N = dy.shape
    sums = np.empty((-(-M // GROUP), N), dy.dtype)
    spread(_gradient_task, sums.shape[0], dy.size // 4, (dy, y, code, dz, sums))
    for j in range(N):
        db[j] = 0
    for group in range(sums.shape[0]):
        for j in range(N):
            db[j] += sums[group, j]


@inner
def _gradient_task(group, dy, y, code, dz, sums):
    """The rows of dz of one group, and their sum."""
    M, N = dy.shape
    one = dy.dtype.type(1)
    zero = dy.dtype.type(0)
    for j in range(N):
        sums[group, j] = zero
    for i in range(np.uint64(group * GROUP), np.uint64(min((group + 1) * GROUP, M))):
        if code == RELU:
            for j in range(np.uint64(N)):
                dz[i, j] = dy[i, j] if y[i, j] > zero else zero
        elif code == SIGMOID:
            for j in range(np.uint64(N)):
                dz[i, j] = dy[i, j] * y[i, j] * (one - y[i, j])
        elif code == TANH:
            for j in range(np.uint64(N)):
                dz[i, j] = dy[i, j] * (one - y[i, j] * y[i, j])
        for j in range(np.uint64(N)):
            sums[np.uint64(group), j] += dz[i, j]
