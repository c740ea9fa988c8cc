"""Scalers, one-hot rows, splits, folds and cross-validation, against scikit-learn."""

import json

import numpy as np
import pytest
import tilewright as tw
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection, preprocessing
from tilewright.train import (
    KFold,
    MinMaxScaler,
    StandardScaler,
    StratifiedKFold,
    cross_validate,
    one_hot,
    train_test_split,
)

rng = np.random.default_rng(0)
X = rng.normal(100, 3, (50, 4)) * [1, 10, 0.1, 1]
X[:, 3] = 0.1  # equal values, whose mean is rounded
LABELS = rng.permutation(np.repeat([0, 1, 2], [20, 20, 10]))
SCALERS = (
    (StandardScaler(), preprocessing.StandardScaler()),
    (MinMaxScaler(), preprocessing.MinMaxScaler()),
    (MinMaxScaler((-1, 3), clip=True), preprocessing.MinMaxScaler(feature_range=(-1, 3), clip=True)),
)
EACH_SCALER = pytest.mark.parametrize("ours, theirs", SCALERS, ids=("standard", "min-max", "clipped"))


@EACH_SCALER
def test_scalers_equal_scikit_learns(ours, theirs, monkeypatch):
    monkeypatch.setattr("tilewright.train.preprocess._ROWS", 28)  # pieces of 7 samples
    np.testing.assert_allclose(ours.fit_transform(X[:40]), theirs.fit_transform(X[:40]), atol=1e-12)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-12)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X[:40])), X[:40], rtol=1e-12)


@EACH_SCALER
def test_scalers_come_back_from_files_bit_by_bit(ours, theirs, tmp_path):
    path = tmp_path / "scaler.json"
    ours.fit(X).save(path)
    again = type(ours).load(path)
    np.testing.assert_array_equal(again.transform(X), ours.transform(X))
    assert [file.name for file in tmp_path.iterdir()] == ["scaler.json"]


def test_scalers_keep_float_dtypes_and_scale_channels():
    images = rng.integers(0, 255, (5, 6, 7, 3)).astype(np.uint8)
    scaled = StandardScaler().fit_transform(images)
    assert scaled.dtype == np.float32 and scaled.shape == images.shape
    np.testing.assert_allclose(scaled.mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std((0, 1, 2)), 1, atol=1e-6)
    assert MinMaxScaler().fit_transform(X).dtype == np.float64


