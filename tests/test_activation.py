"""What the catalog cannot say: limits of activations, special rows of softmax, results written into an input."""

import math

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels._cpu.streaming import STREAMED
from tilewright.kernels.activation import reference as activation
from tilewright.kernels.catalog import BY_NAME
from tilewright.kernels.gated import reference as gated
from tilewright.kernels.softmax import reference as softmax

INFINITY = math.inf
HUGE = 1e30  # its square and cube overflow in float32
FACES = pytest.mark.parametrize("face", ("public", "reference"))
DTYPES = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))

FROM_INPUT = ("softsign", "gelu", "silu", "hard_swish", "mish")  # whose gradient takes x
ELEMENTWISE = [op.name for op in BY_NAME.values() if op.folder in ("activation", "gated") and "glu" not in op.name]

# name, options, {x: (y, dy/dx)}
LIMITS = [
    ("relu", {}, {-INFINITY: (0, 0), INFINITY: (INFINITY, 1)}),
    ("relu6", {}, {-INFINITY: (0, 0), 3: (3, 1), 6.5: (6, 0), INFINITY: (6, 0)}),
    ("leaky_relu", {}, {-INFINITY: (-INFINITY, 0.3), INFINITY: (INFINITY, 1)}),
    ("elu", {"alpha": 2.0}, {-INFINITY: (-2, 0), -HUGE: (-2, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("celu", {"alpha": 2.0}, {-INFINITY: (-2, 0), -HUGE: (-2, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("celu", {"alpha": 1e-30}, {-INFINITY: (-1e-30, 0), -1: (-1e-30, 0), 0: (0, 1), INFINITY: (INFINITY, 1)}),
    ("sigmoid", {}, {-INFINITY: (0, 0), -1000: (0, 0), 1000: (1, 0), INFINITY: (1, 0)}),
    ("hard_sigmoid", {}, {-INFINITY: (0, 0), -HUGE: (0, 0), 0: (0.5, 1 / 6), HUGE: (1, 0), INFINITY: (1, 0)}),
    ("tanh", {}, {-INFINITY: (-1, 0), -1000: (-1, 0), 1000: (1, 0), INFINITY: (1, 0)}),
    ("hard_tanh", {}, {-INFINITY: (-1, 0), -HUGE: (-1, 0), 0.5: (0.5, 1), HUGE: (1, 0), INFINITY: (1, 0)}),
    ("softplus", {}, {-INFINITY: (0, 0), -HUGE: (0, 0), 1000: (1000, 1), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("softsign", {}, {-INFINITY: (-1, 0), -HUGE: (-1, 0), 1: (0.5, 0.25), HUGE: (1, 0), INFINITY: (1, 0)}),
    ("gelu", {}, {-INFINITY: (0, 0), -HUGE: (0, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("gelu", {"approximate": True}, {-INFINITY: (0, 0), -HUGE: (0, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("silu", {}, {-INFINITY: (0, 0), -HUGE: (0, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("hard_swish", {}, {-INFINITY: (0, 0), -HUGE: (0, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("mish", {}, {-INFINITY: (0, 0), -HUGE: (0, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
]


@FACES
@DTYPES
@pytest.mark.parametrize("name, options, limits", LIMITS)
def test_limits_come_without_a_warning(name, options, limits, face, dtype):
    module = kernels if face == "public" else gated if BY_NAME[name].folder == "gated" else activation
    x = np.array(list(limits), dtype)
    y, slope = np.array(list(limits.values()), dtype).T.copy()
    got = getattr(module, f"{name}_forward")(x, **options)
    np.testing.assert_array_equal(got, y)
    saved = {"x": x} if name in FROM_INPUT else {"y": got}
    dx = getattr(module, f"{name}_backward")(np.full_like(x, 2), **saved, **options)
    np.testing.assert_allclose(dx, 2 * slope, rtol=np.finfo(dtype).eps, atol=1e-50)  # 1 / 6, (1 + HUGE)**-2


@FACES
@DTYPES
@pytest.mark.parametrize("axis", (0, 1))
def test_special_rows_of_softmax(axis, face, dtype):
    module = kernels if face == "public" else softmax
    nan, inf = math.nan, math.inf
    rows = np.array([[1e30, 1e30, 0], [-1e30, -1e30, -1e30], [-inf, 2, 2], [0, nan, 1], [0, -nan, 1], [inf, 0, 1],
                     [-inf, -inf, -inf], [-inf, nan, -inf]], dtype)  # fmt: skip
    third = dtype(1) / dtype(3)
    want = np.array([[0.5, 0.5, 0], [third] * 3, [0, 0.5, 0.5]] + [[nan] * 3] * 5, dtype)
    x = np.ascontiguousarray(rows if axis else rows.T)
    with np.errstate(invalid="ignore"):  # inf - inf
        got = module.softmax_forward(x, axis=axis)
    np.testing.assert_allclose(got if axis else got.T, want, rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(3, 5), (3, 20_000)], ids=("serial", "parallel"))
@pytest.mark.parametrize("name", [*ELEMENTWISE, "softmax"])
def test_out_may_be_an_input(name, shape):
    forward, backward = (getattr(kernels, f"{name}_{way}") for way in ("forward", "backward"))
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape))
    y = forward(x)
    saved = x if name in FROM_INPUT else y
    dx = backward(dy, saved)
    for out in (dy.copy(), saved.copy()):
        given = (out, saved) if np.array_equal(out, dy) else (dy, out)
        assert backward(*given, out=out) is out
        np.testing.assert_allclose(out, dx, rtol=1e-12, atol=1e-15)
    assert forward(x, out=x) is x
    np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("axis", (0, 1))
def test_softmax_over_any_axis_in_place(axis):
    x, dy = np.random.default_rng(0).standard_normal((2, 5, 7, 300))
    y = kernels.softmax_forward(x, axis=axis)
    np.testing.assert_allclose(y.sum(axis), 1, rtol=1e-14)
    dx = kernels.softmax_backward(dy, y, axis=axis)
    np.testing.assert_allclose(kernels.softmax_backward(dy, y, axis=axis, out=dy), dx, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(kernels.softmax_forward(x, axis=axis, out=x), y, rtol=1e-12, atol=1e-15)


def both_ways(name, x, dy):
    """y and dx of an op."""
    op = BY_NAME[name]
    results = op.forward("public", {"x": x}, {})
    return results + op.backward("public", dy, {"x": x}, {}, results)


@DTYPES
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_same_bits_at_every_place_of_an_array(name, dtype):
    x, dy = np.random.default_rng(0).standard_normal((2, 200)).astype(dtype)
    whole = both_ways(name, x, dy)
    for start, stop in [(1, 200), (3, 166), (7, 29), (199, 200)]:
        for part, result in zip(both_ways(name, x[start:stop], dy[start:stop]), whole):
            assert part.tobytes() == result[start:stop].tobytes()


@pytest.mark.skipif(STREAMED > 1 << 26, reason="the largest cache of this machine takes too long to fill")
@pytest.mark.parametrize("name", ["silu", "swiglu"])
def test_streamed_results_are_those_of_parts(name):
    """A result larger than the caches passes them by; its parts do not."""
    rows = STREAMED // 4096 + 3  # rows of y of 4 KB
    x, dy = np.random.default_rng(0).standard_normal((2, rows, 1024), np.float32)
    if name == "swiglu":
        x = np.concatenate((x, dy), axis=-1)
    y, dx = both_ways(name, x, dy)
    for start in range(0, rows, 1000):
        part = slice(start, start + 1000)
        for result, whole in zip(both_ways(name, x[part], dy[part]), (y, dx)):
            assert result.tobytes() == whole[part].tobytes()
