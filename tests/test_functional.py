"""Functional models: graphs of layers, their inputs and outputs, files of them, and what is refused."""

import copy
import json
import pickle
import zipfile

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
    Layer,
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


# files


def test_a_model_with_branches_comes_back_whole(tmp_path):
    model = branches()
    model.layers[1].trainable = False
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    assert list(again.named_parameters()) == list(model.named_parameters())
    for one, other in zip(again.eval()([A, B]), model.eval()([A, B])):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert again.name == "branches" and again.input_names == ["a", "input"] and again.output_names == ["y", "shared"]
    assert not again.layers[1].trainable and again.layers[0].trainable
    assert again.layers[0] is [call.thing for call in again.calls][-1]  # shared still
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


def test_layers_shared_between_models_are_shared_in_files(tmp_path):
    shared, inner = Dense(4), tw.Sequential([Dense(4)])
    model = tw.Sequential([Dense(4, input_shape=(4,)), shared, tw.Sequential([shared, inner]), inner, shared])
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    assert again.layers[1] is again.layers[4] is again.layers[2].layers[0]
    assert again.layers[3] is again.layers[2].layers[1]
    np.testing.assert_array_equal(again(A).numpy(), model(A).numpy())
    x = tw.Input((4,), name="x")
    outer = tw.Model({"x": x}, {"y": model(shared(x)), "z": shared(x)})
    outer.save(tmp_path / "outer")
    again = tw.load(tmp_path / "outer")
    assert list(again.named_parameters()) == list(outer.named_parameters())
    np.testing.assert_array_equal(again({"x": A})["y"].numpy(), outer({"x": A})["y"].numpy())


class Scale(Layer):
    """A layer as users write it."""

    def __init__(self, factor=2.0, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.factor = factor

    def weights(self, input_shape):
        return {"w": (input_shape[1:], "ones")}

    def forward(self, x):
        y = x * self.w.value * np.float32(self.factor)

        def backward(dy, need_dx=True):
            self.w.accumulate((dy * x).sum(0) * np.float32(self.factor))
            return dy * self.w.value * np.float32(self.factor)

        return y, backward


class Own(tw.Model):
    """A model as users write it, which says how it was made."""

    def __init__(self, units=2):
        self.units = units
        self.part, self.bias = Dense(units), tw.Parameter(np.zeros(units, np.float32), "bias")

    def config(self):
        return {"units": self.units}

    def forward(self, x):
        return self.part(x) + self.bias


def test_classes_of_ones_own_are_named_by_who_loads(tmp_path):
    x = tw.Input((4,))
    model = tw.Model(x, Own(3)(Scale(3.0)(x)))
    for p in model.parameters():
        p.value[...] = rng.standard_normal(p.value.shape)
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match="names the class 'Scale', which is none of the library's; if it is yours"):
        tw.load(tmp_path / "model")
    again = tw.load(tmp_path / "model", custom_objects={"Scale": Scale, "Own": Own})
    np.testing.assert_array_equal(again(A).numpy(), model(A).numpy())
    alone = Own(5)
    alone.build((None, 4))
    alone.bias.value[...] = 7
    alone.save(tmp_path / "own")
    again = tw.load(tmp_path / "own", custom_objects={"Own": Own})
    np.testing.assert_array_equal(again(A).numpy(), alone(A).numpy())


@pytest.fixture
def saved(tmp_path):
    branches().save(tmp_path / "model")
    with zipfile.ZipFile(tmp_path / "model") as file:
        entries = {name: file.read(name) for name in file.namelist()}

    def change(edit):
        document = json.loads(entries["model.json"])
        edit(document["model"])
        with zipfile.ZipFile(tmp_path / "model", "w") as file:
            for name, data in {**entries, "model.json": json.dumps(document)}.items():
                file.writestr(name, data)
        return tmp_path / "model"

    return change


@pytest.mark.parametrize(
    "edit, message",
    [
        (lambda m: m["calls"][0].update(inputs=[[3, 0]]), "there is a loop: call 0 needs a result that comes after it"),
        (lambda m: m["layers"].append({"same": 0}), "there is a loop: a model is a layer of itself"),
        (lambda m: m["calls"][0].update(inputs=[[-1, 9]]), "list index out of range"),
        (lambda m: m["calls"][0].update(layer=77), "list index out of range"),
        (lambda m: m["inputs"][0].update(shape=[10**12]), r"float32 of shape \(1000000000000, 3\)"),
        (lambda m: m["inputs"][0].update(shape=[-1]), r"its input_shape is \[-1\]"),
        (lambda m: m["inputs"][0].update(dtype="object"), "Input: dtype is 'object', expected one of"),
        (lambda m: m.update(outputs=[[0, 0]]), "the input 'input' is never used"),
        (lambda m: m["layers"][0].update({"class": "os.system"}), "names the class 'os.system'"),
    ],
)
def test_hostile_graphs_are_refused(saved, edit, message):
    path = saved(edit)
    with pytest.raises(ValueError, match=f"^load: {path} cannot be read as a saved model: .*{message}"):
        tw.load(path)


