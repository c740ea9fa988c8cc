"""A compiled model comes back from its file compiled, and training goes on as if it had not been away."""

import json
import zipfile

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import BatchNormalization, Bidirectional, Dense, Dropout, Layer, Reshape, Residual
from tilewright.layers._random import generator
from tilewright.train import SGD, Adam, CosineDecay, ExponentialDecay, Huber, Loss, Precision, RMSprop
from tilewright.train.archive import TRAINING
from tilewright.train.entries import KNOWN, made, written
from tilewright.train.optimizers import OPTIMIZERS

from .test_fit import T, X, bits
from .test_saved_files import parts, rewrite


class Quartic(Loss):
    def __init__(self, scale=1.0):
        self.scale = scale

    def __call__(self, output, target):
        error = output - target
        return (error * error * error * error).mean() * self.scale


class Forgetful(Quartic):
    def __init__(self, factor):
        super().__init__(factor)


def network():
    tw.set_seed(0)
    return tw.Sequential(
        [
            Dense(8, "tanh", input_shape=(3,)),
            Dropout(0.3),
            Residual([Dense(8), Dropout(0.2, seed=5), BatchNormalization()]),
            Reshape((2, 4)),
            Bidirectional(tw.layers.GRU(3, dropout=0.3, recurrent_dropout=0.2)),
            tw.layers.GaussianNoise(0.1),
            Dense(1, "sigmoid"),
        ]
    )


def train(model, epochs=2):
    return model.fit(X, T, batch_size=17, epochs=epochs, verbose=0).history


def goes_on(model, path, **options):
    """The model that comes back trains as this one does: random numbers, history and weights are the same."""
    model.save(path)
    state = generator().bit_generator.state
    again = tw.load(path, **options)
    assert str(generator().bit_generator.state) == str(state)
    histories = [train(model)]
    generator().bit_generator.state = state
    histories.append(train(again))
    assert bits(again) == bits(model) and histories[0] == histories[1]
    return again


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
        lambda: Adam(learning_rate=ExponentialDecay(0.1, 3, 0.9), amsgrad=True),
        lambda: RMSprop(centered=True, momentum=0.5, use_ema=True, global_clipnorm=1.0),
        lambda: Adam(gradient_accumulation_steps=4),
    ],
    ids=["momentum", "schedule", "averages", "accumulation"],
)
def test_training_goes_on_bit_by_bit(tmp_path, optimizer):
    model = network()
    model.compile(optimizer(), "binary_crossentropy", ["accuracy", "auc"])
    train(model, 3)
    goes_on(goes_on(model, tmp_path / "model"), tmp_path / "again")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_on(tmp_path, name):
    tw.set_seed(0)
    model = tw.Sequential([Dense(4, input_shape=(3,)), Dense(1)])
    model.compile(name, "mse")
    model.optimizer.learning_rate = 0.0625
    train(model)
    again = goes_on(model, tmp_path / "model")
    assert again.optimizer.learning_rate == 0.0625 and again.optimizer.iterations == model.optimizer.iterations > 9


def test_batches_that_wait_go_on(tmp_path):
    """In the middle of an accumulation gradients are kept, too."""
    models = [tw.Sequential([Dense(1, input_shape=(3,), kernel_initializer="ones")]) for _ in range(2)]
    for model in models:
        model.compile(SGD(learning_rate=0.1), "mse", gradient_accumulation_steps=3)
        model.train_on_batch(X[:5], T[:5])
        model.train_on_batch(X[5:9], T[5:9])
    models[1].save(tmp_path / "model")
    models[1] = tw.load(tmp_path / "model")
    for model in models:
        model.train_on_batch(X[9:], T[9:])
    assert bits(models[0]) == bits(models[1]) and models[1].optimizer.iterations == 1


