"""What the catalog cannot say of softmax: what a mask hides, rows of nothing, and that the ways to one number agree."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.softmax import reference

FACES = pytest.mark.parametrize("face", (kernels, reference), ids=("public", "reference"))
BOTH = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))


@FACES
@BOTH
@pytest.mark.parametrize("axis", (0, 1))
def test_what_a_mask_hides_is_not_looked_at(face, dtype, axis):
    x = np.array([[1, np.nan, np.inf], [2, -np.inf, 3], [np.nan, 1, 2]], dtype)
    mask = np.array([[True, False, False], [True, True, True], [False, False, False]])
    if axis == 0:
        x, mask = x.T.copy(), mask.T.copy()
    y = face.masked_softmax_forward(x, mask, axis=axis)
    y = y.T if axis == 0 else y
    e = 1 / (1 + np.exp(1.0))
    np.testing.assert_allclose(y, [[1, 0, 0], [e, 0, 1 - e], [0, 0, 0]], rtol=1e-6)
    assert y.dtype == dtype


@FACES
def test_a_row_that_sees_nothing_has_no_gradient(face):
    y = face.causal_softmax_forward(np.zeros((3, 2)))
    assert y.tolist() == [[0, 0], [1, 0], [0.5, 0.5]]
    dx = face.causal_softmax_backward(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), y)
    assert dx.tolist() == [[0, 0], [0, 0], [-0.25, 0.25]]


@pytest.mark.parametrize("shape", ((3, 5, 7), (2, 9, 300), (1, 4100, 1)))
@pytest.mark.parametrize("axis", (0, 1, 2))
def test_the_ways_to_one_number_agree(shape, axis):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    y = kernels.softmax_forward(x, axis=axis)
    log_y = kernels.log_softmax_forward(x, axis=axis)
    np.testing.assert_allclose(np.exp(log_y), y, rtol=1e-12)
    total = kernels.logsumexp_forward(x, axis=axis)
    np.testing.assert_allclose(x - np.expand_dims(total, axis), log_y, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(kernels.masked_softmax_forward(x, np.ones((1, 1, 1), bool), axis=axis), y)
    dx = kernels.log_softmax_backward(dy, log_y, axis=axis)
    np.testing.assert_allclose(dx, dy - y * dy.sum(axis, keepdims=True), rtol=0, atol=1e-12)


@FACES
@BOTH
def test_a_sum_over_nothing_is_minus_infinity(face, dtype):
    assert (face.logsumexp_forward(np.ones((5, 0), dtype)) == -np.inf).all()
    x = np.full((2, 3), -np.inf, dtype)
    y = face.logsumexp_forward(x)
    assert (y == -np.inf).all()
    assert not face.logsumexp_backward(np.ones(2, dtype), x, y).any()


@pytest.mark.parametrize("op", ("softmax", "log_softmax", "causal_softmax"))
@pytest.mark.parametrize("shape", ((7, 13), (5, 4, 7000)))
def test_a_result_may_take_the_inputs_place(op, shape):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal(shape).astype(np.float32), rng.standard_normal(shape).astype(np.float32)
    y = getattr(kernels, f"{op}_forward")(x)
    dx = getattr(kernels, f"{op}_backward")(dy, y)
    assert getattr(kernels, f"{op}_forward")(x, out=x) is x
    assert getattr(kernels, f"{op}_backward")(dy, y, out=dy) is dy
    np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(dy, dx)


@pytest.mark.parametrize("axis", (0, 1))
def test_a_masked_result_may_take_the_inputs_place(axis):
    rng = np.random.default_rng(0)
    x, mask = rng.standard_normal((70, 130)), rng.random((70, 130)) < 0.5
    y = kernels.masked_softmax_forward(x, mask, axis=axis)
    assert kernels.masked_softmax_forward(x, mask, axis=axis, out=x) is x
    np.testing.assert_array_equal(x, y)
