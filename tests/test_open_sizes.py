"""Sizes left open: None in shapes, what is declared and what is not, in all kinds of models."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    GRU,
    Activation,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    PositionEmbedding,
    Residual,
)


class Own(tw.Model):
    def __init__(self):
        super().__init__()
        self.steps, self.head = GRU(4), Dense(1)

    def forward(self, x):
        return self.head(self.steps(x))

    def config(self):
        return {}


def test_layers_that_take_few_steps_or_many_follow_an_open_size():
    for longest in (32, 5, 2):
        x = tw.Input((None,))
        words = Embedding(9, 4)(x)
        y = words + PositionEmbedding(longest)(words)
        assert y.shape == (None, None, 4) and x.shape == (None, None)
        assert tw.Model(x, Dense(2)(y)).predict(np.ones((3, longest - 1), int)).shape == (3, longest - 1, 2)
    assert Conv1D(3, 100)(tw.Input((None, 2))).shape == (None, None, 3)


def test_what_is_beside_runs_on_the_same_sizes():
    x = tw.Input((None,))
    words = Embedding(9, 4)(x)
    beside = Dense(4)(words)
    y = beside + PositionEmbedding(7)(words)
    assert tw.Model(x, y).predict(np.ones((1, 6), int)).shape == (1, 6, 4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Dense(2)(Flatten()(tw.Input((None, 3)))), r"Flatten: x has shape \(None, None, 3\), .* known sizes"),
        (lambda: Dense(2)(Activation("relu")(Flatten()(tw.Input((None, 3))))), "Flatten: x .* because Dense comes"),
        (lambda: tw.Sequential([Dense(2)])(Flatten()(tw.Input((None, 3)))), "Flatten: x .* because Sequential comes"),
        (lambda: Dense(2)(tw.Input((None,))), r"Dense: x has shape \(None, None\), expected known sizes"),
        (lambda: Conv2D(3, 3)(tw.Input((None, None))), "Conv2D: .* expected 4 axes .* add the channel axis"),
    ],
)
def test_an_open_size_where_a_known_one_is_needed(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def of(length, samples=2, features=3):
    return np.ones((samples, length, features), np.float32)


OPEN = {
    "Input": lambda: tw.Sequential([tw.Input((None, 3)), GRU(4), Dense(1)]),
    "input_shape": lambda: tw.Sequential([Bidirectional(GRU(4, input_shape=(None, 3))), Dense(1)]),
    "no shape": lambda: tw.Sequential([GRU(4), Dense(1)]),
    "a model in it": lambda: tw.Sequential([tw.Sequential([tw.Input((None, 3)), GRU(4)]), Dense(1)]),
    "class": Own,
}


@pytest.mark.parametrize("make", OPEN.values(), ids=list(OPEN))
def test_models_take_sequences_of_any_length(make, tmp_path):
    model = make()
    model.predict(of(5))
    model.compile("sgd", "mse")
    model.fit(of(4), np.ones(2), validation_data=(of(6), np.ones(2)), verbose=0)
    model.train_on_batch(of(3), np.ones(2))
    model.evaluate(of(9), np.ones(2), verbose=0)
    model.save(tmp_path / "model.tw")
    again = tw.load(tmp_path / "model.tw", custom_objects={"Own": Own})
    assert (again.input_shape, again.declared) == (model.input_shape, model.declared)
    np.testing.assert_array_equal(again.predict(of(7)), model.predict(of(7)))
    again.train_on_batch(of(8), np.ones(2))
    for one in (model, again):
        with pytest.raises(ValueError, match=r"GRU: x has 2 channels|predict: x has shape .* expected \(N, None, 3\)"):
            one.predict(of(5, features=2))


def test_what_is_declared_is_enforced(tmp_path):
    model = tw.Sequential([tw.Input((None, 3)), GRU(4)])
    assert model.input_shape == (None, None, 3) and model.count_params() == 108
    fixed = tw.Sequential([GRU(4, input_shape=(5, 3))])
    built = tw.Sequential([GRU(4)])
    built.build((None, 5, 3))
    own = Own()
    own.build((None, 5, 3))
    built.save(tmp_path / "model.tw")
    for one in (fixed, built, own, tw.load(tmp_path / "model.tw")):
        with pytest.raises(ValueError, match=r"predict: x has shape \(2, 7, 3\), expected \(N, 5, 3\)"):
            one.predict(of(7))
        one.compile("sgd", "mse")
        with pytest.raises(ValueError, match=r"expected \(N, 5, 3\)"):
            one.train_on_batch(of(7), np.ones(2))
    images = tw.Sequential([tw.Input((8, 8, 1)), Conv2D(2, 3)])
    for x, remedy in (
        (np.ones((2, 8, 8)), r"add the channel axis with x\[\.\.\., None\]"),
        (np.ones((8, 8, 1)), "x.None"),
    ):
        with pytest.raises(ValueError, match=f"predict: x has shape .*{remedy}"):
            images.predict(x)


def test_layers_say_what_they_were_built_for_where_nothing_is_declared():
    dense, conv = tw.Sequential([Dense(1)]), tw.Sequential([Conv2D(1, 3), GlobalAveragePooling2D()])
    dense.predict(np.ones((2, 3)))
    assert dense.predict(of(4)).shape == (2, 4, 1)
    with pytest.raises(ValueError, match="Dense: x has 4 features .* was built for 3"):
        dense.predict(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"Dense: x has shape \(3,\).* one sample is x\[None\]"):
        dense.predict(np.ones(3))
    conv.predict(np.ones((2, 8, 8, 1)))
    assert conv.predict(np.ones((2, 9, 7, 1))).shape == (2, 1)
    with pytest.raises(ValueError, match=r"Conv2D: x has shape .* add the channel axis with x\[\.\.\., None\]"):
        conv.predict(np.ones((2, 8, 8)))


def test_none_in_shapes_means_any_size():
    words = tw.Sequential([Embedding(9, 4, input_shape=(None,)), Residual([PositionEmbedding(32)]), GRU(2)])
    assert words.count_params() and words.predict(np.ones((2, 30), int)).shape == (2, 2)
    images = tw.Sequential([Conv2D(2, 3, input_shape=(None, None, 3)), GlobalAveragePooling2D()])
    assert images.layers[0].output_shape == (None, None, None, 2)
    assert images.predict(np.ones((1, 9, 12, 3))).shape == (1, 2)
    tokens = tw.Sequential([Embedding(9, 4), GlobalAveragePooling1D(), Dense(1)])
    tokens.build((None, None))
    assert tokens.predict(np.ones((2, 5), int)).shape == tokens.predict(np.ones((2, 8), int)).shape == (2, 1)
    own = Own()
    own.build((None, None, 3))
    assert own.count_params() and own.predict(of(2)).shape == own.predict(of(70)).shape == (2, 1)
    with pytest.raises(ValueError, match="Flatten: x has .* known sizes because Dense"):
        tw.Sequential([Flatten(input_shape=(None, 3)), Dense(2)])
    with pytest.raises(ValueError, match="GRU: input_shape is 0"):
        GRU(2, input_shape=(0, 3))


def test_batches_of_a_stream_have_the_declared_shape_too():
    def batches(*lengths):
        return ((of(length), np.ones(2)) for length in lengths)

    for shape in ((None, 3), None):
        model = tw.Sequential([GRU(4, input_shape=shape), Dense(1)])
        model.compile("sgd", "mse")
        model.fit(batches(3, 5, 4), validation_data=batches(3, 6), verbose=0)
    fixed = tw.Sequential([GRU(4, input_shape=(5, 3)), Dense(1)])
    fixed.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"fit: x has shape \(2, 4, 3\), expected \(N, 5, 3\)"):
        fixed.fit(batches(5, 4), verbose=0)
    with pytest.raises(ValueError, match=r"predict: x has shape \(2, 4, 3\), expected \(N, 5, 3\)"):
        fixed.predict(batches(5, 4))


def test_files_keep_what_models_in_a_model_declare(tmp_path):
    base = tw.Sequential([tw.Input((None, 3)), GRU(4)], name="base")
    x = tw.Input((None, 3))
    for model in (tw.Sequential([base, Dense(1)]), tw.Model(x, Dense(1)(base(x)))):
        model.save(tmp_path / "model.tw")
        again = tw.load(tmp_path / "model.tw").get_layer("base")
        assert again.declared_shape == (None, None, 3) and again.outputs[0].shape == (None, 4)
        np.testing.assert_array_equal(again.predict(of(6)), base.predict(of(6)))


def test_several_inputs_of_a_class_have_the_declared_shapes():
    class Two(tw.Model):
        def __init__(self):
            super().__init__()
            self.steps, self.rest = GRU(2), Dense(2)

        def forward(self, x):
            return self.steps(x[0]) + self.rest(x[1])

    model, free = Two(), Two()
    model.build([(None, 5, 3), (None, 4)])
    free.predict([of(5), np.ones((2, 4))])
    assert free.predict([of(7), np.ones((2, 4))]).shape == model.predict([of(5), np.ones((2, 4))]).shape == (2, 2)
    with pytest.raises(ValueError, match=r"predict: x\[0\] has shape \(2, 7, 3\), expected \(N, 5, 3\)"):
        model.predict([of(7), np.ones((2, 4))])
