"""The tape: gradients of expressions, what is freed and when, and what a tensor is to NumPy."""

import threading
import weakref

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Layer

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
A, B = rng.uniform(0.5, 2, (3, 4)), rng.uniform(0.5, 2, (3, 4))
ROW, COLUMN, NUMBER = rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, (3, 1)), rng.uniform(0.5, 2, ())

EXPRESSIONS = {
    "add": (lambda a, b: a + b, A, B),
    "add a row": (lambda a, b: a + b, A, ROW),
    "add to a row": (lambda a, b: a + b, ROW, A),
    "add a scalar": (lambda a, b: a + b, A, NUMBER),
    "subtract a column": (lambda a, b: a - b, A, COLUMN),
    "multiply": (lambda a, b: a * b, A, B),
    "multiply row and column": (lambda a, b: a * b, ROW, COLUMN),
    "divide": (lambda a, b: a / b, A, B),
    "divide by a row": (lambda a, b: a / b, A, ROW),
    "matrix product": (lambda a, b: a @ b, A, np.ascontiguousarray(B.T)),
    "with numbers and arrays": (lambda a, b: 2 * a - 1 + b * B / 3 + (1 - a) + 1 / b - (-b), A, B),
    "used often": (lambda a, b: a * a + a * b + b * b * a, A, B),
    "twice in one op": (lambda a, b: a + a + b, A, B),
    "reshape": (lambda a, b: a.reshape(4, 3) * b.reshape((4, -1)), A, B),
    "sum, mean": (lambda a, b: a.sum(0) * b.mean(axis=0) + a.mean(), A, B),
    "keepdims": (lambda a, b: a / a.sum(1, keepdims=True) + b.mean(axis=(0, 1), keepdims=True), A, B),
}


@pytest.mark.parametrize("expression, a, b", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_gradients_equal_central_differences(expression, a, b):
    a, b = tw.Tensor(a.copy(), requires_grad=True), tw.Tensor(b.copy(), requires_grad=True)
    y = expression(a, b)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(dy)

    def loss():
        return (dy * np.asarray(expression(a, b))).sum()

    assert_gradient(a.grad, numeric_gradient(loss, a.value))
    assert_gradient(b.grad, numeric_gradient(loss, b.value))


def test_gradients_add_up_over_calls_and_stay_apart():
    a, b = tw.Parameter(np.ones(2)), tw.Parameter(np.ones(2))
    for _ in range(2):
        (a + b).sum().backward()
    (a * 3).sum().backward()
    np.testing.assert_array_equal(a.grad, [5, 5])
    np.testing.assert_array_equal(b.grad, [2, 2])


def test_the_given_gradient_is_not_changed():
    x, dy = tw.Tensor(np.ones(2), requires_grad=True), np.ones(2)
    (x + x).backward(dy)
    np.testing.assert_array_equal(dy, [1, 1])


def test_long_graphs_need_no_stack():
    x = tw.Tensor(np.ones(1), requires_grad=True)
    y = x
    for _ in range(5000):
        y = y + 1
    y.backward()
    np.testing.assert_array_equal(x.grad, [1])


def test_a_second_backward_says_that_the_graph_was_freed():
    x = tw.Tensor(np.ones(2), requires_grad=True)
    loss = (x * 2).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="freed by an earlier backward"):
        loss.backward()


def test_a_graph_freed_in_part_adds_nothing():
    x, w = tw.Tensor(np.ones(2), requires_grad=True), tw.Parameter(np.ones(2))
    shared = x * 2
    first, second = shared.sum(), (shared * w).sum()
    first.backward()
    with pytest.raises(RuntimeError, match="freed by an earlier backward"):
        second.backward()
    assert w.grad is None
    np.testing.assert_array_equal(x.grad, [2, 2])


def test_backward_needs_a_scalar_or_a_gradient_of_its_shape():
    x = tw.Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(ValueError, match=r"dy is None, expected an array of shape \(2,\)"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"dy has shape \(3,\), expected \(2,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        tw.Tensor(np.ones(1)).backward()


def test_closures_are_freed_by_backward():
    class Held(Layer):
        def forward(self, x):
            held = _Mark()
            marks.append(weakref.ref(held))
            return x * 2, lambda dy: dy * 2 if held else dy

    marks = []
    x = tw.Tensor(np.ones(2, np.float32), requires_grad=True)
    loss = Held()(Held()(x)).sum()
    assert all(mark() for mark in marks)
    loss.backward()
    assert not any(mark() for mark in marks)
    np.testing.assert_array_equal(x.grad, [4, 4])


class _Mark:
    pass


def test_no_grad_records_nothing_and_ends():
    layer = Dense(2)
    with tw.no_grad():
        assert not layer(np.ones((1, 3))).requires_grad
        with pytest.raises(ValueError), tw.no_grad():
            raise ValueError
        assert not layer(np.ones((1, 3))).requires_grad
    assert layer(np.ones((1, 3))).requires_grad


def test_no_grad_is_for_its_own_thread():
    layer, seen = Dense(2), []
    with tw.no_grad():
        thread = threading.Thread(target=lambda: seen.append(layer(np.ones((1, 3))).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_first_layer_computes_no_gradient_for_the_data():
    class Watched(Dense):
        def forward(self, x):
            y, backward = super().forward(x)

            def watched(dy, need_dx=True):
                needed.append(need_dx)
                return backward(dy, need_dx)

            return y, watched

    needed = []
    first, second = Watched(3), Watched(2)
    second(first(np.ones((4, 5)))).sum().backward()
    assert needed == [True, False]
    assert first.w.grad.shape == (5, 3)


def test_a_frozen_parameter_gets_no_gradient():
    layer = Dense(2)
    layer.build((None, 3))
    layer.b.trainable = False
    layer(np.ones((1, 3))).sum().backward()
    assert layer.b.grad is None and layer.w.grad is not None


def test_what_a_tensor_is_to_numpy():
    value = np.arange(6.0).reshape(2, 3)
    x = tw.Tensor(value)
    assert np.asarray(x) is value
    assert np.asarray(x, np.float32).dtype == np.float32
    assert np.array(x) is not value
    assert isinstance(value * x, tw.Tensor) and isinstance(value @ tw.Tensor(value.T.copy()), tw.Tensor)
    assert (x.shape, x.ndim, x.dtype, len(x)) == ((2, 3), 2, np.float64, 2)
    assert float(x.sum()) == 15.0 and x.sum().item() == 15.0
    assert tw.Tensor([1, 2]).shape == (2,)
    assert repr(tw.Tensor(np.float32(1))) == f"Tensor({np.float32(1)!r})"


def test_functions_of_numpy_that_tensors_do_not_have_say_so():
    a, x = np.full(2, 3.0), tw.Tensor(np.ones(2), requires_grad=True)
    for call in (lambda: np.tan(x), lambda: np.add.reduce(x), lambda: np.exp(x, out=a)):
        with pytest.raises(TypeError, match=r"np\.\w+ does not work on tensors; take the array, which has no gradient"):
            call()
    with pytest.raises(TypeError, match=r"np.tanh does not work on tensors; use tw.tanh\(...\), or take the array"):
        np.tanh(x, out=a)
    (a * x - a / x).sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 6])
    a += x
    assert isinstance(a, tw.Tensor) and a.requires_grad


def test_numbers_do_not_change_the_dtype():
    x = tw.Tensor(np.ones(2, np.float32), requires_grad=True)
    y = (2 * x + np.float64(1)) / 3 - np.ones(2)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32
