"""What the catalog cannot say: limits of activations, special rows of softmax, results written into an input."""

import math

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.activation import reference as activation
from tilewright.kernels.softmax import reference as softmax

INFINITY = math.inf
HUGE = 1e30  # its square and cube overflow in float32
FACES = pytest.mark.parametrize("face", ("public", "reference"))
DTYPES = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))

# name, options, {x: (y, dy/dx)}
LIMITS = [
    ("relu", {}, {-INFINITY: (0, 0), INFINITY: (INFINITY, 1)}),
    ("leaky_relu", {}, {-INFINITY: (-INFINITY, 0.3), INFINITY: (INFINITY, 1)}),
    ("elu", {"alpha": 2.0}, {-INFINITY: (-2, 0), -HUGE: (-2, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("sigmoid", {}, {-INFINITY: (0, 0), -1000: (0, 0), 1000: (1, 0), INFINITY: (1, 0)}),
    ("tanh", {}, {-INFINITY: (-1, 0), -1000: (-1, 0), 1000: (1, 0), INFINITY: (1, 0)}),
    ("gelu", {}, {-INFINITY: (0, 0), -HUGE: (0, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
    ("gelu", {"approximate": True}, {-INFINITY: (0, 0), -HUGE: (0, 0), HUGE: (HUGE, 1), INFINITY: (INFINITY, 1)}),
]


@FACES
@DTYPES
@pytest.mark.parametrize("name, options, limits", LIMITS)
def test_limits_come_without_a_warning(name, options, limits, face, dtype):
    module = kernels if face == "public" else activation
    x = np.array(list(limits), dtype)
    y, slope = np.array(list(limits.values()), dtype).T.copy()
    got = getattr(module, f"{name}_forward")(x, **options)
    np.testing.assert_array_equal(got, y)
    saved = {"x": x} if name == "gelu" else {"y": got}
    dx = getattr(module, f"{name}_backward")(np.full_like(x, 2), **saved, **options)
    np.testing.assert_array_equal(dx, 2 * slope)


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
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu", "softmax"])
def test_out_may_be_an_input(name, shape):
    forward, backward = (getattr(kernels, f"{name}_{way}") for way in ("forward", "backward"))
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape))
    y = forward(x)
    saved = x if name == "gelu" else y
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
