"""tw.plot: the numbers that are drawn. What is drawn is read back from the figures' lines, images and texts."""

import subprocess
import sys

import numpy as np
import pytest
import tilewright as tw
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve
from tilewright.layers import (
    GRU,
    Activation,
    Add,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    MultiHeadAttention,
    Residual,
    Softmax,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def drawn_images(figure):
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_history_draws_each_key_with_its_validation():
    values = {"loss": [3.0, 2.0, 1.0, 0.5], "val_loss": [2.5, 1.5], "accuracy": [0.1, 0.5, 0.8, 0.9]}
    figure = tw.plot.history(values)
    loss, accuracy = figure.axes
    (training, validation), (single,) = loss.lines, accuracy.lines
    assert training.get_xydata().tolist() == [[1, 3], [2, 2], [3, 1], [4, 0.5]]
    assert validation.get_xydata().tolist() == [[2, 2.5], [4, 1.5]]
    assert single.get_ydata().tolist() == values["accuracy"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]


def test_history_takes_what_fit_returns_and_the_model_itself(rng):
    model = tw.Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    history = model.fit(rng.random((20, 2)), rng.random(20), epochs=3, validation_split=0.2, verbose=0)
    for source in (history, model, history.history):
        lines = tw.plot.history(source).axes[0].lines
        assert [list(line.get_ydata()) for line in lines] == [history.history["loss"], history.history["val_loss"]]
    axes = Figure().subplots()
    assert tw.plot.history(history, "loss", ax=axes) is axes.figure
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["loss", "val_loss"]


def test_history_refuses_what_was_not_trained():
    with pytest.raises(ValueError, match="there is no 'lose', expected one of 'loss'"):
        tw.plot.history({"loss": [1.0]}, ["lose"])
    model = tw.Sequential([Dense(1, input_shape=(2,))])
    with pytest.raises(ValueError, match="holds no epochs"):
        tw.plot.history(model)


def test_confusion_counts_as_scikit_learn(rng):
    truth, scores = rng.integers(0, 4, 60), rng.random((60, 4))
    expected = confusion_matrix(truth, scores.argmax(1))
    for arguments in ((truth, scores), (truth, scores.argmax(1)), (expected,), (np.eye(4)[truth], scores)):
        (axes,) = tw.plot.confusion(*arguments, labels=["a", "b", "c", "d"]).axes
        assert np.array_equal(axes.images[0].get_array(), expected)
        said = {(round(t.get_position()[1]), round(t.get_position()[0])): int(t.get_text()) for t in axes.texts}
        assert said == {place: count for place, count in np.ndenumerate(expected) if count}
        assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c", "d"]
    (axes,) = tw.plot.confusion(truth, scores, normalize=True).axes
    assert np.allclose(axes.images[0].get_array(), confusion_matrix(truth, scores.argmax(1), normalize="true"))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0, 1], [0, 1, 1]), "y_true has 2 samples and y_pred 3"),
        (([[1, 2, 3]],), r"the matrix has shape \(1, 3\)"),
        (([0.5, 1], [0, 1]), "y_true of shape .* holds no classes"),
        (([0, 1], [0, 1], ["one"]), "labels has 1 names, expected 2"),
    ],
)
def test_confusion_refuses_what_does_not_go_together(arguments, message):
    with pytest.raises(ValueError, match=message):
        tw.plot.confusion(*arguments)


def test_roc_draws_scikit_learns_curve(rng):
    truth = rng.integers(0, 2, 80)
    scores = truth + rng.normal(0, 1, 80)
    fpr, tpr, _ = roc_curve(truth, scores)
    for given in (scores, scores[:, None], np.stack([-scores, scores], 1)):
        (axes,) = tw.plot.roc(truth, given).axes
        assert np.allclose(axes.lines[0].get_xydata(), np.stack([fpr, tpr], 1))
        assert axes.get_legend().get_texts()[0].get_text() == f"score, AUC {roc_auc_score(truth, scores):.3f}"


