"""fit, evaluate, predict: what is trained on what, what is reported, what bad data get before a first step."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Dropout, Reshape
from tilewright.train import Adam, BinaryCrossentropy, Callback, DataLoader, EarlyStopping, MeanSquaredError

rng = np.random.default_rng(0)
X = rng.standard_normal((100, 3)).astype(np.float32)
T = (X @ [1, -2, 1] > 0).astype(np.int64)


def classifier(seed=0, layers=(), optimizer="adam", metrics=("accuracy",)):
    tw.set_seed(seed)
    model = tw.Sequential([Dense(8, "tanh", input_shape=(3,)), *layers, Dense(1, "sigmoid")])
    model.compile(optimizer, "binary_crossentropy", list(metrics))
    return model


def bits(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def test_it_learns():
    model = classifier(optimizer=Adam(learning_rate=0.02))
    history = model.fit(X, T, epochs=30, verbose=0)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert model.evaluate(X, T, verbose=0)[1] > 0.95
    assert model.history is history and history.epoch == list(range(30)) and not history.interrupted


def test_history_has_keras_keys_in_order():
    history = classifier(metrics=["accuracy", "auc"]).fit(X, T, epochs=2, validation_split=0.2, verbose=0).history
    assert list(history) == ["loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc"]
    assert all(len(values) == 2 and all(type(v) is float for v in values) for values in history.values())


def test_validation_takes_the_last_samples_before_shuffling():
    split, apart = classifier(), classifier()
    tw.set_seed(1)
    a = split.fit(X, T, epochs=3, validation_split=0.3, verbose=0)
    tw.set_seed(1)
    b = apart.fit(X[:70], T[:70], epochs=3, validation_data=(X[70:], T[70:]), verbose=0)
    assert a.history == b.history and bits(split) == bits(apart)
    loss, accuracy = split.evaluate(X[70:], T[70:], verbose=0)
    assert a.history["val_loss"][-1] == loss and a.history["val_accuracy"][-1] == accuracy


def test_an_epoch_sees_every_sample_once_in_a_new_order():
    class Identity(tw.Model):
        def __init__(self):
            self.fc = Dense(1)

        def forward(self, x):
            if self.training:
                seen.extend(x.numpy()[:, 0].tolist())  # a copy: fit's buffers are used again
            return self.fc(x)

    seen = []
    model = Identity()
    model.compile("sgd", "mse")
    x = np.arange(50, dtype=np.float32)[:, None] / 50
    model.fit(x, x, batch_size=16, epochs=2, verbose=0)
    first, second = seen[:50], seen[50:]
    assert sorted(first) == sorted(second) == x[:, 0].tolist()
    assert first != second and first != sorted(first)
    seen.clear()
    model.fit(x, x, batch_size=16, shuffle=False, verbose=0)
    assert seen == x[:, 0].tolist()


def test_targets_stay_with_their_samples():
    model = tw.Sequential([Dense(1, input_shape=(1,))])
    model.compile(Adam(learning_rate=0.1), "mse")
    x = rng.standard_normal((64, 1))
    model.fit(x, 3 * x + 1, epochs=200, verbose=0)
    np.testing.assert_allclose([w.item() for w in model.get_weights()], [3, 1], atol=0.01)


def test_the_loss_of_an_epoch_is_the_mean_over_samples():
    """Also where the last batch is smaller: with a learning rate of 0 it is the loss over all data."""
    model = classifier(optimizer=Adam(learning_rate=0.0))
    history = model.fit(X, T, batch_size=33, verbose=0)
    whole = float(BinaryCrossentropy()(model(X), T))
    assert history.history["loss"][0] == pytest.approx(whole, rel=1e-6)
    assert model.evaluate(X, T, batch_size=7, verbose=0)[0] == pytest.approx(whole, rel=1e-6)
    assert model.evaluate(X, T, batch_size=1000, verbose=0)[0] == pytest.approx(whole, rel=1e-6)


def test_the_seed_decides_every_bit(threads):
    def trained(seed):
        model = classifier(seed, [Dropout(0.3)])
        history = model.fit(X, T, epochs=3, verbose=0)
        return bits(model), history.history["loss"]

    with threads(1):
        one = trained(7)
    with threads(2):
        two = trained(7)
    assert one == two != trained(8)


@pytest.mark.parametrize(
    "kind",
    [
        lambda x: x.tolist(),
        lambda x: x.astype(np.float64),
        np.asfortranarray,
        lambda x: np.repeat(x, 2, 1)[:, ::2],
        lambda x: x.astype(">f4"),
        lambda x: tuple(map(tuple, x)),
    ],
    ids=["lists", "float64", "Fortran order", "sliced", "foreign bytes", "tuples"],
)
def test_any_array_like_gives_the_same_training(kind):
    x = X.round(2)
    expected, model = classifier(), classifier()
    tw.set_seed(3)
    expected.fit(x, T, verbose=0)
    tw.set_seed(3)
    model.fit(kind(x), T.tolist(), verbose=0)
    assert bits(model) == bits(expected)
    assert model.evaluate(kind(x), T[:, None].astype(float), verbose=0) == expected.evaluate(x, T, verbose=0)
    np.testing.assert_array_equal(model.predict(kind(x)), expected.predict(x))


def test_data_are_not_changed():
    x, t = X.copy(), T.copy()
    x.flags.writeable = t.flags.writeable = False
    classifier().fit(x, t, verbose=0)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(t, T)


def test_predict_in_batches_is_predict_at_once():
    model = classifier(layers=[Dropout(0.5)])
    whole = model.predict(X, batch_size=100)
    assert whole.shape == (100, 1) and whole.dtype == np.float32
    np.testing.assert_allclose(model.predict(X, batch_size=7), whole, rtol=1e-6)
    np.testing.assert_array_equal(model.predict(X), model.predict(X))  # no dropout
    assert model.training


def test_what_predict_gives_is_no_view_of_x():
    """A model that only reshapes would give views; of batches that are written over they would all be the last one."""
    model = tw.Sequential([Reshape((2, 2), input_shape=(4,))])
    x = np.ones((3, 4), np.float32)
    for predict in (model.predict, model.predict_on_batch):
        predict(x)[:] = 7
        assert (x == 1).all()

    def batches():
        one = np.empty((2, 4), np.float32)
        for i in range(3):
            one[:] = i
            yield one

    assert model.predict(batches())[:, 0, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_no_batch_size_is_keras_default():
    one, other = classifier(), classifier()
    one.fit(X, T, batch_size=None, shuffle=False, verbose=0)
    other.fit(X, T, batch_size=32, shuffle=False, verbose=0)
    assert bits(one) == bits(other) and one.predict(X, batch_size=None).shape == one.predict(X).shape


def test_train_on_batch_returns_what_evaluate_returns():
    model = classifier()
    before = bits(model)
    loss, accuracy = model.evaluate(X, T, batch_size=100, verbose=0)
    assert model.train_on_batch(X, T) == pytest.approx([loss, accuracy], rel=1e-6)
    assert bits(model) != before
    model.compile("sgd", MeanSquaredError())
    assert type(model.train_on_batch(X, T)) is float and type(model.evaluate(X, T, verbose=0)) is float


def test_modes_are_restored():
    model = classifier(layers=[Dropout(0.5)])
    for training in (True, False):
        model.train(training)
        model.fit(X, T, verbose=0)
        model.evaluate(X, T, verbose=0)
        model.predict(X)
        assert model.training is training and model.layers[1].training is training


BAD = [
    (dict(y=T[:-1]), "fit: x has 100 samples and y has 99, expected as many"),
    (dict(y=None), "fit: y is None, expected a target for each sample of x"),
    (dict(x=X[:0], y=T[:0]), r"fit: x has shape \(0, 3\), there are no samples"),
    (dict(x=np.ones((100, 4))), r"fit: x has shape \(100, 4\), expected \(N, 3\) because the model was built for it"),
    (dict(x=X[0], y=T[:3]), r"fit: x has shape \(3,\), expected \(N, 3\)"),
    (dict(x=X.astype(object)), "fit: x is object, expected real numbers"),
    (dict(x=X.astype(str)), "fit: x is <U32, expected real numbers"),
    (dict(x=X.astype(complex)), "fit: x is complex128, expected real numbers"),
    (dict(y=T.astype(str)), "fit: y is <U21, expected real numbers; give every class a number"),
    (dict(y=T + 1), "fit: y holds 2.0, expected numbers from 0 to 1"),
    (
        dict(y=np.where(np.arange(100) == 99, np.nan, T)),
        r"fit: y holds 1 values that are NaN .* first is y\[99\] = nan; .* x\[keep\], y\[keep\]",
    ),
    (dict(y=np.stack([T, T], 1)), r"fit: y has shape \(100, 2\), expected \(N, 1\)"),
    (dict(batch_size=0), "fit: batch_size is 0, expected at least 1"),
    (dict(batch_size=3.5), "fit: batch_size is 3.5, expected an integer"),
    (dict(epochs=0), "fit: epochs is 0, expected at least 1"),
    (dict(validation_split=1.0), "fit: validation_split is 1.0 of 100 samples, which leaves 0 for training"),
    (dict(validation_split=-0.5), "fit: validation_split is -0.5, expected a number from 0 to 1"),
    (dict(validation_data=X), r"fit: validation_data is expected to be a pair, \(x, y\)"),
    (dict(validation_data=(X, T[:5])), r"fit: validation_data\[0\] has 100 samples and validation_data\[1\] has 5"),
    (dict(validation_data=(X, T * 3)), r"fit: validation_data\[1\] holds 3.0, expected numbers from 0 to 1"),
    (dict(callbacks=["early"]), "fit: callbacks holds 'early', expected tw.train.Callback objects"),
    (dict(callbacks=[EarlyStopping()]), "EarlyStopping: monitor is 'val_loss', expected one of 'loss', 'accuracy'"),
    (dict(verbose="loud"), "fit: verbose is 'loud', expected 0"),
]


@pytest.mark.parametrize("change, message", BAD, ids=[message[:45] for _, message in BAD])
def test_bad_data_are_named_before_anything_is_trained(change, message):
    model = classifier()
    before = bits(model)
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(**{"x": X, "y": T, "verbose": 0, **change})
    assert bits(model) == before


BAD_CHOICES = [
    (("adm", "mse"), "compile: optimizer is 'adm', expected one of .*; did you mean 'adam' or 'adamw'"),
    (("adam", "binary_cross_entropy"), "compile: loss is .*did you mean 'binary_crossentropy'"),
    (("adam", "mse", ["acuracy"]), "compile: metrics is 'acuracy', .*did you mean 'accuracy'"),
    (("adam", "mse", "accuracy"), r"compile: metrics is 'accuracy', expected a list such as \['accuracy'\]"),
    (("adam", "mse", ["mse", "mse"]), "compile: two metrics are named 'mse'"),
    (("adam", "mse", ["loss"]), "compile: metrics is 'loss', expected one of"),
    ((None, "mse"), "compile: optimizer is None, expected one of"),
]


@pytest.mark.parametrize("choice, message", BAD_CHOICES, ids=[message[:40] for _, message in BAD_CHOICES])
def test_unknown_names_give_the_nearest_known_ones(choice, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tw.Sequential([Dense(1)]).compile(*choice)


def test_labels_out_of_range_anywhere_in_the_data_are_found_first():
    model = tw.Sequential([Dense(4, "softmax", input_shape=(3,))])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    labels = np.arange(100) % 4
    labels[-1] = 4
    before = bits(model)
    with pytest.raises(ValueError, match="fit: y holds the label 4, expected 0 to 3 because .* has 4 classes"):
        model.fit(X, labels, verbose=0)
    assert bits(model) == before


def test_nan_in_batches_travels():
    x = X.copy()
    x[0, 0] = np.nan
    with pytest.warns(RuntimeWarning, match="evaluate: the loss is nan; likely causes are NaN or infinity in x"):
        assert np.isnan(classifier().evaluate(DataLoader(x, T), verbose=0)[0])
    with pytest.warns(RuntimeWarning, match="fit: the loss of epoch 1 is nan; likely") as warned:
        history = classifier().fit(DataLoader(x, T), epochs=3, validation_data=(X, T), verbose=0)
    assert len(warned) == 1 and history.epoch == [0, 1, 2] and warned[0].filename == __file__


def test_a_model_is_not_trained_within_its_own_training():
    model = classifier()

    class Again(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.fit(X, T, verbose=0)

    with pytest.raises(RuntimeError, match="fit: this model is being trained already"):
        model.fit(X, T, verbose=0, callbacks=[Again()])
    assert model.fit(X, T, verbose=0).history["loss"]
