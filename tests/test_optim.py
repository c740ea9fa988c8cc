"""Optimizer steps of lists: as those of their parameters one by one, on the CPU; test_cuda_optim.py has the device."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels import Treatment, adam_update, clip_by_global_norm, ema_update, muon_update, sgd_update
from tilewright.kernels._cpu import lists as reading
from tilewright.kernels.optim import reference

SHAPES = ((3, 5), (7,), (), (0, 2), (9,))


@pytest.mark.parametrize("kind", (list, tuple))
@pytest.mark.parametrize(
    "function, count, options",
    (
        (sgd_update, 2, {"learning_rate": 0.1}),
        (sgd_update, 3, {"momentum": 0.9, "nesterov": True}),
        (adam_update, 4, {"step": 2}),
        (adam_update, 5, {"step": 2, "weight_decay": 0.1, "treatment": Treatment(l1=0.1, l2=0.2, clipvalue=0.5)}),
        (kernels.rmsprop_update, 5, {"momentum": 0.5, "epsilon": 2.0, "treatment": Treatment(clipnorm=0.5)}),
        (kernels.adagrad_update, 3, {}),
        (kernels.adadelta_update, 4, {}),
        (kernels.lion_update, 3, {}),
        (kernels.lamb_update, 4, {"step": 2}),
        (ema_update, 2, {}),
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


def made(count, shapes=SHAPES, dtype=np.float32):
    rng = np.random.default_rng(1)
    return [[np.array(rng.random(shape), dtype) for shape in shapes] for _ in range(count)]


def copies(columns):
    return [[x.copy() for x in column] for column in columns]


def test_matrices_in_lists_go_as_one_by_one():
    columns = made(3, ((3, 5), (0, 2), (5, 3), (1, 1)), np.float64)
    together, apart = copies(columns), copies(columns)
    muon_update(*together)
    for arrays in zip(*apart):
        muon_update(*arrays)
    for column, alone in zip(together, apart):
        for x, y in zip(column, alone):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("limit", (0.5, 1e6))
def test_a_global_norm_is_that_of_arrays_of_both_dtypes(limit):
    columns = made(2)
    columns = [[x.astype(np.float64) if i % 2 else x for i, x in enumerate(column)] for column in columns]
    got, want, clipped = copies(columns), copies(columns), copies(columns)
    norm = np.sqrt(sum(np.sum(np.square(x, dtype=np.float64)) for x in columns[1]))
    assert clip_by_global_norm(clipped[1], max_norm=limit) == pytest.approx(norm, rel=1e-7)
    sgd_update(*clipped, None, learning_rate=1.0)
    sgd_update(*got, None, learning_rate=1.0, treatment=Treatment(global_clipnorm=limit))
    reference.sgd_update(*want, None, learning_rate=1.0, treatment=Treatment(global_clipnorm=limit))
    for x, y, z, dw, before in zip(got[0], want[0], clipped[0], got[1], columns[1]):
        np.testing.assert_allclose(x, y, 1e-6, 1e-7)
        np.testing.assert_allclose(x, z, 1e-6, 1e-7)
        np.testing.assert_array_equal(dw, before)


def test_a_global_norm_that_is_no_number_makes_all_so():
    dw = [np.ones(3), np.array([np.inf])]
    assert clip_by_global_norm(dw, max_norm=1.0) == np.inf
    assert np.isnan(np.concatenate(dw)).all()


def test_many_parameters_and_long_ones_share_tasks():
    """Chunks of a task lie in one parameter or in several, with empty ones between them."""
    shapes = [(n,) for n in (3, 0, 70_000, 8192, 0, 1, 8193, 0, 140_001, *range(1, 30), 0)]
    columns = made(4, shapes)
    got, want = copies(columns), copies(columns)
    adam_update(*got, step=3)
    reference.adam_update(*want, step=3)
    for column, expected in zip(got, want):
        for x, y in zip(column, expected):
            np.testing.assert_allclose(x, y, 1e-5, 1e-7)


def test_where_python_is_asked_the_bits_are_the_same(monkeypatch):
    """As on an interpreter that keeps arrays elsewhere."""
    columns = made(4, (*SHAPES, (70_000,)))
    columns = [[x.astype(np.float64) if i == 1 else x for i, x in enumerate(column)] for column in columns]
    got, want = copies(columns), copies(columns)
    assert reading.KNOWN, "the compiled way was not tested"
    adam_update(*want, step=3)
    monkeypatch.setattr(reading, "KNOWN", False)
    adam_update(*got, step=3)
    for column, expected in zip(got, want):
        for x, y in zip(column, expected):
            assert x.tobytes() == y.tobytes()


def test_an_array_whose_dtype_is_another_object_is_as_good():
    """Such as NumPy makes for dtypes with metadata, or when it unpickles."""
    columns = made(2)
    own = np.dtype(np.float32, metadata={"of": "a test"})
    columns = [[np.ndarray(x.shape, own, x.copy()) for x in column] for column in columns]
    assert columns[0][0].dtype is not np.dtype(np.float32)
    want = copies(columns)
    sgd_update(*columns, None)
    reference.sgd_update(*want, None)
    for x, y in zip(columns[0], want[0]):
        np.testing.assert_allclose(x, y, 1e-6)
