"""The caller's buffer `out` must not lie in what a kernel still reads when it writes there."""

import numpy as np
import pytest
import tilewright as tw

rng = np.random.default_rng(0)
A = rng.standard_normal((8, 8))
IMAGE, FILTERS = rng.standard_normal((1, 6, 6, 4)), rng.standard_normal((3, 3, 4, 4))
SEQUENCE, W = rng.standard_normal((1, 6, 4)), rng.standard_normal((3, 4, 4))


def image(x):
    return x.reshape(1, 4, 4, 4)


CALLS = {
    "matmul": (A, lambda k, x: k.matmul_forward(x, A, out=x)),
    "matmul from the right": (A, lambda k, x: k.matmul_forward(A, x, out=x)),
    "linear": (A, lambda k, x: k.linear_forward(x, A, out=x)),
    "conv2d": (IMAGE, lambda k, x: k.conv2d_forward(x, FILTERS, padding=1, out=x)),
    "conv1d": (SEQUENCE, lambda k, x: k.conv1d_forward(x, W, padding=1, out=x)),
    "transpose": (A, lambda k, x: k.transpose_forward(x, out=x)),
    "gather": (A, lambda k, x: k.gather_forward(x, np.arange(8)[::-1].copy(), out=x)),
    "embedding": (A, lambda k, x: k.embedding_forward(np.arange(8)[::-1].copy(), x, out=x)),
    "crop": (np.zeros(20), lambda k, x: k.crop_forward(x, width=((1, 1),), out=x[:18])),
    "pad": (np.zeros(20), lambda k, x: k.pad_forward(x[:18], width=((1, 1),), out=x)),
    "concatenate": (np.zeros(20), lambda k, x: k.concatenate_forward([x[:10], x[5:15]], out=x)),
    "upsample2d": (np.zeros(80), lambda k, x: k.upsample2d_forward(x[:16].reshape(1, 2, 2, 4), out=image(x[:64]))),
    "add, rows apart": (np.zeros(20), lambda k, x: k.add_forward(x[:10], x[5:15], out=x[5:15])),
    "glu": (np.zeros((4, 8)), lambda k, x: k.glu_forward(x, out=x.reshape(-1)[:16].reshape(4, 4))),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_buffer_that_is_still_read_is_refused(name):
    given, call = CALLS[name]
    x = given.copy()
    with pytest.raises(ValueError, match="out shares memory with .*; pass another array"):
        call(tw.kernels, x)
    np.testing.assert_array_equal(x, given)


def test_sums_may_go_where_an_operand_lies():
    x, y = A.copy(), A.copy()
    assert tw.kernels.add_forward(x, y, out=x) is x
    np.testing.assert_array_equal(x, 2 * A)
    tw.kernels.multiply_forward(A, y, out=y)
    np.testing.assert_array_equal(y, A * A)
