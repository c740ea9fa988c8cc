"""Normalisation on CUDA.

x, y, dx, dy (M, N), read as flat arrays    gamma, beta, dgamma, dbeta (N,)    mean, rstd (M,)

y  = xhat gamma + beta                        xhat = (x - mean) rstd    rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)
dx = rstd (g - mean(g) - xhat mean(g xhat))   g = dy gamma
dgamma = sum(dy xhat)    dbeta = sum(dy)

Ba, Kiros, Hinton 2016, arXiv:1607.06450. 8 to 32 threads of a warp own a row, or a block of up to 512 does, and keep
it in registers, so that memory is read once, 16 bytes at a time where rows of float32 allow it. Longer rows are read
again, from a cache if it holds them.

A block of the gradient goes over a group of rows. Its threads keep gamma and their columns' sums in registers; they
leave one sum of each column to a second kernel, which adds those of all groups as a tree. How many groups there are
depends on the shape alone. Sums are of the array's type. `out` may be x.
"""

import functools
import math

import numpy as np
from numba import cuda

from .._cuda import launch, reduce
from .._cuda.jit import kernel
from .._cuda.memory import empty, empty_like
from .._cuda.reduce import make_access, my_row, row_total
from .._cuda.stream import start
from .._cuda.usage import Compiled
from .._cuda.warp import WARP

# none of these is measured yet
GROUPS, GROUPS_OF_LONG = 1024, 256  # of rows, each a block, where a warp or less owns a row and where more do
# elements of a row that a thread of the gradient holds, of five arrays: twice as many took 137 to 238 registers, and
# each of 512 threads has 128
OF_GRADIENT = {"f": 8, "d": 4}
STEP = 4  # elements of a long row that a thread takes at once


def layer_norm_forward(x, gamma=None, beta=None, *, epsilon=1e-3, out=None):
    y = empty_like(x) if out is None else out
    mean, rstd = empty(x.shape[:-1], x.dtype), empty(x.shape[:-1], x.dtype)
    M, N = mean.size, tuple(x.shape)[-1]
    if M:
        width, rows, elements = reduce.plan(N)
        flat, options = _flat((x, y), gamma, beta)
        chosen = _forward(elements, reduce.are_rows_wide(N, *flat))
        into = flat[1], mean.reshape(-1), rstd.reshape(-1)
        arguments = flat[0], *flat[2:], *options, x.dtype.type(epsilon), M, N, *into
        reduce.start_rows("layer_norm_forward", chosen, M, (width, rows), *arguments)
    return y, mean, rstd


def layer_norm_backward(dy, x, gamma=None, beta=None, *, mean, rstd):
    dx = empty_like(x)
    M, N = mean.size, tuple(x.shape)[-1]
    width, rows, elements = reduce.plan(N, OF_GRADIENT[x.dtype.char])
    groups = GROUPS if width <= WARP else GROUPS_OF_LONG
    rows_of_group = max(rows, launch.ceil_div(M, groups))
    groups = launch.ceil_div(M, rows_of_group)
    sums = empty(max(1, groups) * 2 * N, x.dtype)
    if M:
        (dy, x, flat_dx, gamma_or_any, _), options = _flat((dy, x, dx), gamma, beta)
        chosen = _backward(elements, reduce.are_rows_wide(N, dy, x, flat_dx, gamma_or_any))
        saved = mean.reshape(-1), rstd.reshape(-1)
        arguments = dy, x, gamma_or_any, options[0], *saved, M, N, rows_of_group, flat_dx, sums
        start(chosen, groups, (width, rows), *arguments)
    dgamma, dbeta = (None if given is None else empty(N, x.dtype) for given in (gamma, beta))
    if gamma is not None or beta is not None:
        reduce.add_columns(sums, groups, N, dgamma, dbeta)
    return dx, dgamma, dbeta


def _flat(arrays, gamma, beta):
    """(flat arrays with gamma and beta, or arrays that are not read in their places; whether they are there)."""
    flat = [x.reshape(-1) for x in arrays]
    flat += [flat[0] if row is None else row for row in (gamma, beta)]
    return flat, (gamma is not None, beta is not None)


@functools.lru_cache
def _forward(elements, wide):
    return kernel(make_forward(elements, wide))


@functools.lru_cache
def _backward(elements, wide):
    return kernel(make_backward(elements, wide))