def test_losses_and_metrics_of_several_outputs_come_back(tmp_path):
    model, targets = branches(), [A[:, :1], B[:, :3]]
    model.compile("adam", {"y": "mse", "shared": "mae"}, {"y": ["mae"]}, loss_weights=[0.5, 2.0])
    model.fit([A, B], targets, verbose=0)
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    want = model.evaluate([A, B], targets, verbose=0)
    assert again.evaluate({"a": A, "input": B}, {"y": targets[0], "shared": targets[1]}, verbose=0) == want
    again.fit([A, B], targets, verbose=0)


# weights by name


def test_weights_are_taken_over_by_name(tmp_path):
    def model(classes):
        return tw.Sequential(
            [Dense(3, name="one", input_shape=(4,)), Dense(2, name="two"), Dense(classes, name=f"h{classes}")]
        )

    old, new = model(5), model(7)
    old.save(tmp_path / "old")
    untouched = new.layers[2].w.value.copy()
    with pytest.raises(
        ValueError, match=r"do not fit the model: it has no weight h7.w; it has no weight h7.b; it holds h5.b"
    ):
        new.load_weights(tmp_path / "old")
    assert (new.layers[0].w.value != old.layers[0].w.value).any()
    done = new.load_weights(tmp_path / "old", by_name=True)
    assert done.taken == ["one.w", "one.b", "two.w", "two.b"]
    assert done.left == ["h7.w", "h7.b"] and done.other == ["h5.w", "h5.b"]
    assert str(done).splitlines()[0] == "4 taken: one.w, one.b, two.w, two.b"
    np.testing.assert_array_equal(new.layers[1].w.value, old.layers[1].w.value)
    np.testing.assert_array_equal(new.layers[2].w.value, untouched)


def test_weights_that_do_not_fit_are_listed_with_both_shapes(tmp_path):
    old = tw.Sequential([Dense(3, name="one", input_shape=(4,)), Dense(2, name="two")])
    new = tw.Sequential([Dense(6, name="one", input_shape=(4,)), Dense(2, name="two")])
    old.save_weights(tmp_path / "old")
    for by_name in (False, True):
        with pytest.raises(ValueError) as raised:
            new.load_weights(tmp_path / "old", by_name=by_name)
        said = str(raised.value)
        for name, found, wanted in (("one.w", (4, 3), (4, 6)), ("one.b", (3,), (6,)), ("two.w", (3, 2), (6, 2))):
            assert f"{name} is float32 of shape {found}, expected float32 of shape {wanted}" in said
        assert "two.b" not in said
    done = new.load_weights(tmp_path / "old", by_name=True, skip_mismatch=True)
    assert done.taken == ["two.b"] and done.left == ["one.w", "one.b", "two.w"]
    other = tw.Sequential([Dense(1, name="else", input_shape=(4,))])
    with pytest.raises(
        ValueError, match="no name is in both; it holds one.w, one.b, two.w, two.b, the model has else.w"
    ):
        other.load_weights(tmp_path / "old", by_name=True)


def test_a_frozen_base_keeps_its_weights_under_a_new_head():
    tw.set_seed(0)
    base = tw.Sequential([Dense(4, "relu", input_shape=(4,)), Dense(3, "relu")], name="base")
    base.trainable = False
    x = tw.Input((4,))
    late = Dense(3, name="late")
    late.trainable = False  # before it is built
    model = tw.Model(x, Dense(1)(late(base(x))))
    model.compile("sgd", "mse")
    before = {name: p.value.copy() for name, p in model.named_parameters().items()}
    model.fit(A, A[:, :1], epochs=2, verbose=0)
    changed = {name for name, p in model.named_parameters().items() if (p.value != before[name]).any()}
    assert changed == {"dense.w", "dense.b"}
    base.trainable = True
    model.fit(A, A[:, :1], epochs=2, verbose=0)
    assert any((p.value != before[name]).any() for name, p in model.named_parameters().items() if "base" in name)


# errors


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
