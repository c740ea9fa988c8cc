"""Losses and metrics of the user's own, in compile and fit."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import Loss, MeanSquaredError

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
Y = X.sum(1)


def squares(output, target):
    return (output - target) * (output - target)


class Squares(Loss):
    def __call__(self, output, target):
        return squares(output, target).mean()


class Doubled(MeanSquaredError):
    def __call__(self, output, target, sample_weight=None):
        return super().__call__(output, target, sample_weight) * 2


def trained(loss, *, metrics=None, y=Y, **options):
    tw.set_seed(0)
    model = tw.Sequential([Dense(1, input_shape=(3,))])
    model.compile("adam", loss, metrics=metrics)
    model.fit(X, y, batch_size=16, epochs=2, verbose=0, **options)
    return model


def means(output, target):
    return squares(output, target).mean()


@pytest.mark.parametrize("loss", [means, squares, Squares, Squares(), lambda output, target: means(output, target)])
def test_own_losses_train_as_the_librarys_do(loss):
    model, same = trained(loss), trained("mse")
    np.testing.assert_allclose(model.history.history["loss"], same.history.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(model.predict(X), same.predict(X), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), same.evaluate(X, Y, verbose=0), rtol=1e-5)


def test_values_a_sample_take_weights():
    w = np.arange(40) / 40
    np.testing.assert_allclose(
        trained(squares, sample_weight=w).history.history["loss"],
        trained("mse", sample_weight=w).history.history["loss"],
        rtol=1e-5,
    )
    classes = (Y > 0).astype(int)
    np.testing.assert_allclose(
        trained(squares, y=classes, class_weight={0: 1.0, 1: 3.0}).history.history["loss"],
        trained("mse", y=classes, class_weight={0: 1.0, 1: 3.0}).history.history["loss"],
        rtol=1e-5,
    )
    with pytest.raises(
        ValueError, match=r"the loss means gave one number .* sample_weight .* expected values a sample"
    ):
        trained(means, sample_weight=w)


def test_a_subclass_of_a_loss_is_called_too():
    once, twice = trained("mse"), trained(Doubled())
    assert twice.history.history["loss"][0] == pytest.approx(2 * once.history.history["loss"][0], rel=1e-2)
    assert Doubled()(tw.Tensor([[1.0]]), [[3.0]]).item() == 8


def test_own_losses_of_several_outputs():
    a = tw.Input(shape=(3,))
    model = tw.Model(a, [Dense(1, name="p")(a), Dense(1, name="q")(a)])
    model.compile("adam", {"p": means, "q": "mse"}, metrics={"p": [means]})
    history = model.fit(X, {"p": Y, "q": Y}, verbose=0).history
    assert {"p_loss", "q_loss", "p_means"} < set(history)


class Forward(Loss):
    def forward(self, output, target):
        return means(output, target)


class Nothing(Loss):
    pass


class Keras(Loss):
    def call(self, y_true, y_pred):
        return means(y_pred, y_true)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Nothing, r"Nothing has no __call__\(self, output, target\)$"),
        (Keras, r"Keras has no __call__\(self, output, target\); call\(\) is Keras's"),
        (Forward, r"Forward has no __call__\(self, output, target\); what PyTorch names forward is named __call__"),
        (lambda y_true, y_pred: None, r"takes y_true, y_pred, expected \(output, target\): the other way round"),
        (lambda output, target: 1.0, "gave float, expected a tensor that is computed from output"),
        (lambda output, target: tw.Tensor(1.0), r"does not depend on output; the order is \(output, target\)"),
        (lambda output, target: means(output, target).reshape(1, 1) + np.zeros((2, 3)), r"gave shape \(2, 3\)"),
    ],
)
def test_what_is_no_loss_is_said(loss, message):
    with pytest.raises((TypeError, ValueError), match=message):
        trained(loss)


def test_targets_of_own_losses_are_looked_at():
    y = Y.copy()
    y[5] = np.nan
    with pytest.raises(ValueError, match=r"y\[5\] = nan"):
        trained(means, y=y)


def test_functions_as_metrics():
    sizes = []

    def worst(output, target):
        sizes.append(len(output))
        assert type(output) is type(target) is np.ndarray
        return abs(output - target).max()

    model = trained("mse", metrics=[worst, "mae"])
    assert list(model.history.history) == ["loss", "worst", "mae"]
    assert sizes == [16, 16, 8] * 2
    sizes.clear()
    found = model.evaluate(X, Y, batch_size=16, verbose=0, return_dict=True)
    each = abs(model.predict(X)[:, 0] - Y)
    expected = (16 * each[:16].max() + 16 * each[16:32].max() + 8 * each[32:].max()) / 40
    assert found["worst"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (means, r"metrics is <function means.*expected a list"),
        ([lambda y_true, y_pred: 0], "the metric <lambda> takes y_true, y_pred"),
        ([lambda output, target: "a"], "gave str, expected a number"),
        ([lambda output, target: np.zeros(3)], r"gave shape \(3,\), expected a number"),
    ],
)
def test_what_is_no_metric_is_said(metrics, message):
    with pytest.raises((TypeError, ValueError), match=message):
        trained("mse", metrics=metrics)


def test_a_model_with_functions_is_loaded_with_them(tmp_path):
    model = trained(means, metrics=[means])
    model.save(tmp_path / "model")
    loaded = tw.load(tmp_path / "model", custom_objects={"means": means})
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    said = "load: .*model was compiled with means, and the model is not; give custom_objects={'means': ...}"
    with pytest.warns(RuntimeWarning, match=said):
        loaded = tw.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.optimizer is None


def test_a_loss_class_is_loaded_with_its_model(tmp_path):
    model = trained(Squares())
    model.save(tmp_path / "model")
    loaded = tw.load(tmp_path / "model", custom_objects={"Squares": Squares})
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
