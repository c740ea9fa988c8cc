"""What fit and evaluate say to data that does not fit."""

import warnings

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import DataLoader, ModelCheckpoint

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
Y = X.sum(1)


def compiled(*layers, loss="mse"):
    model = tw.Sequential(list(layers) or [Dense(1)])
    model.compile("adam", loss)
    return model


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_in_x_is_found_before_the_first_step(bad):
    x = X.copy()
    x[7, 2] = x[9, 0] = bad
    model = compiled(Dense(1, input_shape=(3,)))
    before = model.get_weights()
    message = rf"x holds 2 values that are NaN or infinite, the first is x\[7, 2\] = {bad}; leave .* np.nan_to_num\(x\)"
    for f in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            f(x, Y, verbose=0)
    with pytest.raises(ValueError, match=r"validation_data\[0\]\[7, 2\]"):
        model.fit(X, Y, validation_data=(x, Y), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert not np.isfinite(model.predict(x)[7, 0])


def test_nan_is_found_in_one_of_several_inputs():
    a, b = tw.Input(shape=(3,), name="a"), tw.Input(shape=(3,), name="b")
    model = tw.Model([a, b], Dense(1)(a + b))
    model.compile("adam", "mse")
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"the first is x\[1\]\[3, 1\] = nan"):
        model.fit([X, x], Y, verbose=0)


def test_large_numbers_whose_sum_is_infinite_are_fine():
    model = compiled(Dense(1, input_shape=(3,)))
    assert len(model.predict(X)) == 40
    tw.train.data.expect_finite("fit", ("x", "y"), np.full((4, 3), 3e38, np.float32))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([(X, Y), (X, Y)], r"x is a list of 2 pairs of arrays and y is None; pass x and y separately, fit\(x, y\), or"),
        ((X, Y), r"x is a tuple of 2 arrays and y is None; pass x and y separately, fit\(x, y\)$"),
        ([X, Y[:, None]], r"x is a list of 2 arrays and y is None; pass x and y separately"),
        (X, "y is None, expected a target for each sample of x"),
    ],
)
def test_x_and_y_in_one(x, message):
    with pytest.raises(TypeError, match=message):
        compiled().fit(x, verbose=0)


def rows(classes):
    return np.eye(classes)[(Y > 0).astype(int)]


@pytest.mark.parametrize(
    ("columns", "activation", "loss", "options", "message"),
    [
        (1, None, "mse", {"y": {"a": Y}}, r"y is a dictionary and the model has one output; pass y\['a'\] itself"),
        (1, None, "mse", {"y": Y, "class_weight": {0: 1.0}}, "class_weight needs targets that are classes, and -"),
        (2, "softmax", "binary_crossentropy", {"y": Y > 0}, r"for labels of 2 .* sparse_cat.*, or .* Dense\(1, 'sig"),
        (1, "sigmoid", "binary_crossentropy", {"y": rows(2)}, r"for one-hot rows pass y\[:, 1\], or take Dense\(2, 's"),
        (1, "sigmoid", "binary_crossentropy", {"y": rows(3)}, r"for one-hot rows take Dense\(3, 'softmax'\) and cat"),
        (
            3,
            "sigmoid",
            "binary_crossentropy",
            {"y": Y > 0},
            r"labels of 3 classes the loss is sparse_categorical",
        ),
    ],
)
def test_targets_that_do_not_fit(columns, activation, loss, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compiled(Dense(columns, activation), loss=loss).fit(X, verbose=0, **options)


def test_a_transform_of_x_alone():
    with pytest.raises(TypeError, match=r"DataLoader: transform takes \(x\), expected a function \(x, y, rng\) that"):
        DataLoader(X, Y, transform=lambda x: x)
    assert len(list(DataLoader(X, Y, 20, transform=lambda *batch: batch[:2]))) == 2


@pytest.mark.parametrize("weights", [False, True])
def test_a_checkpoint_makes_its_folder(tmp_path, weights):
    keep = ModelCheckpoint(tmp_path / "a" / "{epoch}" / "model", save_weights_only=weights)
    compiled().fit(X, Y, epochs=2, callbacks=[keep], verbose=0)
    assert (tmp_path / "a" / "2" / "model").exists()


def test_no_x():
    with pytest.raises(TypeError, match="x is None, expected an array of samples"):
        compiled().fit(None, Y, verbose=0)


def test_shuffled_samples_of_a_stateful_layer_are_warned_of():
    x = np.random.default_rng(0).standard_normal((8, 4, 3)).astype(np.float32)
    model = compiled(tw.layers.GRU(2, stateful=True, name="memory", input_shape=(4, 3)), Dense(1))
    message = "fit: memory is stateful and begins .* shuffle=True{} puts other samples there; say shuffle=False"
    with pytest.warns(RuntimeWarning, match=message.format("")):
        model.fit(x, Y[:8], batch_size=4, verbose=0)
    with pytest.warns(RuntimeWarning, match=message.format(" of x")):
        model.fit(DataLoader(x, Y[:8], batch_size=4, shuffle=True), verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, Y[:8], batch_size=4, verbose=0, shuffle=False)
        model.fit(DataLoader(x, Y[:8], batch_size=4), verbose=0)
        compiled(Dense(1)).fit(X, Y, verbose=0)
