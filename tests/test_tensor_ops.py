"""Operations on tensors: values are NumPy's, gradients equal central differences, errors say what helps."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import _broadcast, _tape

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
X = rng.permutation(np.linspace(0.5, 2, 24)).reshape(2, 3, 4)  # apart by more than a step of the differences
Z = rng.permutation(np.linspace(0.6, 2.1, 12)).reshape(3, 4)
DY = rng.standard_normal(2 * 24 + 12)
ROWS, PAIRS, CHOSEN = np.array([1, 0, 1, -1]), np.array([[2, 2], [0, -1]]), X > 1.2

# each works on tensors and on arrays: one expression makes the value and what it has to be
EXPRESSIONS = {
    "a number": lambda x, z: x[1, 2, 3] * z[0],
    "a row": lambda x, z: x[1] * z,
    "slices": lambda x, z: x[:, ::-2, 1:3],
    "the last axis": lambda x, z: x[..., 0] + z[..., -1],
    "new axes": lambda x, z: x[:, None, :, 1] * z[:, 0, None],
    "rows of which some come twice": lambda x, z: x[ROWS],
    "a list of rows": lambda x, z: z[[2, 2, 1]],
    "no rows": lambda x, z: x[[]].sum() + z.sum(),
    "pairs": lambda x, z: z[PAIRS, PAIRS[::-1]],
    "rows in the middle": lambda x, z: x[:, PAIRS, 0],
    "a mask": lambda x, z: x[CHOSEN],
    "a mask of rows": lambda x, z: z[np.array([True, False, True]), 1:],
    "power 2": lambda x, z: x**2 - z**2,
    "power 3": lambda x, z: x**3,
    "a root by power": lambda x, z: x**0.5 + z**-1.5,
    "power 0": lambda x, z: x**0 * z,
    "to the power of x": lambda x, z: 2**x,
    "exp": lambda x, z: np.exp(x) * z,
    "log": lambda x, z: np.log(x * z),
    "abs": lambda x, z: abs(x - 1.21) + np.abs(z),
    "sqrt": lambda x, z: np.sqrt(x) / z,
    "tanh": lambda x, z: np.tanh(x - z),
    "clip": lambda x, z: x.clip(0.8, 1.5) * z.clip(max=1.33) + x.clip(min=1),
    "maximum, minimum": lambda x, z: np.maximum(x, z) * np.minimum(z, 1.31) + np.maximum(1.21, x),
    "transpose": lambda x, z: x.transpose(2, 0, 1) + z.T[:, None],
    "transposed round": lambda x, z: np.transpose(x) * x.transpose(2, 1, 0) - x.transpose((2, 1, 0)),
    "swapaxes": lambda x, z: np.swapaxes(x, 0, -1) * z.swapaxes(1, 0)[..., None],
    "max of all": lambda x, z: x.max() * z,
    "max of an axis": lambda x, z: x.max(1) + x.max(axis=-1, keepdims=True).sum(1),
    "max of two axes": lambda x, z: x.max((0, 2)) + z.max((0, 1), keepdims=True),
    "min": lambda x, z: x.min(0) * np.min(z, axis=1, keepdims=True) + x.min(),
    "squeeze": lambda x, z: np.squeeze(x[:, :1, :1]) + z[None, :1].squeeze((0, 1))[:2] + x[:1, :1].squeeze(0)[0, :2],
    "expand_dims": lambda x, z: np.expand_dims(x, 1) * np.expand_dims(z, -1)[:, :, 0],
    "reshape": lambda x, z: np.reshape(x, (4, 6)) * z.reshape(2, -1)[0],
    "ravel": lambda x, z: np.ravel(x)[:12] * np.ravel(z),
    "sum and mean": lambda x, z: np.sum(x, axis=(0, 2)) * np.mean(z, axis=1) - np.mean(x),
    "stack": lambda x, z: np.stack([z, x[0], z], axis=-1),
    "concatenate": lambda x, z: np.concatenate([x, z[None], x[:1]], axis=0),
    "concatenate columns": lambda x, z: np.concatenate((z, x[0], np.ones((3, 1))), axis=1),
    "where": lambda x, z: np.where(CHOSEN, x, z) + np.where(z > 1.3, z, 0) * np.where(CHOSEN[0], 2.0, x[1]),
    "a quotient of a number": lambda x, z: 1 / x - (2 - z),
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_values_are_numpys_and_gradients_central_differences(expression):
    x, z = X.copy(), Z.copy()
    y, *gradients = results(expression, np.float64)
    np.testing.assert_allclose(y, expression(x, z), rtol=1e-12)
    for array, gradient in zip((x, z), gradients):
        numeric = numeric_gradient(lambda: (DY[: y.size] * np.ravel(expression(x, z))).sum(), array)
        if np.any(numeric):
            assert_gradient(gradient, numeric)
        else:
            assert gradient is None or not gradient.any()
    for single, double in zip(results(expression, np.float32), (y, *gradients)):
        assert (single is None) == (double is None)
        if double is not None:
            np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


def results(expression, dtype):
    """The value and the gradients of x and z, as they have to be for kernels."""
    x, z = (tw.Tensor(one.astype(dtype), requires_grad=True) for one in (X, Z))
    y = expression(x, z)
    assert isinstance(y, tw.Tensor)
    y.backward(DY[: y.value.size].reshape(y.shape))
    found = [y.value, x.grad, z.grad]
    assert all(one is None or one.dtype == dtype and one.flags.c_contiguous for one in found)
    return found


LARGE = {
    "sum": lambda x: x.sum(),
    "sum of rows": lambda x: x.sum(axis=1, keepdims=True),
    "mean of columns": lambda x: x.mean(0),
    "max": lambda x: x.max(1),
    "max of rows": lambda x: x.max(axis=0, keepdims=True),
    "max of all": lambda x: x.max(),
    "transpose": lambda x: x.T,
    "a row that is repeated": lambda x: x + x[0],
}


@pytest.mark.parametrize("expression", LARGE.values(), ids=LARGE)
def test_large_arrays_go_to_kernels_with_the_same_results(expression, monkeypatch):
    value = np.random.default_rng(0).standard_normal((1 << 9, (_broadcast.LARGE >> 9) + 1)).astype(np.float32)
    results = []
    for limit in (_broadcast.LARGE, value.size + 1):
        monkeypatch.setattr(_broadcast, "LARGE", limit)
        x = tw.Tensor(value, requires_grad=True)
        assert _broadcast.large(value) == (limit < value.size)
        y = expression(x)
        y.backward(np.random.default_rng(1).standard_normal(y.shape).astype(np.float32))
        results.append((y.numpy(), x.grad))
    (y, dx), (want_y, want_dx) = results
    assert y.shape == want_y.shape and y.dtype == want_y.dtype == dx.dtype
    np.testing.assert_allclose(y, want_y, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(dx, want_dx, rtol=1e-4, atol=1e-4)


def test_of_equal_values_the_first_has_the_gradient():
    for op in ("max", "min"):
        x = tw.Tensor([[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]], requires_grad=True)
        (getattr(x, op)(1) * [3.0, 5.0]).sum().backward()
        np.testing.assert_array_equal(x.grad, [[3, 0, 0], [5, 0, 0]])
        x.grad = None
        getattr(x, op)().backward()
        np.testing.assert_array_equal(x.grad, [[1, 0, 0], [0, 0, 0]])
        a, b = (tw.Tensor([1.0], requires_grad=True) for _ in range(2))
        getattr(a, op + "imum")(b).sum().backward()
        np.testing.assert_array_equal([a.grad, b.grad], [[1], [0]])


def test_an_element_that_is_named_twice_gets_both_gradients():
    x = tw.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x[[0, 2, 0, -1]] * [1.0, 10.0, 100.0, 1000.0]).sum().backward()
    np.testing.assert_array_equal(x.grad, [101, 0, 1010])
    rows = np.array([0, 1])
    y = x[rows].sum()
    rows[:] = 2  # after the forward: the gradient is that of what was taken
    x.grad = None
    y.backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 0])


def test_gradients_at_the_edges():
    x = tw.Tensor([-1.0, 0.0, 1.0, 2.0], requires_grad=True)
    (x.clip(0, 1) + abs(x) + x**2).sum().backward()
    np.testing.assert_array_equal(x.grad, [0 - 1 - 2, 1 + 0 + 0, 1 + 1 + 2, 0 + 1 + 4])


def test_tensors_are_compared_iterated_and_detached():
    x = tw.Tensor([[1.0, 4.0], [3.0, 2.0]], requires_grad=True)
    assert np.array_equal(x > 2, [[False, True], [True, False]]) and (x > 2).__class__ is np.ndarray
    assert np.array_equal(2 >= x, np.array(2.0) >= x) and np.array_equal(x.value <= x, np.ones((2, 2)))
    assert np.array_equal(x < x.T, [[False, False], [False, False]] | (x.value < x.value.T))
    assert np.array_equal(x.argmax(1), [1, 0]) and x.argmin() == 0
    rows = list(x)
    assert [row.shape for row in rows] == [(2,), (2,)] and rows[1].requires_grad
    still = x.detach()
    assert still.value is x.value and not still.requires_grad
    (x * still).sum().backward()
    np.testing.assert_array_equal(x.grad, x.value)


def test_numpys_other_functions_take_the_arrays():
    x = tw.Tensor([[1.0, 2.0]], requires_grad=True)
    assert np.array_equal(x, x.value) and np.shape(x) == (1, 2)
    assert np.linalg.norm(x) == np.sqrt(5) and np.hstack([x, x.value]).__class__ is np.ndarray
    assert [len(found) for found in np.where(x > 1)] == [1, 1]


def test_numbers_of_several_dtypes():
    x = tw.Tensor(np.ones(3, np.float32), requires_grad=True)
    z = tw.Tensor(np.full(3, 2.0), requires_grad=True)
    (x * z).sum().backward()
    assert x.grad.dtype == np.float32 and z.grad.dtype == np.float64
    for y in (
        x**2,
        2.5**x,
        x.clip(0, 2),
        x / np.float64(3),
        x.mean(),
        1 - x,
        np.maximum(x, 0.5),
        tw.where(x > 0, x, 0),
    ):
        assert y.dtype == np.float32
    whole = tw.Tensor([1, 2])
    np.testing.assert_array_equal((whole * 0.5).numpy(), [0.5, 1])
    assert whole.mean().item() == 1.5 and (whole + 1).dtype == whole.dtype


x = tw.Tensor(X, requires_grad=True)
ERRORS = (
    (lambda: x[2], IndexError, r"index 2 is out of bounds .* the tensor has shape \(2, 3, 4\)"),
    (lambda: x[0.5], IndexError, r"valid indices; the tensor has shape \(2, 3, 4\)"),
    (lambda: x.__setitem__(0, 1), TypeError, r"not changed in place.* tw.where\(mask, values, x\)"),
    (lambda: list(x.sum()), TypeError, r"shape \(\) cannot be iterated over; x.item\(\)"),
    (lambda: x + np.ones(3), ValueError, r"add: shapes \(2, 3, 4\) and \(3,\) do not broadcast.* x\[:, None\]"),
    (lambda: x + None, TypeError, "add: the other operand is None, expected a tensor, an array or a number"),
    (lambda: "a" * x, TypeError, "multiply: the other operand is 'a', expected a tensor"),
    (lambda: x - np.ones(4, complex), TypeError, "subtract: the other operand is complex128, expected real numbers"),
    (lambda: x**x, TypeError, r"power: the exponent is a Tensor, expected a number.*\(p \* x.log\(\)\).exp\(\)"),
    (lambda: x ** np.ones(4), TypeError, "power: the exponent is a ndarray, expected a number"),
    (lambda: (-2) ** x, TypeError, "power: the base is -2, expected a tensor or a positive number"),
    (lambda: x.clip(), TypeError, "clip: min is None and max None, expected one number or two"),
    (lambda: x.clip(2, 1), ValueError, "clip: min is 2 and max 1, expected min to be the smaller one"),
    (lambda: x.max(3), ValueError, "max: axis is 3, expected -3 to 2 because the tensor has 3 axes"),
    (lambda: x[:0].min(), ValueError, r"min: the tensor has shape \(0, 3, 4\), expected at least one element"),
    (lambda: x.squeeze(1), ValueError, r"squeeze: axis 1 has size 3, expected 1; the tensor has shape \(2, 3, 4\)"),
    (lambda: x.expand_dims(5), ValueError, "expand_dims: axis is 5, expected -4 to 3 because the result has 4 axes"),
    (lambda: x.transpose(0, 1), ValueError, r"transpose: axes are \(0, 1\), expected each of the 3 axes.* swapaxes"),
    (lambda: tw.stack([x, x[0]]), ValueError, r"stack: the tensors have shapes \(2, 3, 4\), \(3, 4\), expected equal"),
    (lambda: tw.stack(x), TypeError, "stack: the first argument is a Tensor, expected a list of tensors"),
    (lambda: tw.stack([X]), TypeError, "a list without a tensor, expected a list of tensors; np.stack joins arrays"),
    (lambda: tw.concatenate([x, x[:, 1:]]), ValueError, "expected equal ones but for axis 0"),
    (lambda: tw.where(x, x, 0), TypeError, "where: the condition is float64, expected booleans, such as x > 0"),
    (lambda: tw.where(X > 1, X, 0), TypeError, "where: a and b are no tensors, expected one at least"),
)


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=[message for *_, message in ERRORS])
def test_errors_say_what_helps(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


SYMBOLIC = (
    lambda x: x[:, 0],
    lambda x: np.exp(x),
    lambda x: x**2,
    lambda x: x > 0,
    lambda x: x.max(1),
    lambda x: x.argmax(1),
    lambda x: x.detach(),
    lambda x: tw.concatenate([x, x]),
    lambda x: tw.where(np.ones((1, 4), bool), x, 0),
)


@pytest.mark.parametrize("f", SYMBOLIC)
def test_a_symbol_of_a_functional_model_says_that_it_has_no_numbers(f):
    with pytest.raises(TypeError, match="a symbol of a functional model has no numbers yet; call layers on it"):
        f(tw.Input((4,)))


class OnDevice:
    """What arrays on a CUDA device are told by; nothing of theirs may be touched."""

    __cuda_ndarray__ = True
    dtype, ndim, shape, size = np.dtype(np.float32), 2, (2, 2), 4

    def reshape(self, *shape):
        return self


def on_device():
    tensor = tw.Tensor(np.ones((2, 2), np.float32))
    tensor.value = OnDevice()
    return tensor


ON_DEVICE = {
    "indexing": lambda x: x[0],
    "add": lambda x: x + 1,
    "subtract": lambda x: tw.Tensor(np.ones((2, 2))) - x,
    "multiply": lambda x: x * x,
    "divide": lambda x: 1 / x,
    "maximum": lambda x: x.maximum(0),
    "power": lambda x: x**2,
    "negative": lambda x: -x,
    "abs": abs,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "clip": lambda x: x.clip(0, 1),
    "less": lambda x: x < 1,
    "greater": lambda x: tw.Tensor(np.ones((2, 2))) > x,
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "max": lambda x: x.max(1),
    "argmin": lambda x: x.argmin(),
    "transpose": lambda x: x.T,
    "stack": lambda x: tw.stack([x, x]),
    "concatenate": lambda x: np.concatenate([np.ones((2, 2)), x]),
    "where": lambda x: tw.where(np.ones(2, bool), x, 0),
}


@pytest.mark.parametrize("op, f", ON_DEVICE.items(), ids=ON_DEVICE)
def test_arrays_on_a_device_are_refused_by_name(op, f):
    with pytest.raises(
        NotImplementedError, match=f"^{op}: tensors on a CUDA device have no arithmetic of their own yet"
    ):
        f(on_device())


def test_on_a_device_tensors_change_their_shape(monkeypatch):
    monkeypatch.setattr(_tape, "adopted", lambda array: array)  # which needs numba-cuda
    x = on_device()
    for y in (x.reshape(4), x.flatten(), x.squeeze(), x.expand_dims(0), x.detach()):
        assert y.value is x.value
