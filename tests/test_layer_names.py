"""Every layer and model has a name: its own, or that in its model, which `summary` and `get_layer` say too."""

import copy

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Conv2D, Dense, Flatten, ReLU
from tilewright.train.structure import Writer


def convolutions():
    return tw.Sequential([Conv2D(3, 2, input_shape=(5, 5, 2)), Conv2D(3, 2), ReLU(), Flatten(), Dense(2, name="head")])


class Own(tw.Model):
    name = "own"

    def __init__(self):
        self.first, self.more = Dense(2), [Dense(3), tw.Sequential([Dense(4)])]
        self.last = Dense(1, name="out")

    def forward(self, x):
        return self.last(self.more[1](self.more[0](self.first(x))))


def test_layers_have_the_names_of_their_model():
    model = convolutions()
    names = [layer.name for layer in model.layers]
    assert names == ["conv2d", "conv2d_1", "re_lu", "flatten", "head"]
    assert [model.get_layer(name) for name in names] == model.layers
    part = tw.Model(model.inputs, model.output_of("conv2d_1"))
    assert [layer.name for layer in part.layers] == names[:2]
    assert [layer.name for layer in copy.deepcopy(model).layers] == names
    added = Conv2D(1, 1)
    assert added.name == "conv2d"
    model = tw.Sequential([Conv2D(1, 1), added])
    assert added.name == "conv2d_1"


def test_layers_of_a_class_are_named_by_their_attributes():
    model = Own()
    assert [layer.name for layer in model.layers] == ["first", "more.0", "more.1", "out"]
    assert model.name == "own" and tw.Sequential().name == "sequential"
    assert model.get_layer("last") is model.get_layer("out") is model.last
    assert model.get_layer("more.0").name == "more.0"
    model.renamed = model.last
    model.last.name = None
    assert model.get_layer("last").name == "last"
    with pytest.raises(ValueError, match="get_layer: name is 'lost', .* did you mean 'last'"):
        model.get_layer("lost")


def test_names_that_nobody_gave_are_in_no_file(tmp_path):
    model, other = convolutions(), convolutions()
    before = Writer().thing("model", model)
    tw.Sequential([ReLU(), *model.layers])  # where they have other names
    assert [layer.name for layer in model.layers][1] == "conv2d_1"
    assert Writer().thing("model", model) == before == Writer().thing("model", other)
    assert "name" not in repr(model.layers[0]) and model.layers[0].config()["name"] is None
    model.save(tmp_path / "model.tw")
    loaded = tw.load(tmp_path / "model.tw")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    x = np.ones((2, 5, 5, 2), "f")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