def test_roc_of_several_classes_is_each_against_the_rest(rng):
    truth, scores = rng.integers(0, 3, 80), rng.random((80, 3))
    (axes,) = tw.plot.roc(truth, scores, labels=["a", "b", "c"]).axes
    said = [text.get_text() for text in axes.get_legend().get_texts()]
    assert said == [f"{name}, AUC {roc_auc_score(truth == c, scores[:, c]):.3f}" for c, name in enumerate("abc")]
    with pytest.raises(ValueError, match=r"y_score has shape \(7, 3\)"):
        tw.plot.roc(truth, scores[:7])


def test_filters_are_the_weights():
    conv = Conv2D(5, 3, input_shape=(8, 8, 2))
    model = tw.Sequential([conv, Flatten()])
    w = conv.w.value
    images = drawn_images(tw.plot.filters(conv, channel=1))
    assert len(images) == 5 and all(np.array_equal(images[k], w[:, :, 1, k]) for k in range(5))
    assert np.allclose(drawn_images(tw.plot.filters(conv))[2], w[..., 2].mean(2))
    with pytest.raises(ValueError, match="channel is 2"):
        tw.plot.filters(conv, channel=2)
    with pytest.raises(ValueError, match="has no filters"):
        tw.plot.filters(model.layers[1])


def test_filters_of_colours_and_of_sequences():
    conv = Conv2D(70, 3, input_shape=(8, 8, 3))
    tw.Sequential([conv])
    images = drawn_images(tw.plot.filters(conv))
    w = conv.w.value.astype(np.float64)
    assert len(images) == 64
    assert np.allclose(images[63], (w[..., 63] - w.min()) / np.ptp(w))
    conv = Conv1D(4, 5, input_shape=(9, 2))
    tw.Sequential([conv])
    assert np.array_equal(drawn_images(tw.plot.filters(conv))[3], conv.w.value[..., 3])


def small_images(end):
    """In float64, and without the bends of relu: for central differences."""
    tw.set_seed(0)
    return tw.Sequential(
        [
            Conv2D(6, 3, padding="same", activation="tanh", input_shape=(6, 5, 2), name="first"),
            Residual([Conv2D(6, 3, padding="same")], activation="tanh", name="block"),
            GlobalAveragePooling2D(),
            *end,
        ],
        dtype="float64",
    )


def test_activations_are_what_the_layers_give(rng):
    model = small_images([Dense(3, activation="softmax")])
    x = rng.random((6, 5, 2))
    y = model.layers[0](x[None])
    assert np.array_equal(np.stack(drawn_images(tw.plot.activations(model, x, "first")), -1), y.numpy()[0])
    y = model.layers[1](y)
    assert np.array_equal(np.stack(drawn_images(tw.plot.activations(model, x[None], "block")), -1), y.numpy()[0])
    (row,) = drawn_images(tw.plot.activations(model, x, model.layers[-1]))
    assert np.array_equal(row, model.predict(x[None]))
    assert "forward" not in vars(model.layers[0]) and "call" not in vars(model.layers[1])
    with pytest.raises(ValueError, match="has no layer 'frist'; did you mean 'first'"):
        tw.plot.activations(model, x, "frist")
    with pytest.raises(ValueError, match=r"x has shape \(6, 5\), expected one sample"):
        tw.plot.activations(model, x[..., 0], "first")


def test_activations_of_words_and_of_a_model_in_a_model(rng):
    inner = tw.Sequential([Embedding(10, 4, mask_zero=True), GRU(3, return_sequences=True)], name="inner")
    model = tw.Sequential([tw.Input((5,)), inner, GRU(2)])
    x = np.array([3, 1, 4, 0, 0])
    (image,) = drawn_images(tw.plot.activations(model, x, "inner"))
    assert np.array_equal(image, inner(x[None]).numpy()[0])
    (image,) = drawn_images(tw.plot.activations(model, x, "gru"))
    assert np.array_equal(image, model.predict(x[None]))


