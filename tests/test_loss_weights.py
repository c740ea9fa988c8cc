"""Losses with weights of samples, masks and reductions: against sums written out, and their gradients."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Tensor
from tilewright.train import CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy, TripletLoss
from tilewright.train.losses import LOSSES

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
SHARES = rng.uniform(0.1, 1, (4, 5, 3))
SHARES /= SHARES.sum(-1, keepdims=True)
LABELS = rng.integers(0, 3, (4, 5))
W = np.array([0.5, 0.0, 2.0, 1.5])
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"]


def data(name):
    if name == "triplet":
        return rng.standard_normal((4, 3, 3)), np.zeros(4)
    if name.startswith("sparse"):
        return SHARES, LABELS
    if name.startswith("binary"):
        return SHARES, (SHARES > 0.3).astype(float)
    return SHARES, np.eye(3)[LABELS]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", dict.fromkeys(LOSSES.values()), ids=lambda c: c.__name__)
def test_weights_and_reductions(kind, reduction):
    y, t = data(next(name for name, c in LOSSES.items() if c is kind))

    def value(y, reduction, w=W):
        if kind is TripletLoss:
            return kind(reduction=reduction)(*(Tensor(y[:, i], requires_grad=True) for i in range(3)), w)
        return kind(reduction=reduction)(Tensor(y), t, w)

    each = value(y, "none", None).numpy()
    assert len(each) == 4
    w = np.broadcast_to(W.reshape(4, *[1] * (each.ndim - 1)), each.shape)
    wanted = {
        "sum": (w * each).sum(),
        "none": w * each,
        "mean_with_sample_weight": (w * each).sum() / w.sum(),
    }.get(reduction, (w * each).sum() / each.size)
    np.testing.assert_allclose(value(y, reduction).numpy(), wanted, rtol=1e-10)
    dy = rng.standard_normal(wanted.shape)
    if kind is TripletLoss:
        return
    x = Tensor(y, requires_grad=True)
    kind(reduction=reduction)(x, t, W).backward(dy)
    numeric = numeric_gradient(lambda: (dy * value(y, reduction).numpy()).sum(), y)
    assert_gradient(x.grad, numeric)


def test_a_triplet_has_three_gradients():
    three = [Tensor(rng.standard_normal((4, 3)), requires_grad=True) for _ in range(3)]
    TripletLoss(margin=2.0)(*three, sample_weight=W).backward()
    for x in three:
        assert_gradient(x.grad, numeric_gradient(lambda: TripletLoss(margin=2.0)(*three, W).item(), x.value))


def test_a_model_learns_from_triplets():
    tw.set_seed(0)
    model = tw.Sequential([tw.layers.Dense(2, input_shape=(3, 4))])
    model.compile("adam", "triplet")
    x = rng.standard_normal((64, 3, 4)).astype(np.float32)
    losses = model.fit(x, np.zeros(64), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_steps_that_a_mask_leaves_out_do_not_count():
    mask = np.arange(5) < np.array([5, 2, 3, 1])[:, None]
    y = Tensor(SHARES, requires_grad=True)
    y.mask = mask
    each = SparseCategoricalCrossentropy(reduction="none")(Tensor(SHARES), LABELS).numpy()
    loss = SparseCategoricalCrossentropy()(y, LABELS)
    np.testing.assert_allclose(loss.item(), each[mask].mean(), rtol=1e-10)
    loss.backward()
    assert (y.grad[mask] != 0).any(-1).all() and (y.grad[~mask] == 0).all()
    weighted = SparseCategoricalCrossentropy()(y, LABELS, W)
    np.testing.assert_allclose(weighted.item(), (each * W[:, None])[mask].sum() / mask.sum(), rtol=1e-10)


def test_a_weight_for_every_step_of_a_sequence():
    w = rng.uniform(0, 1, (4, 5))
    each = CategoricalCrossentropy(reduction="none")(Tensor(SHARES), np.eye(3)[LABELS]).numpy()
    loss = CategoricalCrossentropy()(Tensor(SHARES), np.eye(3)[LABELS], w)
    np.testing.assert_allclose(loss.item(), (each * w).mean(), rtol=1e-10)


def test_ignored_labels_count_neither_above_nor_below_beside_weights():
    loss = SparseCategoricalCrossentropy(ignore_class=2)
    each = SparseCategoricalCrossentropy(reduction="none")(Tensor(SHARES), LABELS).numpy()
    known = LABELS != 2
    np.testing.assert_allclose(loss(Tensor(SHARES), LABELS, W).item(), (each * W[:, None])[known].sum() / known.sum())


BAD = [
    (lambda: MeanSquaredError(reduction="max"), r"MeanSquaredError: reduction is 'max', expected one of"),
    (lambda: MeanSquaredError()(SHARES, SHARES, W[:3]), r"sample_weight has shape \(3,\), expected \(4,\), a weight"),
    (lambda: MeanSquaredError()(SHARES, SHARES, -W), r"sample_weight\[0\] = -0.5, expected finite numbers from 0"),
    (lambda: MeanSquaredError()(SHARES, SHARES, W * np.nan), r"sample_weight\[0\] = nan, expected finite"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:50] for _, message in BAD])
def test_bad_weights_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
