"""Saved models: they come back whole, and a save is all or nothing."""

import os

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Activation, AveragePooling2D, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from tilewright.train import SGD, BinaryCrossentropy, Callback, Precision, archive

rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((4, 9, 9, 2)).astype(np.float32)


def every_layer(dtype=None):
    return tw.Sequential(
        [
            Conv2D(4, (3, 2), padding="same", groups=2, activation="gelu", input_shape=(9, 9, 2)),
            MaxPooling2D(2, 1),
            Conv2D(3, 3, padding=(1, 0), use_bias=False),
            AveragePooling2D((2, 1), padding="same"),
            tw.Sequential([Flatten(), Dropout(0.5, seed=3)], name="inner"),
            Dense(5, "relu", name="wide"),
            Activation("tanh"),
            Dense(3, activation="softmax"),
        ],
        dtype=dtype,
        name="all",
    )


def small():
    tw.set_seed(0)
    model = tw.Sequential([Dense(2, "relu", input_shape=(3,)), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_whole(tmp_path, dtype):
    model = every_layer(dtype)
    model.compile(SGD(learning_rate=np.float64(0.5), momentum=0.9), "categorical_crossentropy", ["accuracy"])
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(IMAGES), model.predict(IMAGES))
    assert again.predict(IMAGES).dtype == dtype
    assert list(again.named_parameters()) == list(model.named_parameters())
    assert [layer.config() for layer in again.layers if isinstance(layer, Layer)][1:] == [
        layer.config() for layer in model.layers if isinstance(layer, Layer)
    ][1:]
    assert again.name == "all" and again.input_shape == model.input_shape and again.training
    targets = np.eye(3)[[0, 1, 2, 0]]
    assert again.evaluate(IMAGES, targets, verbose=0) == model.evaluate(IMAGES, targets, verbose=0)
    assert again._trainer.optimizer.config() == {"learning_rate": 0.5, "momentum": 0.9, "nesterov": False}
    again.fit(IMAGES, targets, verbose=0)
    again.save(tmp_path / "again")
    assert tw.load(tmp_path / "again").count_params() == model.count_params()


def test_options_of_losses_and_metrics_come_back(tmp_path):
    model = small()
    model.compile("adam", BinaryCrossentropy(label_smoothing=0.2), [Precision(threshold=0.25, name="p")])
    model.save(tmp_path / "model")
    x, t = rng.standard_normal((20, 3)), np.arange(20) % 2
    assert tw.load(tmp_path / "model").evaluate(x, t, verbose=0) == model.evaluate(x, t, verbose=0)


def test_equal_models_make_equal_files_without_pickle(tmp_path):
    for name in "ab":
        small().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with np.load(tmp_path / "a", allow_pickle=False) as weights:
        np.testing.assert_array_equal(weights["dense.w"], small().layers[0].w.value)


def test_weights_alone_by_name(tmp_path):
    class Own(tw.Model):
        def __init__(self):
            self.parts = [Dense(3), Dense(2)]

        def forward(self, x):
            return self.parts[1](self.parts[0](x))

    model, other = Own(), Own()
    model.build((None, 4))
    other.build((None, 4))
    with pytest.raises(TypeError, match=r"save: Own is a class of your own, .* model.save_weights\(path\)"):
        model.save(tmp_path / "model")
    model.save_weights(tmp_path / "weights")
    other.load_weights(tmp_path / "weights")
    np.testing.assert_array_equal(other.predict(np.eye(4)), model.predict(np.eye(4)))
    with pytest.raises(ValueError, match="load: .*weights.* holds weights alone; use load_weights"):
        tw.load(tmp_path / "weights")

    wider = Own()
    wider.parts[1] = Dense(5)
    wider.build((None, 4))
    before = wider.get_weights()
    with pytest.raises(
        ValueError,
        match=r"do not fit the model: parts.1.w is float32 of shape \(3, 2\), expected float32 of shape \(3, 5\)",
    ):
        wider.load_weights(tmp_path / "weights")
    for w, b in zip(wider.get_weights(), before):
        np.testing.assert_array_equal(w, b)
    with pytest.raises(ValueError, match="it has no weight parts.0.w|it has no weight dense.w"):
        small().load_weights(tmp_path / "weights")
    small().save(tmp_path / "small")
    small().load_weights(tmp_path / "small")


def test_what_a_file_cannot_say_is_refused(tmp_path):
    class Dropout(Layer):
        def forward(self, x):
            return 2 * x, lambda dy: 2 * dy

    for model, message in [
        (
            tw.Sequential([Dense(3, input_shape=(3,)), Dropout()]),
            "save: Dropout is a class of your own with the name of one of the library; name it otherwise",
        ),
        (tw.Sequential([Dense(3)]), "save: the model is not built"),
    ]:
        with pytest.raises((TypeError, ValueError), match=message):
            model.save(tmp_path / "model")
    assert not os.listdir(tmp_path)

    class OwnLoss(BinaryCrossentropy):
        pass

    model = small()
    model.compile("adam", OwnLoss())
    model.save(tmp_path / "model")
    said = r"load: .*model was compiled with OwnLoss, and the model is not; give custom_objects={'OwnLoss': ...}, or"
    with pytest.warns(RuntimeWarning, match=said):
        alone = tw.load(tmp_path / "model")
    with pytest.raises(RuntimeError, match="evaluate: the model is not compiled"):
        alone.evaluate(np.ones((1, 3)), [1])
    again = tw.load(tmp_path / "model", custom_objects={"OwnLoss": OwnLoss})
    assert again.evaluate(np.ones((1, 3)), [1], verbose=0) == model.evaluate(np.ones((1, 3)), [1], verbose=0)


@pytest.mark.parametrize("failing", ["os.fsync", "os.replace", "numpy.lib.format.write_array"])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    path = tmp_path / "model"
    small().save(path)
    old = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(failing, full)
        every_layer().save(path)
    assert path.read_bytes() == old and os.listdir(tmp_path) == ["model"]


def test_a_save_is_on_disk_before_it_has_the_name(tmp_path, monkeypatch):
    path, events = tmp_path / "model", []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (events.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append((os.path.dirname(a), b)), replace(a, b)))
    small().save(path)
    assert events[:2] == ["fsync", (str(tmp_path), str(path))]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_link_stays_a_link(tmp_path):
    small().save(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    every_layer().save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and tw.load(tmp_path / "real").name == "all"


def test_a_place_that_cannot_be_written_is_named_as_it_was_given(tmp_path):
    for path, error in ((tmp_path / "no" / "model", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(error) as raised:
            small().save(path)
        assert raised.value.filename == str(path)
    assert not os.listdir(tmp_path)


def test_a_file_that_is_not_there_is_said_with_what_may_be_meant(tmp_path):
    (tmp_path / "folder").mkdir()
    for read in (tw.load, small().load_weights):
        with pytest.raises(
            FileNotFoundError, match=f"there is no file digits in {tmp_path}; model.save.path. writes one"
        ):
            read(tmp_path / "digits")
    small().save(tmp_path / "digits.tw")
    for name, hint in [
        ("digits", r"load: there is no file digits in .*; did you mean 'digits.tw'\?"),
        ("no/digits.tw", "load: there is no file digits.tw in .*no, because the folder is not there either"),
    ]:
        with pytest.raises(FileNotFoundError, match=hint):
            tw.load(tmp_path / name)
    with pytest.raises(IsADirectoryError, match="load: .*folder is a folder, expected a file of model.save"):
        tw.load(tmp_path / "folder")


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    """What is written before the rename is under another name."""

    class Killed(BaseException):
        pass

    path = tmp_path / "model"
    small().save(path)
    old = path.read_bytes()
    with pytest.raises(Killed), archive.atomically(path) as file:
        file.write(b"half")
        assert path.read_bytes() == old
        raise Killed
    assert path.read_bytes() == old and os.listdir(tmp_path) == ["model"]


def test_saving_from_a_callback(tmp_path):
    class Keep(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.save(tmp_path / "model")

    model = small()
    x = rng.standard_normal((20, 3))
    model.fit(x, np.arange(20) % 2, epochs=2, callbacks=[Keep()], verbose=0)
    np.testing.assert_array_equal(tw.load(tmp_path / "model").predict(x), model.predict(x))
