"""Equality of tensors is of their elements; the library itself tells them apart by identity."""

import numpy as np
import pytest
import tilewright as tw


def test_equality_is_of_elements_and_the_hash_of_the_tensor():
    x = tw.Tensor(np.array([[1.0, 4.0], [3.0, 1.0]], np.float32), requires_grad=True)
    ones, still = [[True, False], [False, True]], x.detach()
    for found in (
        x == 1,
        1 == x,
        np.float64(1) == x,
        x == np.ones(2),
        np.ones(2) == x,
        x == tw.Tensor([1, 1]),
        x == [1, 1],
    ):
        assert found.__class__ is np.ndarray and np.array_equal(found, ones)
    for found in (x != 1, 1 != x, np.ones((2, 2)) != x, np.not_equal(x, tw.Tensor(1))):
        assert found.__class__ is np.ndarray and np.array_equal(found, ~np.array(ones))
    for other in (None, "1", object(), {}):  # no numbers
        assert (x == other) is False and (x != other) is True
    assert (x == still).all() and {x: "x", still: "still"}[x] == "x" and len({x, still, x}) == 2
    assert 4 in x and 2 not in x


def test_a_loss_that_asks_which_target_it_is():
    output = tw.Tensor([0.2, 0.4, 0.9], requires_grad=True)
    target = tw.Tensor([0.0, 1.0, 1.0])
    loss = tw.where(target == 1, -output.log(), -(1 - output).log()).mean()
    assert np.isclose(loss.item(), -np.log([0.8, 0.4, 0.9]).mean())
    loss.backward()
    np.testing.assert_allclose(output.grad * 3, [1 / 0.8, -1 / 0.4, -1 / 0.9])
    assert np.isclose(-output[target == 1].log().sum().item(), -np.log(0.36))
    assert np.isclose(((output - target) ** 2 * (target != 0)).sum().item(), 0.36 + 0.01)


def test_the_library_compares_tensors_by_identity():
    a, b = tw.Parameter(np.ones(1)), tw.Parameter(np.ones(1))  # equal, and not the same
    optimizer = tw.train.SGD([a], learning_rate=1.0)
    optimizer.attach([b])
    a.grad, b.grad = np.ones(1), np.ones(1)
    optimizer.step()
    assert a.value == 1 and b.value == 0
    x, z = tw.Input((4,)), tw.Input((4,))
    y = tw.layers.Add()([x, z])
    model = tw.train.Model([x, z], [y, z])
    assert model.output_names == ["add", model.input_names[1]]
    with pytest.raises(ValueError, match="inputs has 'input_1' twice"):
        tw.train.Model([x, z, z], y)


x = tw.Tensor(np.ones((2, 3, 4)))
ERRORS = (
    (lambda: x == np.ones(3), ValueError, r"equal: shapes \(2, 3, 4\) and \(3,\) do not broadcast"),
    (lambda: x != np.ones(4, complex), TypeError, "not_equal: the other operand is complex128, expected real numbers"),
    (lambda: x[False], TypeError, "indexing: the part is False, expected an array of booleans, such as x > 0"),
    (lambda: tw.where(False, x, 0), TypeError, "where: the condition is False, one for all, expected an array of bool"),
    (lambda: tw.Input((4,)) == 0, TypeError, "a symbol of a functional model has no numbers yet"),
    (lambda: np.ones(4) != tw.Input((4,)), TypeError, "a symbol of a functional model has no numbers yet"),
)


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=[message for *_, message in ERRORS])
def test_errors_say_what_helps(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
