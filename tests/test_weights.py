"""What layers and models say of their weights, and of what evaluate returns, by Keras's names."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import GRU, BatchNormalization, Bidirectional, Dense, Dropout, Embedding, Layer, TimeDistributed
from tilewright.train import Callback

X = np.random.default_rng(0).random((6, 4)).astype(np.float32)


class Scale(Layer):
    def weights(self, input_shape):
        return {"w": (input_shape[1:], "ones")}

    def forward(self, x):
        def backward(dy, need_dx=True):
            self.w.accumulate((dy * x).sum(0))
            return dy * self.w.value

        return x * self.w.value, backward


class Wider(Scale):
    def weights(self, input_shape):
        return {**super().weights(input_shape), "unused": ((2,), "zeros")}


def test_weights_of_layers_are_a_list_and_a_declaration():
    layer = Dense(3)
    assert layer.weights == layer.trainable_weights == []
    with pytest.raises(ValueError, match=r"^count_params: Dense\(.*\) is not built"):
        layer.count_params()
    layer(X)
    assert layer.weights == [layer.w, layer.b] and layer.weights[0] is layer.w and layer.count_params() == 15
    assert layer.weights((None, 7))["w"][0] == (7, 3)
    layer.trainable = False
    assert layer.trainable_weights == [] and layer.non_trainable_weights == [layer.w, layer.b]
    norm = BatchNormalization()
    norm(X)
    assert [p.name for p in norm.trainable_weights] == ["gamma", "beta"]
    assert [p.name for p in norm.non_trainable_weights] == ["moving_mean", "moving_variance"]


def test_layers_of_ones_own_have_both_too():
    layer = Wider()
    layer(X)
    assert layer.weights == [layer.w, layer.unused] and layer.count_params() == 6
    assert Wider.weights(layer, (None, 3)).keys() == {"w", "unused"}
    assert Dropout.weights is Layer.weights and Wider.weights is not Scale.weights


def test_weights_of_models_and_blocks():
    model = tw.Sequential([Dense(3, input_shape=(4,)), BatchNormalization(), Dense(1)])
    model.layers[2].trainable = False
    assert model.weights == model.parameters() and len(model.weights) == 8
    assert model.trainable_weights == [*model.layers[0].weights, *model.layers[1].trainable_weights]
    assert len(model.non_trainable_weights) == 4
    assert sum(layer.count_params() for layer in model.layers) == model.count_params()
    block = Bidirectional(GRU(2))
    block(np.ones((1, 3, 2)))
    assert block.weights == [*block.layer.weights, *block.backward_layer.weights]
    every = TimeDistributed(model)
    every(np.ones((1, 2, 4)))
    assert every.weights == model.weights and every.count_params() == model.count_params()


def test_metrics_names_are_those_of_evaluate():
    model = tw.Sequential([Dense(3, activation="softmax")])
    with pytest.raises(RuntimeError, match="^metrics_names: the model is not compiled"):
        _ = model.metrics_names
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    with pytest.raises(ValueError, match="^metrics_names: the model does not know its input_shape"):
        _ = model.metrics_names
    model.build((None, 4))
    assert model.metrics_names == ["loss", "accuracy"]
    found = model.evaluate(X, np.zeros(6), verbose=0, return_dict=True)
    assert list(found) == model.metrics_names
    x = tw.Input((None, 4))
    model = tw.Model(x, {"a": Dense(1, name="a")(x), "b": Dense(2, name="b")(x)})
    model.compile("sgd", {"a": "mse", "b": "mae"}, {"a": ["mae"]})
    names = model.metrics_names
    y = {"a": np.ones((2, 3, 1)), "b": np.ones((2, 3, 2))}
    assert list(model.evaluate(np.ones((2, 3, 4)), y, verbose=0, return_dict=True)) == names
    assert len(names) > 3


def test_metrics_names_in_the_middle_of_an_epoch_change_nothing():
    class Look(Callback):
        def on_train_batch_end(self, batch, logs):
            assert self.model.metrics_names == ["loss", "accuracy"]

    histories = []
    for callbacks in ([], [Look()]):
        tw.set_seed(0)
        model = tw.Sequential([Dense(3, activation="softmax", input_shape=(4,))])
        model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
        fit = model.fit(X, np.arange(6) % 3, batch_size=2, epochs=2, verbose=0, callbacks=callbacks)
        histories.append(fit.history)
    assert histories[0] == histories[1]


def test_models_reset_the_states_of_all_their_layers():
    words = np.array([[1, 2], [3, 4]])
    inner = tw.Sequential([GRU(3, stateful=True, return_sequences=True)])
    model = tw.Sequential([Embedding(5, 2), inner, Bidirectional(GRU(2, stateful=True)), Dense(1)])
    first, second = model(words).numpy(), model(words).numpy()
    assert (first != second).all()
    model.reset_states()
    np.testing.assert_array_equal(model(words).numpy(), first)


def test_checkpoints_keep_the_states_between_batches(tmp_path):
    def steps(count):
        return [model.train_on_batch(x, np.ones(2)) for _ in range(count)]

    x = np.random.default_rng(0).random((2, 3, 4))
    model = tw.Sequential([tw.layers.LSTM(3, stateful=True, input_shape=(3, 4)), Dense(1)])
    model.compile("sgd", "mse")
    checkpoint = tw.train.Checkpoint(tmp_path / "run", model)
    checkpoint.save()
    first = steps(3)
    checkpoint.restore()
    assert model.layers[0]._kept is None
    assert steps(2) == first[:2]
    checkpoint.save()
    steps(3)
    checkpoint.restore()
    assert steps(1) == first[2:]
