"""Lambda, Masking and Dot: what they compute, functions in files, masks, errors."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    GRU,
    LSTM,
    Add,
    Dense,
    Dot,
    Embedding,
    GlobalAveragePooling1D,
    Lambda,
    Masking,
    Tensor,
    TimeDistributed,
)

rng = np.random.default_rng(0)
ROWS, STEPS = rng.standard_normal((5, 4)).astype(np.float32), rng.standard_normal((2, 5, 3)).astype(np.float32)


def halved(x):
    return x * 0.5


def tanh(x):
    return x


def difference(pair, factor=1.0):
    return (pair[0] - pair[1]) * factor


def test_a_function_is_a_layer():
    x = Tensor(ROWS, requires_grad=True)
    y = Lambda(lambda x: tw.relu(x) * 2)(x)
    np.testing.assert_array_equal(y.numpy(), np.maximum(ROWS, 0) * 2)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, (ROWS > 0) * 2)
    np.testing.assert_array_equal(Lambda(halved)(ROWS.tolist()).numpy(), ROWS / 2)  # one array, as a list
    for inputs in ([[ROWS, ROWS - 1]], [ROWS, ROWS - 1], [[Tensor(ROWS), Tensor(ROWS - 1)]]):
        np.testing.assert_allclose(Lambda(difference, {"factor": 3.0})(*inputs).numpy(), 3, rtol=1e-6)
    first, second = Lambda(lambda x: [x[:, :1], x[:, 1:]])(ROWS)
    assert first.shape == (5, 1) and second.shape == (5, 3)


def test_functions_in_models_train_and_come_back_from_files(tmp_path):
    a, b = tw.Input((4,)), tw.Input((4,))
    model = tw.Model([a, b], Dense(1)(Lambda(difference, {"factor": 2.0})([Lambda(halved)(a), Lambda(tw.tanh)(b)])))
    model.compile("sgd", "mse")
    model.fit([ROWS, ROWS], np.ones(5), verbose=0)
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model", custom_objects={"halved": halved, "difference": difference})
    np.testing.assert_array_equal(again.predict([ROWS, ROWS]), model.predict([ROWS, ROWS]))
    assert again.layers[1].function is tw.tanh
    with pytest.raises(ValueError, match=r"it names the function 'halved', .*custom_objects=\{'halved': ...\}"):
        tw.load(tmp_path / "model")


class Counting(tw.Model):
    """A model, and a function, that counts its calls."""

    def __init__(self):
        self.dense, self.calls = Dense(3), 0

    def forward(self, x):
        return self.dense(self.count(x))

    def count(self, x):
        self.calls += self.training
        return x


@pytest.mark.parametrize("way", ("function", "model"))
def test_code_of_ones_own_runs_in_every_step(way):
    """Also where steps of the library's layers are recorded and replayed."""
    own = Counting()
    inner = Lambda(own.count) if way == "function" else TimeDistributed(own)
    model = tw.Sequential([inner, Dense(1)])
    model.compile("sgd", "mse")
    x = rng.standard_normal((12, 5, 4)).astype(np.float32)
    model.fit(x, np.ones((12, 5, 1)), batch_size=2, epochs=3, verbose=0)
    assert own.calls >= 18


