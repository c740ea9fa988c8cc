"""Models whose forward takes several inputs or options by name, and those with layers that are never called."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import BatchNormalization, Dense, Dropout
from tilewright.train import ModelCheckpoint

random = np.random.default_rng(0)
A, B = random.standard_normal((32, 4), "f"), random.standard_normal((32, 4), "f")
Y = (A - B)[:, :1].copy()


class Two(tw.Model):
    def __init__(self):
        self.dense = Dense(1)

    def forward(self, a, b, scale=1.0):
        return self.dense(a - b) * scale


class One(tw.Model):
    def __init__(self):
        self.dense = Dense(1)

    def forward(self, x, scale=1.0):
        a, b = x
        return self.dense(a - b) * scale


def result(model, x, **options):
    return model(x, **options).numpy()


def test_inputs_are_handed_one_by_one_to_a_forward_of_several():
    model = Two()
    model.build([(None, 4)] * 2)
    assert model.input_shape == [(None, 4), (None, 4)]
    expected = (A - B) @ model.dense.w.value
    for x in ([A, B], (A, B), {"b": B, "a": A}, [tw.Tensor(A), tw.Tensor(B)]):
        np.testing.assert_allclose(result(model, x), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result(model, x, scale=2.0), 2 * expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result(model, x, training=True, scale=2.0), 2 * expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model(A, B, scale=2.0).numpy(), 2 * expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model(A, b=tw.Tensor(B)).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_model_of_several_inputs_is_trained_as_one_that_takes_a_list():
    models = Two(), One()
    for model in models:
        tw.set_seed(0)
        model.compile("sgd", "mse")
        model.fit([A, B], Y, epochs=2, verbose=0)
    first, second = models
    np.testing.assert_array_equal(first.predict([A, B]), second.predict([A, B]))
    assert first.history.history["loss"] == second.history.history["loss"]
    first.fit({"a": A, "b": B}, Y, verbose=0)
    assert first.evaluate([A, B], Y, verbose=0) < second.history.history["loss"][-1]


def test_a_forward_of_several_inputs_is_part_of_a_graph():
    model, a, b = Two(), tw.Input((4,)), tw.Input((4,))
    graphs = [tw.Model([a, b], made) for made in (model([a, b], scale=3.0), model(a, b, scale=3.0))]
    for graph in graphs:
        np.testing.assert_allclose(result(graph, [A, B]), 3 * result(model, [A, B]), rtol=1e-5)


@pytest.mark.parametrize("x, said", [(A, "a single one"), ([A], "a list of 1|a single one"), ([A] * 4, "a list of 4"),
                                     (tw.Tensor(A), "a single one"), ({"a": A}, "a dict of 'a'")])  # fmt: skip
def test_other_numbers_of_inputs_are_refused(x, said):
    with pytest.raises(ValueError, match=f"Two: forward takes several inputs, a, b, and x is ({said}); give a list"):
        Two()(x)


def test_one_shape_for_several_inputs_is_refused():
    with pytest.raises(ValueError, match="Two: forward takes several inputs, a, b, .*to build a list of their shapes"):
        Two().build((None, 4))
    with pytest.raises(TypeError, match="unexpected keyword argument 'scal'"):
        Two()([A, B], scal=2.0)


class Unused(tw.Model):
    """With a layer that has weights and is never called, and one without."""

    def __init__(self):
        self.dense, self.unused, self.drop, self.last = Dense(3), Dense(5), Dropout(0.5), Dense(1)

    def forward(self, x):
        return self.last(self.dense(x))

    def config(self):
        return {}


def test_a_layer_that_is_never_called_is_named_and_left_out(tmp_path, capsys):
    model = Unused()
    model.compile("adam", "mse")
    with pytest.warns(RuntimeWarning, match="fit: unused is never called by forward") as caught:
        model.fit(A, Y, verbose=0, epochs=2, callbacks=[ModelCheckpoint(tmp_path / "best.tw", "loss")])
    assert len(caught) == 1  # a layer that would have no weights is no mistake
    assert model.count_params() == 4 * 3 + 3 + 3 + 1
    model.summary()
    assert "unused (Dense)   not called" in capsys.readouterr().out and "not built" not in repr(model)
    model.save_weights(tmp_path / "weights.tw")
    model.save(tmp_path / "model.tw")
    other = Unused()
    other.build((None, 4))
    other.load_weights(tmp_path / "weights.tw")
    loaded = tw.load(tmp_path / "model.tw", custom_objects={"Unused": Unused})
    assert other.count_params() == loaded.count_params() == model.count_params()
    for one in (other, loaded):
        np.testing.assert_array_equal(one.predict(A), model.predict(A))


def test_a_layer_that_came_after_the_last_run_is_still_missed(tmp_path):
    model = Unused()
    model.build((None, 4))
    model.last = Dense(2)
    with pytest.raises(ValueError, match="save_weights: the model is not built, last has no shape yet"):
        model.save_weights(tmp_path / "weights.tw")
    model.build((None, 4))
    model.save_weights(tmp_path / "weights.tw")


def test_a_layer_that_training_alone_calls_is_not_complained_of(recwarn):
    class Late(tw.Model):
        def __init__(self):
            self.dense, self.norm = Dense(1), BatchNormalization()

        def forward(self, x):
            return self.dense(self.norm(x) if self.training else x)

    model = Late()
    model.compile("sgd", "mse")
    model.fit(A, Y, verbose=0)
    assert not [one for one in recwarn if "never called" in str(one.message)]
    assert model.count_params() == 5 + 16
