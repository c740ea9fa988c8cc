"""Kernels over flat arrays, made from a function of one element.

One task owns CHUNK elements of the output. `parameter` is a scalar of the op (a slope, say), in the arrays' dtype.
"""

import numpy as np

from .jit import inner, kernel
from .memory import empty_like
from .threads import spread

CHUNK = 1 << 13  # 32 KB of float32, about a first-level cache


def unary(f):
    """y = f(x, parameter) for every element, as `launch(x, parameter=0.0, out=None)`."""

    @inner
    def task(chunk, x, parameter, y):
        p = x.dtype.type(parameter)
        for i in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, x.size))):
            y[i] = f(x[i], p)

    def loop(x, parameter, y):
        spread(task, -(-x.size // CHUNK), x.size // 4, (x, parameter, y))

    run = _compiled(loop, f)

    def launch(x, parameter=0.0, out=None):
        y = empty_like(x) if out is None else out
        run(x.reshape(-1), parameter, y.reshape(-1))
        return y

    return launch


def binary(f):
    """z = f(x, y, parameter) for every element, as `launch(x, y, parameter=0.0, out=None)`."""

    @inner
    def task(chunk, x, y, parameter, z):
        p = x.dtype.type(parameter)
        for i in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, x.size))):
            z[i] = f(x[i], y[i], p)

    def loop(x, y, parameter, z):
        spread(task, -(-x.size // CHUNK), x.size // 4, (x, y, parameter, z))

    run = _compiled(loop, f)

    def launch(x, y, parameter=0.0, out=None):
        z = empty_like(x) if out is None else out
        run(x.reshape(-1), y.reshape(-1), parameter, z.reshape(-1))
        return z

    return launch


def _compiled(loop, f):
    loop.__module__, loop.__qualname__ = f.py_func.__module__, f.py_func.__qualname__
    return kernel(loop)