ENDS = {
    "logits": lambda: [Dense(3, name="scores")],
    "fused": lambda: [Dense(3, activation="softmax", name="scores")],
    "activation": lambda: [Dense(3, name="scores"), Activation("softmax")],
    "layer": lambda: [Dense(3, name="scores"), Softmax()],
}


def logits(model, x, label):
    """The score before any softmax."""
    y = model.layers[1](model.layers[0](x)).numpy().mean((1, 2))
    dense = next(layer for layer in model.layers if layer.name == "scores")
    return (y @ dense.w.value + dense.b.value)[0, label]


@pytest.mark.parametrize("end", ENDS)
def test_saliency_is_the_central_difference_of_the_score(end, rng):
    model = small_images(ENDS[end]())
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = rng.random((6, 5, 2))
    before = model.predict(x[None])
    (image,) = drawn_images(tw.plot.saliency(model, x, 2))
    expected = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += 1e-5
        down[place] -= 1e-5
        expected[place] = (logits(model, up[None], 2) - logits(model, down[None], 2)) / 2e-5
    assert image.shape == (6, 5) and np.allclose(image, np.abs(expected).max(-1), rtol=0, atol=1e-9)
    assert np.array_equal(model.predict(x[None]), before), "the softmax is not back"
    assert all(p.grad is None and p.trainable for p in model.parameters())


def test_grad_cam_is_its_formula(rng):
    """By a model cut in two: the layers behind the images get them as a leaf."""
    for end in ("logits", "fused"):
        model = small_images(ENDS[end]())
        x = rng.random((1, 6, 5, 2))
        for layer in ("first", "block", None):
            until = 1 if layer == "first" else 2
            y = x
            for one in model.layers[:until]:
                y = one(y).numpy()
            leaf = tw.Tensor(y, requires_grad=True)
            rest = model.layers[1](leaf) if until == 1 else leaf
            dense = model.layers[-1]
            (rest.mean(axis=(1, 2)) @ tw.Tensor(dense.w.value[:, 1:2].copy())).backward([[1.0]])
            expected = np.maximum((y[0] * leaf.grad[0].mean((0, 1))).sum(-1), 0)
            for p in model.parameters():
                p.grad = None
            figure = tw.plot.grad_cam(model, x[0], 1, layer)
            image, heat = drawn_images(figure)
            assert np.allclose(heat, expected, rtol=0, atol=1e-12) and np.allclose(image, x[0].mean(-1))


def test_the_likeliest_class_is_taken_and_others_are_refused(rng):
    model = small_images([Dense(3, activation="softmax")])
    x = rng.random((6, 5, 2))
    label = model.predict(x[None]).argmax()
    assert tw.plot.grad_cam(model, x).axes[0].get_title() == f"Grad-CAM of {label}"
    assert tw.plot.saliency(model, x).axes[0].get_title() == f"saliency of {label}"
    with pytest.raises(ValueError, match="label is 3, expected a class below 3"):
        tw.plot.saliency(model, x, 3)
    with pytest.raises(ValueError, match="expected images"):
        tw.plot.grad_cam(model, x, 1, model.layers[-1])


def test_heat_maps_leave_frozen_layers_and_gradients_alone(rng):
    model = small_images([Dense(3)])
    model.layers[0].trainable = False
    kept = model.layers[-1].w.grad = np.ones_like(model.layers[-1].w.value)
    tw.plot.grad_cam(model, rng.random((6, 5, 2)), 0)
    assert np.array_equal(model.layers[-1].w.grad, kept) and (kept == 1).all()
    assert not model.layers[0].trainable and model.layers[-1].trainable


