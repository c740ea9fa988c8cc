"""Optimizer steps of lists: as those of their parameters one by one, on the CPU; test_cuda_optim.py has the device."""

import numpy as np
import pytest
from tilewright.kernels import adam_update, sgd_update
from tilewright.kernels.optim import reference

SHAPES = ((3, 5), (7,), (), (0, 2), (9,))


@pytest.mark.parametrize("kind", (list, tuple))
@pytest.mark.parametrize(
    "function, count, options",
    (
        (sgd_update, 2, {"learning_rate": 0.1}),
        (sgd_update, 3, {"momentum": 0.9, "nesterov": True}),
        (adam_update, 4, {"step": 2}),
    ),
)
def test_lists_are_updated_as_their_arrays_one_by_one(function, count, options, kind):
    rng = np.random.default_rng(0)
    dtypes = (np.float32, np.float64, np.float64, np.float32, np.float32)
    columns = [[np.array(rng.random(s), dtype) for s, dtype in zip(SHAPES, dtypes)] for _ in range(count)]
    lists, apart, exact = ([[x.copy() for x in column] for column in columns] for _ in range(3))
    rest = (None,) * (3 - count) if function is sgd_update else ()
    function(*map(kind, lists), *rest, **options)
    for arrays in zip(*apart):
        function(*arrays, *rest, **options)
    getattr(reference, function.__name__)(*exact, *rest, **options)
    assert any((x != y).any() for x, y in zip(lists[0], columns[0]))
    for column, alone, near in zip(lists, apart, exact):
        for x, y, z in zip(column, alone, near):
            np.testing.assert_array_equal(x, y)
            np.testing.assert_allclose(x, z, 1e-5 if x.dtype == np.float32 else 1e-12)


def test_nothing_changes_before_all_is_checked():
    w = [np.ones(3), np.ones(4)]
    with pytest.raises(ValueError, match=r"^sgd_update: dw\[1\] has shape \(3,\), expected \(4,\) because w\[1\] is"):
        sgd_update(w, [np.ones(3), np.ones(3)], None)
    assert all((x == 1).all() for x in w)
