"""Layers of one's own: what they declare wrongly, and wrong gradients, are said of the layer and the parameter."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Layer
from tilewright.layers.regularizers import L2

X = np.random.default_rng(0).standard_normal((8, 3), "f")


def declaring(weights=None, buffers=None):
    class Declaring(Layer):
        def weights(self, input_shape):
            return {} if weights is None else weights

        def buffers(self, input_shape):
            return {} if buffers is None else buffers

        def forward(self, x):
            return x * 1, lambda dy, need_dx=True: dy

    return Declaring()


@pytest.mark.parametrize(
    "value, error, said",
    [
        ((4, 3), TypeError, r"\['w'\] is \(4, 3\), expected \(shape, initializer\)"),
        ((4, "zeros"), TypeError, r"\['w'\] is \(4, 'zeros'\), expected \(shape, initializer\)"),
        ("zeros", TypeError, r"\['w'\] is 'zeros', expected \(shape, initializer\)"),
        (((2.5,), "zeros"), TypeError, r"\['w'\] is \(\(2.5,\), 'zeros'\), expected"),
        (((4, 3), "glorot"), ValueError, r"\['w'\] is 'glorot', expected .*; did you mean 'glorot_"),
        (((4, 3), 0.5), TypeError, r"\['w'\] is 0.5, expected a name or an object of layers.initializers"),
    ],
)
def test_what_is_declared_wrongly_is_named(value, error, said):
    with pytest.raises(error, match=f"^Declaring: weights{said}"):
        declaring(weights={"w": value})(X)
    with pytest.raises(error, match=f"^Declaring: buffers{said}"):
        declaring(buffers={"w": value})(X)
    with pytest.raises(error, match=f"^Declaring: weights{said}"):
        declaring(weights={"w": value})(tw.Input((None, 3)))
    with pytest.raises(TypeError, match=r"^Declaring: weights gives \[1\], expected a dict"):
        declaring(weights=[1])(X)


def test_lists_and_names_of_regularizers_may_be_declared():
    layer = declaring(weights={"w": ([2, np.int64(3)], "ones", "l2"), "b": ((), "zeros")})
    layer(X)
    layer(X[:4])
    assert layer.w.shape == (2, 3) and layer.w.regularizer == L2() and layer.b.regularizer is None


def scaling(dw=lambda dw: dw.sum(0), dx=lambda dx: dx):
    class Scaling(Layer):
        def weights(self, input_shape):
            return {"w": (input_shape[1:], "ones")}

        def forward(self, x):
            def backward(dy, need_dx=True):
                self.w.accumulate(dw(dy * x))
                return dx(dy * self.w.value) if need_dx else None

            return x * self.w.value, backward

    return Scaling


def in_fit(layer):
    model = tw.Sequential([Dense(3, input_shape=(3,)), layer, Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)


def by_hand(layer):
    layer(Dense(3)(X)).mean().backward()


@pytest.mark.parametrize("train", [in_fit, by_hand])
def test_wrong_gradients_are_said_of_the_layer_and_the_parameter(train):
    with pytest.raises(ValueError, match=r"^Scaling 'scaling': backward gives w a gradient of shape \(8, 3\), expected "
                       r"\(3,\), as w itself; sum it"):  # fmt: skip
        train(scaling(dw=lambda dw: dw)())
    with pytest.raises(ValueError, match=r"^Scaling 'mine': backward gives dx of shape \(3,\), expected \(8, 3\)"):
        train(scaling(dx=lambda dx: dx.sum(0))(name="mine"))
    with pytest.raises(ValueError, match=r"^Scaling 'scaling': backward gives dx that is a float, expected \(8, 3\)"):
        train(scaling(dx=lambda dx: 1.0)())
    train(scaling()())


def test_gradients_of_several_inputs_are_counted():
    class Sum(Layer):
        several = True
        give = staticmethod(lambda dy: (dy, dy.copy()))

        def forward(self, a, b):
            return a + b, lambda dy: self.give(dy)

    def computed(layer):
        a, b = Dense(3)(X), Dense(3)(X)
        layer([a, b]).mean().backward()

    for give, said in (
        (lambda dy: dy, "backward gives ndarray, expected a tuple of 2"),
        (lambda dy: (dy,), "backward gives 1 gradients, expected a tuple of 2"),
        (lambda dy: (dy, dy[0]), r"backward gives for inputs\[1\] a gradient of shape \(3,\), expected \(8, 3\)"),
    ):
        layer = Sum()
        layer.give = give
        with pytest.raises(ValueError, match=f"^Sum 'sum': {said}"):
            computed(layer)
    computed(Sum())


def test_right_gradients_are_looked_at_once():
    kind = scaling()
    watched = kind.forward
    by_hand(kind())
    assert kind.forward is watched.__wrapped__ and Dense.forward.__code__.co_name == "forward"