def test_attention_draws_the_scores(rng):
    x = rng.random((1, 4, 8), np.float32)
    _, scores = MultiHeadAttention(2, 4)(x, x, return_attention_scores=True)
    figure = tw.plot.attention(scores, queries=list("abcd"))
    assert np.array_equal(np.stack(drawn_images(figure)), scores.numpy()[0])
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == list("abcd")
    with pytest.raises(ValueError, match="keys has 3 words, expected 4"):
        tw.plot.attention(scores, keys=list("abc"))
    with pytest.raises(ValueError, match=r"scores has shape \(2, 2, 3, 3\)"):
        tw.plot.attention(np.ones((2, 2, 3, 3)))


def arrows(axes):
    """(text of the upper box, text of the lower box) of every arrow, found by where its line begins and ends."""
    at = {t.get_position(): t.get_text().split("\n")[0] for t in axes.texts if t.get_text()}
    lines = [line.get_xydata() for line in axes.lines]
    found = []
    for note in axes.texts:
        if note.get_text():
            continue
        (x, y), begin = note.xy, np.array(note.xyann)
        for line in lines:
            if np.allclose(line[-1], begin):
                begin = line[0]
        found.append((at[begin[0], round(begin[1] - 0.26, 6)], at[x, round(y + 0.26, 6)]))
    return sorted(found)


def test_model_diagram_of_a_sequential():
    model = small_images([Dense(3, name="scores")])
    (axes,) = tw.plot.model_diagram(model).axes
    said = [text for text in texts(axes) if text]
    assert said[:2] == ["input\n(None, 6, 5, 2)", "first\nConv2D (None, 6, 5, 6)"]
    assert len(axes.patches) == len(said) == 5
    assert arrows(axes) == sorted(
        [
            ("input", "first"),
            ("first", "block"),
            ("block", "global_average_pooling2d"),
            ("global_average_pooling2d", "scores"),
        ]
    )


def test_model_diagram_passes_boxes_by():
    a, b = tw.Input((4,), name="a"), tw.Input((3,), name="b")
    one = Dense(4, name="one")(a)
    two = Dense(4, name="two")(one)
    both = Add(name="both")([Dense(4, name="other")(b), two, a])
    model = tw.Model([a, b], Dense(1, name="end")(both))
    (axes,) = tw.plot.model_diagram(model).axes
    expected = {("a", "one"), ("one", "two"), ("b", "other"), ("other", "both"), ("two", "both"), ("a", "both")}
    assert arrows(axes) == sorted(expected | {("both", "end")})
    boxes = [text.get_position() for text in axes.texts if text.get_text()]
    assert len(set(boxes)) == 7
    for line in axes.lines:  # the steps between are no box's place
        assert not {tuple(point) for point in line.get_xydata()[1:]} & set(boxes)


def test_model_diagram_refuses_a_class():
    class Own(tw.Model):
        pass

    with pytest.raises(TypeError, match="Own is a class whose structure is its code"):
        tw.plot.model_diagram(Own())
    with pytest.raises(ValueError, match="no layers"):
        tw.plot.model_diagram(tw.Sequential())


def test_ax_is_drawn_in_or_refused():
    axes = Figure().subplots()
    assert tw.plot.roc([0, 1], [0.1, 0.9], ax=axes) is axes.figure and len(axes.lines) == 2
    with pytest.raises(TypeError, match="ax is a int, expected matplotlib Axes"):
        tw.plot.confusion([0, 1], [0, 1], ax=3)


def test_plot_is_imported_late_needs_no_display_and_names_its_extra():
    code = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.figure"] = None
import tilewright as tw
assert "tilewright.plot" not in sys.modules
try:
    tw.plot.history({"loss": [1.0]})
except ImportError as error:
    print(error)
for name in ("matplotlib", "matplotlib.figure"):
    del sys.modules[name]
tw.plot.history({"loss": [1.0]})
assert "matplotlib.pyplot" not in sys.modules
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout == 'plot.history needs matplotlib, which is not installed; pip install "tilewright[plot]"\n'
