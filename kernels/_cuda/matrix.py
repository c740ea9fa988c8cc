"""The sides of a matrix product that lie in memory as matrices, one or many of a size (gemm.py says what a side is).

shape (W, K, inner, outer step, inner step): of every matrix, and where the one of product z begins: at element
z // inner * outer step + z % inner * inner step. Where operands are broadcast a step is 0.
"""

import functools

import numpy as np

from .access import fetch, put
from .jit import device

SINGLE = (1, 0, 0)  # of a matrix's shape, where there is just one


def shape_of(W, K, batch=SINGLE):
    """The shape of a side for a kernel."""
    return tuple(map(np.int32, (W, K, *batch)))


@functools.lru_cache
def matrix(along_k, aligned):
    """A side of matrices.

    along_k: memory has rows of K, so that vectors of V elements run along k and are turned on their way into shared
    memory; else it has rows of W. aligned: rows begin at multiples of 16 bytes. What lies outside is zero.
    """

    def side(W, BK, V, threads, pitch):
        vectors = W * BK // V
        each = -(-vectors // threads)
        across = BK // V if along_k else W // V  # vectors of a row

        @device
        def start(places, shape, z, t, w0):
            width, K = shape[0], shape[1]
            begin = z // shape[2] * shape[3] + z % shape[2] * shape[4]
            for r in range(each):
                turn = t + r * threads
                row, column = turn // across, turn % across * V
                if along_k:
                    w, place = w0 + row, (w0 + row) * K + column
                else:
                    w, place = w0 + column, row * width + w0 + column
                places[r] = np.int32(begin + place) if w < width and turn < vectors else np.int32(-1)

        @device
        def load(held, x, shape, places, t, w0, k0):
            width, K = shape[0], shape[1]
            for r in range(each):
                turn = t + r * threads
                row, column = turn // across, turn % across * V
                if along_k:
                    k, left, first = k0, K - k0 - column, np.int32(places[r] + k0)
                else:
                    k, left, first = k0 + row, width - w0 - column, np.int32(places[r] + k0 * width)
                inside = places[r] >= 0 and k < K
                if aligned:
                    if inside and left > 0:
                        fetch(held, r * V, x, first)
                    else:
                        for v in range(V):
                            held[r * V + v] = 0
                else:
                    for v in range(V):
                        if inside and v < left:
                            held[r * V + v] = x[np.uint32(first + v)]
                        else:
                            held[r * V + v] = 0

        return start, load, make_keep(W, BK, V, threads, pitch, along_k), each, each * V

    return side


def make_keep(W, BK, V, threads, pitch, along_k):
    """keep(tile, begin, held, t) of a side, whose r-th vector of thread t is vector t + r threads of the tile."""
    vectors = W * BK // V
    each = -(-vectors // threads)
    across = BK // V if along_k else W // V  # vectors of a row

    @device
    def keep(tile, begin, held, t):
        for r in range(each):
            turn = t + r * threads
            row, column = turn // across, turn % across * V
            if turn < vectors:
                if along_k:
                    for v in range(V):
                        tile[np.uint32(begin + (column + v) * pitch + row)] = held[r * V + v]
                else:
                    put(tile, begin + row * pitch + column, held, r * V)

    return keep


def batches(batch, lead_a, lead_b):
    """[(size, step of a, step of b)]: the leading axes of a product, to which those of a and b broadcast, as few as go.

    Steps are counted in matrices, 0 where an operand is broadcast. At least two axes, the last the innermost.
    """
    axes = []
    for size, a, b in zip(batch, _steps(lead_a, len(batch)), _steps(lead_b, len(batch))):
        if size == 1:
            continue
        if axes and axes[-1][1:] == (size * a, size * b):
            axes[-1] = (axes[-1][0] * size, a, b)
        else:
            axes.append((size, a, b))
    return [(1, 0, 0)] * (2 - len(axes)) + axes


def _steps(lead, axes):
    """Of every axis of a batch, in matrices."""
    steps, step = [], 1
    for size in reversed(lead):
        steps.append(step if size > 1 else 0)
        step *= size
    return [0] * (axes - len(lead)) + steps[::-1]