def test_several_outputs_go_on(tmp_path):
    tw.set_seed(0)
    x = tw.Input((3,))
    h = Dense(4, "relu")(x)
    model = tw.Model(x, [Dense(1, name="a")(h), Dense(1, "sigmoid", name="b")(h)])
    model.compile(
        "adam",
        {"a": Huber(delta=0.5), "b": "binary_crossentropy"},
        {"b": ["accuracy", Precision(threshold=0.25, name="p")]},
        loss_weights={"a": np.float64(0.25)},
        weighted_metrics={"a": ["mae"], "b": ["accuracy"]},
    )
    y, weights = {"a": T, "b": T}, {"a": np.arange(len(X)) / len(X), "b": None}
    first = model.fit(X, y, sample_weight=weights, verbose=0).history
    assert {"b_accuracy", "b_weighted_accuracy", "a_mae"} < set(first)
    model.save(tmp_path / "model")
    again, state = tw.load(tmp_path / "model"), generator().bit_generator.state
    found = []
    for one in (model, again):
        generator().bit_generator.state = state
        found.append((one.fit(X, y, sample_weight=weights, verbose=0).history, bits(one)))
    assert found[0] == found[1] and list(found[0][0]) == list(first)


def test_weights_that_came_after_the_last_step_begin_anew(tmp_path):
    tw.set_seed(0)
    model = tw.Sequential([Dense(4, input_shape=(3,))])
    model.compile("adam", "mse")
    model.fit(X, np.ones((len(X), 4)), verbose=0)
    model.add(Dense(1))
    goes_on(model, tmp_path / "model")


def test_a_model_that_was_not_trained_keeps_nothing_of_training(tmp_path):
    tw.set_seed(0)
    model = tw.Sequential([Dense(1, input_shape=(3,))])
    model.compile(Adam(learning_rate=CosineDecay(0.1, 10)), "mse")
    model.save(tmp_path / "new")
    train(model)
    model.save(tmp_path / "trained")
    for name, kept in (("new", 0), ("trained", 4)):  # means of two weights
        with zipfile.ZipFile(tmp_path / name) as file:
            assert sum(entry.startswith(TRAINING) for entry in file.namelist()) == kept
    assert tw.load(tmp_path / "new").optimizer.schedule == CosineDecay(0.1, 10)


def test_the_model_alone(tmp_path):
    model = network()
    model.compile("adam", "binary_crossentropy")
    train(model)
    model.save(tmp_path / "whole")
    model.save(tmp_path / "alone", include_optimizer=False)
    for again in (tw.load(tmp_path / "alone"), tw.load(tmp_path / "whole", compile=False)):
        assert again.optimizer is None and bits(again) == bits(model)
    assert (tmp_path / "alone").stat().st_size < (tmp_path / "whole").stat().st_size / 2
    for name in ("alone", "whole"):  # what an optimizer keeps is no weight
        other = network()
        other.load_weights(tmp_path / name)
        assert bits(other) == bits(model)
        assert not other.load_weights(tmp_path / name, by_name=True).other


def test_classes_of_ones_own_go_on_if_they_are_given(tmp_path):
    model = network()
    model.compile("adam", Quartic(scale=0.5))
    train(model)
    assert goes_on(model, tmp_path / "model", custom_objects={"Quartic": Quartic})._trainer.loss.scale == 0.5
    with pytest.warns(RuntimeWarning, match="was compiled with Quartic, and the model is not"):
        assert tw.load(tmp_path / "model").optimizer is None
    tw.load(tmp_path / "model", compile=False)  # says nothing


