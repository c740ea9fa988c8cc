"""Concatenating and splitting, which take or give lists of arrays, as no row of the catalog does; no views."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.shape import reference

BOTH = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))
CASES = {
    "one array": ((7, 13), (13,), 1),
    "last axis": ((7, 13), (5, 1, 7), -1),
    "first axis": ((13, 7), (6, 7), 0),
    "middle axis": ((3, 11, 5), (0, 4, 7), 1),
    "wide rows": ((2, 40_003), (20_001, 20_002), 1),
    "many rows": ((9001, 6), (2, 3, 1), 1),
    "nothing": ((0, 5), (2, 3), 1),
}


@BOTH
@pytest.mark.parametrize("case", CASES)
def test_split_and_concatenate_equal_the_reference(case, dtype, threads):
    shape, sizes, axis = CASES[case]
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    expected = reference.split_forward(x, sizes=sizes, axis=axis)
    for count in (1, 2):
        with threads(count):
            parts = kernels.split_forward(x, sizes=sizes, axis=axis)
            assert len(parts) == len(expected)
            for part, want in zip(parts, expected):
                np.testing.assert_array_equal(part, want, strict=True)
                assert not np.shares_memory(part, x)
            for join in (kernels.concatenate_forward, kernels.split_backward):
                np.testing.assert_array_equal(join(parts, axis=axis), x, strict=True)
            for part, want in zip(kernels.concatenate_backward(x, sizes=sizes, axis=axis), expected, strict=True):
                np.testing.assert_array_equal(part, want, strict=True)


def test_concatenate_writes_to_out():
    out = np.empty((2, 3))
    y = kernels.concatenate_forward([np.ones((2, 1)), np.zeros((2, 2))], axis=1, out=out)
    assert y is out
    np.testing.assert_array_equal(out, [[1, 0, 0]] * 2)


@BOTH
@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf, 7))
def test_pad_puts_any_number_around(value, dtype):
    x = np.random.default_rng(0).standard_normal((3, 5)).astype(dtype)
    y = kernels.pad_forward(x, width=[(1, 0), (2, 3)], value=value)
    np.testing.assert_array_equal(y, np.pad(x, ((1, 0), (2, 3)), constant_values=value), strict=True)


def test_pad_and_crop_write_to_out():
    for forward, shape in ((kernels.pad_forward, (4, 3)), (kernels.crop_forward, (0, 1))):
        out = np.full(shape, 5.0)
        assert forward(np.ones((2, 2)), width=((1, 1), (0, 1)), out=out) is out
        assert 5 not in out


@pytest.mark.parametrize("axis", (0, 1))
def test_gather_writes_to_out(axis):
    x, out = np.arange(6.0).reshape(2, 3), np.empty((2, 2, 3) if axis == 0 else (2, 2, 2))
    indices = np.array([[1, 0], [1, 1]], np.int32)
    assert kernels.gather_forward(x, indices, axis=axis, out=out) is out
    np.testing.assert_array_equal(out, np.take(x, indices, axis))


@pytest.mark.parametrize("name", ("add", "multiply"))
@pytest.mark.parametrize("shapes", (((3, 4), (3, 4)), ((3, 4), (4,)), ((1, 4), (3, 1)), ((1,), (1, 1))))
def test_gradients_are_no_views(name, shapes):
    a, b = (np.ones(shape) for shape in shapes)
    dy = np.ones(np.broadcast_shapes(*shapes))
    gradients = getattr(kernels, f"{name}_backward")(dy, a, b)
    for gradient in gradients:
        assert not any(np.shares_memory(gradient, other) for other in (dy, a, b))
    assert not np.shares_memory(*gradients)


@pytest.mark.parametrize(
    "call, error, message",
    (
        (
            lambda: kernels.concatenate_forward([]),
            TypeError,
            "concatenate_forward: arrays is list, expected a list of one array or more",
        ),
        (
            lambda: kernels.concatenate_forward(np.ones((2, 2))),
            TypeError,
            "concatenate_forward: arrays is ndarray, expected a list of one array or more",
        ),
        (
            lambda: kernels.concatenate_forward([np.ones((2, 2)), np.ones((3, 2))], axis=1),
            ValueError,
            "concatenate_forward: arrays[1] has shape (3, 2), expected (2, any) because arrays[0] is (2, 2)",
        ),
        (
            lambda: kernels.split_forward(np.ones((2, 5)), sizes=(2, 2)),
            ValueError,
            "split_forward: sizes are (2, 2), expected to add up to 5 because x is (2, 5)",
        ),
        (
            lambda: kernels.split_forward(np.ones(5), sizes=(6, -1)),
            ValueError,
            "split_forward: sizes is -1, expected at least 0",
        ),
        (
            lambda: kernels.concatenate_backward(np.ones(5), sizes=[5]),
            TypeError,
            "concatenate_backward: sizes is [5], expected a tuple of 1 integers",
        ),
    ),
)
def test_bad_calls_say_what_is_wrong(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
