"""Outputs that a loss is not made for are said, once; those that it is made for, or that nobody can know, are not."""

import warnings

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    LSTM,
    Activation,
    Average,
    Conv1D,
    Dense,
    Flatten,
    PReLU,
    Reshape,
    Softmax,
    TimeDistributed,
)
from tilewright.train import BinaryCrossentropy, KLDivergence, SparseCategoricalCrossentropy

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 3)).astype(np.float32)
T = np.arange(20) % 2
STEPS = rng.standard_normal((20, 4, 3)).astype(np.float32)
SPARSE, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"
LOGITS = SparseCategoricalCrossentropy(from_logits=True)


def sequential(*layers):
    tw.set_seed(0)
    return tw.Sequential([tw.Input(shape=(3,)), *layers])


class Scores(tw.Model):
    """A forward of its own, whose numbers alone can say what they are."""

    def __init__(self, activation=None):
        tw.set_seed(0)
        self.dense, self.activation = Dense(2, kernel_initializer="ones"), activation or (lambda x: x)

    def forward(self, x):
        return self.activation(self.dense(x * x))


@pytest.mark.parametrize(
    "layers, loss, message",
    [
        ([Dense(1)], BINARY, r"dense \(Dense\) has no activation, and BinaryCrossentropy\(\) takes probabilities"),
        ([Dense(1)], BINARY, r"give it activation='sigmoid', or say BinaryCrossentropy\(from_logits=True\)"),
        ([Dense(2)], SPARSE, r"give it activation='softmax', or say SparseCategoricalCrossentropy\(from_logits=True\)"),
        ([Dense(4), Dense(2, "relu")], SPARSE, r"dense_1 \(Dense\) ends with relu, and Sparse"),
        ([Dense(2), PReLU(), Activation("linear")], SPARSE, r"\(Activation\) has no activation"),
        ([Dense(2), Activation("tanh"), Reshape((2,))], SPARSE, r"\(Activation\) ends with tanh"),
        ([tw.Sequential([Dense(2, name="scores")])], SPARSE, r"scores \(Dense\) has no activation"),
        ([Dense(2, "softmax")], LOGITS, "ends with softmax, whose results are probabilities, and .* takes logits"),
        ([Dense(2), Softmax()], LOGITS, r"\(Softmax\) ends with softmax.*take the activation away, or from_logits"),
    ],
)
def test_a_last_layer_that_does_not_fit_its_loss_is_named(layers, loss, message):
    model = sequential(*layers)
    model.compile("adam", loss)
    with pytest.warns(RuntimeWarning, match=f"train_on_batch: .*{message}") as said:
        model.train_on_batch(X, T)
        model.train_on_batch(X, T)
    assert len(said) == 1 and said[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.test_on_batch(X, T)  # it was said


def test_the_output_that_does_not_fit_is_named():
    a = tw.Input(shape=(3,))
    fine, scores = Dense(1, "sigmoid", name="fine")(a), Dense(2, name="scores")(a)
    model = tw.Model(a, [fine, Flatten()(scores), Dense(1)(a)])
    model.compile("adam", [BINARY, SPARSE, "mse"])
    with pytest.warns(RuntimeWarning, match=r"train_on_batch: scores \(Dense\) has no activation") as said:
        model.train_on_batch(X, [T, T, T])
    assert len(said) == 1


def averaged():
    a = tw.Input(shape=(3,))
    return tw.Model(a, Average()([Dense(2, "softmax")(a), Dense(2, "softmax")(a)]))


@pytest.mark.parametrize(
    "make, loss, x",
    [
        (lambda: sequential(Dense(2)), LOGITS, X),
        (lambda: sequential(Dense(2, "softmax"), Reshape((2,))), SPARSE, X),
        (lambda: sequential(Dense(1, "hard_sigmoid")), BINARY, X),
        (lambda: sequential(Dense(1)), "mse", X),
        (lambda: sequential(Dense(2, tw.softmax)), SPARSE, X),
        (lambda: sequential(Dense(2, lambda x: tw.sigmoid(x))), SPARSE, X),
        (averaged, SPARSE, X),
        (lambda: tw.Sequential([TimeDistributed(Dense(2, "softmax"))]), SPARSE, STEPS),
        (lambda: tw.Sequential([Conv1D(1, 4, activation="sigmoid"), Flatten()]), BINARY, STEPS),
        (lambda: tw.Sequential([LSTM(2, activation="sigmoid")]), SPARSE, STEPS),
        (lambda: Scores(tw.softmax), SPARSE, X),
        (lambda: Scores(), LOGITS, X),
    ],
)
def test_no_false_alarm(make, loss, x):
    model = make()
    model.compile("adam", loss)
    t = T if x is X or len(model.layers) > 1 or isinstance(model.layers[0], LSTM) else np.tile(T[:, None], (1, 4))
    model.fit(x, t, verbose=0)


def test_accuracy_of_a_regression_is_doubted():
    model = sequential(Dense(1))
    model.compile("sgd", "mse", ["accuracy"])
    with pytest.warns(
        RuntimeWarning, match=r"accuracy: targets go from -3 to 9, .* for a regression take 'mae'"
    ) as said:
        model.evaluate(X, np.linspace(-3, 9, 20), verbose=0)
        model.evaluate(X, np.linspace(-3, 9, 20), verbose=0)
    assert len(said) == 1 and said[0].filename == __file__
    model.evaluate(X, T, verbose=0)  # of two classes


def test_numbers_of_other_models_speak_for_themselves():
    model = Scores()
    model.compile("adam", SPARSE)
    with pytest.warns(RuntimeWarning, match=r"fit: the model's output has numbers from 3 to 3, and Sparse"):
        model.fit(X * 0 + 1, T, verbose=0)


@pytest.mark.parametrize("loss", [BinaryCrossentropy, SparseCategoricalCrossentropy, KLDivergence])
def test_a_loss_by_hand_looks_at_its_first_outputs(loss):
    scores = tw.Tensor(np.array([[-1.5, 2.0], [0.5, 0.5]], np.float32))
    target = np.array([0, 1]) if loss is SparseCategoricalCrossentropy else np.eye(2)
    criterion = loss()
    with pytest.warns(RuntimeWarning, match=f"{loss.__name__}: the model's output has numbers from -1.5 to 2, and"):
        criterion(scores, target)
    criterion(scores, target)
    loss()(tw.softmax(scores), target)
