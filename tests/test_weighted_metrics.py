"""The metrics of `weighted_metrics`, by the weights of samples and classes."""

import numpy as np
import pytest
import tilewright as tw
from sklearn.metrics import accuracy_score, f1_score
from tilewright.layers import Dense, Embedding
from tilewright.train import SGD, F1Score, Metric

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 3)).astype(np.float32)
T = rng.integers(0, 3, 40)
W = rng.uniform(0, 2, 40)


def compiled(weighted_metrics):
    tw.set_seed(0)
    model = tw.Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(3, "softmax")])
    optimizer, loss = SGD(learning_rate=0.0), "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, ["accuracy"], weighted_metrics=weighted_metrics)
    return model


def test_weighted_metrics_take_weights_and_metrics_do_not():
    def far(output, target):
        return 1 - output[np.arange(len(target)), target]

    metrics = ["acc", "accuracy", F1Score(average="macro", name="f1"), far]
    model, by_class = compiled(metrics), {0: 1.0, 1: 0.5, 2: 3.0}
    weights = W * np.array([1.0, 0.5, 3.0])[T]
    said, distance = model.predict(X).argmax(1), far(model.predict(X), T)
    expected = {
        "accuracy": (said == T).mean(),
        "acc": accuracy_score(T, said, sample_weight=weights),
        "weighted_accuracy": accuracy_score(T, said, sample_weight=weights),
        "f1": f1_score(T, said, average="macro", sample_weight=weights),
        "far": np.average(distance, weights=weights),
    }
    history = model.fit(X, T, 7, class_weight=by_class, sample_weight=W, validation_data=(X, T, W), verbose=0).history
    assert list(history) == [*(["loss", *expected]), *(f"val_{key}" for key in ["loss", *expected])]
    assert {key: history[key][0] for key in expected} == pytest.approx(expected, rel=1e-5)
    assert history["val_weighted_accuracy"] == [pytest.approx(accuracy_score(T, said, sample_weight=W), rel=1e-5)]
    plain = model.evaluate(X, T, verbose=0, return_dict=True)
    assert plain["accuracy"] == plain["weighted_accuracy"] == (said == T).mean()
    on_batch = model.test_on_batch(X, T, sample_weight=weights, return_dict=True)
    assert {key: on_batch[key] for key in expected} == pytest.approx(expected, rel=1e-5)


def test_weighted_metrics_see_the_steps_of_a_mask():
    tw.set_seed(0)
    model = tw.Sequential([Embedding(5, 3, mask_zero=True, input_shape=(4,)), Dense(2, "softmax")])
    model.compile(SGD(learning_rate=0.0), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    x, t = rng.integers(0, 5, (30, 4)), rng.integers(0, 2, (30, 4))
    right, w = model.predict(x).argmax(-1) == t, rng.uniform(0, 2, (30, 4))
    for weights in (w, w[:, 0]):
        spread = (weights.reshape(30, -1) * np.ones((1, 4)))[x > 0]
        found = model.evaluate(x, t, sample_weight=weights, verbose=0)[1]
        assert found == pytest.approx(np.average(right[x > 0], weights=spread), rel=1e-5)


def test_a_function_that_gives_one_number_takes_no_weights():
    model = compiled([lambda output, target: output.max()])
    with pytest.raises(ValueError, match="the metric <lambda> gave one number .* expected a value a sample"):
        model.fit(X, T, sample_weight=W, verbose=0)


def test_a_metric_is_asked_after_it_was_told():
    class Share(Metric):
        def reset(self):
            self.right = self.count = 0

        def update(self, y, t, sample_weight=None):
            self.right, self.count = self.right + int((y.argmax(1) == t).sum()), self.count + len(y)

        def result(self):
            return self.right / self.count

    model = compiled([Share("accuracy")])
    history = model.fit(X, T, verbose=0).history
    assert history["weighted_accuracy"] == history["accuracy"]
