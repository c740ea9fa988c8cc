"""The catalog's rows of matrix products; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal


def _product(why, M, N, K, transpose_a=False, transpose_b=False):
    a, b = (K, M) if transpose_a else (M, K), (N, K) if transpose_b else (K, N)
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    return Case(why, {"a": normal(*a), "b": normal(*b)}, options)


def _batch(why, a, b, transpose_a=False, transpose_b=False):
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    return Case(why, {"a": normal(*a), "b": normal(*b)}, options)


def _linear(why, M, N, K, bias=True, **options):
    arrays = {"x": normal(M, K), "w": normal(K, N), "b": normal(N) if bias else None}
    return Case(why, {name: recipe for name, recipe in arrays.items() if recipe}, options)


def _flops(arrays, options):
    a, b = arrays["a"].shape, arrays["b"].shape
    batch = np.broadcast_shapes(a[:-2], b[:-2])
    return 2 * int(np.prod(batch)) * a[-1] * a[-2] * b[-2 if options["transpose_b"] else -1]


_MATMUL = Op(
    "matmul",
    "matmul",
    ("a", "b"),
    cases=(
        _product("primes", 7, 11, 5),
        _product("one element", 1, 1, 1),
        _product("a tile", 8, 32, 4),
        _product("a tile less one", 7, 31, 3),
        _product("a tile and one", 9, 33, 5),
        _product("a transposed", 13, 9, 17, True, False),
        _product("b transposed", 13, 35, 17, False, True),
        _product("both transposed", 13, 35, 17, True, True),
        _product("a depth block and one", 17, 65, 385),
        _product("blocks, threads", 263, 301, 797),
        _product("blocks transposed", 263, 301, 797, True, True),
        _product("one row", 1, 1500, 300),
        _product("one row, b transposed", 1, 150, 301, False, True),
        _product("no rows", 0, 5, 3),
        _product("no columns", 5, 0, 3),
        _product("no depth", 5, 3, 0),
        _batch("a batch", (3, 7, 5), (3, 5, 11)),
        _batch("a batch with one b", (2, 3, 7, 5), (5, 11)),
        _batch("a batch with one b, a transposed", (3, 5, 7), (5, 11), True),
        _batch("a batch with one a", (70, 5), (4, 5, 33)),
        _batch("a batch that broadcasts, threads", (2, 1, 130, 90), (3, 70, 90), False, True),
        _batch("a batch, both transposed", (3, 90, 70), (3, 35, 90), True, True),
        _batch("a batch of rows", (3, 1, 40), (3, 40, 50)),
        _batch("no products", (0, 7, 5), (5, 11)),
        _batch("a batch without depth", (2, 3, 0), (2, 0, 4)),
        _batch("a batch without depth, one b", (2, 3, 0), (0, 4)),
    ),
    bench=(
        *(_product(f"{n} x {n} x {n}", n, n, n) for n in (64, 96, 128, 200, 256, 384, 512, 768, 1024, 2048)),
        _batch("64 of 512 x 512 x 64", (64, 512, 64), (64, 512, 64), transpose_b=True),
        _batch("256 of 32 x 32 x 32", (256, 32, 32), (256, 32, 32)),
    ),
    bad=(
        Bad({"b": np.ones((3, 11))}, "matmul_forward: b has shape (3, 11), expected (5, N) because a is (7, 5)"),
        Bad(
            {"b": np.ones((5, 11), np.float32)},
            "matmul_forward: b is float32, expected float64 because a is float64; convert it with b.astype(np.float64)",
        ),
        Bad({"a": np.ones(5)}, "matmul_forward: a has 1 axes (shape (5,)), expected at least 2"),
        Bad(
            {"a": np.ones((2, 7, 5)), "b": np.ones((3, 5, 11))},
            "matmul_forward: the leading axes of a (2, 7, 5) and b (3, 5, 11) do not broadcast; "
            "each pair must be equal or 1",
        ),
        Bad({"out": np.ones((7, 10))}, "matmul_forward: out has shape (7, 10), expected (7, 11)"),
        Bad({"dy": np.ones((7, 10))}, "matmul_backward: dy has shape (7, 10), expected (7, 11) because b is (5, 11)"),
    ),
    flops=_flops,
)

_LINEAR = Op(
    "linear",
    "matmul",
    ("x", "w", "b"),
    cases=(
        _linear("primes", 7, 11, 5),
        _linear("without a bias", 7, 11, 5, bias=False),
        _linear("relu", 13, 35, 9, activation="relu"),
        _linear("sigmoid", 13, 35, 9, activation="sigmoid"),
        _linear("tanh", 13, 35, 9, activation="tanh"),
        _linear("depth blocks, groups of rows, threads", 131, 97, 797, activation="relu"),
        _linear("one row", 1, 35, 9, activation="relu"),
        _linear("one row, sigmoid", 1, 35, 9, activation="sigmoid"),
        _linear("no rows", 0, 5, 3),
        _linear("no depth", 5, 3, 0),
    ),
    bench=tuple(
        _linear(f"{M} x {N} x {K}", M, N, K, activation="relu")
        for M, N, K in (
            (32, 64, 10),
            (32, 64, 64),
            (32, 1600, 64),
            (64, 784, 256),
            (128, 6272, 1000),
            (4096, 192, 64),
            (256, 4096, 4096),
            (1, 4096, 4096),
        )
    ),
    bad=(
        Bad({"w": np.ones((3, 11))}, "linear_forward: w has shape (3, 11), expected (5, N) because x is (7, 5)"),
        Bad({"b": np.ones(5)}, "linear_forward: b has shape (5,), expected (11,) because w is (5, 11)"),
        Bad(
            {"activation": "rleu"},
            "linear_forward: activation is 'rleu', expected one of None, 'relu', 'sigmoid', 'tanh'; "
            "did you mean 'relu'?",
        ),
        Bad({"dy": np.ones((7, 12))}, "linear_backward: dy has shape (7, 12), expected (7, 11) because w is (5, 11)"),
        Bad(
            {"dy": np.ones((7, 11)), "activation": "relu"},
            "linear_backward: y is None, expected the forward's result because activation is 'relu'",
        ),
    ),
    optional=("b",),
    flops=lambda arrays, _: 2 * arrays["x"].size * arrays["w"].shape[1],
)


OPS = (
    _MATMUL,
    _LINEAR,
)
