"""Functional models: graphs of layers, their inputs and outputs."""

import copy
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    GRU,
    Activation,
    Add,
    Concatenate,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    MultiHeadAttention,
    Multiply,
)

rng = np.random.default_rng(0)
A, B = rng.standard_normal((6, 4)).astype(np.float32), rng.standard_normal((6, 5)).astype(np.float32)


def branches():
    """Two inputs, a shared layer, two outputs, a model inside."""
    tw.set_seed(0)
    a, b = tw.Input(shape=(4,), name="a"), tw.Input((5,))
    shared, inner = Dense(3, "tanh", name="shared"), tw.Sequential([Dense(3), Dropout(0.5)], name="inner")
    h = shared(a)
    g = Dense(3)(b)
    both = Add()([h, g])
    y = Dense(1, name="y")(Concatenate()([inner(both), both]))
    z = shared(Dense(4)(both))
    return tw.Model([a, b], [y, z], name="branches")


def test_the_model_computes_what_its_layers_do():
    model = branches().eval()
    layers = model.named_layers()
    h, g = layers["shared"](A), layers["dense"](B)
    both = h + g
    y = layers["y"](Concatenate()([layers["inner.dense"](both), both]))
    z = layers["shared"](layers["dense_1"](both))
    for got, want in zip(model([A, B]), (y, z)):
        np.testing.assert_array_equal(got.numpy(), want.numpy())
    assert list(layers) == ["shared", "dense", "add", "inner.dense", "inner.dropout", "concatenate", "y", "dense_1"]
    assert (model.input_names, model.output_names) == (["a", "input"], ["y", "shared"])
    assert model.input_shapes == model.input_shape == [(None, 4), (None, 5)]
    assert model.output_shapes == [(None, 1), (None, 3)]
    assert model.count_params() == sum(p.value.size for layer in layers.values() for p in layer.parameters())


def test_inputs_come_in_any_form():
    model = branches().eval()
    want = [y.numpy() for y in model([A, B])]
    for inputs in ((A, B), {"input": B, "a": A}, [tw.Tensor(A), B.astype(np.float64)], [A.tolist(), tw.Tensor(B)]):
        for got, one in zip(model(inputs), want):
            np.testing.assert_array_equal(got.numpy(), one)
    np.testing.assert_array_equal(model(A, B)[0].numpy(), want[0])
    x = tw.Input((2,), name="x")
    single = tw.Model(x, Dense(1)(x))
    for inputs in ([[1.0, 2.0]], np.ones((1, 2)), [np.ones((1, 2))], {"x": np.ones((1, 2))}, [[1, 2]]):
        assert single(inputs).shape == (1, 1)


def test_outputs_come_in_the_form_that_was_asked_for():
    x = tw.Input((2,))
    one, two = Dense(1)(x), Dense(3)(x)
    assert tw.Model(x, one)(np.ones((4, 2))).shape == (4, 1)
    assert [y.shape for y in tw.Model(x, [one])(np.ones((4, 2)))] == [(4, 1)]
    named = tw.Model({"x": x}, {"one": one, "two": two})
    assert {name: y.shape for name, y in named({"x": np.ones((4, 2))}).items()} == {"one": (4, 1), "two": (4, 3)}
    assert named.input_names == ["x"] and named.output_names == ["one", "two"]
    assert tw.Model(inputs=x, outputs=two, name="m").name == "m"


def test_a_shared_layer_gathers_the_gradients_of_all_its_calls():
    x = tw.Input((3,), dtype="float64")
    layer = Dense(3, dtype="float64")
    model = tw.Model(x, layer(layer(x)))
    data = rng.standard_normal((2, 3))
    model(data).sum().backward()
    got = layer.w.grad
    layer.w.grad = None
    layer(layer(data)).sum().backward()
    np.testing.assert_allclose(got, layer.w.grad, rtol=1e-12)
    assert len(model.layers) == 1 and list(model.named_parameters()) == ["dense.w", "dense.b"]


