"""Models: what is found by attribute, names, build, weights, modes."""

import copy
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import GRU, Dense, Dropout


class Block(tw.Model):
    def __init__(self):  # without super().__init__()
        self.fc = Dense(4, activation="relu")
        self.drop = Dropout(0.5)

    def forward(self, x):
        return self.drop(self.fc(x))


class Net(tw.Model):
    def __init__(self):
        super().__init__()
        self.stem = Dense(4)
        self.blocks = [Block(), Block()]
        self.tied = self.stem
        self.heads = {"a": Dense(2), "b": Dense(3)}
        self.scale = tw.Parameter(np.ones(5, np.float32), "scale")
        self.note = "no layer"

    def forward(self, x):
        x = self.tied(self.stem(x))
        for block in self.blocks:
            x = block(x)
        a, b = self.heads["a"](x), self.heads["b"](x)
        return (a.sum(1, keepdims=True) + b.sum(1, keepdims=True)) * self.scale


def test_parameters_are_found_by_attribute_in_order_and_once():
    model = Net()
    model.build((None, 4))
    assert list(model.named_parameters()) == [
        "stem.w",
        "stem.b",
        "blocks.0.fc.w",
        "blocks.0.fc.b",
        "blocks.1.fc.w",
        "blocks.1.fc.b",
        "heads.a.w",
        "heads.a.b",
        "heads.b.w",
        "heads.b.b",
        "scale",
    ]
    assert model.count_params() == 3 * (4 * 4 + 4) + (4 * 2 + 2) + (4 * 3 + 3) + 5
    model(np.ones((2, 4))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_modes_reach_everything_below():
    model = Net()
    assert model.blocks[1].drop.training
    assert model.eval() is model
    assert not model.training and not model.blocks[1].training and not model.blocks[1].drop.training
    model.train()
    assert model.training and model.blocks[1].drop.training


def test_build_runs_in_evaluation_mode_and_restores():
    model = Net()
    model.build((None, 4))
    assert model.training and model.blocks[0].drop.training and model.input_shape == (None, 4)


def test_nested_sequential_and_names():
    inner = tw.Sequential([Dense(4, input_shape=(3,)), Dense(4)])
    model = tw.Sequential([inner, Dense(2)])
    assert model.input_shape == (None, 3)
    assert list(model.named_parameters())[:2] == ["sequential.dense.w", "sequential.dense.b"]
    assert model(np.ones((5, 3))).shape == (5, 2)


def test_dtype_for_all_layers():
    model = tw.Sequential([Dense(4, input_shape=(3,)), tw.Sequential([Dense(4)])], dtype="float64")
    assert {p.value.dtype for p in model.parameters()} == {np.dtype(np.float64)}
    assert model(np.ones((2, 3), np.float32)).dtype == np.float64
    assert model.predict([[1, 2, 3]]).dtype == np.float64


def test_weights_out_and_in():
    model = Net()
    model.build((None, 4))
    weights = model.get_weights()
    y = model.predict(np.eye(4))
    for p in model.parameters():
        p.value += 1
    assert (model.predict(np.eye(4)) != y).any()
    model.set_weights(weights)
    np.testing.assert_array_equal(model.predict(np.eye(4)), y)

    wrong = [w + 1 for w in weights[:-1]] + [np.ones(6)]
    with pytest.raises(ValueError, match=r"weights\[10\] for scale has shape \(6,\), expected \(5,\)"):
        model.set_weights(wrong)
    with pytest.raises(ValueError, match="there are 1 arrays, expected 11"):
        model.set_weights([np.ones(1)])
    np.testing.assert_array_equal(model.predict(np.eye(4)), y)  # nothing was set


def test_weights_of_a_layer_out_and_in():
    layer = Dense(2, input_shape=(3,))
    assert layer.get_weights() == []  # before it is built
    tw.Sequential([layer])
    w, b = layer.get_weights()
    layer.set_weights([w + 1, b + 2])
    np.testing.assert_array_equal(layer.w.value, w + 1)
    np.testing.assert_array_equal(layer.b.value, [2, 2])
    with pytest.raises(ValueError, match=r"weights\[0\] for w has shape \(2, 3\), expected \(3, 2\)"):
        layer.set_weights([w.T, b])


def test_zero_grad_forgets_gradients():
    model = tw.Sequential([Dense(2, input_shape=(3,))])
    for _ in range(2):
        model.zero_grad()
        model(np.ones((1, 3))).sum().backward()
        assert (model.layers[0].w.grad == 1).all()  # not added to those before
    model.layers[0].zero_grad()
    assert model.layers[0].w.grad is None


def test_a_tensor_goes_through_a_model_with_gradient():
    model = tw.Sequential([Dense(1)])
    x = tw.Tensor(np.ones((1, 2), np.float32), requires_grad=True)
    model(x).backward()
    np.testing.assert_array_equal(x.grad, model.layers[0].w.value.T)


class NoForward(tw.Model):
    pass


class WrongOutput(tw.Model):
    def forward(self, x):
        return np.ones(3)


class WrongRows(tw.Model):
    def forward(self, x):
        return x.sum()


BAD = [
    (lambda: tw.Sequential([Dense]), TypeError, r"Sequential: .* is no layer and no model; add Dense\(\.\.\.\)"),
    (
        lambda: tw.Sequential(Dense(3)),
        TypeError,
        r"expected in one list; write Sequential\(\[Dense\(\.\.\.\), \.\.\.\]\)",
    ),
    (lambda: tw.Sequential(Dense(3), Dense(4)), TypeError, "Sequential: the layers are expected in one list"),
    (
        lambda: tw.Sequential([Dense(2)]).build((4,)),
        ValueError,
        r"build: input_shape is \(4,\), .*build\(\(None, 4\)\)",
    ),
    (lambda: tw.Sequential([Dense(2)]).build(4), ValueError, r"build: input_shape is 4, .*build\(\(None, 4\)\)"),
    (lambda: tw.Sequential([None]), TypeError, "Sequential: None is no layer and no model"),
    (lambda: tw.Sequential([Dense(2, name="a"), Dense(2, name="a")]), ValueError, "two layers are named 'a'"),
    (
        lambda: tw.Sequential([Dense(2)]).summary(),
        ValueError,
        "summary: the model is not built, dense has no shape yet",
    ),
    (lambda: tw.Sequential([Dense(2)]).count_params(), ValueError, "count_params: the model is not built"),
    (lambda: tw.Sequential().count_params(), ValueError, "count_params: the model is not built, it has no layers"),
    (lambda: tw.Sequential().build((None, 3)), ValueError, "build: the model has no layers; add some"),
    (
        lambda: tw.Sequential([Dense(2)]).build((None, None)),
        ValueError,
        r"Dense: x has shape \(None, None\), expected known sizes",
    ),
    (lambda: tw.Sequential([Dense(2)]).build(("x", 3)), ValueError, r"build: input_shape is \('x', 3\), expected"),
    (
        lambda: tw.Sequential([Dense(2, dtype="float32", input_shape=(2,))] * 2, dtype="float64").add(
            tw.Sequential([Dense(1, input_shape=(2,))])
        ),
        ValueError,
        "is built already with dtype float32",
    ),
    (lambda: NoForward()(np.ones((1, 2))), NotImplementedError, "NoForward has no forward"),
    (
        lambda: WrongOutput().build((None, 2)),
        TypeError,
        "build: forward of WrongOutput returned ndarray, expected a Tens",
    ),
    (lambda: WrongRows().build((None, 2)), ValueError, r"forward of WrongRows returned shape \(\) for one sample"),
    (lambda: Net()([["a"]]), TypeError, "Net: x is <U1, expected real numbers"),
    (lambda: tw.Sequential([Dense(1)]).predict([]), ValueError, r"predict: x has shape \(0,\), there are no samples"),
    (
        lambda: tw.Sequential([Dense(1, input_shape=(3,))]).predict(np.ones((2, 4))),
        ValueError,
        r"predict: x has shape \(2, 4\), expected \(N, 3\) because the model was built for it",
    ),
    (lambda: tw.Sequential([Dense(1, input_shape=(3,))]).predict(np.ones(3)), ValueError, r"one sample is x\[None\]"),
    (lambda: tw.Sequential([Dense(1)]).predict(np.ones((2, 4)), batch_size=0), ValueError, "batch_size is 0, expected"),
    (
        lambda: tw.Sequential([Dense(1)]).fit([[1]], [1]),
        RuntimeError,
        "fit: the model is not compiled; call model.comp",
    ),
    (lambda: tw.Sequential([Dense(1)]).evaluate([[1]], [1]), RuntimeError, "evaluate: the model is not compiled"),
]


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:40] for *_, message in BAD])
def test_bad_calls_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_sequential_has_inputs_and_outputs():
    model = tw.Sequential([tw.Input((None, 3), name="seq"), GRU(4, return_sequences=True, name="h"), Dense(2)])
    assert [x.shape for x in (*model.inputs, *model.outputs)] == [(None, None, 3), (None, None, 2)]
    assert model.inputs[0] is model.inputs[0]
    features = tw.Model(model.inputs, model.output_of("h"))
    x = np.ones((2, 5, 3), np.float32)
    assert features.input_names == ["seq"]
    np.testing.assert_array_equal(features.predict(x), model.layers[0](x).numpy())
    whole = tw.Model(model.inputs, model.outputs)
    again = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    np.testing.assert_array_equal(whole.predict({"seq": x})[0], again.predict(x))
    assert again.inputs[0].name == "seq" and again.output_of("h").shape == (None, None, 4)
    twice = Dense(3, name="twice")
    shared = tw.Sequential([twice, twice, tw.Sequential([Dense(1, name="inner")])])
    with pytest.raises(ValueError, match="^inputs: the model is not built"):
        shared.inputs  # noqa: B018
    shared.predict(np.ones((2, 3)))
    assert [shared.output_of(name).shape[1] for name in shared._names] == [3, 3, 1]
    assert shared.outputs[0].call.inputs == (shared.output_of("twice_1"),)
    for name, message in (("twic", "did you mean 'twice'"), ("sequential.inner", "is in another model")):
        with pytest.raises(ValueError, match=message):
            shared.output_of(name)
    with pytest.raises(ValueError, match="output_of: call is 1"):
        shared.output_of("twice", call=1)


