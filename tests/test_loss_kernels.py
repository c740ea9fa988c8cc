"""What the catalog cannot say of losses: clipping, labels of every dtype, and that the ways to one number agree."""

import math

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.loss import reference
from tilewright.kernels.loss.checks import mean_alone

from .foreign import OnDevice, ones

FACES = pytest.mark.parametrize("face", (kernels, reference), ids=("public", "reference"))
BOTH = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@FACES
@BOTH
def test_probabilities_are_clipped_and_then_have_no_gradient(face, dtype):
    y, t = np.array([0, 1, 0, 1, 1e-8], dtype), np.array([1, 0, 0, 1, 0], dtype)
    low, high = dtype(1e-7), dtype(1 - 1e-7)
    losses = [-math.log(low), -math.log(1 - high), -math.log(1 - low), -math.log(high), -math.log(1 - low)]
    loss = face.binary_crossentropy_forward(y, t)
    assert loss == pytest.approx(sum(losses) / 5, rel=1e-6)
    assert not face.binary_crossentropy_backward(dtype(1), y, t).any()


@FACES
def test_class_probabilities_are_divided_by_their_sum_and_clipped(face):
    y = np.array([[0.0, 2.0, 2.0], [0.0, 5.0, 0.0]])
    t = np.array([0, 1])
    want = (-math.log(1e-7) - math.log(1 - 1e-7)) / 2
    assert face.sparse_categorical_crossentropy_forward(y, t) == pytest.approx(want, rel=1e-12)
    assert face.categorical_crossentropy_forward(y, np.eye(3)[t]) == pytest.approx(want, rel=1e-12)
    assert not face.sparse_categorical_crossentropy_backward(1.0, y, t).any()
    assert not face.categorical_crossentropy_backward(1.0, y, np.eye(3)[t]).any()


@pytest.mark.parametrize("from_logits", (False, True))
@pytest.mark.parametrize("kind", "bhilqBHILQ")
def test_labels_of_every_integer_dtype_mean_one_hot_rows(kind, from_logits):
    rng = np.random.default_rng(0)
    y, t = rng.random((11, 7)), rng.integers(0, 7, 11).astype(kind)
    one_hot = np.eye(7)[t]
    pairs = (
        (kernels.sparse_categorical_crossentropy_forward, kernels.categorical_crossentropy_forward, ()),
        (kernels.sparse_categorical_crossentropy_backward, kernels.categorical_crossentropy_backward, (0.7,)),
    )
    for sparse, dense, dloss in pairs:
        got = sparse(*dloss, y, t, from_logits=from_logits)
        np.testing.assert_allclose(got, dense(*dloss, y, one_hot, from_logits=from_logits), rtol=1e-12, atol=1e-15)


def test_logits_and_their_probabilities_have_one_loss():
    rng = np.random.default_rng(0)
    x, t, shares = rng.standard_normal((11, 7)), rng.integers(0, 7, 11), softmax(rng.standard_normal((11, 7)))
    for forward, target, probabilities in (
        (kernels.binary_crossentropy_forward, shares, 1 / (1 + np.exp(-x))),
        (kernels.categorical_crossentropy_forward, shares, softmax(x)),
        (kernels.sparse_categorical_crossentropy_forward, t, softmax(x)),
    ):
        assert forward(x, target, from_logits=True) == pytest.approx(forward(probabilities, target), rel=1e-12)


@BOTH
def test_large_logits_give_finite_losses_and_gradients(dtype):
    x = np.array([[3e4, -3e4, 0]], dtype)
    for forward, backward, t, want in (
        (
            kernels.binary_crossentropy_forward,
            kernels.binary_crossentropy_backward,
            np.zeros_like(x),
            (3e4 + math.log(2)) / 3,
        ),
        (
            kernels.categorical_crossentropy_forward,
            kernels.categorical_crossentropy_backward,
            np.array([[0, 1, 0]], dtype),
            6e4,
        ),
        (
            kernels.sparse_categorical_crossentropy_forward,
            kernels.sparse_categorical_crossentropy_backward,
            np.array([1]),
            6e4,
        ),
    ):
        assert forward(x, t, from_logits=True) == pytest.approx(want, rel=1e-6)
        assert np.isfinite(backward(dtype(1), x, t, from_logits=True)).all()


