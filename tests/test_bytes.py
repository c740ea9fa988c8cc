"""The bytes that a benchmark takes an op to move, from which its share of a copy's speed follows."""

import numpy as np
import pytest
from tilewright.kernels.catalog import BY_NAME

X = np.ones((4, 6, 6, 8), np.float32)
A, B = np.ones((5, 7), np.float32), np.ones(7, np.float32)
POOLED = 4 * 3 * 3 * 8  # elements

# arrays, options; bytes forward: what is read and written once; bytes backward: of dy, what else is read, and gradients
CASES = {
    "relu": ({"x": X}, {}, 2 * X.nbytes, 3 * X.nbytes),
    "max_pool2d": ({"x": X}, {"window": 2}, X.nbytes + POOLED * 5, POOLED * 5 + X.nbytes),  # uint8 places
    "average_pool2d": ({"x": X}, {"window": 2}, X.nbytes + POOLED * 4, POOLED * 4 + X.nbytes),
    "add": ({"a": A, "b": B}, {}, 2 * A.nbytes + B.nbytes, 2 * A.nbytes + B.nbytes),  # a and b are not read again
    "multiply": ({"a": A, "b": B}, {}, 2 * A.nbytes + B.nbytes, 3 * A.nbytes + 2 * B.nbytes),
    "embedding": ({"ids": np.zeros(3, np.int64), "w": A}, {}, 2 * 3 * 7 * 4, 3 * 7 * 4 + 3 * 8 + A.nbytes),
}


@pytest.mark.parametrize("name", CASES)
def test_arrays_are_counted_once_where_they_are_read_or_written(name):
    op, (arrays, options, forward, backward) = BY_NAME[name], CASES[name]
    results = op.forward("public", arrays, options)
    assert op.forward_bytes(arrays, options, results) == forward
    call = op.backward_call("public", np.ones_like(results[0]), arrays, options, results)
    assert op.backward_bytes(call, call()) == backward