def test_models_are_layers_of_models():
    inner = branches()
    a, b = tw.Input((4,)), tw.Input((5,))
    y, z = inner([a, b])
    model = tw.Model([a, b], Multiply()([y, z])).eval()
    first, second = inner.eval()([A, B])
    np.testing.assert_array_equal(model([A, B]).numpy(), first.numpy() * second.numpy())
    assert "branches.inner.dense.w" in model.named_parameters()

    class Own(tw.Model):
        def __init__(self):
            self.part = tw.Model(a, Dense(2)(a))
            self.last = Dense(1)

        def forward(self, x):
            return self.last(self.part(x))

    own = Own()
    outer = tw.Model(a, own(a))
    assert outer(A).shape == (6, 1)
    assert list(outer.named_parameters())[0] == "own.part.dense.w"


def test_an_inner_value_makes_a_model_of_features():
    x = tw.Input((4,))
    h = Dense(3, "relu")(x)
    y = Dense(2)(h)
    whole, features, head = tw.Model(x, y), tw.Model(x, h), tw.Model(h, y)
    np.testing.assert_array_equal(head(features(A)).numpy(), whole(A).numpy())
    assert features.layers[0] is whole.layers[0]


def test_layers_and_their_values_are_found_by_name(tmp_path):
    branches().save(tmp_path / "model")
    model = tw.load(tmp_path / "model").eval()
    assert model.get_layer("inner.dense") is model.get_layer(index=3).layers[0]
    features = tw.Model(model.inputs, [model.output_of("shared"), model.output_of("shared", 1)])
    first, second = features([A, B])
    np.testing.assert_array_equal(first.numpy(), model.get_layer("shared")(A).numpy())
    np.testing.assert_array_equal(second.numpy(), model([A, B])[1].numpy())
    with pytest.raises(
        ValueError, match="get_layer: name is 'shred', the model has 'shared', .*; did you mean 'shared'"
    ):
        model.get_layer("shred")
    with pytest.raises(ValueError, match="get_layer: index is 9, the model has"):
        model.get_layer(index=9)
    with pytest.raises(ValueError, match="output_of: call is 2 of 'shared', which the model calls 2 times itself"):
        model.output_of("shared", 2)


def test_classes_with_several_inputs(tmp_path):
    class Pair(tw.Model):
        def __init__(self):
            self.a, self.b = Dense(2), Dense(2)

        def forward(self, inputs):
            a, b = inputs
            return [self.a(a) + self.b(b), self.a(a)]

        def config(self):
            return {}

    model = Pair()
    model.build([(None, 4), (None, 5)])
    assert model.input_shape == model.input_shapes == [(None, 4), (None, 5)] and model.count_params() == 22
    y, z = model([A, B])
    assert y.shape == z.shape == (6, 2)
    model.compile("adam", ["mse", "mse"])
    model.fit([A, B], [A[:, :2], B[:, :2]], verbose=0)
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model", custom_objects={"Pair": Pair})
    np.testing.assert_array_equal(again.predict([A, B])[0], model.predict([A, B])[0])


def test_sizes_may_be_left_open():
    words = tw.Input(shape=(None,), dtype="int32")
    h = Embedding(10, 4)(words)
    assert h.shape == (None, None, 4)
    assert Conv1D(5, 3, strides=2)(h).shape == (None, None, 5)
    model = tw.Model(words, Dense(1)(GRU(3)(h)))
    assert model.output_shapes == [(None, 1)] and model.input_shape == (None, None)
    assert model(np.ones((2, 7), int)).shape == model(np.ones((2, 3), int)).shape == (2, 1)
    assert GlobalAveragePooling1D()(h).shape == (None, 4)