def test_a_class_that_is_masked_out_costs_nothing():
    x = np.array([[0.0, -np.inf, 0.0]])
    assert kernels.sparse_categorical_crossentropy_forward(x, np.array([0]), from_logits=True) == math.log(2)
    dx = kernels.sparse_categorical_crossentropy_backward(1.0, x, np.array([0]), from_logits=True)
    assert dx.tolist() == [[-0.5, 0.0, 0.5]]


def test_nan_may_be_the_gradient_of_the_loss():
    y = np.ones((2, 2))
    assert np.isnan(kernels.mse_backward(np.float64("nan"), y, 0 * y)).all()


@pytest.mark.parametrize(
    "dloss, error, message",
    (
        (ones(1), ValueError, "mse_backward: dloss has 1 axes (shape (1,)), expected 0"),
        (
            OnDevice(np.ones((), np.float32)),
            TypeError,
            "mse_backward: dloss is float32, expected float64 because y is float64; "
            "convert it with tw.to_device(tw.to_host(dloss).astype(np.float64))",
        ),
        (np.ones(()), TypeError, "mse_backward: dloss is array(1.), expected a number"),
    ),
)
def test_a_gradient_on_a_device_may_be_an_array_without_axes(dloss, error, message):
    with pytest.raises(error) as caught:
        kernels.mse_backward(dloss, ones(2, 3), ones(2, 3))
    assert str(caught.value) == message


def test_a_gradient_on_a_device_does_not_go_with_arrays_in_memory():
    with pytest.raises(TypeError, match="^mse_backward: dloss is .*, expected a number$"):
        kernels.mse_backward(OnDevice(np.ones(())), np.ones((2, 3)), np.ones((2, 3)))


FUSED = (
    (kernels.mse_with_gradient, {}),
    (kernels.binary_crossentropy_with_gradient, {"from_logits": True, "label_smoothing": 0.1}),
    (kernels.binary_crossentropy_with_gradient, {"from_logits": False}),
    (kernels.categorical_crossentropy_with_gradient, {"from_logits": True}),
    (kernels.categorical_crossentropy_with_gradient, {"from_logits": False, "label_smoothing": 0.1}),
    (kernels.sparse_categorical_crossentropy_with_gradient, {"from_logits": True, "ignore_index": 2}),
    (kernels.sparse_categorical_crossentropy_with_gradient, {"from_logits": False}),
)


@BOTH
@pytest.mark.parametrize("reduction", ("mean", "sum"))
@pytest.mark.parametrize("function, options", FUSED)
def test_loss_and_gradient_in_one_pass_are_those_of_two(function, options, reduction, dtype):
    rng = np.random.default_rng(0)
    y, t = rng.uniform(0.1, 0.9, (1009, 33)).astype(dtype), softmax(rng.standard_normal((1009, 33))).astype(dtype)
    if "sparse" in function.__name__:
        t = rng.integers(0, 33, 1009)
    name = function.__name__.removesuffix("_with_gradient")
    options = {**options, "weights": rng.random(1009).astype(dtype), "reduction": reduction}
    loss, dy = function(y, t, **options)
    assert loss == getattr(kernels, f"{name}_forward")(y, t, **options) and loss.dtype == dtype
    np.testing.assert_array_equal(dy, getattr(kernels, f"{name}_backward")(1.0, y, t, **options))


