"""What training and looking at a model leave as it was, and what counts: modes, frozen layers, masks, data, files."""

import csv
import warnings

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Residual,
    TokenAndPositionEmbedding,
)
from tilewright.train import (
    SGD,
    Checkpoint,
    CSVLogger,
    DataLoader,
    LearningRateSchedule,
    ModelCheckpoint,
    SparseCategoricalCrossentropy,
    TerminateOnNaN,
)
from tilewright.train.callbacks.direction import mode_by_words

X, T = np.ones((8, 3), np.float32), np.ones(8, np.float32)


def compiled(*layers, loss="mse", **options):
    model = tw.Sequential([*layers])
    model.compile(options.pop("optimizer", "sgd"), loss, **options)
    return model


class Halved(LearningRateSchedule):
    def __init__(self, start):
        self.start = start

    def rate(self, step):
        return self.start / 2**step


def test_layers_keep_modes_of_their_own():
    inner, outer = Dropout(0.5), Dropout(0.5)
    model = compiled(Dense(3, input_shape=(3,)), Residual([inner, Dense(3)]), outer, Dense(1))
    inner.eval()
    outer.eval()
    model.evaluate(X, T, verbose=0)
    model.predict(X)
    assert model.training and not inner.training and not outer.training


def test_frozen_layers_in_blocks_stay_frozen_in_files(tmp_path):
    block = Residual([Dense(3), Residual([BatchNormalization()])])
    model = tw.Sequential([Dense(3, input_shape=(3,)), block])
    block.layers[1].trainable = False
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model").layers[1]
    assert [again._trainable, again.layers[0].trainable, again.layers[1].layers[0].trainable] == [True, True, False]


@pytest.mark.parametrize("trainable", [True, False])
def test_a_checkpoint_says_which_layers_are_frozen(tmp_path, trainable):
    norm = BatchNormalization()
    model = compiled(Dense(3, input_shape=(3,)), norm)
    norm.trainable = trainable
    Checkpoint(tmp_path / "run", model).save()
    norm.trainable = not trainable
    Checkpoint(tmp_path / "run", model).restore()
    model(X)
    assert norm._trainable is norm.learns is trainable
    assert (norm.moving_mean.value != 0).any() == trainable


def test_tokens_and_places_learn_apart():
    layer = TokenAndPositionEmbedding(5, 4, 2)
    layer([[1, 2]])
    layer.token.trainable = False
    layer([[1, 2]]).sum().backward()
    assert layer.token.w.grad is None
    assert layer.position.w.grad.tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]


def test_masks_of_sequences_one_after_the_other():
    embedded = Embedding(5, 3, mask_zero=True)([[1, 0]])
    for axis in (1, -2):
        assert Concatenate(axis)([embedded, embedded]).mask.tolist() == [[True, False, True, False]]
    assert Concatenate(-1)([embedded, embedded]).mask.tolist() == [[True, False]]


def test_steps_that_are_masked_and_ignored_are_left_out_once():
    y, t = Embedding(5, 4, mask_zero=True)([[1, 2, 0, 0]]), [[1, 2, 0, 0]]
    masked, ignored = SparseCategoricalCrossentropy(True), SparseCategoricalCrossentropy(True, ignore_class=0)
    assert ignored(y, t).item() == masked(y, t).item()
    y.mask = np.array([[True, False, True, True]])
    assert ignored(y, t).item() == pytest.approx(masked(tw.Tensor(y.value[:, :1]), [[1]]).item())


