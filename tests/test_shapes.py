"""Products and convolutions of random shapes against NumPy: 0, 1, primes and the edges of tiles and blocks are common.

Inputs are float32 numbers in both precisions, and gradients are taken at the exact result, so that the errors compared
are those of the computation alone.
"""

import hypothesis
import numpy as np
from hypothesis import strategies as st
from tilewright.kernels import _window as window
from tilewright.kernels._cpu.machine import TILE_ROWS, TILE_VECTORS, VECTOR_BYTES
from tilewright.kernels.catalog import BY_NAME
from tilewright.kernels.matmul import FUSED

from .errors import random_dy, worst

LANES = VECTOR_BYTES // 4
TILES = (TILE_ROWS, LANES // 2, LANES, TILE_VECTORS * LANES // 2, TILE_VECTORS * LANES)
BLOCKS = (64, 128, 256)  # of rows, columns and depth
EDGES = sorted({0, 1, 2, 3, 5, 7, 11, 13, 31, 61, *(size + off for size in TILES + BLOCKS for off in (-1, 0, 1))})
MORE_SEEDS = 20
SLACK = 2 * np.finfo(np.float32).eps  # as in the catalog's tests: some results of NumPy have no error at all

# How many times NumPy's error ours may be. With a vector NumPy sums in many chains, and we in one of 256, as in any
# product: that is measured to be worse by 2 to 5 times, 8 for a single number. Winograd's way reaches 13 times where
# it is asked for though sums are so short that direct ones are nearly exact.
DIRECT, VECTOR, WINOGRAD, SHORT_WINOGRAD = 2, 8, 8, 16


def seeded(examples):
    """The same examples in every run."""
    return hypothesis.settings(derandomize=True, deadline=None, max_examples=examples)


def sizes(most, least=0):
    """Sizes up to `most`, half of them where a tile or a block ends."""
    edges = [size for size in EDGES if least <= size <= most]
    return st.sampled_from(edges) | st.integers(least, most)


def numbers(shapes, seed):
    """Random float32 numbers, in float64; filters are scaled so that results are of the order of 1."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes.items():
        scale = max(np.prod(shape[:-1]), 1) ** -0.5 if name == "w" else 1.0
        arrays[name] = np.float64(np.float32(scale * rng.standard_normal(shape)))
    return arrays


def laid_out(x, dtype, apart):
    """A copy whose rows lie so many elements apart; what is between them is NaN."""
    wide = np.full((*x.shape[:-1], x.shape[-1] + apart), np.nan, dtype)
    wide[..., : x.shape[-1]] = x
    return wide[..., : x.shape[-1]]


def results(op, face, dtype, seed, values, options, y=None, apart=0):
    """(y, gradients …) of a face, the gradients at y if it is given."""
    values = {name: laid_out(x, dtype, apart) for name, x in values.items()}
    forward = op.forward(face, values, options)
    y = forward[0] if y is None else y.astype(dtype)
    dy = random_dy(y, np.float32, seed + 1000).astype(dtype)
    found = [r for r in forward + op.backward(face, dy, values, options, (y,)) if r is not None]
    assert {r.dtype for r in found} == {np.dtype(dtype)}
    return found


def check(name, shapes, options, factor=DIRECT, apart=0):
    """Both precisions against the reference in float64.

    The largest of a few errors is a matter of luck: where float32 breaks the rule, it is asked of the results of
    MORE_SEEDS inputs together.
    """
    op = BY_NAME[name]
    samples = []
    for seed in range(1 + MORE_SEEDS):
        values = numbers(shapes, seed)
        exact = results(op, "reference", np.float64, seed, values, options)
        double = results(op, "public", np.float64, seed, values, options, exact[0], apart)
        single = results(op, "public", np.float32, seed, values, options, exact[0], apart)
        numpy = results(op, "reference", np.float32, seed, values, options, exact[0])
        samples.append((exact, double, single, numpy))
        exact, double, single, numpy = ([np.stack(r) for r in zip(*column)] for column in zip(*samples))
        assert max(worst(double, exact)) <= op.float64
        errors = list(zip(worst(single, exact), worst(numpy, exact)))
        if all(ours <= factor * theirs + SLACK for ours, theirs in errors):
            return
    raise AssertionError(f"(our error, NumPy's) of each result: {errors}")


BATCHES = (((), ()), ((), ()), ((3,), (3,)), ((2,), ()), ((), (2,)), ((2, 1), (3,)), ((0,), (1,)))


@seeded(300)
@hypothesis.given(
    sizes(300), sizes(300), sizes(600), st.booleans(), st.booleans(), st.sampled_from(BATCHES), st.sampled_from((0, 3))
)
def test_products(M, N, K, transpose_a, transpose_b, batches, apart):
    shapes = {
        "a": (*batches[0], *((K, M) if transpose_a else (M, K))),
        "b": (*batches[1], *((N, K) if transpose_b else (K, N))),
    }
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    check("matmul", shapes, options, VECTOR if 1 in (M, N, K) else DIRECT, apart)


@seeded(300)
@hypothesis.given(sizes(300), sizes(300), sizes(600), st.booleans(), st.sampled_from(FUSED))
def test_linear_maps(M, N, K, bias, activation):
    shapes = {"x": (M, K), "w": (K, N)} | ({"b": (N,)} if bias else {})
    check("linear", shapes, {"activation": activation}, VECTOR if 1 in (M, N, K) else DIRECT)


@st.composite
def convolutions(draw):
    """(shapes, options, the factor of the error) of a convolution of up to 10 ** 7 multiplications."""
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
    shapes = {"x": (N, H, W, groups * C), "w": (R, S, C, groups * K)}
    if draw(st.booleans()):
        shapes["b"] = (groups * K,)
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


@seeded(400)
@hypothesis.given(convolutions())
def test_convolutions(convolution):
    check("conv2d", *convolution)
