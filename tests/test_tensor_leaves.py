"""Leaves: what has a gradient is of floating point, and parameters are not changed by `p -= step`."""

import re

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Block, Buffer, Dense, Embedding, GlobalAveragePooling1D


def by_hand():
    x = tw.Tensor(np.arange(3))
    x.requires_grad = True
    (x * 2.5).sum().backward()


WHOLE = (
    (
        lambda: tw.Tensor(np.arange(3), requires_grad=True),
        r"Tensor: the value is int64, .*\.astype\(np.float32\), or le",
    ),
    (lambda: tw.Tensor([True], requires_grad=True), "Tensor: the value is bool, expected float32 or float64 because"),
    (lambda: tw.Parameter(np.arange(3)), "Parameter: the value is int64, .* or make a Buffer of what is not trained"),
    (by_hand, "backward: the value is int64, expected float32 or float64"),
)


@pytest.mark.parametrize("make, message", WHOLE, ids=[message for _, message in WHOLE])
def test_whole_numbers_have_no_gradient(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_whole_numbers_without_a_gradient_stay():
    assert Buffer(np.arange(3)).dtype.kind == "i" and not Buffer(np.arange(3)).trainable
    w = tw.Parameter(np.ones(3))
    (tw.Tensor(np.arange(3)) * w).sum().backward()
    np.testing.assert_array_equal(w.grad, [0, 1, 2])


def test_a_block_of_words_is_called_on_arrays():
    class Words(Block):
        input_dtype = None

        def __init__(self):
            super().__init__()
            self.table, self.mean, self.dense = Embedding(5, 3), GlobalAveragePooling1D(), Dense(2)

        def call(self, x):
            return self.dense(self.mean(self.table(x)))

    words = Words()
    words(np.array([[1, 2]]))
    y, backward = words.forward(np.array([[1, 2]]))
    assert backward(np.ones_like(y)) is None and words.table.parameters()[0].grad is not None


def minus(x):
    x -= 0.1


def times(x):
    x *= 2


def power(x):
    x **= 2


LEAVES = (
    tw.Parameter(np.ones(2, np.float32)), Buffer(np.ones(2)), tw.Tensor(np.ones(2), requires_grad=True),
)  # fmt: skip


@pytest.mark.parametrize("x", LEAVES, ids=["parameter", "buffer", "leaf"])
@pytest.mark.parametrize("change, sign", [(minus, "-="), (times, "*="), (power, "**=")], ids=["-=", "*=", "**="])
def test_a_leaf_that_is_changed_in_place_says_how(x, change, sign):
    kind, sign = type(x).__name__, re.escape(sign)
    message = rf"{kind}: x {sign} \.\.\. would leave it as it is.* x.value {sign} .*optimizer"
    with pytest.raises(TypeError, match=message), tw.no_grad():
        change(x)
    x.value -= 0.5  # as it says
    assert (x == 0.5).all()
    x.value += 0.5


def test_sums_grow_as_before():
    w = tw.Parameter(np.full(2, 3.0))
    total = 0
    for _ in range(3):
        total += (w * w).sum()
    total -= w.sum()
    total *= 2.0
    total /= 4
    total.backward()
    np.testing.assert_array_equal(w.grad, (3 * 2 * w.value - 1) / 2)
    with tw.no_grad():
        one = tw.Tensor(1.0)
        same = one
        one += w.sum()
    assert one == 7 and same == 1
    y = x = tw.Input((4,))
    y += x
    y *= y
    assert [y.call.thing.__class__.__name__, y.call.inputs[0].call.inputs] == ["Multiply", (x, x)]
