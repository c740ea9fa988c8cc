"""Functional models in files: whole, by name, damaged, and of classes of one's own."""

import json
import zipfile

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    Dense,
    Layer,
)

from .test_functional import A, B, branches

rng = np.random.default_rng(0)


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