def test_pop_takes_the_last_layer():
    model = tw.Sequential([Dense(4, input_shape=(3,)), Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    assert model.outputs[0].shape == (None, 2)
    assert model.pop().units == 2 and model.count_params() == 16 and model.outputs[0].shape == (None, 4)
    model.add(Dense(5))
    assert model.count_params() == 41 and model.layers[-1].built
    model.fit(np.ones((2, 3)), np.ones((2, 5)), verbose=0)
    model.pop(), model.pop()
    with pytest.raises(ValueError, match="^pop: the model has no layers"):
        model.pop()
    model.add(Dense(1))
    assert model.predict(np.ones((2, 7))).shape == (2, 1)


def test_repr_says_what_a_model_is():
    x = tw.Input((3,))
    assert repr(tw.Sequential([Dense(4, input_shape=(3,)), Dense(2)], name="base")) == (
        "<Sequential 'base': 2 layers, 26 parameters>"
    )
    assert repr(tw.Sequential([Dense(4)])) == "<Sequential: 1 layer, not built>"
    assert repr(tw.Sequential()) == "<Sequential: 0 layers, not built>"
    assert repr(tw.Model(x, Dense(1000)(x))) == "<Model: 1 layer, 4,000 parameters>"
    assert repr(Net()).startswith("<Net: ")
