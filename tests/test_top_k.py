"""The order of the k largest where the catalog's arrays say nothing of it: NaN, infinities, zeros of both signs."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.reduce import reference

ODD = (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0)


@pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))
@pytest.mark.parametrize("axis", (0, 1))
@pytest.mark.parametrize("k", (1, 5, 32, 33, 200))  # kept in order, or in a heap
def test_what_is_in_no_order_comes_in_that_of_its_places(k, axis, dtype):
    x = np.random.default_rng(k).choice(np.array(ODD, dtype), (200, 210))
    values, indices = kernels.top_k_forward(x, k=k, axis=axis)
    expected = reference.top_k_forward(x, k=k, axis=axis)
    np.testing.assert_array_equal(indices, expected[1], strict=True)
    np.testing.assert_array_equal(values, expected[0], strict=True)
    np.testing.assert_array_equal(np.signbit(values), np.signbit(expected[0]))


def test_zeros_of_both_signs_are_equal():
    values, indices = kernels.top_k_forward(np.array([-1.0, -0.0, 0.0, -0.0]), k=3)
    assert indices.tolist() == [1, 2, 3]
    assert np.signbit(values).tolist() == [True, False, True]
