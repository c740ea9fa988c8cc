"""Hypothesis's draws of products and convolutions: 0, 1, primes and the edges of tiles and blocks are common.

A draw is (shapes of the arrays by name, options of the call, how many times NumPy's error ours may be).
"""

import hypothesis
import numpy as np
from hypothesis import strategies as st
from tilewright.kernels import _window as window
from tilewright.kernels._cpu.machine import TILE_ROWS, TILE_VECTORS, VECTOR_BYTES
from tilewright.kernels.matmul import FUSED

LANES = VECTOR_BYTES // 4
TILES = (TILE_ROWS, LANES // 2, LANES, TILE_VECTORS * LANES // 2, TILE_VECTORS * LANES)
BLOCKS = (64, 128, 256)  # of rows, columns and depth
EDGES = sorted({0, 1, 2, 3, 5, 7, 11, 13, 31, 61, *(size + off for size in TILES + BLOCKS for off in (-1, 0, 1))})

# Of a row times a matrix NumPy sums in many chains, and we in one of 256, so that a row has the same bits as in a
# batch: measured to be worse by 2 to 5 times, 8 for a single number. Winograd's way reaches 13 times where it is asked
# for though sums are so short that direct ones are nearly exact.
DIRECT, VECTOR, WINOGRAD, SHORT_WINOGRAD = 2, 8, 8, 16

BATCHES = (((), ()), ((), ()), ((3,), (3,)), ((2,), ()), ((), (2,)), ((2, 1), (3,)), ((0,), (1,)))  # of a and b


def seeded(examples):
    """The same examples in every run."""
    return hypothesis.settings(derandomize=True, deadline=None, max_examples=examples)


def sizes(most, least=0):
    """Sizes up to `most`, half of them where a tile or a block ends."""
    edges = [size for size in EDGES if least <= size <= most]
    return st.sampled_from(edges) | st.integers(least, most)


@st.composite
def products(draw):
    M, N, K = draw(sizes(300)), draw(sizes(300)), draw(sizes(600))
    transpose_a, transpose_b = draw(st.booleans()), draw(st.booleans())
    batches = draw(st.sampled_from(BATCHES))
    a, b = (K, M) if transpose_a else (M, K), (N, K) if transpose_b else (K, N)
    shapes = {"a": (*batches[0], *a), "b": (*batches[1], *b)}
    a_row = 1 in (M, K) or (transpose_b and N == 1)  # times a matrix, in the forward or in a gradient
    return shapes, {"transpose_a": transpose_a, "transpose_b": transpose_b}, VECTOR if a_row else DIRECT


@st.composite
def linear_maps(draw):
    M, N, K = draw(sizes(300)), draw(sizes(300)), draw(sizes(600))
    shapes = {"x": (M, K), "w": (K, N)} | draw(st.sampled_from(({}, {"b": (N,)})))
    return shapes, {"activation": draw(st.sampled_from(FUSED))}, VECTOR if 1 in (M, K) else DIRECT


@st.composite
def convolutions(draw):
    """Of up to 10 ** 7 multiplications."""
    plain = draw(st.booleans())  # 3 x 3, which Winograd's way may take
    few = st.integers(1, 3)
    R, S = (3, 3) if plain else draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride, dilation = (1, 1) if plain else [draw(few | st.tuples(few, few)) for _ in range(2)]
    pad = st.integers(0, 4)
    padding = draw(st.sampled_from(("valid", "same")) | pad | st.tuples(pad, pad) | st.tuples(pad, pad, pad, pad))
    groups = 1 if plain else draw(st.sampled_from((1, 1, 2, 3)) | sizes(70, 1))
    if groups > 3:
        C, K = 1, draw(st.sampled_from((1, 1, 1, 2)))  # of a group
    else:
        C, K = draw(sizes(70)), draw(sizes(140))
    N, H, W = draw(st.integers(0, 3)), draw(sizes(20)), draw(sizes(40))
    options = {
        "stride": stride,
        "dilation": dilation,
        "padding": padding,
        "groups": groups,
        "activation": draw(st.sampled_from(FUSED)),
        "algorithm": draw(st.sampled_from(("auto", "direct", "winograd"))),
    }
    shapes = {"x": (N, H, W, groups * C), "w": (R, S, C, groups * K)} | draw(
        st.sampled_from(({}, {"b": (groups * K,)}))
    )
    try:
        steps, gaps = (window.pair("", "", value) for value in (stride, dilation))
        P, Q = window.resolve("", (H, W), (R, S), steps, padding, gaps)[0]
    except ValueError:  # the filter spans more than the image
        hypothesis.reject()
    hypothesis.assume(N * P * Q * np.prod(shapes["w"]) < 1e7)
    factor = VECTOR if 1 in (N * P * Q, C, K) else DIRECT
    if (R, S, steps, gaps, groups) == (3, 3, (1, 1), (1, 1), 1) and options["algorithm"] != "direct":
        short = options["algorithm"] == "winograd" and min(C, K, 4 * P, 4 * Q) < 16
        factor = SHORT_WINOGRAD if short else WINOGRAD
    return shapes, options, factor


def numbers(shapes, seed):
    """Random float32 numbers, in float64; filters are scaled so that results are of the order of 1."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes.items():
        scale = max(np.prod(shape[:-1]), 1) ** -0.5 if name == "w" else 1.0
        arrays[name] = np.float64(np.float32(scale * rng.standard_normal(shape)))
    return arrays
