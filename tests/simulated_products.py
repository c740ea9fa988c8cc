"""Run by test_cuda_matmul.py with Numba's CUDA simulator on: products in tiny tiles against the reference."""

import itertools

import numba
import numpy as np
from numba import cuda
from numba.core import sigutils
from tilewright.kernels._cuda import columns, gemm, gemm_hopper, gemm_tensor, halves, state, stream, sums
from tilewright.kernels.matmul import cuda as device
from tilewright.kernels.matmul import reference

ERROR = {np.float32: 2e-6, np.float64: 1e-14}
TILES = {np.float32: (8, 8, 4, 4, 4), np.float64: (4, 4, 4, 2, 2)}
WARPS = {np.float32: (16, 64, 8, 4, 4), np.float64: (8, 32, 4, 2, 2)}  # two warps: eight threads by four, twice
done = 0


def check_dispatch():
    """All that the faces start has its kernel, with the very types of its arguments, in COMPILED. Nothing runs."""
    entries = [entry for file in (device, gemm_hopper, columns, halves) for entry in file.COMPILED]
    known = {(entry.function, sigutils.normalize_signature(entry.signature)[0]) for entry in entries}
    started = set()

    def record(kernel, blocks, threads, *arguments):
        kinds = (
            numba.types.Array(numba.from_dtype(x.dtype), x.ndim, "C")
            if hasattr(x, "ndim") and x.ndim
            else numba.typeof(x)
            for x in arguments
        )
        started.add((kernel.fn, tuple(kinds)))

    modules = gemm, gemm_hopper, gemm_tensor, sums, columns, halves, stream
    before = [module.start for module in modules]
    for module in modules:
        module.start = record
    cases = itertools.product(
        (np.float32, np.float64, np.float16), ((8, 0), (7, 5)), ((4, 8), (3, 7), (1024, 1024), (1023, 1023))
    )
    gemm_hopper.MULTIPROCESSORS = gemm.ENOUGH
    hoppers = itertools.product((np.float16,), ((9, 0),), ((1024, 1024), (1024, 2048)))
    for dtype, capability, (M, N) in itertools.chain(hoppers, cases):
        state.capability = lambda capability=capability: capability
        for form in itertools.product((False, True), repeat=2):
            options = dict(zip(("transpose_a", "transpose_b"), form))
            for K in (8, 5, 2000):
                a, b = (K, M) if form[0] else (M, K), (N, K) if form[1] else (K, N)
                a, b, many = (cuda.to_device(np.zeros(shape, dtype)) for shape in (a, b, (2, *b)))
                device.matmul_forward(a, b, **options)
                dy = cuda.to_device(np.zeros((2, M, N), dtype))
                device.matmul_backward(dy, a, many, **options)
        for rows, activation in ((100, "relu"), (5000, None), (5000, "tanh")):
            dy, x, w, b = (cuda.to_device(np.zeros(shape, dtype)) for shape in ((rows, N), (rows, M), (M, N), (N,)))
            device.linear_forward(x, w, b, activation=activation)
            device.linear_backward(dy, x, w, b, dy, activation=activation)
    assert not started - known, started - known
    functions = {function for function, _ in started}
    idle = [entry.name for entry in entries if "bfloat16" not in entry.name and entry.function not in functions]
    assert not idle, idle
    for module, own in zip(modules, before):
        module.start = own


def to_device(x, shifted):
    """A copy that begins on a 16-byte boundary, or an element behind one."""
    if shifted:
        return cuda.to_device(np.concatenate((np.zeros(1, x.dtype), x.ravel())))[1:].reshape(x.shape)
    return cuda.to_device(x)


def check(name, dtype, arrays, options, shifted=False):
    global done
    arrays = {key: x.astype(dtype) for key, x in arrays.items()}
    got = getattr(device, name)(**{key: to_device(x, shifted) for key, x in arrays.items()}, **options)
    want = getattr(reference, name)(**arrays, **options)
    for g, w in zip(*(x if isinstance(x, tuple) else (x,) for x in (got, want)), strict=True):
        if w is None:
            assert g is None
            continue
        g = g.copy_to_host()
        assert g.shape == w.shape and g.dtype == w.dtype
        error = np.abs(g - w).max(initial=0) / max(np.abs(w).max(initial=0), 1e-30)
        assert error <= ERROR[dtype], (name, dtype, options, [x.shape for x in arrays.values()], error)
        done += 1