@given(st.binary(max_size=60), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_damaged_scalers_are_named(tmp_path_factory, noise, place):
    path = tmp_path_factory.mktemp("scaler") / "scaler.json"
    MinMaxScaler().fit([[1.0, 2.0], [3.0, 4.0]]).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    try:
        scaler = MinMaxScaler.load(path)
    except ValueError as error:
        assert "scaler.json" in str(error) or "MinMaxScaler" in str(error)
    else:
        assert np.isfinite(scaler.scale).all() and scaler.scale.all()


@pytest.mark.parametrize(
    "call, message",
    (
        (lambda: StandardScaler().transform(X), r"StandardScaler: it has learned nothing yet; call fit\(x_train\)"),
        (lambda: StandardScaler().fit(X).transform(X[:, :2]), r"x has 2 columns \(shape \(50, 2\)\), expected 4"),
        (lambda: StandardScaler().fit([1, 2]), r"x has shape \(2,\), expected \(N, ..., D\); .*x.reshape\(-1, 1\)"),
        (lambda: StandardScaler().fit(np.zeros((0, 2))), "there are no samples"),
        (lambda: StandardScaler().fit([[0, 1], [2, np.nan]]), r"x\[1, 1\] is nan, expected finite numbers"),
        (lambda: MinMaxScaler((1, 0)), r"feature_range is \(1, 0\), expected a low number, then a high one"),
        (lambda: one_hot([0, -1]), "one_hot: labels holds -1, expected 0 to 0; labels count from 0"),
        (lambda: one_hot([0, 3], 3), "one_hot: labels holds 3, expected 0 to 2"),
        (lambda: one_hot([0.5]), "one_hot: labels holds 0.5, expected whole numbers"),
        (lambda: one_hot([np.nan]), "one_hot: labels holds nan, expected whole numbers"),
        (lambda: train_test_split(X, LABELS[:3]), "the arrays have 50 and 3 samples"),
        (lambda: train_test_split(X, test_size=50), "of 50 samples 0 are left for training"),
        (lambda: train_test_split(X, test_size=1.5), "test_size is 1.5, expected a share below 1"),
        (lambda: train_test_split(X[:1]), "of 1 samples 0 are left for training"),
        (lambda: train_test_split(X, stratify=LABELS, shuffle=False), "stratify needs shuffle=True"),
        (lambda: train_test_split(X[:3], stratify=[0, 0, 1]), "the class 1 of stratify has 1 samples, expected at"),
        (lambda: train_test_split(X, stratify=X), r"stratify has shape \(50, 4\), expected \(50,\)"),
        (lambda: KFold(3, random_state=1), "random_state has no effect without shuffle=True"),
        (lambda: list(KFold(5).split(X[:4])), "there are 4 samples, expected at least 5"),
        (lambda: list(StratifiedKFold(5).split(X[:6], [0, 0, 0, 1, 1, 1])), "no class has 5 samples"),
    ),
)
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        call()


@pytest.mark.parametrize(
    "change, message",
    (
        (lambda document: document.update(scale=[1, 0]), "a scale is 0"),
        (lambda document: document.update(shift=[1]), "one of each a column"),
        (lambda document: document.pop("clip"), "it holds no scaler"),
        (lambda document: document.update(format="else"), "its format is not 'tilewright MinMaxScaler'"),
    ),
)
def test_files_that_hold_something_else_are_named(change, message, tmp_path):
    path = tmp_path / "scaler.json"
    MinMaxScaler().fit([[1.0, 2.0], [3.0, 4.0]]).save(path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=f"MinMaxScaler.load: .*scaler.json cannot be read: .*{message}"):
        MinMaxScaler.load(path)


def test_one_hot():
    np.testing.assert_array_equal(one_hot(LABELS), np.eye(3)[LABELS])
    assert one_hot([[0], [1]], 4, bool).shape == (2, 1, 4)
    assert one_hot([], 3).shape == (0, 3)


@pytest.mark.parametrize("stratify", (None, LABELS, LABELS.astype(str)), ids=("plain", "stratified", "words"))
def test_parts_are_whole_and_keep_pairs(stratify):
    parts = train_test_split(X, LABELS, test_size=0.2, validation_size=10, stratify=stratify, random_state=0)
    x_train, x_val, x_test, *labels = parts
    assert [len(part) for part in (x_train, x_val, x_test)] == [30, 10, 10] == [len(part) for part in labels]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts[:3])[:, 0]), np.sort(X[:, 0]))
    for x, y in zip(parts[:3], labels):
        rows = [np.flatnonzero(X[:, 0] == row[0])[0] for row in x]
        np.testing.assert_array_equal(LABELS[rows], y)
    if stratify is not None:
        assert [np.bincount(part).tolist() for part in labels] == [[12, 12, 6], [4, 4, 2], [4, 4, 2]]
    again = train_test_split(X, LABELS, test_size=0.2, validation_size=10, stratify=stratify, random_state=0)
    for one, other in zip(parts, again):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(x_train, train_test_split(X, test_size=20, random_state=1)[0])