@functools.lru_cache
def make_forward(elements, wide):
    """A kernel's Python function for rows of `elements` registers a thread; 0: of any length."""
    E = elements or STEP
    load, store, place = make_access(E, wide)

    def short(x, gamma, beta, scaled, shifted, epsilon, M, N, y, mean, rstd):
        shared = cuda.shared.array(WARP, x.dtype)
        values, row_of = cuda.local.array(E, x.dtype), cuda.local.array(E, x.dtype)
        row, first, size = my_row(M, N)
        p = type(epsilon)
        load(values, x, first, size, p(0))
        total = p(0)
        for e in range(E):
            total += values[e]
        center = row_total(total, shared) / p(N)
        total = p(0)
        for e in range(E):
            values[e] = values[e] - center if place(e) < size else p(0)
            total += values[e] * values[e]
        scale = p(1) / p(math.sqrt(row_total(total, shared) / p(N) + epsilon))
        for e in range(E):
            values[e] *= scale
        if scaled:
            load(row_of, gamma, 0, size, p(0))
            for e in range(E):
                values[e] *= row_of[e]
        if shifted:
            load(row_of, beta, 0, size, p(0))
            for e in range(E):
                values[e] += row_of[e]
        store(y, first, size, values)
        if size and cuda.threadIdx.x == 0:
            mean[row], rstd[row] = center, scale

    def long(x, gamma, beta, scaled, shifted, epsilon, M, N, y, mean, rstd):
        shared = cuda.shared.array(WARP, x.dtype)
        values, row_of = cuda.local.array(E, x.dtype), cuda.local.array(E, x.dtype)
        row, first, size = my_row(M, N)
        p = type(epsilon)
        total = p(0)
        step = E * cuda.blockDim.x
        for n in range(0, size, step):
            load(values, x, first + n, size - n, p(0))
            for e in range(E):
                total += values[e]
        center = row_total(total, shared) / p(N)
        total = p(0)
        for n in range(0, size, step):
            load(values, x, first + n, size - n, center)
            for e in range(E):
                total += (values[e] - center) * (values[e] - center)
        scale = p(1) / p(math.sqrt(row_total(total, shared) / p(N) + epsilon))
        for n in range(0, size, step):
            load(values, x, first + n, size - n, center)
            for e in range(E):
                values[e] = (values[e] - center) * scale
            if scaled:
                load(row_of, gamma, n, size - n, p(0))
                for e in range(E):
                    values[e] *= row_of[e]
            if shifted:
                load(row_of, beta, n, size - n, p(0))
                for e in range(E):
                    values[e] += row_of[e]
            store(y, first + n, size - n, values)
        if size and cuda.threadIdx.x == 0:
            mean[row], rstd[row] = center, scale

    return short if elements else long