def product(dtype, M, N, K, transpose_a=False, transpose_b=False):
    a = rng.standard_normal((K, M) if transpose_a else (M, K))
    b = rng.standard_normal((N, K) if transpose_b else (K, N))
    check("matmul_forward", dtype, {"a": a, "b": b}, {"transpose_a": transpose_a, "transpose_b": transpose_b})


def gradients(dtype, a, b, transpose_a=False, transpose_b=False, shifted=False):
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    a, b = rng.standard_normal(a), rng.standard_normal(b)
    dy = rng.standard_normal(reference.matmul_forward(a, b, **options).shape)
    check("matmul_backward", dtype, {"dy": dy, "a": a, "b": b}, options, shifted)


def linear_gradients(dtype, M, N, K, bias=True, activation=None, need_dx=True, shifted=False):
    arrays = {"x": rng.standard_normal((M, K)), "w": rng.standard_normal((K, N))}
    if bias:
        arrays["b"] = rng.standard_normal(N)
    if activation:
        arrays["y"] = reference.linear_forward(**arrays, activation=activation)
    options = {"activation": activation, "need_dx": need_dx}
    check("linear_backward", dtype, {"dy": rng.standard_normal((M, N)), **arrays}, options, shifted)


check_dispatch()
columns.WIDTH, columns.LANES = 8, 2
rng = np.random.default_rng(0)
for dtype in (np.float32, np.float64):
    gemm.LARGE[np.dtype(dtype)] = gemm.SMALL[np.dtype(dtype)] = TILES[dtype]
    forms = tuple(itertools.product((False, True), repeat=2))
    for form in forms:
        for shape in ((7, 11, 5), (8, 12, 16), (9, 3, 1)):  # primes; rows of whole vectors; a tile and one row
            product(dtype, *shape, *form)
    a, b = rng.standard_normal((9, 5)).astype(dtype), rng.standard_normal((5, 6)).astype(dtype)
    a[2, 1], b[4, 3] = np.nan, np.inf  # in partial tiles: what lies outside must not become NaN
    y, exact = device.matmul_forward(cuda.to_device(a), cuda.to_device(b)).copy_to_host(), a @ b
    assert np.array_equal(np.isnan(y), np.isnan(exact)) and np.array_equal(np.isinf(y), np.isinf(exact))
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
    for form in forms:
        M, N, K = 5, 7, 6
        a, b = (K, M) if form[0] else (M, K), (N, K) if form[1] else (K, N)
        gradients(dtype, a, b, *form)
        gradients(dtype, (3, *a), b, *form)
        gradients(dtype, a, (3, *b), *form)
    gradients(dtype, (2, 1, 5, 3), (3, 3, 4))
    gradients(dtype, (2, 1, 2, 1, 3, 2), (1, 2, 1, 2, 2, 3))
    gradients(dtype, (4, 4), (4, 8), shifted=True)
    for left, right in (((0, 3, 2), (2, 4)), ((3, 2), (0, 2, 4)), ((2, 3, 0), (0, 4)), ((2, 0, 3), (3, 4))):
        gradients(dtype, left, right)
    for activation in (None, "relu", "sigmoid", "tanh"):
        linear_gradients(dtype, 9, 7, 3, activation=activation)  # odd rows, one part
        linear_gradients(dtype, 9, 7, 3, bias=False, activation=activation)
    for M, N, K in ((0, 3, 4), (3, 0, 4), (3, 4, 0)):
        linear_gradients(dtype, M, N, K, activation="tanh")
    columns.SHORTEST, columns.PARTS = 4, 3  # several parts, the last one shorter
    linear_gradients(dtype, 22, 36, 4, activation="tanh")  # whole vectors
    linear_gradients(dtype, 22, 36, 4, activation="relu", need_dx=False, shifted=True)
    columns.SHORTEST, columns.PARTS = 256, 512
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