@pytest.mark.parametrize("function, options", FUSED)
def test_a_gradient_in_the_same_pass_is_that_of_one_number(function, options):
    y, t = np.full((2, 3), 0.5), np.array([0, 1]) if "sparse" in function.__name__ else np.full((2, 3), 1 / 3)
    with pytest.raises(ValueError, match=f"^{function.__name__}: reduction is 'none', expected one of 'mean', 'sum'"):
        function(y, t, reduction="none")


@BOTH
@pytest.mark.parametrize("from_logits", (False, True))
def test_where_all_labels_are_ignored_there_is_no_loss(from_logits, dtype):
    y, t = np.full((3, 4), np.nan, dtype), np.array([-100, -100, -100])
    options = {"from_logits": from_logits, "ignore_index": -100}
    for op in ("sparse_categorical_crossentropy", "sparse_categorical_focal_crossentropy"):
        assert getattr(kernels, f"{op}_forward")(y, t, **options) == 0
        assert not getattr(kernels, f"{op}_backward")(1.0, y, t, **options).any()


def test_what_has_no_weight_is_not_looked_at():
    nowhere, y = np.array([np.nan, np.inf, -np.inf, 1.0]), np.ones((4, 3))
    y[:3] = nowhere[:3, None]
    weights = np.array([0.0, 0.0, 0.0, 2.0])
    for name in ("mse", "mae", "huber", "log_cosh", "hinge", "squared_hinge", "kl_divergence", "cosine_similarity"):
        t = np.full((4, 3), 0.5)
        loss = getattr(kernels, f"{name}_forward")(y, t, weights=weights)
        assert loss == getattr(kernels, f"{name}_forward")(y[3:], t[3:]) and np.isfinite(loss)
        dy = getattr(kernels, f"{name}_backward")(1.0, y, t, weights=weights)
        assert not dy[:3].any() and np.isfinite(dy).all()
    triplet = kernels.triplet_forward(y, y[::-1].copy(), np.ones((4, 3)), weights=np.zeros(4))
    assert triplet == 0


@FACES
@BOTH
def test_losses_at_the_edges_are_finite(face, dtype):
    y, t = np.array([0, 1, 0, 1], dtype), np.array([0, 0, 1, 1], dtype)
    for gamma in (0.0, 0.5, 2.0):
        assert np.isfinite(face.binary_focal_crossentropy_forward(y, t, gamma=gamma))
        assert np.isfinite(face.binary_focal_crossentropy_backward(dtype(1), y, t, gamma=gamma)).all()
        for scale in (1e30, -1e30):
            logits = np.array([scale, -scale, scale, 0], dtype)
            options = {"gamma": gamma, "from_logits": True, "reduction": "none"}
            losses = face.binary_focal_crossentropy_forward(logits, t, **options)
            assert np.isfinite(losses).all()
            assert np.isfinite(face.binary_focal_crossentropy_backward(np.ones(4, dtype), logits, t, **options)).all()
    assert np.isfinite(face.kl_divergence_forward(y[None], t[None]))
    assert not face.kl_divergence_backward(dtype(1), y[None, ::2].copy(), t[None, ::2].copy()).any()


def test_a_vector_of_zeros_has_no_direction():
    y, t = np.zeros((1, 3)), np.array([[3.0, 0.0, 4.0]])
    assert kernels.cosine_similarity_forward(y, t) == 0
    np.testing.assert_allclose(kernels.cosine_similarity_backward(1.0, y, t), -t / 5 / 1e-6, rtol=1e-12)
    for gradient in kernels.triplet_backward(1.0, t, t, t):
        assert not gradient.any()


def test_cuda_has_no_weights_yet():
    with pytest.raises(NotImplementedError) as caught:
        mean_alone("mse_forward", np.ones(3))
    assert str(caught.value) == (
        "mse_forward: there is no CUDA kernel for weights yet; with tw.to_host(x) for every array x it runs on the CPU"
    )
    mean_alone("mse_forward", None, "mean", 0.0, None, None)
