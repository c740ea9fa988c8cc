"""Matrix products of what does not lie in C order: slices of columns, swapped batch axes."""

import numpy as np
import pytest
from tilewright.kernels import matmul_backward, matmul_forward


def _normal(*shape):
    return np.random.default_rng(3).standard_normal(shape)


@pytest.mark.parametrize("M", [1, 9, 70])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_rows_may_lie_apart(M, transpose_a, transpose_b):
    a = np.pad(_normal(*((13, M) if transpose_a else (M, 13))), ((0, 1), (2, 0)))[:-1, 2:]
    b = np.pad(_normal(*((40, 13) if transpose_b else (13, 40))), ((1, 2), (3, 4)))[1:-2, 3:-4]
    left, right = (a.T if transpose_a else a), (b.T if transpose_b else b)
    y = matmul_forward(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    np.testing.assert_allclose(y, left @ right, rtol=1e-12, atol=1e-12)
    da, db = matmul_backward(y, a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    np.testing.assert_allclose(da.T if transpose_a else da, y @ right.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(db.T if transpose_b else db, left.T @ y, rtol=1e-12, atol=1e-12)


def test_heads_of_attention_without_a_copy():
    x = _normal(2, 9, 4, 8).transpose(0, 2, 1, 3)
    np.testing.assert_allclose(matmul_forward(x, x, transpose_b=True), x @ x.swapaxes(2, 3), rtol=1e-12, atol=1e-12)


def test_many_products_are_packed_a_few_at_a_time():
    a, b = _normal(9, 70, 600).astype(np.float32), _normal(9, 600, 700).astype(np.float32)
    np.testing.assert_allclose(matmul_forward(a, b), a @ b, rtol=1e-4, atol=1e-3)


def test_elements_of_a_row_are_neighbours():
    a = _normal(6, 8)
    for wrong in (a[:, ::2], a[::-1], a.T):
        with pytest.raises(ValueError, match="ascontiguousarray"):
            matmul_forward(wrong, np.ones((wrong.shape[1], 3)))
