"""A training's log is read back by TensorBoard's own reader."""

import io

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import GRU, Conv2D, Dense, Dropout, Flatten, PositionEmbedding
from tilewright.train import Adam, BackupAndRestore, Callback, SummaryWriter, TensorBoard
from tilewright.train.callbacks.tensorboard import image
from tilewright.train.tensorboard import graph

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboard's own dependencies

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 6, 6, 1)).astype(np.float32)
T = np.arange(40) % 3


@pytest.fixture
def read():
    """`read(folder)` is the log in it as TensorBoard reads it, whole."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def whole(folder):
        log = reader.EventAccumulator(str(folder), {kind: 0 for kind in ("scalars", "histograms", "images")})
        log.Reload()
        return log

    return whole


def convnet():
    tw.set_seed(0)
    conv = Conv2D(2, 3, activation="relu", input_shape=(6, 6, 1), name="conv")
    model = tw.Sequential([conv, Flatten(), Dropout(0.2), Dense(3, "softmax")])
    model.compile(Adam(learning_rate=0.01), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def test_scalars_come_back(tmp_path, read):
    losses = [1.0, 0.5, 0.25]
    writer = SummaryWriter(str(tmp_path))
    for step, loss in enumerate(losses):
        writer.add_scalar("loss", np.float32(loss), step)
        writer.add_scalar("accuracy", 1 - loss, step)
    writer.close()
    log = read(tmp_path)
    assert sorted(log.Tags()["scalars"]) == ["accuracy", "loss"]
    assert [(event.step, event.value) for event in log.Scalars("loss")] == list(enumerate(losses))
    assert [event.value for event in log.Scalars("accuracy")] == [0.0, 0.5, 0.75]


def test_the_callback_writes_the_history(tmp_path, read):
    model = convnet()
    board = TensorBoard(tmp_path, write_steps_per_second=True, update_freq=2)
    history = model.fit(X, T, batch_size=8, epochs=3, validation_split=0.2, verbose=0, callbacks=[board]).history
    training, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert sorted(training.Tags()["scalars"]) == [
        "batch_accuracy", "batch_loss", "epoch_accuracy", "epoch_learning_rate", "epoch_loss", "epoch_steps_per_second"
    ]  # fmt: skip
    for log, prefix in ((training, ""), (validation, "val_")):
        for key in ("loss", "accuracy"):
            found = [(event.step, event.value) for event in log.Scalars(f"epoch_{key}")]
            assert found == [(i, np.float32(value)) for i, value in enumerate(history[prefix + key])]
    assert [event.step for event in training.Scalars("batch_loss")] == [1, 3, 5, 7, 9, 11]
    assert training.Scalars("epoch_learning_rate")[2].value == np.float32(0.01)
    assert all(event.value > 0 for event in training.Scalars("epoch_steps_per_second"))
    assert not training.Tags()["histograms"] and not training.Tags()["images"]


def test_the_graph_has_all_layers_and_their_shapes(tmp_path, read):
    convnet().fit(X, T, verbose=0, callbacks=[TensorBoard(tmp_path)])
    graph = read(tmp_path / "train").Graph()
    assert [(node.name, node.op, list(node.input)) for node in graph.node] == [
        ("input", "Input", []),
        ("conv", "Conv2D", ["input"]),
        ("flatten", "Flatten", ["conv"]),
        ("dropout", "Dropout", ["flatten"]),
        ("dense", "Dense", ["dropout"]),
    ]
    sizes = graph.node[1].attr["_output_shapes"].list.shape[0].dim
    assert [dim.size for dim in sizes] == [-1, 4, 4, 2]
    convnet().fit(X, T, verbose=0, callbacks=[TensorBoard(tmp_path / "none", write_graph=False)])
    assert not read(tmp_path / "none" / "train").Tags()["graph"]


def test_a_graph_with_two_ways(tmp_path, read):
    class Two(tw.Model):
        def __init__(self):
            self.a, self.b, self.join = Dense(3), tw.Sequential([Dense(3)], name="inner"), tw.layers.Add()

        def forward(self, x):
            return self.join([self.a(x), self.b(x)])

    model = Two()
    model.compile("sgd", "mse")
    model.fit(X.reshape(40, 36), np.zeros((40, 3)), verbose=0, callbacks=[TensorBoard(tmp_path)])
    nodes = {node.name: list(node.input) for node in read(tmp_path / "train").Graph().node}
    assert nodes == {"input": [], "a": ["input"], "b/dense": ["input"], "join": ["a", "b/dense"]}


def test_a_graph_of_several_inputs(tmp_path, read):
    a, b = tw.layers.Input(shape=(5,), name="words"), tw.layers.Input(shape=(2,), name="numbers")
    pooled = tw.layers.GlobalAveragePooling1D(name="mean")(tw.layers.Embedding(9, 3, name="embedding")(a))
    model = tw.Model([a, b], Dense(1, name="out")(tw.layers.Concatenate(name="both")([pooled, b])))
    nodes = {name: sources for name, _, sources, _ in graph(model)}
    assert nodes == {
        "words": [],
        "numbers": [],
        "embedding": ["words"],
        "mean": ["embedding"],
        "both": ["mean", "numbers"],
        "out": ["both"],
    }


def test_a_graph_of_layers_that_are_made_of_layers():
    both = tw.layers.Bidirectional(tw.layers.SimpleRNN(2), name="both")
    model = tw.Sequential([both, Dense(1, name="out")])
    model.build((None, 4, 3))
    assert [(name, sources) for name, _, sources, _ in graph(model)] == [
        ("input", []),
        ("both/layer", ["input"]),
        ("both/backward_layer", ["input"]),
        ("both/output", ["both/layer", "both/backward_layer"]),
        ("out", ["both/output"]),
    ]


def test_histograms_and_images_of_weights(tmp_path, read):
    pil = pytest.importorskip("PIL.Image")
    model, weights = convnet(), []

    class Keep(Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights.append(self.model.get_weights())

    board = TensorBoard(tmp_path, histogram_freq=2, write_images=True)
    model.fit(X, T, epochs=3, verbose=0, callbacks=[Keep(), board])
    log, names = read(tmp_path / "train"), ["conv/w", "conv/b", "dense/w", "dense/b"]
    assert sorted(log.Tags()["histograms"]) == sorted(f"{name}/histogram" for name in names)
    for i, name in enumerate(names):
        for event, epoch in zip(log.Histograms(f"{name}/histogram"), (0, 2), strict=True):
            w, found = weights[epoch][i].astype(np.float64), event.histogram_value
            assert event.step == epoch and found.num == w.size and sum(found.bucket) == w.size
            np.testing.assert_allclose([found.min, found.max, found.sum], [w.min(), w.max(), w.sum()], rtol=1e-6)
        event = log.Images(f"{name}/image")[1]
        pixels = np.asarray(pil.open(io.BytesIO(event.encoded_image_string)).convert("L"))
        np.testing.assert_array_equal(pixels, image(weights[2][i]))


def test_pictures_of_weights():
    assert image(np.array([1.0, 3.0, 2.0])).tolist() == [[0, 255, 128]]
    assert image(np.zeros((4, 2))).shape == (2, 4) and not image(np.zeros((4, 2))).any()
    filters = np.zeros((2, 3, 4, 5))
    filters[1, 2, 3, 4] = 1
    assert image(filters).shape == (4 * 3 - 1, 5 * 4 - 1) and np.argwhere(image(filters)).tolist() == [[10, 18]]


def test_a_training_that_goes_on_writes_on(tmp_path, read):
    class Fail(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise ZeroDivisionError

    def callbacks(*more):
        return [TensorBoard(tmp_path / "log", update_freq="batch"), BackupAndRestore(tmp_path / "run"), *more]

    with pytest.raises(ZeroDivisionError):
        convnet().fit(X, T, batch_size=20, epochs=4, verbose=0, callbacks=callbacks(Fail()))
    history = convnet().fit(X, T, batch_size=20, epochs=4, verbose=0, callbacks=callbacks()).history
    log = read(tmp_path / "log" / "train")
    assert [event.step for event in log.Scalars("batch_loss")] == list(range(8))
    found = [(event.step, event.value) for event in log.Scalars("epoch_loss")]
    assert found == [(i, np.float32(value)) for i, value in enumerate(history["loss"])]


@pytest.mark.parametrize("layer", [GRU(2), PositionEmbedding(5)])
def test_the_graph_of_a_model_whose_lengths_are_open(layer):
    nodes = graph(tw.Sequential([tw.Input((None, 3)), layer]))
    assert [node[0] for node in nodes] == ["input", "gru" if isinstance(layer, GRU) else "position_embedding"]


def test_without_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"SummaryWriter needs tensorboardX: pip install 'tilewright\[tensorboard\]'"):
        convnet().fit(X, T, verbose=0, callbacks=[TensorBoard(tmp_path)])