@pytest.mark.parametrize(
    "loss, metrics, message",
    [
        (lambda y, t: ((y - t) * (y - t)).mean(), None, "<function <lambda> at .*> cannot be written into a file"),
        ("mse", [lambda y, t: abs(y - t).max()], "<function <lambda> at .*> cannot be written into a file"),
        (Forgetful(2.0), None, "Forgetful has to keep the arguments of its constructor as attributes .* 'factor'"),
        (Quartic(scale=abs), None, "<built-in function abs> cannot be written into a file"),
    ],
)
def test_what_a_file_cannot_say_is_said_and_the_model_is_written(tmp_path, loss, metrics, message):
    model = tw.Sequential([Dense(1, input_shape=(3,))])
    model.compile("adam", loss, metrics)
    with pytest.warns(
        RuntimeWarning, match=f"save: {message}.*; the model is written without what compile chose"
    ) as said:
        model.save(tmp_path / "model")
    assert said[0].filename == __file__
    again = tw.load(tmp_path / "model", custom_objects={"Forgetful": Forgetful})
    assert again.optimizer is None and bits(again) == bits(model)


def test_a_weight_that_is_frozen_alone_stays_frozen(tmp_path):
    model = network()
    layers = [model.layers[0], model.layers[2].layers[0], model.layers[6]]
    layers[0].w.trainable = layers[1].b.trainable = False
    layers[2].trainable = False
    layers[2].b.trainable = True  # alone
    model.compile("adam", "binary_crossentropy")
    train(model)
    again = goes_on(model, tmp_path / "model")
    expected = {name: p.trainable for name, p in model.named_parameters().items()}
    assert {name: p.trainable for name, p in again.named_parameters().items()} == expected
    assert list(expected.values()).count(False) == 5  # and two moving statistics
    assert not again.layers[6]._trainable and again.layers[6].trainable and again.layers[0]._trainable


def older(path, frozen):
    """The file as it was before it said what training had come to: frozen layers stood with the layers."""
    _, document, entries = parts(path)
    del document["standing"], document["compile"]["state"]
    entries = {name: data for name, data in entries.items() if not name.startswith(TRAINING)}
    for number, more in frozen.items():
        document["model"]["layers"][number].update(more)
    rewrite(path, document, entries)


def test_older_files_are_read(tmp_path):
    model = network()
    model.compile(Adam(learning_rate=ExponentialDecay(0.1, 3, 0.9)), "binary_crossentropy", ["accuracy"])
    train(model)
    model.save(tmp_path / "model")
    older(tmp_path / "model", {0: {"trainable": False}, 2: {"inner": {"layers.0": False, "layers.2": True}}})
    again = tw.load(tmp_path / "model")
    assert bits(again) == bits(model) and again.optimizer.schedule == ExponentialDecay(0.1, 3, 0.9)
    assert not again.layers[0].trainable and not again.layers[0].w.trainable
    assert [layer.trainable for layer in again.layers[2].layers] == [False, True, True]
    assert again.evaluate(X, T, verbose=0) == model.evaluate(X, T, verbose=0)


def test_entries_are_what_they_were_made_of():
    class Own(Layer):
        def __init__(self, inner, **options):
            super().__init__(**options)
            self.inner = inner

        def config(self):
            return {"inner": self.inner, "dtype": "float64"}

    custom = set()
    own = Own({"one": [Dense(2, kernel_regularizer="l2")], "class": "x", "config": (1, None)}, dtype="float64")
    entry = json.loads(json.dumps(written([own, CosineDecay(0.1, 10)], custom)))
    again, schedule = made(entry, {"Own": Own})
    assert custom == {"Own"} and schedule == CosineDecay(0.1, 10) and again.dtype == np.float64
    assert repr(again.inner["one"][0]) == repr(own.inner["one"][0]) and again.inner["config"] == [1, None]
    assert len(KNOWN) > 140  # no two kinds of things share a name
    with pytest.raises(ValueError, match="it names the class 'Own', which is none of the library's; if it is yours"):
        made(entry, {})


def test_a_state_before_the_first_step_is_taken_back(tmp_path):
    models = [tw.Sequential([Dense(1, input_shape=(3,), kernel_initializer="ones")]) for _ in range(2)]
    for model in models:
        model.compile("adam", "mse")
    tw.train.Checkpoint(tmp_path / "run", models[0]).save()
    assert tw.train.Checkpoint(tmp_path / "run", models[1]).restore() == {}