def test_data_comes_in_the_dtype_that_the_layers_want():
    x, words, given = tw.Input((3,)), tw.Input((3,)), tw.Input((3,), dtype="uint8")
    parts = [Dense(1, dtype="float64")(x), Flatten(dtype="float64")(Embedding(9, 2, dtype="float64")(words))]
    model = tw.Model([x, words, given], Concatenate(dtype="float64")([*parts, Dense(1, dtype="float64")(given)]))
    assert model.input_dtypes == [np.float64, None, np.uint8]
    assert model([np.ones((2, 3)), np.ones((2, 3), np.int64), np.ones((2, 3), np.uint8)]).dtype == np.float64


def test_sums_and_products_of_symbols_are_layers():
    a, b = tw.Input((3,)), tw.Input((3,))
    model = tw.Model([a, b], (a + b) * (a - b))
    x, y = rng.standard_normal((2, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(model([x, y]).numpy(), (x + y) * (x - y))


def test_calls_keep_their_options(tmp_path):
    x = tw.Input((5, 4))
    base = tw.Sequential([Dense(4), Dropout(0.5)])
    attention = MultiHeadAttention(2, 2)
    h = attention(x, x, use_causal_mask=True)
    model = tw.Model(x, base(h, training=False))
    data = rng.standard_normal((2, 5, 4)).astype(np.float32)
    want = base.layers[0](attention(data, data, use_causal_mask=True)).numpy()
    model.save(tmp_path / "model")
    for one in (model, copy.deepcopy(model), tw.load(tmp_path / "model")):
        assert one.training
        np.testing.assert_array_equal(one(data).numpy(), want)  # without dropout, though the model is in training
    assert (base(h.value, training=True).numpy() == 0).any()
    assert model(data, training=False).shape == (2, 5, 4)
    with pytest.raises(
        TypeError, match="MultiHeadAttention: attention_mask is a ndarray, which a functional model can"
    ):
        attention(x, x, attention_mask=np.ones((5, 5), bool))


def test_fit_learns(tmp_path):
    tw.set_seed(0)
    x = tw.Input((2,))
    h = Dense(8, "tanh")(x)
    model = tw.Model(x, Dense(1)(Add()([h, Dense(8)(h)])))
    data = np.random.default_rng(5).standard_normal((64, 2)).astype(np.float32)
    target = data[:, :1] * data[:, 1:]
    model.compile("adam", "mse")
    before = model.evaluate(data, target, verbose=0)
    model.fit(data, target, epochs=60, verbose=0)
    assert model.evaluate(data, target, verbose=0) < before / 2
    assert model.predict(data).shape == (64, 1)
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    assert again.evaluate(data, target, verbose=0) == model.evaluate(data, target, verbose=0)


def test_values_are_kept_no_longer_than_they_are_needed():
    x = tw.Input((3,))
    h = x
    for _ in range(20):
        h = Activation("relu")(h)
    assert tw.Model(x, h)._plan._size <= 2


def test_summary_says_what_is_connected_to_what(capsys):
    model = branches()
    model.layers[0].trainable = False
    model.summary()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["Model:", "branches"]
    found = {row[0]: row for row in rows if len(row) > 1 and row[1].startswith("(")}
    assert found["a"] == ["a", "(Input)", "(None,", "4)"]
    assert found["shared"] == ["shared", "(Dense)", "(None,", "3)", "15", "no", "60", "B", "a;", "dense_1"]
    assert found["add"][-2:] == ["shared,", "dense"]
    assert found["inner"] == ["inner", "(Sequential)", "(None,", "3)", "add"]
    assert found["inner.dense"][4:] == ["12", "yes", "48", "B"]


def test_deep_models_are_copied_too():
    x = h = tw.Input((3,))
    for _ in range(300):
        h = Activation("relu")(h)
    model = tw.Model(x, h)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert again(A[:, :3]).shape == (6, 3)


def test_copies_and_pickles_stand_alone(capsys):
    model = branches().eval()
    want = model([A, B])[0].numpy()
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again([A, B])[0].numpy(), want)
        model.summary()
        said = capsys.readouterr().out
        again.summary()
        assert capsys.readouterr().out == said
        again.parameters()[0].value[...] = 0
        np.testing.assert_array_equal(model([A, B])[0].numpy(), want)
