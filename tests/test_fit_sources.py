"""fit, evaluate and predict on what gives batches: loaders, generators, arrays on disk; what happens when one ends."""

import itertools

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import Callback, DataLoader

rng = np.random.default_rng(0)
X = rng.standard_normal((96, 3)).astype(np.float32)
T = (X @ [1, -2, 1] > 0).astype(np.int64)


def classifier(metrics=("accuracy",)):
    tw.set_seed(0)
    model = tw.Sequential([Dense(8, "tanh", input_shape=(3,)), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", list(metrics))
    return model


def bits(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def batches(count=None, size=16):
    """Batches of 16 samples, six a pass, for ever or so many."""
    endless = itertools.cycle(range(0, 96, size))
    for start in itertools.islice(endless, count):
        yield X[start : start + size], T[start : start + size]


class Again:
    """Something to iterate over as often as one wants."""

    def __iter__(self):
        return batches(6)


def expected(epochs=2):
    model = classifier()
    return model.fit(X, T, batch_size=16, epochs=epochs, shuffle=False, verbose=0).history, bits(model)


@pytest.mark.parametrize(
    "data, steps",
    [
        (lambda: DataLoader(X, T, batch_size=16), None),
        (lambda: DataLoader(X, T, batch_size=16, workers=2), 6),
        (Again, None),
        (Again, 6),
        (batches, 6),
        (lambda: batches(12), 6),
        (lambda: [(X, T)] and [b for b in batches(6)].__iter__(), 3),
    ],
    ids=["loader", "workers", "iterable", "iterable in steps", "endless", "just enough", "two epochs of one pass"],
)
def test_any_source_gives_the_training_of_its_arrays(data, steps):
    model = classifier()
    history = model.fit(data(), epochs=2, steps_per_epoch=steps, verbose=0).history
    found, weights = expected(1 if steps == 3 else 2)
    assert bits(model) == weights
    assert steps == 3 or history == found


def test_evaluate_and_predict_take_them_too():
    model = classifier()
    loss, accuracy = model.evaluate(X, T, batch_size=16, verbose=0)
    for data, steps in ((DataLoader(X, T, 16), None), (Again(), None), (batches(), 6), (batches(6), None)):
        assert model.evaluate(data, steps=steps, verbose=0) == [loss, accuracy]
    whole = model.predict(X, batch_size=16)
    for data, steps in ((DataLoader(X, T, 16), None), (DataLoader(X, batch_size=16), None), (batches(), 6)):
        np.testing.assert_array_equal(model.predict(data, steps=steps), whole)
    np.testing.assert_array_equal(model.predict(X, batch_size=16, steps=2), whole[:32])
    assert model.evaluate(X, T, steps=2, batch_size=16, verbose=0) == model.evaluate(X[:32], T[:32], 16, verbose=0)
    assert model.evaluate(X, T, verbose=0, return_dict=True).keys() == {"loss", "accuracy"}


@pytest.mark.parametrize("data", [lambda: DataLoader(X, T, 16), Again, lambda: (X, T), lambda: (X, T, np.ones(96))])
def test_validation_takes_them_too(data):
    model = classifier()
    history = model.fit(X, T, epochs=2, validation_data=data(), validation_batch_size=16, verbose=0).history
    assert history["val_loss"][-1] == model.evaluate(X, T, batch_size=16, verbose=0)[0]


def test_validation_when_it_is_due():
    for due, count in ((2, 2), ([1, 5], 2), (1, 5)):
        history = classifier().fit(X, T, epochs=5, validation_split=0.25, validation_freq=due, verbose=0).history
        assert len(history["val_loss"]) == count and len(history["loss"]) == 5
    model = classifier()
    history = model.fit(
        X, T, validation_data=(X, T), validation_steps=2, validation_batch_size=8, shuffle=False, verbose=0
    ).history
    assert history["val_loss"] == [model.evaluate(X[:16], T[:16], batch_size=8, verbose=0)[0]]


def test_steps_of_arrays_go_on_where_the_last_epoch_ended():
    model = classifier()
    model.fit(X, T, batch_size=16, epochs=4, steps_per_epoch=3, shuffle=False, verbose=0)
    assert bits(model) == expected(2)[1]
    longer = classifier()
    longer.fit(X, T, batch_size=16, epochs=1, steps_per_epoch=12, shuffle=False, verbose=0)
    assert bits(longer) == expected(2)[1]


def test_a_training_that_goes_on_counts_its_epochs_on():
    model = classifier()
    model.fit(X, T, batch_size=16, shuffle=False, verbose=0)
    history = model.fit(X, T, batch_size=16, initial_epoch=1, epochs=2, shuffle=False, verbose=0)
    assert history.epoch == [1] and bits(model) == expected(2)[1]


def test_arrays_on_disk_are_not_read_as_a_whole(tmp_path):
    x = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(96, 3))
    x[:] = rng.integers(0, 4, x.shape)
    trained = []
    for one in (x, np.array(x)):
        tw.set_seed(0)
        model = classifier()
        tw.set_seed(1)
        history = model.fit(one, T, batch_size=16, epochs=2, validation_split=0.25, verbose=0).history
        trained.append((bits(model), history))
    assert trained[0] == trained[1]


def test_batches_may_have_sequences_of_different_lengths():
    model = tw.Sequential([Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    data = [(rng.standard_normal((4, n, 3)), rng.integers(0, 2, (4, n, 1))) for n in (5, 7, 2, 7)]
    history = model.fit(iter(data), verbose=0).history
    assert np.isfinite(history["loss"][0]) and 0 <= history["accuracy"][0] <= 1


class Ends(Callback):
    ended = False

    def on_train_end(self, logs=None):
        self.ended = True


def broken():
    yield from batches(8)
    raise OSError("the disk is gone")


FAILING = [
    (lambda: batches(8), 6, "fit: x ended after 8 batches, 2 of epoch 2, expected 6 an epoch; give something that can"),
    (lambda: batches(6), None, "fit: x ended after 6 batches, 0 of epoch 2, expected more; give something that can"),
    (broken, 6, "fit: x raised OSError after 8 batches, 2 of epoch 2: the disk is gone; the model keeps its weights, "),
]


@pytest.mark.parametrize("data, steps, message", FAILING, ids=["ends", "is used up", "raises"])
def test_training_ends_with_what_was_done(data, steps, message):
    model, seen = classifier(), Ends()
    with pytest.raises(RuntimeError, match=message) as raised:
        model.fit(data(), epochs=3, steps_per_epoch=steps, callbacks=[seen], verbose=0)
    assert "model.history its 1 finished epochs" in str(raised.value)
    assert isinstance(raised.value.__cause__, OSError) == (data is broken)
    assert seen.ended and model.history.epoch == [0] and model.training
    done = classifier()
    done.fit(batches(6), verbose=0)
    if steps:
        done.fit(batches(2), verbose=0)
    assert bits(model) == bits(done)


def broken_later():
    yield next(batches())
    raise OSError("gone")


@pytest.mark.parametrize(
    "data, steps, epochs, message",
    [
        (lambda: batches(2), None, 1, "fit: validation_data ended after 2 batches, expected more; give something"),
        (lambda: batches(2), 3, 0, "fit: validation_data ended after 2 batches, expected 3; give something that can"),
        (broken_later, None, 0, "fit: validation_data raised OSError after 1 batches: gone; the model keeps its w"),
    ],
)
def test_a_validation_that_ends_or_raises_ends_training(data, steps, epochs, message):
    model, seen = classifier(), Ends()
    with pytest.raises(RuntimeError, match=message):
        model.fit(X, T, epochs=3, validation_data=data(), validation_steps=steps, callbacks=[seen], verbose=0)
    assert seen.ended and len(model.history.epoch) == epochs and model.training


BAD = [
    (dict(x=iter(())), RuntimeError, "fit: x gives no batches; there are no samples"),
    (dict(x=batches(6), y=T), ValueError, r"fit: y is given, but x gives batches, expected them to be \(x, y\)"),
    (dict(x=batches(6), sample_weight=T), ValueError, "fit: sample_weight is given, but x gives batches"),
    (dict(x=batches(6), validation_split=0.5), ValueError, "validation_split is 0.5, but x gives batches, .* no last"),
    (dict(x=iter([X])), ValueError, r"fit: x gave a batch without targets, expected \(x, y\)"),
    (dict(x=iter([(X, T, T, T)])), ValueError, "fit: x gave a batch of 4 items, expected"),
    (dict(x=iter([(X, T[:5])])), ValueError, "fit: x has 96 samples and y has 5, expected as many"),
    (dict(x=iter([(X, T + 3)])), ValueError, "fit: y holds 4.0, expected numbers from 0 to 1"),
    (dict(x=X, y=T, steps_per_epoch=0), ValueError, "fit: steps_per_epoch is 0, expected at least 1"),
    (dict(x=X, y=T, validation_freq=0), ValueError, "fit: validation_freq is 0, expected at least 1"),
    (dict(x=X, y=T, initial_epoch=-1), ValueError, "fit: initial_epoch is -1, expected at least 0"),
    (dict(x=X, y=T, validation_data=(batches(), T)), TypeError, r"validation_data\[0\] gives batches; pass it as"),
]


@pytest.mark.parametrize("arguments, error, message", BAD, ids=[message[:40] for *_, message in BAD])
def test_bad_sources_say_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        classifier().fit(**arguments, verbose=0)