@functools.lru_cache
def make_backward(elements, wide):
    """As `make_forward`; block b owns `rows` rows from b * rows on, and sums[b] (2, N), of which nobody else writes."""
    E = elements or STEP
    most = WARP * E  # columns, where several rows of threads share a block
    load, store, place = make_access(E, wide)

    def short(dy, x, gamma, scaled, mean, rstd, M, N, rows, dx, sums):
        shared = cuda.shared.array(WARP, x.dtype)
        columns = cuda.shared.array((2, most), x.dtype)
        gradients, values = cuda.local.array(E, x.dtype), cuda.local.array(E, x.dtype)
        weights = cuda.local.array(E, x.dtype)
        dgamma, dbeta = cuda.local.array(E, x.dtype), cuda.local.array(E, x.dtype)
        r, height = cuda.threadIdx.y, cuda.blockDim.y
        p = type(mean[0])
        for e in range(E):
            weights[e], dgamma[e], dbeta[e] = p(1), p(0), p(0)
        if scaled:
            load(weights, gamma, 0, N, p(0))
        for k in range(0, rows, height):
            row = np.int64(cuda.blockIdx.x) * rows + k + r
            size = N if k + r < rows and row < M else 0
            center, scale = mean[row] if size else p(0), rstd[row] if size else p(0)
            load(gradients, dy, row * N, size, p(0))
            load(values, x, row * N, size, center)
            total, moment = p(0), p(0)
            for e in range(E):
                values[e] = (values[e] - center) * scale
                dgamma[e] += gradients[e] * values[e]
                dbeta[e] += gradients[e]
                gradients[e] *= weights[e]
                total += gradients[e]
                moment += gradients[e] * values[e]
            total = row_total(total, shared) / p(N)
            moment = row_total(moment, shared) / p(N)
            for e in range(E):
                gradients[e] = scale * (gradients[e] - total - values[e] * moment)
            store(dx, row * N, size, gradients)
        if height == 1:
            store(sums, np.int64(cuda.blockIdx.x) * 2 * N, N, dgamma)
            store(sums, (np.int64(cuda.blockIdx.x) * 2 + 1) * N, N, dbeta)
        else:
            for turn in range(height):  # one row of threads after the other
                for e in range(E):
                    n = place(e)
                    if turn == r and n < N:
                        columns[0, n] = dgamma[e] if turn == 0 else columns[0, n] + dgamma[e]
                        columns[1, n] = dbeta[e] if turn == 0 else columns[1, n] + dbeta[e]
                cuda.syncthreads()
            for n in range(r * cuda.blockDim.x + cuda.threadIdx.x, N, height * cuda.blockDim.x):
                sums[np.int64(cuda.blockIdx.x) * 2 * N + n] = columns[0, n]
                sums[(np.int64(cuda.blockIdx.x) * 2 + 1) * N + n] = columns[1, n]

    def long(dy, x, gamma, scaled, mean, rstd, M, N, rows, dx, sums):
        shared = cuda.shared.array(WARP, x.dtype)
        gradients, values = cuda.local.array(E, x.dtype), cuda.local.array(E, x.dtype)
        weights, found = cuda.local.array(E, x.dtype), cuda.local.array(E, x.dtype)
        step = E * cuda.blockDim.x
        own = np.int64(cuda.blockIdx.x) * 2 * N
        p = type(mean[0])
        for k in range(rows):
            row = np.int64(cuda.blockIdx.x) * rows + k
            first, size = row * N, N if row < M else 0
            center, scale = mean[row] if size else p(0), rstd[row] if size else p(0)
            total, moment = p(0), p(0)
            for n in range(0, size, step):
                load(gradients, dy, first + n, size - n, p(0))
                load(values, x, first + n, size - n, center)
                if scaled:
                    load(weights, gamma, n, size - n, p(0))
                    for e in range(E):
                        gradients[e] *= weights[e]
                for e in range(E):
                    total += gradients[e]
                    moment += gradients[e] * ((values[e] - center) * scale)
            total = row_total(total, shared) / p(N)
            moment = row_total(moment, shared) / p(N)
            for n in range(0, size, step):
                load(gradients, dy, first + n, size - n, p(0))
                load(values, x, first + n, size - n, center)
                load(found, sums, own + n, size - n if k else 0, p(0))
                for e in range(E):
                    values[e] = (values[e] - center) * scale
                    found[e] += gradients[e] * values[e]
                store(sums, own + n, size - n, found)
                load(found, sums, own + N + n, size - n if k else 0, p(0))
                for e in range(E):
                    found[e] += gradients[e]
                store(sums, own + N + n, size - n, found)
                if scaled:
                    load(weights, gamma, n, size - n, p(0))
                    for e in range(E):
                        gradients[e] *= weights[e]
                for e in range(E):
                    gradients[e] = scale * (gradients[e] - total - values[e] * moment)
                store(dx, first + n, size - n, gradients)

    return short if elements else long


def _compiled():
    for T, wide in (("float32", True), ("float32", False), ("float64", False)):
        array, way = f"{T}[::1]", "wide" if wide else "narrow"
        forward = f"void({', '.join([array] * 3)}, boolean, boolean, {T}, int64, int64, {', '.join([array] * 3)})"
        backward = f"void({', '.join([array] * 3)}, boolean, {array}, {array}, int64, int64, int64, {array}, {array})"
        for op, make, signature, many in (
            ("layer_norm_forward", make_forward, forward, reduce.MANY),
            ("layer_norm_backward", make_backward, backward, OF_GRADIENT["d" if T == "float64" else "f"]),
        ):
            lengths = {reduce.FEW: "few", 0: "long"} | ({many: "many"} if many > reduce.FEW else {})
            for elements, length in lengths.items():
                yield Compiled(make(elements, wide), signature, f"{op}-{length}-{T}-{way}")


COMPILED = tuple(_compiled())