@given(st.lists(st.integers(0, 4), min_size=12, max_size=60), st.integers(1, 5), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_stratified_parts_have_their_sizes_and_nearly_their_shares(labels, test_size, validation_size):
    labels = np.repeat(labels, 3)
    options = {"test_size": test_size, "validation_size": validation_size, "stratify": labels, "random_state": 0}
    parts = train_test_split(np.arange(len(labels)), **options)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    sizes = [len(labels) - test_size - validation_size, validation_size, test_size]
    assert [len(part) for part in parts] == [size for size in sizes if size]
    for part in parts:
        exact = np.bincount(labels, minlength=5) * (len(part) / len(labels))
        assert np.abs(np.bincount(labels[part], minlength=5) - exact).max() < 2


def test_the_seed_of_everything_decides_too():
    tw.set_seed(3)
    first = train_test_split(X)[0]
    tw.set_seed(3)
    np.testing.assert_array_equal(first, train_test_split(X)[0])


@pytest.mark.parametrize("folds", (2, 3, 5))
def test_folds_equal_scikit_learns(folds):
    words = np.array(["b", "c", "a"])[LABELS]
    for ours, theirs, y in (
        (KFold, model_selection.KFold, None),
        (StratifiedKFold, model_selection.StratifiedKFold, LABELS),
        (StratifiedKFold, model_selection.StratifiedKFold, words),
    ):
        for got, expected in zip(ours(folds).split(X, y), theirs(folds).split(X, y), strict=True):
            for mine, right in zip(got, expected):
                np.testing.assert_array_equal(mine, right)
        shuffled = [list(ours(folds, shuffle=True, random_state=s).split(X, y)) for s in (0, 0, 1)]
        assert sorted(np.concatenate([test for _, test in shuffled[0]]).tolist()) == list(range(50))
        np.testing.assert_array_equal(shuffled[0][0][1], shuffled[1][0][1])
        assert not np.array_equal(shuffled[0][0][1], shuffled[2][0][1])
        if y is not None:
            plain = [np.bincount(LABELS[test]).tolist() for _, test in ours(folds).split(X, y)]
            assert [np.bincount(LABELS[test]).tolist() for _, test in shuffled[0]] == plain


def classifier():
    model = tw.Sequential([tw.layers.Dense(3, activation="softmax", input_shape=(4,))])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def test_cross_validation():
    x = X + 4 * one_hot(LABELS, 4) * [1, 10, 0.1, 1]
    options = {"folds": 3, "scaler": StandardScaler(), "random_state": 0, "epochs": 2, "batch_size": 8}
    result = cross_validate(classifier, x, LABELS, **options)
    assert list(result.scores) == ["loss", "accuracy"] and len(result) == 3
    assert result.mean["accuracy"] == pytest.approx(result["accuracy"].mean())
    assert result.std["accuracy"] == pytest.approx(result["accuracy"].std(ddof=1))
    lines = str(result).splitlines()
    assert [line.split()[0] for line in lines] == ["fold", "1", "2", "3", "mean", "std"]
    assert lines[4].split() == ["mean", f"{result.mean['loss']:.4f}", f"{result.mean['accuracy']:.4f}"]
    assert len({len(line) for line in lines}) == 1
    again = cross_validate(classifier, x, LABELS, **options)
    np.testing.assert_array_equal(result["loss"], again["loss"])
    # The folds given, and no scaling: the model of the first fold says what the table says.
    splitter = model_selection.KFold(3)
    plain = cross_validate(classifier, x, LABELS, splitter, random_state=0)
    _, test = next(splitter.split(x))
    assert plain["accuracy"][0] == (plain.models[0].predict(x[test]).argmax(1) == LABELS[test]).mean()
    assert not hasattr(options["scaler"], "mean") and options["scaler"].scale is None  # only copies were fitted


def forked():
    a = tw.Input(shape=(4,), name="a")
    hidden = tw.layers.Dense(4, "tanh")(a)
    outputs = {"value": tw.layers.Dense(1)(hidden), "kind": tw.layers.Dense(3, "softmax")(hidden)}
    model = tw.Model(a, outputs)
    losses = {"value": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile("adam", losses, {"kind": ["accuracy"]}, weighted_metrics={"value": ["mae"]})
    return model


@pytest.mark.parametrize("form", (dict, list), ids=("dict", "list"))
def test_cross_validation_of_several_outputs_with_weights(form):
    splitter, value = model_selection.KFold(3), X[:, 0]
    y = {"value": value, "kind": LABELS} if form is dict else [value, LABELS]
    w = np.arange(50.0)
    result = cross_validate(forked, X, y, splitter, sample_weight=w)
    assert list(result.scores) == ["loss", "value_loss", "kind_loss", "value_mae", "kind_accuracy"]
    for i, (_, test) in enumerate(splitter.split(X)):
        found = result.models[i].predict(X[test])
        assert result["kind_accuracy"][i] == (found["kind"].argmax(1) == LABELS[test]).mean()
        far = np.abs(found["value"][:, 0] - value[test])
        assert result["value_mae"][i] == pytest.approx(np.average(far, weights=w[test]), rel=1e-5)
    with pytest.raises(ValueError, match="cross_validate: x has 50 samples and y has 49, expected as many"):
        cross_validate(classifier, X, LABELS[1:])
    with pytest.raises(TypeError, match="cross_validate: scaler is given and x is several arrays"):
        cross_validate(forked, [X], y, scaler=StandardScaler())


def test_cross_validation_wants_a_new_compiled_model_each_time():
    one = classifier()
    with pytest.raises(TypeError, match="make_model returned one model twice"):
        cross_validate(lambda: one, X, LABELS, 2)
    with pytest.raises(TypeError, match="make_model returned Sequential, expected a model that is compiled"):
        cross_validate(lambda: tw.Sequential([]), X, LABELS, 2)
    with pytest.raises(TypeError, match="make_model is .*, expected a function"):
        cross_validate(one, X, LABELS, 2)
