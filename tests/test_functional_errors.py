"""Graphs of layers that are refused, each with what is wrong."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    GRU,
    Add,
    Dense,
    Embedding,
)

from .test_functional import A, B, branches


def loop():
    inner = tw.Sequential([Dense(3, input_shape=(3,))])
    x = tw.Input((3,))
    inner.add(tw.Model(x, inner(x)))


def unused():
    a, b = tw.Input((3,), name="a"), tw.Input((3,), name="b")
    return tw.Model([a, b], Dense(1)(a))


def unconnected():
    a, b = tw.Input((3,), name="a"), tw.Input((3,), name="b")
    return tw.Model(a, [Dense(1)(a), Dense(1)(b)])


def two_shapes():
    layer = Dense(2)
    return layer(tw.Input((3,))), layer(tw.Input((4,)))


def one_name():
    x = tw.Input((3,))
    return tw.Model(x, Dense(1, name="d")(Dense(1, name="d")(x)))


def inputs_of_one_name():
    a, b = tw.Input((3,), name="a"), tw.Input((3,), name="a")
    return tw.Model([a, b], Add()([a, b]))


def symbol():
    return tw.Input((3,))


BAD = [
    (loop, ValueError, "Sequential: there is a loop: the model would be a layer of itself"),
    (unused, ValueError, "Model: the input 'b' is never used: no output needs it; leave it out of inputs"),
    (
        unconnected,
        ValueError,
        r"Model: outputs\[1\] is not connected to the inputs alone: it needs the input 'b' of shape \(None, 3\) too",
    ),
    (two_shapes, ValueError, r"Dense: x has 4 features \(shape \(1, 4\)\), the layer was built for 3"),
    (one_name, ValueError, "Model: two layers are named 'd'; give one of them another name="),
    (inputs_of_one_name, ValueError, "Model: two inputs are named 'a'; give one of them another name="),
    (lambda: tw.Model(symbol(), np.ones(3)), TypeError, "Model: outputs is a ndarray, expected what layers give"),
    (lambda: tw.Model(symbol(), [Dense(1)(np.ones((1, 3)))]), TypeError, r"Model: outputs\[0\] is a Tensor, expected"),
    (lambda: tw.Model(3, symbol()), TypeError, "Model: inputs is a int, expected what tw.Input"),
    (lambda: tw.Model([], []), ValueError, "Model: there are no inputs"),
    (lambda: tw.Model(x := symbol(), tw.relu(x)), TypeError, "a symbol of a functional model has no numbers yet"),
    (lambda: np.asarray(symbol()), TypeError, "a symbol of a functional model has no numbers yet"),
    (lambda: Add()([symbol(), np.ones((1, 3))]), TypeError, r"Add: inputs\[1\] is a ndarray, expected a symbol"),
    (lambda: tw.Input(), TypeError, "Input: shape is missing"),
    (lambda: tw.Input((0,)), ValueError, "Input: shape is 0, expected at least 1"),
    (lambda: tw.Input((3,), dtype="float16"), ValueError, "Input: dtype is 'float16', expected one of"),
    (lambda: tw.Input((3,), name="a b"), ValueError, "Input: name is 'a b', expected letters, digits"),
    (lambda: branches()([A]), ValueError, "Model: x is 1 arrays, expected a list of 2: a, input"),
    (lambda: branches()(A), ValueError, "Model: x is a ndarray, expected a list of 2: a, input"),
    (lambda: branches()({"a": A}), ValueError, "Model: x has no 'input', expected a dict of 'a', 'input'"),
    (
        lambda: branches()({"a": A, "inputs": B}),
        ValueError,
        "Model: x has 'inputs', which is no input of the model; did you mean 'input'",
    ),
    (lambda: tw.Sequential([Dense(1), tw.Input((3,))]), ValueError, "Sequential: an Input is expected before all"),
]


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:50] for _, _, message in BAD])
def test_bad_graphs_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


def test_a_layer_built_twice_with_different_shapes():
    layer = Dense(2)
    layer.build((None, 3))
    w = layer.w.value.copy()
    layer.build((7, 3))
    np.testing.assert_array_equal(layer.w.value, w)
    with pytest.raises(
        ValueError, match=r"Dense: the layer is built already, with w of shape \(3, 2\); .* need \(4, 2\)"
    ):
        layer.build((None, 4))


def test_sequential_takes_an_input():
    model = tw.Sequential([tw.Input(shape=(4,)), Dense(3), Dense(1)])
    assert model.input_shape == (None, 4) and model.count_params() == 19
    assert model(A).shape == (6, 1)
    words = tw.Sequential([tw.Input(shape=(None,)), Embedding(9, 2), GRU(3)])
    assert words(np.ones((2, 5), np.int64)).shape == (2, 3)
