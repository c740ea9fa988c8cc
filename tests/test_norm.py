"""What the catalog cannot say of normalisation: what a row's statistics are, large means, results written into x."""

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
