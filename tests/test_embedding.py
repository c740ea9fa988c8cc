"""What the catalog's rows do not say of embeddings: the sparse gradient, and that nothing is written on an error."""

import numpy as np
import pytest
from tilewright import kernels

BOTH = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))


@BOTH
@pytest.mark.parametrize("rows", (1, 2, 300, 2048, 2049, 5_000_000))
def test_sparse_rows_are_those_of_the_dense_gradient(rows, dtype):
    rng = np.random.default_rng(rows)
    ids = rng.integers(0, rows, (40, 9))
    dy = rng.standard_normal((*ids.shape, 5)).astype(dtype)
    used, gradients = kernels.embedding_sparse_backward(dy, ids, rows=rows)
    np.testing.assert_array_equal(used, np.unique(ids))
    if rows < 10_000:
        dense = kernels.embedding_backward(dy, ids, rows=rows)
        assert gradients.tobytes() == dense[used].tobytes()
    else:
        expected = [dy[ids == v].sum(0, dtype=np.float64) for v in used]
        np.testing.assert_allclose(gradients, expected, rtol=1e-5, atol=1e-5)


def test_sparse_leaves_padding_out():
    ids = np.array([4, -1, 0, 4])
    used, gradients = kernels.embedding_sparse_backward(np.ones((4, 3)), ids, rows=5, padding_index=-1)
    assert used.tolist() == [0, 4]
    np.testing.assert_array_equal(gradients, [[1, 1, 1], [2, 2, 2]])


def test_sparse_of_nothing():
    used, gradients = kernels.embedding_sparse_backward(np.ones((0, 3)), np.zeros(0, int), rows=5)
    assert used.shape == (0,)
    assert gradients.shape == (0, 3)


@BOTH
def test_sparse_gradients_do_not_depend_on_threads(dtype, threads):
    rng = np.random.default_rng(0)
    ids = rng.zipf(1.2, 5000) % 999
    dy = rng.standard_normal((5000, 33)).astype(dtype)
    results = []
    for count in (1, 2):
        with threads(count):
            results.append(kernels.embedding_sparse_backward(dy, ids, rows=999)[1].tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("wrong", (-1, 6, 2**62, -(2**62)))
def test_nothing_is_written_before_an_error(wrong):
    out = np.full((3, 2), 7.0)
    with pytest.raises(ValueError, match=rf"^embedding_forward: ids holds {wrong} at position 2, expected 0 to 5"):
        kernels.embedding_forward(np.array([0, 1, wrong]), np.ones((6, 2)), out=out)
    np.testing.assert_array_equal(out, 7.0)


def test_a_number_beyond_64_bits_with_a_sign_is_no_row():
    with pytest.raises(ValueError, match=r"ids holds 18446744073709551615 at position 0"):
        kernels.embedding_forward(np.array([2**64 - 1], np.uint64), np.ones((6, 2)))