@pytest.mark.parametrize("make", (Lambda, tw.layers.Activation), ids=("Lambda", "Activation"))
@pytest.mark.parametrize(
    "function, message",
    (
        (lambda x: x, "which keeps the name of a function alone; define it by def in a module, and give it to load"),
        (tanh, "is your own with the name of one of the library; name it otherwise"),
    ),
)
def test_files_have_no_place_for_functions_without_a_name(make, function, message, tmp_path):
    model = tw.Sequential([Dense(2, input_shape=(4,)), make(function)])
    with pytest.raises(TypeError, match=f"^save: <function .*{message}"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
    model.save_weights(tmp_path / "weights")


def test_a_function_hands_masks_on():
    words = np.array([[3, 1, 0], [2, 0, 0]])
    x = Embedding(5, 4, mask_zero=True)(words)
    np.testing.assert_array_equal(Lambda(halved)(x).mask, words != 0)
    assert Lambda(lambda x: x.sum(1))(x).mask is None


@pytest.mark.parametrize("value", (0.0, -1.5))
def test_masking_passes_over_steps_of_one_value(value):
    lengths = np.array([2, 5])
    x = np.where((np.arange(5) < lengths[:, None])[:, :, None], STEPS, np.float32(value))
    x[1, 1, 0] = value  # one channel alone hides nothing
    given = Tensor(x, requires_grad=True)
    y = Masking(value)(given)
    np.testing.assert_array_equal(y.mask, np.arange(5) < lengths[:, None])
    np.testing.assert_array_equal(y.numpy(), np.where(y.mask[:, :, None], x, 0))
    assert given.mask is None
    y.sum().backward()
    np.testing.assert_array_equal(given.grad, np.broadcast_to(y.mask[:, :, None], x.shape))
    gru = GRU(3)
    np.testing.assert_array_equal(gru(y).numpy()[0], gru(x[:1, :2]).numpy()[0])
    model = tw.Sequential(
        [Masking(value, input_shape=(None, 3)), LSTM(2, return_sequences=True), GlobalAveragePooling1D()]
    )
    np.testing.assert_allclose(model.predict(x)[0], model.predict(x[:1, :2])[0], rtol=1e-5)


def test_masking_adds_to_a_mask():
    x = Embedding(5, 3, mask_zero=True, embeddings_initializer="ones")(np.array([[1, 2, 0]]))
    y = Masking(1.0)(Add()([x, x]))
    np.testing.assert_array_equal(y.mask, [[True, True, False]])


def test_dot_is_numpys():
    a, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 5, 3))
    equations = {
        (3, 1): "nhwk,nkj->nhwj",
        (1, 2): "nkhw,njk->nhwj",
        (-1, -2): "nhwk,nkj->nhwj",
        (-3, -1): "nkhw,njk->nhwj",
    }
    for axes, equation in equations.items():
        np.testing.assert_allclose(Dot(axes, dtype="float64")([a, b]).numpy(), np.einsum(equation, a, b), atol=1e-12)
    np.testing.assert_allclose(Dot(1)([ROWS, ROWS]).numpy()[:, 0], np.square(ROWS).sum(1), rtol=1e-5)


def test_dot_of_unit_vectors_are_cosines():
    cosines = Dot(-1, normalize=True, dtype="float64")([STEPS, STEPS * [[[1], [2], [-3], [4], [0]]]]).numpy()
    unit = STEPS / np.linalg.norm(STEPS, axis=-1, keepdims=True)
    np.testing.assert_allclose(cosines, unit @ unit.transpose(0, 2, 1) * [1, 1, -1, 1, 0], atol=1e-6)


BAD = [
    (lambda: Lambda("tanh"), "Lambda: function is 'tanh', expected a function on tensors"),
    (lambda: Lambda(Dense(3)), r"Lambda: function is Dense\(.*\), which is a layer or a model; add it as it is"),
    (lambda: Lambda(halved, [1]), "Lambda: arguments is a list, expected a dict by name"),
    (lambda: Lambda(lambda x: x.numpy())(ROWS), "Lambda: the function gave ndarray, expected a tensor .* no gradient"),
    (lambda: Lambda(lambda x: None)(tw.Input((3,))), "Lambda: the function gave NoneType, expected a tensor"),
    (lambda: Masking("zero"), "Masking: mask_value is 'zero', expected a number"),
    (lambda: Masking()(ROWS), r"Masking: x has shape \(5, 4\), expected 3 axes \(N, T, C\)"),
    (lambda: Dot(0), "Dot: axes is 0, expected other ones than 0"),
    (lambda: Dot((1, 2, 3)), r"Dot: axes is \(1, 2, 3\), expected an axis, or a pair of them"),
    (lambda: Dot(1.5), "Dot: axes is 1.5, expected an integer"),
    (lambda: Dot(2)([ROWS, ROWS]), r"Dot: the inputs have shapes .*, expected the axes \(2, 2\) in them"),
    (
        lambda: Dot(1)([ROWS, ROWS[:, :3]]),
        r"Dot: the inputs have shapes \(None, 4\) and \(None, 3\), expected one size along the axes \(1, 1\)",
    ),
    (lambda: Dot(1)([ROWS, ROWS[:3]]), "Dot: the inputs have 5 and 3 samples, expected as many"),
    (lambda: Dot(1)([ROWS, ROWS, ROWS]), "Dot: there are 3 inputs, expected 2"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
