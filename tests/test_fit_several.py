"""fit, evaluate and predict of models with several inputs or outputs."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Concatenate, Dense
from tilewright.train import AbsoluteError, DataLoader, MeanAbsoluteError
from tilewright.train.data import cut_out

rng = np.random.default_rng(0)
A, B = rng.standard_normal((40, 3)).astype(np.float32), rng.standard_normal((40, 2)).astype(np.float32)
Y = (A[:, :1] + B[:, :1]).astype(np.float32)
T = (A[:, 0] > 0).astype(np.int64) + (B[:, 0] > 0)
W = rng.uniform(0, 2, 40)


def joined(outputs=2, loss=None, **options):
    tw.set_seed(0)
    a, b = tw.Input(shape=(3,), name="a"), tw.Input(shape=(2,), name="b")
    both = Concatenate()([Dense(4, "tanh")(a), b])
    value, kind = Dense(1, name="value")(both), Dense(3, "softmax", name="kind")(both)
    model = tw.Model([a, b], [value, kind] if outputs == 2 else value)
    if outputs == 2:
        loss = loss or {"value": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile("adam", loss or "mse", **options)
    return model


def bits(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def batches():
    for start in range(0, 40, 32):
        rows = slice(start, start + 32)
        yield [A[rows], B[rows]], Y[rows]


@pytest.mark.parametrize(
    "data",
    [
        lambda: ([A, B], Y),
        lambda: ((A, B), Y),
        lambda: ({"b": B, "a": A}, Y),
        lambda: ([A.tolist(), B.astype(np.float64)], Y),
        lambda: (DataLoader([A, B], Y),),
        lambda: (DataLoader({"b": B, "a": A}, Y, workers=2),),
        lambda: (batches(),),
    ],
    ids=["list", "tuple", "dict", "lists of lists", "loader", "loader of a dict", "generator"],
)
def test_several_inputs_in_any_form(data):
    model, expected = joined(1), joined(1)
    expected.fit([A, B], Y, shuffle=False, verbose=0)
    model.fit(*data(), shuffle=False, verbose=0)
    assert bits(model) == bits(expected)
    assert model.evaluate(*data(), verbose=0) == expected.evaluate([A, B], Y, verbose=0)
    np.testing.assert_array_equal(model.predict(data()[0]), expected.predict([A, B]))


def test_several_inputs_are_shuffled_together():
    model = joined(1)
    losses = model.fit([A, B], Y, batch_size=4, epochs=100, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]


def test_the_history_of_several_outputs():
    model = joined(metrics={"kind": ["accuracy"], "value": ["mae"]}, loss_weights={"value": 2.0})
    history = model.fit([A, B], [Y, T], epochs=2, validation_split=0.25, verbose=0).history
    keys = ["loss", "value_loss", "kind_loss", "value_mae", "kind_accuracy"]
    assert list(history) == [*keys, *(f"val_{key}" for key in keys)]
    found = model.evaluate([A, B], {"kind": T, "value": Y}, verbose=0, return_dict=True)
    assert list(found) == keys
    assert found["loss"] == pytest.approx(2 * found["value_loss"] + found["kind_loss"], rel=1e-6)
    value, kind = model.predict([A, B])
    assert found["value_loss"] == pytest.approx(np.square(value - Y).mean(), rel=1e-5)
    assert found["kind_accuracy"] == (kind.argmax(1) == T).mean()
    assert model.test_on_batch([A, B], [Y, T], return_dict=True) == pytest.approx(found, rel=1e-6)
    before = bits(model)
    assert model.train_on_batch([A, B], [Y, T]) == pytest.approx(list(found.values()), rel=1e-6)
    assert bits(model) != before
    for one, other in zip(model.predict_on_batch([A, B]), model.predict([A, B], batch_size=40)):
        np.testing.assert_array_equal(one, other)


def test_one_loss_for_all_outputs_and_none_for_some():
    model = joined(loss="mse")
    model.fit([A, B], [Y, np.eye(3)[T]], verbose=0)
    alone = joined(loss={"value": MeanAbsoluteError()})
    with pytest.warns(RuntimeWarning, match="fit: kind.w, kind.b got no gradient"):
        history = alone.fit([A, B], {"value": Y}, verbose=0).history
    assert list(history) == ["loss", "value_loss"] and history["loss"] == history["value_loss"]


def test_weights_of_samples_are_those_of_all_outputs():
    model = joined()
    value, kind = model.predict([A, B])
    found = model.evaluate([A, B], [Y, T], sample_weight=W, verbose=0, return_dict=True)
    assert found["value_loss"] == pytest.approx((W * np.square(value - Y)[:, 0]).mean(), rel=1e-5)
    assert found["kind_loss"] == pytest.approx((-W * np.log(kind[np.arange(40), T])).mean(), rel=1e-5)


@pytest.mark.parametrize(
    "w, of_kind", [({"kind": W}, W), ([None, W], W), ({"value": 3 * W, "kind": W}, W), (W, W)], ids=str
)
def test_weights_by_output_weigh_losses_and_weighted_metrics(w, of_kind):
    model = joined(metrics=[None, "accuracy"], weighted_metrics={"kind": "accuracy", "value": ["mae"]})
    value, kind = model.predict([A, B])
    of_value = w.get("value") if isinstance(w, dict) else None if isinstance(w, list) else w
    of_value = np.ones(40) if of_value is None else of_value
    found = model.evaluate([A, B], [Y, T], sample_weight=w, verbose=0, return_dict=True)
    right, far = kind.argmax(1) == T, np.abs(value - Y)[:, 0]
    expected = {
        "value_loss": (of_value * np.square(value - Y)[:, 0]).mean(),
        "kind_loss": (-of_kind * np.log(kind[np.arange(40), T])).mean(),
        "value_mae": np.average(far, weights=of_value),
        "kind_accuracy": right.mean(),
        "kind_weighted_accuracy": np.average(right, weights=of_kind),
    }
    expected = {"loss": expected["value_loss"] + expected["kind_loss"], **expected}
    assert list(found) == list(expected) and found == pytest.approx(expected, rel=1e-5)
    frozen = joined(metrics=[None, "accuracy"], weighted_metrics={"kind": "accuracy", "value": ["mae"]})
    frozen.optimizer.learning_rate = 0.0

    def stream():
        for start in range(0, 40, 16):
            yield cut_out(([A, B], [Y, T], w), slice(start, start + 16))

    loader = DataLoader([A, B], [Y, T], 16, sample_weight=w)
    for source in (([A, B], [Y, T]), (stream(),), (loader,)):
        weighed = {"sample_weight": w} if len(source) == 2 else {}
        history = frozen.fit(*source, **weighed, verbose=0).history
        assert {key: one for key, (one,) in history.items()} == pytest.approx(expected, rel=1e-5)
    held_out = frozen.fit([A, B], [Y, T], sample_weight=w, validation_split=0.5, verbose=0).history
    assert held_out["val_kind_weighted_accuracy"] == [pytest.approx(np.average(right[20:], weights=of_kind[20:]))]


def test_one_output_takes_what_is_given_by_output():
    plain = joined(1, loss="mse", metrics=["mae"])
    expected = plain.fit([A, B], Y, verbose=0).history
    for loss, metrics, y in [
        (["mse"], [["mae"]], Y),
        ({"value": "mse"}, {"value": "mae"}, {"value": Y}),
        (("mse",), {"value": ["mae"]}, Y),
    ]:
        assert joined(1, loss=loss, metrics=metrics).fit([A, B], y, verbose=0).history == expected


def test_a_column_is_taken_for_an_input_of_one_feature():
    tw.set_seed(0)
    a, b = tw.Input(shape=(1,), name="a"), tw.Input(shape=(2,), name="b")
    model = tw.Model([a, b], Dense(1, name="value")(Concatenate()([a, b])))
    model.compile("adam", {"value": "mse"})
    np.testing.assert_array_equal(model.predict([A[:, 0], B]), model.predict([A[:, :1], B]))
    model.fit({"a": A[:, 0], "b": B}, {"value": Y}, verbose=0)
    stack = tw.Sequential([Dense(1, input_shape=(1,))])
    stack.compile("adam", {"anything": "mse"})
    stack.fit(A[:, 0], {"anything": Y}, sample_weight={"anything": W}, verbose=0)
    with pytest.raises(TypeError, match=r"fit: y is a dictionary and the model has one output; pass y\['other'\]"):
        stack.fit(A[:, 0], {"other": Y}, verbose=0)


class Forked(tw.Model):
    """A class of its own with a dict of inputs and of outputs."""

    def __init__(self):
        self.a, self.b = Dense(1), Dense(3, "softmax")

    def forward(self, x):
        return {"value": self.a(x["a"]), "kind": self.b(x["b"])}


def test_a_forward_with_dictionaries():
    tw.set_seed(0)
    model = Forked()
    model.compile("adam", {"value": "mse", "kind": "sparse_categorical_crossentropy"}, {"kind": ["accuracy"]})
    x, y = {"a": A, "b": B}, {"kind": T, "value": Y}
    history = model.fit(x, y, epochs=30, batch_size=8, verbose=0).history
    assert list(history) == ["loss", "value_loss", "kind_loss", "kind_accuracy"]
    assert history["loss"][-1] < history["loss"][0]
    assert {name: one.shape for name, one in model.predict(x).items()} == {"value": (40, 1), "kind": (40, 3)}


BAD = [
    (lambda: joined().fit([A], [Y, T]), r"fit: x is 1 arrays, expected a list of 2: a, b"),
    (lambda: joined().fit({"a": A, "c": B}, [Y, T]), r"fit: x has 'c', which is no input of the model"),
    (lambda: joined().fit([A, B[:3]], [Y, T]), r"fit: x\[0\] has 40 samples and x\[1\] has 3, expected as many"),
    (lambda: joined().fit([A, A], [Y, T]), r"fit: x\['b'\] has shape \(40, 3\), expected \(N, 2\)"),
    (lambda: joined().fit([A, B], Y), r"fit: y is a ndarray, expected a list of 2, or a dictionary"),
    (lambda: joined().fit([A, B], [Y]), r"fit: y is 1 arrays, expected a list of 2"),
    (lambda: joined().fit([A, B], {"kinds": T, "value": Y}), "fit: y has 'kinds', .* did you mean 'kind'"),
    (lambda: joined().fit([A, B], {"value": Y}), "fit: y has no 'kind', expected targets for every output"),
    (lambda: joined().fit([A, B], [Y, T[:3]]), r"fit: x has 40 samples and y\['kind'\] has 3, expected as many"),
    (lambda: joined().fit([A, B], [Y, T + 1]), r"fit: y\['kind'\] holds the label 3, expected 0 to 2"),
    (lambda: joined(loss={"valeu": "mse"}).fit([A, B], [Y, T]), "compile: loss has 'valeu', .*did you mean 'value'"),
    (lambda: joined(loss=["mse"]).fit([A, B], [Y, T]), "compile: loss has 1 entries, expected 2: value, kind"),
    (
        lambda: joined(metrics=["mae"]).fit([A, B], [Y, T]),
        "compile: metrics has 1 entries and the model has 2 outputs, expected a list for each",
    ),
    (lambda: joined(loss_weights={"value": "2"}), r"compile: loss_weights is '2', expected a number"),
    (
        lambda: joined(1, loss=["mse", "mae"]).fit([A, B], Y),
        "compile: loss has 2 entries, expected 1 because the model",
    ),
    (lambda: joined(1, loss={"valeu": "mse"}).fit([A, B], Y), "compile: loss has 'valeu', .*did you mean 'value'"),
    (lambda: joined(1, loss_weights=[2.0]).fit([A, B], Y), "compile: loss_weights is given, but the model has one out"),
    (lambda: joined(loss_weights=2.0), "compile: loss_weights is 2.0, expected a list or a dictionary, a number"),
    (lambda: tw.Sequential([Dense(1)]).compile("sgd", None), "compile: loss is None, expected one of 'mse'"),
    (lambda: joined(1, loss=[None]).fit([A, B], Y), "compile: loss is None, and the model has no other output"),
    (
        lambda: joined(metrics=(mae := [AbsoluteError()]) and {"value": mae}, weighted_metrics={"value": mae}),
        "compile: a metric is both in metrics and in weighted_metrics",
    ),
    (
        lambda: joined().fit([A, B], [Y, T], sample_weight={"kind": W[:3]}),
        r"fit: sample_weight\['kind'\] has shape \(3,\), expected \(40,\)",
    ),
    (lambda: joined().fit([A, B], [Y, T], sample_weight=[W]), "fit: sample_weight is 1 arrays, expected a list of 2"),
    (lambda: joined().fit([A, B], [Y, T], class_weight={0: 1}), "fit: class_weight is given and the model has several"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:50] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
