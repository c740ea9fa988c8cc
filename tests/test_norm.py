"""What the catalog cannot say of normalisation: what statistics are, large means, results written into x, relu."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.norm import reference

BOTH = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))


@BOTH
def test_rows_have_mean_0_and_variance_1(dtype):
    x = (np.random.default_rng(0).standard_normal((5, 300)) * 7 + 3).astype(dtype)
    y, mean, rstd = kernels.layer_norm_forward(x, epsilon=1e-9)
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(mean, x.mean(-1), rtol=1e-5)
    np.testing.assert_allclose(rstd, 1 / x.std(-1), rtol=1e-5)


@pytest.mark.parametrize("layer_norm", (kernels.layer_norm_forward, reference.layer_norm_forward))
def test_a_large_mean_leaves_the_variance_its_digits(layer_norm):
    """mean(x^2) - mean(x)^2 would keep none of them."""
    x = (np.random.default_rng(0).uniform(0, 1, (5, 240)) + 10000).astype(np.float32)
    _, _, rstd = layer_norm(x, epsilon=0.0)
    np.testing.assert_allclose(rstd, 1 / x.astype(np.float64).std(-1), rtol=1e-5)


@BOTH
def test_the_result_may_be_written_into_x(dtype):
    x = np.random.default_rng(0).standard_normal((9, 70)).astype(dtype)
    want = kernels.layer_norm_forward(x)
    got = kernels.layer_norm_forward(x, out=x)
    assert got[0] is x
    for g, w in zip(got, want):
        np.testing.assert_array_equal(g, w)


def test_dbeta_is_there_where_beta_is():
    x, row = np.ones((3, 2)), np.ones(2)
    saved = {"mean": np.ones(3), "rstd": np.ones(3)}
    for gamma, beta in ((None, None), (row, None), (None, row), (row, row)):
        _, dgamma, dbeta = kernels.layer_norm_backward(x, x, gamma, beta, **saved)
        assert (dgamma is None) == (gamma is None) and (dbeta is None) == (beta is None)


@BOTH
@pytest.mark.parametrize("shape", ((1, 4000, 3), (6, 7, 5, 48)))
def test_channels_have_mean_0_and_variance_1(dtype, shape):
    x = (np.random.default_rng(0).standard_normal(shape) * 7 + 3).astype(dtype)
    positions = tuple(range(1, len(shape) - 1))
    for axes, (y, mean, rstd, *_) in (
        ((0, *positions), kernels.batch_norm_forward(x, epsilon=1e-9)),
        (positions, kernels.instance_norm_forward(x, epsilon=1e-9)),
    ):
        np.testing.assert_allclose(y.mean(axes, np.float64), 0, atol=1e-6)
        np.testing.assert_allclose(y.var(axes, np.float64), 1, rtol=1e-5)
        np.testing.assert_allclose(mean, x.mean(axes, np.float64), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(rstd, 1 / x.std(axes, np.float64), rtol=1e-5)


@pytest.mark.parametrize("first", (10000.0, -10000.0))
def test_a_large_mean_leaves_the_variance_of_channels_its_digits(first):
    """Nor does a first row far from all others, of many blocks."""
    x = (np.random.default_rng(0).uniform(0, 1, (60000, 3)) + 10000).astype(np.float32)
    x[0] = first
    *_, variance = kernels.batch_norm_forward(x)
    np.testing.assert_allclose(variance, x.astype(np.float64).var(0), rtol=1e-5)


@BOTH
def test_results_of_channels_may_be_written_into_x(dtype):
    x = np.random.default_rng(0).standard_normal((5, 9, 7, 24)).astype(dtype)
    row = np.ones(24, dtype)
    for forward, options in (
        (kernels.batch_norm_forward, {"activation": "relu"}),
        (kernels.batch_norm_inference_forward, {"mean": row, "variance": row}),
        (kernels.group_norm_forward, {"groups": 4}),
        (kernels.instance_norm_forward, {}),
        (kernels.rms_norm_forward, {}),
    ):
        want, into = forward(x, **options), x.copy()
        got = forward(into, out=into, **options)
        for g, w in zip(*(r if isinstance(r, tuple) else (r,) for r in (got, want))):
            np.testing.assert_array_equal(g, w)
        assert (got[0] if isinstance(got, tuple) else got) is into


@BOTH
def test_relu_is_as_the_op_after_it(dtype):
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((4, 11, 40)).astype(dtype) for _ in range(2))
    gamma, beta = (rng.standard_normal(40).astype(dtype) for _ in range(2))
    plain, mean, rstd, _ = kernels.batch_norm_forward(x, gamma, beta)
    fused, *_ = kernels.batch_norm_forward(x, gamma, beta, activation="relu")
    np.testing.assert_array_equal(fused, kernels.relu_forward(plain))
    saved = {"mean": mean, "rstd": rstd}
    want = kernels.batch_norm_backward(kernels.relu_backward(dy, fused), x, gamma, beta, **saved)
    got = kernels.batch_norm_backward(dy, x, gamma, beta, activation="relu", **saved)
    for g, w in zip(got, want):
        np.testing.assert_array_equal(g, w)


def test_running_statistics_serve_inference():
    x = np.random.default_rng(0).standard_normal((50, 6)) * 3 + 1
    running_mean, running_var = np.zeros(6), np.ones(6)
    trained, mean, _, variance = kernels.batch_norm_forward(x)
    kernels.batch_norm_update(running_mean, running_var, mean, variance, momentum=0.0)
    np.testing.assert_allclose(kernels.batch_norm_inference_forward(x, running_mean, running_var), trained, rtol=1e-12)


def test_results_larger_than_the_caches_are_as_small_ones():
    """They are written past the caches."""
    x = np.random.default_rng(0).standard_normal((2, 1 << 16, 64)).astype(np.float32)
    dy, (_, other) = x[::-1].copy(), x
    y, mean, rstd = kernels.layer_norm_forward(x)
    dx, *_ = kernels.layer_norm_backward(dy, x, mean=mean, rstd=rstd)
    np.testing.assert_array_equal(y[1], kernels.layer_norm_forward(other)[0])
    small, *_ = kernels.layer_norm_backward(dy[1], other, mean=mean[1], rstd=rstd[1])
    np.testing.assert_array_equal(dx[1], small)
    y, mean, rstd = kernels.instance_norm_forward(x)
    dx, *_ = kernels.instance_norm_backward(dy, x, mean=mean, rstd=rstd)
    np.testing.assert_array_equal(y[1], kernels.instance_norm_forward(other[None])[0][0])
    small, *_ = kernels.instance_norm_backward(dy[1:], other[None], mean=mean[1:], rstd=rstd[1:])
    np.testing.assert_array_equal(dx[1], small[0])