def test_metrics_count_the_real_steps_alone():
    model = compiled(
        Embedding(5, 4, mask_zero=True),
        Dense(3, "softmax"),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    x = np.array([[1, 0, 0, 0], [2, 3, 0, 0]])
    said = model.predict(x).argmax(-1)
    t = np.where(x == 0, (said + 1) % 3, said)
    t[1, 1] = (said[1, 1] + 1) % 3
    for found in (
        model.evaluate(x, t, verbose=0)[1],
        model.test_on_batch(x, t)[1],
        model.fit(x, t, verbose=0).history["accuracy"][0],
    ):
        assert found == pytest.approx(2 / 3)


def test_metrics_of_an_output_without_a_loss():
    x = tw.Input(shape=(3,))
    model = tw.Model(x, [Dense(1, name="a")(x), Dense(1, name="b", kernel_initializer="zeros")(x)])
    model.compile("sgd", {"a": "mse"}, metrics={"b": ["mae"]})
    found = model.evaluate(X, {"a": T, "b": 3 * T}, verbose=0, return_dict=True)
    assert set(found) == {"loss", "a_loss", "b_mae"}
    assert found["b_mae"] == 3
    with pytest.raises(ValueError, match="y has no 'b', expected targets for every output that has metrics"):
        model.evaluate(X, {"a": T}, verbose=0)


def test_weights_of_classes_are_of_what_the_loss_calls_a_class():
    labels = np.arange(8) % 2
    models = [compiled(Dense(1, input_shape=(3,), kernel_initializer="ones"), loss="hinge") for _ in range(2)]
    models[0].fit(X, labels, class_weight={0: 1, 1: 3}, verbose=0)
    models[1].fit(X, labels, sample_weight=1 + 2 * labels, verbose=0)
    assert models[0].get_weights()[0].tolist() == models[1].get_weights()[0].tolist()
    steps = compiled(Embedding(5, 4), Dense(3, "softmax"), loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"needs one class a sample, but y has shape \(4, 6\); use sample_weight"):
        steps.fit(np.ones((4, 6), int), np.ones((4, 6), int), class_weight={0: 1, 1: 5}, verbose=0)


def test_a_schedule_of_ones_own_in_a_file(tmp_path):
    compiled(Dense(1, input_shape=(3,)), optimizer=SGD(learning_rate=Halved(0.5))).save(tmp_path / "model")
    with pytest.warns(RuntimeWarning, match="was compiled with Halved, and the model is not"):
        assert tw.load(tmp_path / "model").optimizer is None  # as with other classes that are not given
    assert tw.load(tmp_path / "model", {"Halved": Halved}).optimizer.schedule == Halved(0.5)


def test_columns_of_a_validation_now_and_then(tmp_path):
    model = compiled(Dense(1, input_shape=(3,)))
    options = {"validation_data": (X, T), "validation_freq": 2, "epochs": 2, "verbose": 0}
    found = model.fit(X, T, callbacks=[CSVLogger(tmp_path / "log")], **options).history
    with open(tmp_path / "log") as file:
        rows = list(csv.DictReader(file))
    assert [row["val_loss"] for row in rows] == ["NA", str(found["val_loss"][0])]


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("val_layer2_mse", "min"), ("vaccine_loss", "min"), ("accuracy_loss", "min"), ("accidents_mae", "min"),
        ("val_sparse_categorical_accuracy", "max"), ("acc", "max"), ("pr_auc", "max"), ("AUC", "max"),
        ("f1_score", "max"), ("val_r2", "max"), ("out_average_precision", "max"), ("recall_1", "max"),
        ("loss", "min"), ("rmse", "min"), ("score", None), ("val_x", None), ("inaccuracy", None),
        ("neg_log_loss", None), ("neg_mse", None), ("learning_rate", None),
    ],
)  # fmt: skip
def test_what_the_words_of_a_key_say(key, mode):
    assert mode_by_words(key) == mode


def test_a_second_fit_saves_what_is_better_than_in_the_first(tmp_path):
    model, keep = compiled(Dense(1, input_shape=(3,))), ModelCheckpoint(tmp_path / "m", "loss", save_best_only=True)
    model.fit(X, T, epochs=2, callbacks=[keep], verbose=0)
    best = keep.best
    model.fit(X, 100 * T, callbacks=[keep], verbose=0)
    assert keep.best == best


def test_moving_statistics_stay_finite():
    model = compiled(Dense(2, input_shape=(3,)), BatchNormalization(), Dense(1))
    x = X.copy()
    x[5] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        model.fit(DataLoader(x, T, 2), callbacks=[TerminateOnNaN()], verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_a_transform_in_place_leaves_the_data():
    def add(x, y, rng):
        x += 1
        y += 1
        return x, y

    x, y = np.zeros((4, 2)), np.zeros(4)
    assert [batch.sum() for batch, _ in DataLoader(x, y, 2, transform=add)] == [4, 4]
    assert not x.any() and not y.any()


def test_measuring_in_the_middle_of_an_epoch_leaves_its_metrics():
    x, t = np.ones((8, 3), np.float32), np.arange(8) // 4

    def history(measure):
        model = compiled(
            Dense(1, "sigmoid", input_shape=(3,), kernel_initializer="ones"),
            optimizer=SGD(learning_rate=0.0),
            loss="binary_crossentropy",
            metrics=["accuracy", tw.train.R2Score()],
        )

        def look(batch, logs):
            if measure:
                dict(logs)
                model.evaluate(x[:2], [1, 1], verbose=0)
                model.test_on_batch(x[:2], [1, 1])

        callbacks = [tw.train.LambdaCallback(on_train_batch_end=look)]
        return model.fit(x, t, batch_size=2, shuffle=False, verbose=0, callbacks=callbacks).history

    assert history(True)["accuracy"] == history(False)["accuracy"] == [0.5]
    assert history(True)["r2"] == pytest.approx(history(False)["r2"])


def test_a_penalty_counts_while_its_weight_is_trained():
    layer = Dense(1, kernel_regularizer="l2", kernel_initializer="ones", input_shape=(3,))
    model = compiled(layer, Dense(1, kernel_initializer="zeros"), optimizer=SGD(learning_rate=0.0))
    losses = []
    for trainable in (True, False, True):
        layer.trainable = trainable
        losses.append(model.train_on_batch(X, T))
    assert losses == pytest.approx([1.03, 1.0, 1.03])
