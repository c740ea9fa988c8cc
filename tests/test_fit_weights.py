"""Weights of samples and classes, penalties of weights, gradients of several batches together, averages of weights."""

import numpy as np
import pytest
import tilewright as tw
from sklearn.utils.class_weight import compute_sample_weight
from tilewright.layers import Dense, Layer
from tilewright.layers.regularizers import L1L2
from tilewright.train import (
    SGD,
    Adam,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    DataLoader,
    MeanSquaredError,
)

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 3)).astype(np.float32)
T = rng.integers(0, 3, 40)
W = rng.uniform(0, 2, 40)


def classifier(loss="sparse_categorical_crossentropy", optimizer="adam", **options):
    tw.set_seed(0)
    model = tw.Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(3, "softmax")])
    model.compile(optimizer, loss, ["accuracy"], **options)
    return model


def bits(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def test_a_whole_weight_is_so_many_samples():
    """Up to the factor of the mean, which divides by the number of samples."""
    counts = rng.integers(1, 4, 40)
    repeated, weighted = (
        classifier(optimizer=SGD(learning_rate=0.1)),
        classifier(optimizer=SGD(learning_rate=0.1 * 40 / counts.sum())),
    )
    tw.set_seed(1)
    repeated.train_on_batch(np.repeat(X, counts, 0), np.repeat(T, counts))
    weighted.train_on_batch(X, T, sample_weight=counts)
    for a, b in zip(repeated.get_weights(), weighted.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_weights_of_classes_are_those_of_their_samples(loss):
    t = T if loss.startswith("sparse") else np.eye(3)[T]
    by_class, factors = {0: 1.0, 1: 0.5, 2: 3.0}, np.array([1.0, 0.5, 3.0])[T]
    one, other, both, loader = (classifier(loss) for _ in range(4))
    one.fit(X, t, class_weight=by_class, shuffle=False, verbose=0)
    other.fit(X, t, sample_weight=factors, shuffle=False, verbose=0)
    assert bits(one) == bits(other)
    loader.fit(DataLoader(X, t, 32), class_weight=by_class, verbose=0)
    assert bits(loader) == bits(one)
    both.fit(X, t, class_weight=by_class, sample_weight=1 / factors, shuffle=False, verbose=0)
    plain = classifier(loss)
    plain.fit(X, t, shuffle=False, verbose=0)
    for a, b in zip(both.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_weights_stay_with_their_samples_in_a_shuffle_and_weigh_what_is_measured():
    model = classifier(optimizer=SGD(learning_rate=0.0))
    history = model.fit(X, T, batch_size=7, sample_weight=W, validation_data=(X, T, W), verbose=0).history
    each = -np.log(model.predict(X)[np.arange(40), T])
    expected = pytest.approx((W * each).mean(), rel=1e-5)
    assert history["loss"] == [expected] and history["val_loss"] == [expected]
    assert model.evaluate(X, T, sample_weight=W, verbose=0)[0] == expected
    assert model.test_on_batch(X, T, sample_weight=W)[0] == expected
    split = model.fit(X, T, sample_weight=W, validation_split=0.25, verbose=0).history
    assert split["val_loss"] == [pytest.approx((W * each)[30:].mean(), rel=1e-5)]


@pytest.mark.parametrize("loss", [MeanSquaredError, BinaryCrossentropy, CategoricalCrossentropy])
def test_of_a_loss_without_reduction_the_mean_is_taken(loss):
    t = np.eye(3)[T]
    plain, none = classifier(loss()), classifier(loss(reduction=None))
    once = {"shuffle": False, "verbose": 0}
    assert none.fit(X, t, **once).history == plain.fit(X, t, **once).history
    assert bits(none) == bits(plain)
    given = loss(reduction="none")
    both = classifier([given])
    once = {"sample_weight": W, "verbose": 0}
    assert both.evaluate(X, t, **once) == classifier(loss()).evaluate(X, t, **once)
    assert given.reduction == "none"  # the one that was handed over


def test_a_class_without_a_weight_counts_as_it_is():
    some, all_of_them = classifier(), classifier()
    some.fit(X, T, class_weight={2: 5.0}, shuffle=False, verbose=0)
    all_of_them.fit(X, T, class_weight={0: 1.0, 1: 1.0, 2: 5.0, 9: 3.0}, shuffle=False, verbose=0)
    assert bits(some) == bits(all_of_them)
    batch = classifier()  # which may hold some of the classes alone
    batch.train_on_batch(X[T != 2], T[T != 2], class_weight={2: 5.0})
    batch.fit(DataLoader(X[T != 2], T[T != 2]), class_weight={2: 5.0}, verbose=0)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_balanced_weights_are_scikit_learns(loss):
    t = T if loss.startswith("sparse") else np.eye(3)[T]
    balanced, weighed = classifier(loss), classifier(loss)
    balanced.fit(X, t, class_weight="balanced", shuffle=False, verbose=0)
    weighed.fit(X, t, sample_weight=compute_sample_weight("balanced", T), shuffle=False, verbose=0)
    assert bits(balanced) == bits(weighed)
    with pytest.raises(ValueError, match="fit: class_weight is 'balanced', which needs all samples at once"):
        balanced.fit(DataLoader(X, t), class_weight="balanced", verbose=0)


def test_class_weights_of_one_hot_rows_for_any_loss():
    by_class, t = {0: 1.0, 1: 0.5, 2: 3.0}, np.eye(3)[T]
    for loss in ("binary_crossentropy", "mse", "hinge"):
        one, other = classifier(loss), classifier(loss)
        one.fit(X, t, class_weight=by_class, verbose=0, shuffle=False)
        other.fit(X, t, sample_weight=np.array([1.0, 0.5, 3.0])[T], verbose=0, shuffle=False)
        assert bits(one) == bits(other)


@pytest.mark.parametrize(
    "loss, t, message",
    [
        ("binary_crossentropy", [1, 1, 0], r"y\[2\] = \[1.0, 1.0, 0.0\] names no one; weigh every place by itself"),
        ("binary_crossentropy", [0, 0, 0], r"y\[2\] = \[0.0, 0.0, 0.0\] names no one"),
        ("mse", [0.2, 0.5, 0.3], r"y\[2\] = \[0.2.*\] names no one"),
    ],
)
def test_class_weights_want_one_class_a_sample(loss, t, message):
    targets = np.eye(3)[T]
    targets[2] = t
    with pytest.raises(ValueError, match=f"fit: class_weight needs one class a sample, and {message}"):
        classifier(loss).fit(X, targets, class_weight={0: 1, 1: 1, 2: 1}, verbose=0)


BAD = [
    (dict(sample_weight=W[:5]), r"fit: sample_weight has shape \(5,\), expected \(40,\), a weight for each"),
    (dict(sample_weight=-W), "fit: sample_weight.* expected finite numbers from 0"),
    (
        dict(class_weight={0: 1.0, 3: 2.0}),
        "fit: class_weight has a weight for 3, which is not in y, and none for 1, wh",
    ),
    (dict(sample_weight=np.ones((40, 2))), r"fit: sample_weight has shape \(40, 2\), expected \(40,\), a weight for"),
    (dict(class_weight=[1, 2, 3]), r"fit: class_weight is \[1, 2, 3\], expected a dictionary such as"),
    (dict(class_weight={0: 1, 1: -2, 2: 1}), r"fit: class_weight\[1\] is -2, expected"),
    (dict(validation_data=(X, T, W[:3])), r"fit: validation_data\[2\] has shape \(3,\), expected \(40,\)"),
]


@pytest.mark.parametrize("arguments, message", BAD, ids=[message[:45] for _, message in BAD])
def test_bad_weights_are_named_before_anything_is_trained(arguments, message):
    model = classifier()
    before = bits(model)
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(X, T, verbose=0, **arguments)
    assert bits(model) == before


def regularized():
    tw.set_seed(0)
    model = tw.Sequential(
        [
            Dense(4, "tanh", input_shape=(3,), kernel_regularizer="l2", bias_regularizer="l1"),
            Dense(1, kernel_regularizer=L1L2(0.01, 0.02)),
        ]
    )
    return model


def test_penalties_are_in_the_loss_and_in_the_gradients():
    model = regularized()
    model.compile(SGD(learning_rate=0.1), "mse")
    y = X[:, :1]
    bare = float(MeanSquaredError()(model(X), y))
    extra = tw.train.penalty(model).item()
    assert extra == pytest.approx(
        sum(float(p.regularizer(p.value).item()) for p in model.parameters() if p.regularizer is not None)
    )
    assert extra > 0 and model.evaluate(X, y, verbose=0) == pytest.approx(bare + extra, rel=1e-6)
    by_hand = regularized()
    optimizer = SGD(by_hand.parameters(), learning_rate=0.1)
    (MeanSquaredError()(by_hand(X), y) + tw.train.penalty(by_hand)).backward()
    optimizer.step()
    assert model.fit(X, y, batch_size=40, shuffle=False, verbose=0).history["loss"] == [pytest.approx(bare + extra)]
    for a, b in zip(model.get_weights(), by_hand.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_frozen_weights_pay_no_penalty():
    model = regularized()
    model.trainable = False
    assert tw.train.penalty(model).item() == 0


def test_several_batches_make_one_step():
    """As many samples in parts as at once, with the mean of the parts' gradients; over the end of an epoch too."""
    whole, parts = (
        classifier(optimizer=SGD(learning_rate=0.1)),
        classifier(optimizer=SGD(learning_rate=0.1), gradient_accumulation_steps=2),
    )
    whole.fit(X, T, batch_size=20, epochs=2, shuffle=False, verbose=0)
    parts.fit(X, T, batch_size=10, epochs=2, shuffle=False, verbose=0)
    assert parts._trainer.optimizer.iterations == 4
    for a, b in zip(whole.get_weights(), parts.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    odd = classifier(optimizer=SGD(learning_rate=0.1), gradient_accumulation_steps=3)
    odd.fit(X, T, batch_size=20, epochs=3, shuffle=False, verbose=0)
    assert odd._trainer.optimizer.iterations == 2 and odd._trainer.optimizer.accumulated == 0


def test_averages_take_the_place_of_weights_at_the_end_of_fit():
    model, plain = classifier(optimizer=Adam(use_ema=True, ema_momentum=0.5)), classifier()
    model.fit(X, T, batch_size=20, shuffle=False, verbose=0)
    plain.fit(X[:20], T[:20], batch_size=20, shuffle=False, verbose=0)
    first = plain.get_weights()
    plain.fit(X[20:], T[20:], batch_size=20, shuffle=False, verbose=0)
    for average, a, b in zip(model.get_weights(), first, plain.get_weights()):
        np.testing.assert_allclose(average, (a + b) / 2, rtol=1e-5, atol=1e-7)


class Stairs(Layer):
    """A layer that has no gradient, or one that is nothing."""

    def __init__(self, nothing=False):
        super().__init__()
        self.nothing = nothing

    def forward(self, x):
        return np.round(x), (lambda dy: None) if self.nothing else None


@pytest.mark.parametrize("nothing, why", [(False, "its forward returned None"), (True, "its backward returned None")])
def test_a_layer_without_gradient_in_the_middle_is_named(nothing, why):
    model = tw.Sequential([Dense(4, input_shape=(3,)), Stairs(nothing), Dense(1)])
    model.compile("sgd", "mse")
    before = bits(model)
    with pytest.raises(ValueError, match=rf"fit: layer stairs \(Stairs\) gives no gradient, {why}"):
        model.fit(X, X[:, :1], verbose=0)
    assert bits(model) == before and "forward" not in vars(model.layers[1])
    first = tw.Sequential([Stairs(nothing), Dense(1)])
    first.compile("sgd", "mse")
    first.fit(X, X[:, :1], verbose=0)


def test_weights_that_forward_does_not_use_are_named():
    class Idle(tw.Model):
        def __init__(self):
            self.used, self.idle = Dense(1), Dense(1)
            self.idle.build((None, 3))

        def forward(self, x):
            return self.used(x)

    model = Idle()
    model.compile("sgd", "mse")
    with pytest.warns(RuntimeWarning, match="fit: idle.w, idle.b got no gradient, so they are not trained"):
        model.fit(X, X[:, :1], verbose=0)


def test_compiling_is_shown_once_and_only_where_something_is_compiled(capsys, monkeypatch, tmp_path):
    model = classifier()
    model.fit(X, T, epochs=2, verbose=2)
    model.fit(X, T, epochs=2, verbose=2)
    shown = capsys.readouterr().out.splitlines()
    assert not any("compiling" in line for line in shown[-2:])

    import numba

    class Compiles(Layer):
        def forward(self, x):
            numba.njit(lambda a: a + 1)(1.0)
            return x, lambda dy: dy

    other = tw.Sequential([Compiles(), Dense(1)])
    other.compile("sgd", "mse")
    other.fit(X, X[:, :1], epochs=2, verbose=2)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "compiling kernels …" and sum("compiling kernels" in line for line in shown) == 1
    assert "s of compiling" in shown[1] and "compiling" not in shown[2]
