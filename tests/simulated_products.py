"""Run by test_cuda_matmul.py with Numba's CUDA simulator on: products in tiny tiles against the reference."""

import itertools

import numpy as np
from numba import cuda
from tilewright.kernels._cuda import gemm
from tilewright.kernels.matmul import cuda as device
from tilewright.kernels.matmul import reference

ERROR = {np.float32: 2e-6, np.float64: 1e-14}
TILES = {np.float32: (8, 8, 4, 4, 4), np.float64: (4, 4, 4, 2, 2)}
WARPS = {np.float32: (16, 64, 8, 4, 4), np.float64: (8, 32, 4, 2, 2)}  # two warps: eight threads by four, twice
done = 0


def check(name, dtype, arrays, options):
    global done
    arrays = {key: x.astype(dtype) for key, x in arrays.items()}
    got = getattr(device, name)(**{key: cuda.to_device(x) for key, x in arrays.items()}, **options).copy_to_host()
    want = getattr(reference, name)(**arrays, **options)
    assert got.shape == want.shape and got.dtype == want.dtype
    error = np.abs(got - want).max(initial=0) / max(np.abs(want).max(initial=0), 1e-30)
    assert error <= ERROR[dtype], (name, dtype, options, [x.shape for x in arrays.values()], error)
    done += 1


def product(dtype, M, N, K, transpose_a=False, transpose_b=False):
    a = rng.standard_normal((K, M) if transpose_a else (M, K))
    b = rng.standard_normal((N, K) if transpose_b else (K, N))
    check("matmul_forward", dtype, {"a": a, "b": b}, {"transpose_a": transpose_a, "transpose_b": transpose_b})


rng = np.random.default_rng(0)
for dtype in (np.float32, np.float64):
    gemm.LARGE[np.dtype(dtype)] = gemm.SMALL[np.dtype(dtype)] = TILES[dtype]
    forms = tuple(itertools.product((False, True), repeat=2))
    for form in forms:
        for shape in ((7, 11, 5), (8, 12, 16), (9, 3, 1)):  # primes; rows of whole vectors; a tile and one row
            product(dtype, *shape, *form)
    for shape in ((1, 1, 1), (0, 5, 3), (5, 0, 3), (5, 3, 0), (4, 4, 0)):
        product(dtype, *shape)
    for activation in (None, "relu", "sigmoid", "tanh"):
        for M, N, K in ((5, 9, 3), (4, 8, 4), (3, 4, 0)):
            x, w, b = rng.standard_normal((M, K)), rng.standard_normal((K, N)), rng.standard_normal(N)
            check("linear_forward", dtype, {"x": x, "w": w, "b": b}, {"activation": activation})
    check("linear_forward", dtype, {"x": rng.standard_normal((3, 4)), "w": rng.standard_normal((4, 5))}, {})
    for left, right in (
        ((2, 3, 2), (2, 2, 4)),
        ((2, 3, 2), (2, 4)),
        ((3, 2), (2, 1, 2, 4)),
        ((0, 3, 2), (2, 4)),
        ((2, 1, 5, 3), (3, 3, 4)),
        ((2, 1, 3, 1, 3, 2), (1, 2, 1, 3, 2, 5)),  # more ways to broadcast than a launch has
    ):
        arrays = {"a": rng.standard_normal(left), "b": rng.standard_normal(right)}
        check("matmul_forward", dtype, arrays, {})
    gemm.RANGE = 8  # cut along K
    product(dtype, 7, 9, 37)
    product(dtype, 8, 4, 24, True, True)
    arrays = {"a": rng.standard_normal((2, 3, 17)), "b": rng.standard_normal((2, 17, 5))}
    check("matmul_forward", dtype, arrays, {})
    for activation in (None, "relu", "sigmoid", "tanh"):
        x, w, b = rng.standard_normal((5, 19)), rng.standard_normal((19, 6)), rng.standard_normal(6)
        check("linear_forward", dtype, {"x": x, "w": w, "b": b}, {"activation": activation})
    gemm.RANGE = 256
    gemm.LARGE[np.dtype(dtype)] = gemm.SMALL[np.dtype(dtype)] = WARPS[dtype]
    product(dtype, 9, 33, 5)
    product(dtype, 8, 64, 12, True, True)
print(f"{done} products in the simulator, no GPU")
