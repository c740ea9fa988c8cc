import math
import re

import numba
import numpy as np
import pytest
from tilewright.kernels._cpu import vecmath
from tilewright.kernels._cpu.jit import FASTMATH

FUNCTIONS = ("exp", "exp_below", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erf")
DTYPES = (np.float32, np.float64)
EACH = pytest.mark.parametrize("name", FUNCTIONS)
BOTH = pytest.mark.parametrize("dtype", DTYPES, ids=("float32", "float64"))


def numpy_sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def libm_erf(x):
    return np.array([math.erf(one) for one in x], x.dtype)


EXACT = {
    "exp": np.exp,
    "exp_below": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": numpy_sigmoid,
    "softplus": numpy_softplus,
    "erf": libm_erf,
}


@pytest.fixture(scope="module")
def loops():
    """A compiled loop for each function, as the kernels have it."""

    def loop(f):
        @numba.njit(fastmath=set(FASTMATH), error_model="numpy")
        def run(x, y):
            for i in range(np.uint64(x.size)):
                y[i] = f(x[i])

        return run

    return {name: loop(getattr(vecmath, name)) for name in FUNCTIONS}


def apply(loops, name, x):
    y = np.empty_like(x)
    loops[name](x, y)
    return y


def arguments(name, dtype, size=200_000):
    """Every magnitude and sign, and the range where the function is neither 0 nor 1 nor infinite."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2 ** (8 * dtype().itemsize) - 1, size, np.uint64).astype(f"u{dtype().itemsize}")
    smooth = rng.uniform(-1.05, 1, size) * (105 if dtype is np.float32 else 746)
    x = np.concatenate([bits.view(dtype), smooth.astype(dtype), 3 * rng.standard_normal(size).astype(dtype)])
    x = x[np.isfinite(x)]
    if name in ("log", "expm1", "exp_below"):
        return np.abs(x) if name == "log" else -np.abs(x)
    return rng.random(size).astype(dtype) ** 4 if name == "log1p" else x


@EACH
@BOTH
def test_errs_at_most_2_ulp(loops, name, dtype):
    x = arguments(name, dtype, 20_000 if name == "erf" else 200_000)
    longer = np.float64 if dtype is np.float32 else np.longdouble
    if dtype is np.float64 and np.finfo(longer).eps == np.finfo(dtype).eps:
        pytest.skip("no type longer than float64 on this machine")
    with np.errstate(all="ignore"):  # overflow of e**x, underflow, log 0
        exact = EXACT[name](x.astype(longer))
        rounded = exact.astype(dtype)
    got = apply(loops, name, x)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    error = np.abs(got[finite].astype(longer) - exact[finite]) / np.spacing(np.abs(rounded[finite])).astype(longer)
    assert error.max() <= 2


LIMITS = {
    "exp": [(0, 1), (-0.0, 1), (math.inf, math.inf), (-math.inf, 0), (1e5, math.inf), (-1e5, 0)],
    "exp_below": [(0, 1), (-math.inf, 0), (-1e5, 0)],
    "expm1": [(0, 0), (-math.inf, -1), (-1e5, -1)],
    "log": [(0, -math.inf), (-0.0, -math.inf), (1, 0), (math.inf, math.inf), (-1, math.nan), (-math.inf, math.nan)],
    "log1p": [(0, 0), (1, math.log(2))],
    "tanh": [(0, 0), (-0.0, -0.0), (math.inf, 1), (-math.inf, -1), (1e5, 1), (-1e5, -1)],
    "sigmoid": [(0, 0.5), (math.inf, 1), (-math.inf, 0), (1e5, 1), (-1e5, 0)],
    "softplus": [(0, math.log(2)), (math.inf, math.inf), (-math.inf, 0), (1e5, 1e5), (-1e5, 0)],
    "erf": [(0, 0), (-0.0, -0.0), (math.inf, 1), (-math.inf, -1), (1e5, 1), (-1e5, -1)],
}


@EACH
@BOTH
def test_limits(loops, name, dtype):
    x, want = np.array([*LIMITS[name], (math.nan, math.nan)]).T.astype(dtype)
    got = apply(loops, name, x)
    np.testing.assert_array_equal(got, want)
    zero = want == 0
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(want[zero]))


@BOTH
def test_subnormal_results_and_arguments(loops, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    below = np.float64(np.log(np.finfo(dtype).smallest_normal)) - np.arange(1, 12)
    x = below.astype(dtype)
    for name in ("exp", "exp_below", "sigmoid", "softplus"):
        got = apply(loops, name, x)
        assert np.all((got > 0) & (got < np.finfo(dtype).smallest_normal))
        assert np.all(np.abs(got - np.exp(x)) <= 2 * tiny)
    np.testing.assert_array_equal(apply(loops, "log", np.array([tiny])), np.log(np.array([tiny])))
    few = np.array([tiny, 3 * tiny])
    for name, sign in [("tanh", 1), ("log1p", 1), ("expm1", -1)]:
        np.testing.assert_array_equal(apply(loops, name, sign * few), sign * few)


@EACH
@BOTH
def test_same_bits_at_every_place_of_an_array(loops, name, dtype):
    x = arguments(name, dtype)[-200:]
    alone = np.concatenate([apply(loops, name, x[i : i + 1]) for i in range(x.size)])
    for start, stop in [(0, 200), (1, 200), (3, 166), (7, 29)]:
        assert apply(loops, name, x[start:stop]).tobytes() == alone[start:stop].tobytes()


@EACH
@BOTH
def test_the_loop_is_vector_code(loops, name, dtype):
    apply(loops, name, np.ones(3, dtype))
    signature = next(s for s in loops[name].signatures if s[0].dtype.bitwidth == 8 * dtype().itemsize)
    code = loops[name].inspect_llvm(signature)
    assert re.search(rf"call .*<\d+ x .*@llvm\.fmuladd\.v\d+f{8 * dtype().itemsize}", code)


@BOTH
def test_normal_cdf_errs_little_of_1(dtype):
    @numba.njit(fastmath=set(FASTMATH), error_model="numpy")
    def run(x, y):
        for i in range(np.uint64(x.size)):
            y[i] = vecmath.normal_cdf(x[i])

    x = np.linspace(-9, 9, 20_001).astype(dtype)
    x[0], x[-1] = -math.inf, math.inf
    y = np.empty_like(x)
    run(x, y)
    exact = np.array([math.erfc(-one / math.sqrt(2)) / 2 for one in x.astype(np.float64).tolist()])
    assert np.abs(y - exact).max() <= 2 * np.finfo(dtype).eps
    assert np.all(y[x < -8.5] == 0) and np.all(y[x > 8.5] == 1)


def test_integers_are_refused(loops):
    with pytest.raises(numba.TypingError):
        apply(loops, "exp", np.arange(3))


@BOTH
def test_order_is_that_of_the_numbers(dtype):
    @numba.njit
    def there_and_back(x, k, y):
        for i in range(x.size):
            k[i] = vecmath.order(x[i])
            y[i] = vecmath.in_order(vecmath.order(x[i]), x[i])

    x = np.sort(np.append(arguments("exp", dtype, 1000), (math.inf, -math.inf)).astype(dtype))
    x = np.append(x, dtype(math.nan))
    k, y = np.empty(x.size, np.int64), np.empty_like(x)
    there_and_back(x, k, y)
    assert np.all(np.diff(k)[np.diff(x) != 0] > 0)
    np.testing.assert_array_equal(y, x)
