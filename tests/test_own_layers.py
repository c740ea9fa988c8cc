"""What is said to those who write a layer of their own, or give a constructor what it does not take."""

import copy
import inspect
import pydoc

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import LSTM, Dense, Layer
from tilewright.train import SGD, Adam

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
Y = X.sum(1)


class OnlyResult(Layer):
    def forward(self, x):
        return x * 2


class ListResult(Layer):
    def forward(self, x):
        return x.tolist(), lambda dy: dy


class TwoResults(Layer):
    def forward(self, x):
        return x, x


class Scaled(Layer):
    def weights(self, input_shape):
        return {"w": (input_shape[1:], "ones")}

    def forward(self, x):
        def backward(dy):
            self.w.accumulate((dy * x).sum(0))
            return dy * self.w.value

        return x * self.w.value, backward


class Wrong(Scaled):
    def forward(self, x):
        def backward(dy, need_dx=True):
            raise TypeError("of the user's own")

        return x, backward


class Forgotten(Layer):
    def __init__(self, size):
        self.size = size

    def forward(self, x):
        return x, lambda dy: dy


class Own(Layer):
    def __init__(self, size=1, **options):
        super().__init__(**options)
        self.size = size


def trained(*layers):
    model = tw.Sequential([*layers, Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("samples", [1, 2, 3, 40])
@pytest.mark.parametrize("built", [False, True])
def test_a_forward_without_backward(samples, built):
    layer = OnlyResult()
    if built:
        layer.build((None, 3))
    with pytest.raises(TypeError, match=r"OnlyResult: forward returned .*, expected \(y, backward\)"):
        layer(tw.Tensor(X[:samples]))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            OnlyResult,
            r"OnlyResult: forward returned ndarray alone, expected \(y, backward\): an array and the function",
        ),
        (ListResult, "ListResult: forward returned list for y, expected"),
        (TwoResults, "TwoResults: forward returned ndarray for backward, expected"),
        (Scaled, r"Scaled: the closure that forward returned has no need_dx, expected backward\(dy, need_dx=True\)"),
        (Wrong, "^of the user's own$"),
    ],
)
def test_what_is_no_layer_is_said(layer, message):
    with pytest.raises(TypeError, match=message):
        trained(layer())


def test_a_constructor_that_forgets_the_base():
    message = r"Forgotten: the constructor of Layer was not called; begin __init__ with super\(\).__init__\(\)"
    with pytest.raises(AttributeError, match=message):
        Forgotten(3)(X)
    with pytest.raises(AttributeError, match=message):
        trained(Forgotten(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(lr=0.1), r"^Adam: unexpected keyword argument 'lr'; did you mean learning_rate=0.1\?"),
        (lambda: SGD(momentun=0.1), r"^SGD: unexpected keyword argument 'momentun'; did you mean 'momentum'"),
        (
            lambda: Dense(3, input_dim=16),
            r"^Dense: unexpected keyword argument 'input_dim'; did you mean input_shape=\(16,\)\?",
        ),
        (lambda: LSTM(3, return_sequenses=True), r"^LSTM: .*; did you mean 'return_sequences'"),
        (lambda: Own(nme="a"), r"^Own: unexpected keyword argument 'nme'; did you mean 'name'\?"),
    ],
)
def test_unknown_arguments_name_the_class(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_constructors_are_as_they_were():
    assert list(inspect.signature(Dense).parameters)[0] == "units"
    assert Own(2, name="a").name == "a" and copy.deepcopy(Dense(3)).units == 3
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Dense()


def test_help_on_a_layer_speaks_of_layers():
    text = pydoc.render_doc(Layer, renderer=pydoc.plaintext)
    assert "ndarray" not in text and "object at 0x" not in text and "Unset" not in text
    assert "dtype = set by the constructor of Layer" in text
