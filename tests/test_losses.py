"""Losses: values and gradients against plain formulas, conversion of targets, what bad targets get."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.train import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from tilewright.train.losses import LOSSES, get_loss

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
LOGITS = rng.standard_normal((6, 3))
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
LABELS = np.array([0, 2, 1, 1, 0, 2])
ONE_HOT = np.eye(3)[LABELS]
CROSS_ENTROPY = -np.log(SHARES[np.arange(6), LABELS]).mean()
BITS = (LABELS > 0)[:, None].astype(float)
ODDS = LOGITS[:, :1]
CHANCES = 1 / (1 + np.exp(-ODDS))
BINARY = -(BITS * np.log(CHANCES) + (1 - BITS) * np.log(1 - CHANCES)).mean()
APART = np.abs(LOGITS - ONE_HOT)
MARGINS = np.maximum(1 - (2 * BITS - 1) * ODDS, 0)
FOCAL = -(BITS * (1 - CHANCES) ** 2 * np.log(CHANCES) + (1 - BITS) * CHANCES**2 * np.log(1 - CHANCES))
FAR = np.abs(ODDS - BITS)
OWN = SHARES[np.arange(6), LABELS]
KNOWN = -np.log(OWN[LABELS != 2]).mean()
SMOOTH = ONE_HOT * 0.7 + 0.1
COSINES = (LOGITS * SHARES).sum(1) / np.linalg.norm(LOGITS, axis=1) / np.linalg.norm(SHARES, axis=1)

VALUES = [
    (MeanSquaredError(), LOGITS, ONE_HOT, np.square(LOGITS - ONE_HOT).mean()),
    (MeanSquaredError(), ODDS, BITS[:, 0], np.square(ODDS - BITS).mean()),
    (BinaryCrossentropy(), CHANCES, BITS, BINARY),
    (BinaryCrossentropy(), CHANCES, BITS[:, 0].astype(bool), BINARY),
    (BinaryCrossentropy(from_logits=True), ODDS, BITS, BINARY),
    (CategoricalCrossentropy(), SHARES, ONE_HOT, CROSS_ENTROPY),
    (CategoricalCrossentropy(from_logits=True), LOGITS, ONE_HOT, CROSS_ENTROPY),
    (SparseCategoricalCrossentropy(), SHARES, LABELS, CROSS_ENTROPY),
    (SparseCategoricalCrossentropy(), SHARES, LABELS[:, None].astype(float), CROSS_ENTROPY),
    (SparseCategoricalCrossentropy(from_logits=True), LOGITS, LABELS.astype(np.uint8), CROSS_ENTROPY),
    (SparseCategoricalCrossentropy(from_logits=True), LOGITS.reshape(2, 3, 3), LABELS.reshape(2, 3), CROSS_ENTROPY),
    (CategoricalCrossentropy(), SHARES.reshape(2, 3, 3), ONE_HOT.reshape(2, 3, 3), CROSS_ENTROPY),
    (MeanAbsoluteError(), LOGITS, ONE_HOT, APART.mean()),
    (Huber(), LOGITS, ONE_HOT, np.where(APART > 1, APART - 0.5, APART**2 / 2).mean()),
    (Huber(0.5), ODDS, BITS[:, 0], np.where(FAR > 0.5, FAR / 2 - 0.125, FAR**2 / 2).mean()),
    (LogCosh(), LOGITS, ONE_HOT, np.log(np.cosh(APART)).mean()),
    (Hinge(), ODDS, BITS, MARGINS.mean()),
    (Hinge(), ODDS, 2 * BITS[:, 0] - 1, MARGINS.mean()),
    (SquaredHinge(), ODDS, BITS, np.square(MARGINS).mean()),
    (BinaryCrossentropy(label_smoothing=1.0), CHANCES, BITS, -np.log(CHANCES * (1 - CHANCES)).mean() / 2),
    (BinaryFocalCrossentropy(), CHANCES, BITS, FOCAL.mean()),
    (BinaryFocalCrossentropy(from_logits=True), ODDS, BITS, FOCAL.mean()),
    (BinaryFocalCrossentropy(True, 0.3, 2.0), CHANCES, BITS, (FOCAL * (0.7 - 0.4 * BITS)).mean()),
    (CategoricalCrossentropy(label_smoothing=0.3), SHARES, ONE_HOT, -(SMOOTH * np.log(SHARES)).sum(1).mean()),
    (CategoricalFocalCrossentropy(), SHARES, ONE_HOT, -(0.25 * (1 - OWN) ** 2 * np.log(OWN)).mean()),
    (CategoricalFocalCrossentropy(1.0, 0.0, True), LOGITS.reshape(2, 3, 3), ONE_HOT.reshape(2, 3, 3), CROSS_ENTROPY),
    (SparseCategoricalCrossentropy(ignore_class=2), SHARES, LABELS, KNOWN),
    (SparseCategoricalCrossentropy(ignore_class=-1), SHARES, np.where(LABELS == 2, -1, LABELS), KNOWN),
    (KLDivergence(), SHARES, SHARES[::-1], (SHARES[::-1] * np.log(SHARES[::-1] / SHARES)).sum(1).mean()),
    (CosineSimilarity(), LOGITS, SHARES, -COSINES.mean()),
]


@pytest.mark.parametrize("loss, output, target, expected", VALUES)
def test_values_and_gradients(loss, output, target, expected):
    output = tw.Tensor(output.copy(), requires_grad=True)
    value = loss(output, target)
    assert value.shape == () and abs(float(value) - expected) < 1e-12
    value.backward()
    assert_gradient(output.grad, numeric_gradient(lambda: loss(output, target), output.value))


CLASSES = np.full((4, 3), 1 / 3, np.float32)
COLUMN = np.full((4, 1), 0.5, np.float32)
PLACES = np.full((4, 2, 3), 1 / 3, np.float32)
mse, binary, categorical, sparse = (
    MeanSquaredError(),
    BinaryCrossentropy(),
    CategoricalCrossentropy(),
    SparseCategoricalCrossentropy(),
)
BAD = [
    (
        sparse,
        CLASSES,
        [0, 1, 2, 3],
        "target holds the label 3, expected 0 to 2 because .* 3 classes; labels count from 0",
    ),
    (sparse, CLASSES, [0, 1, 2, -1], "target holds the label -1, expected 0 to 2"),
    (sparse, CLASSES, [0, 1, 2, 0.5], "target holds 0.5, expected whole numbers"),
    (
        sparse,
        CLASSES,
        [0, 1, 2, np.nan],
        r"target holds 1 values that are NaN or infinite, the first is target\[3\] = nan",
    ),
    (sparse, CLASSES, ONE_HOT[:4], r"target has shape \(4, 3\), expected \(N,\), .* use categorical_crossentropy"),
    (sparse, CLASSES, ["a", "b", "c", "d"], "target is <U1, expected real numbers; give every class a number"),
    (sparse, CLASSES, np.array([None] * 4), "target is object, expected real numbers"),
    (sparse, COLUMN, [0, 1, 0, 1], r"has shape \(N, 1\), expected \(N, C\) .* for one column use binary_crossentropy"),
    (categorical, CLASSES, [0, 1, 2, 0], r"use sparse_categorical_crossentropy, or make them np.eye\(3\)\[target\]"),
    (categorical, CLASSES, np.ones((4, 2)), r"target has shape \(4, 2\), expected \(N, 3\) because"),
    (categorical, CLASSES, -ONE_HOT[:4], "target holds -1.0, expected numbers from 0 to 1"),
    (categorical, CLASSES, ONE_HOT[:4] * [[1], [2 / 3], [1], [1]], r"target\[1\] = .* sums to 0.666667, expected 1"),
    (categorical, CLASSES, ONE_HOT[:3], "output has 4 rows and target has 3, expected as many$"),
    (sparse, PLACES, [0, 1, 2, 0], r"output has shape \(N, 2, 3\), .* target has shape \(4,\); put Flatten\(\)"),
    (sparse, PLACES, [[0], [1], [2], [0]], r"target has shape \(4, 1\)|target has shape \(4,\); put Flatten\(\)"),
    (categorical, PLACES, ONE_HOT[:4], r"output has shape \(N, 2, 3\), .* target has shape \(4, 3\); put Flatten\(\)"),
    (binary, COLUMN, [1, 2, 1, 2], "target holds 2.0, expected numbers from 0 to 1 .* two classes are 0 and 1"),
    (binary, COLUMN, [1, -1, 1, -1], "target holds -1.0, expected numbers from 0 to 1"),
    (binary, COLUMN, [0, 1, np.nan, np.inf], "target holds 2 values that are NaN or infinite"),
    (Hinge(), COLUMN, [1, -2, 1, 1], "target holds -2.0, expected numbers from -1 to 1 for a hinge loss"),
    (
        SparseCategoricalCrossentropy(ignore_class=-1),
        CLASSES,
        [0, -1, -2, 1],
        "target holds the label -2, expected 0 to 2",
    ),
    (KLDivergence(), CLASSES, ONE_HOT[:4] * 2, "target holds 2.0, expected numbers from 0 to 1"),
    (binary, COLUMN, np.ones((4, 2)), r"target has shape \(4, 2\), expected \(N, 1\)"),
    (mse, COLUMN, [1j] * 4, "target is complex128, expected real numbers"),
    (mse, COLUMN, [[1], [2, 3]], "target cannot be made an array"),
    (mse, CLASSES, [1, 2, 3, 4], r"target has shape \(4,\), expected \(N, 3\)"),
]


def test_a_gradient_from_the_same_pass_is_the_one_from_a_pass_of_its_own():
    for loss, output, target, _ in VALUES:
        if loss.with_gradient:
            output = np.ascontiguousarray(output)
            t = np.ascontiguousarray(loss.targets(target, output, "loss", "target"))
            value, dy = loss.with_gradient(output, t)
            assert value == loss.forward(output, t)
            np.testing.assert_array_equal(dy, loss.backward(1.0, output, t))


def test_a_loss_may_be_a_part_of_a_sum():
    output = tw.Tensor(LOGITS.copy(), requires_grad=True)
    (2 * MeanSquaredError()(output, ONE_HOT) + MeanSquaredError()(output, ONE_HOT)).backward()
    np.testing.assert_allclose(output.grad, 3 * 2 * (LOGITS - ONE_HOT) / LOGITS.size, rtol=1e-12)


def test_every_loss_has_a_name():
    for name, kind in LOSSES.items():
        assert type(get_loss(name)) is kind and kind.__doc__


@pytest.mark.parametrize(
    "make, message",
    (
        (lambda: Huber(delta=0), "Huber: delta is 0, expected a number above 0"),
        (
            lambda: BinaryFocalCrossentropy(gamma=-1.0),
            "BinaryFocalCrossentropy: gamma is -1.0, expected a number from 0",
        ),
        (
            lambda: CategoricalCrossentropy(label_smoothing=2),
            "CategoricalCrossentropy: label_smoothing is 2, expected a number from 0 to 1",
        ),
    ),
)
def test_bad_numbers_say_what_is_wrong(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("loss, output, target, message", BAD, ids=[message[:50] for *_, message in BAD])
def test_bad_targets_say_what_is_wrong(loss, output, target, message):
    with pytest.raises((TypeError, ValueError), match=f"^{type(loss).__name__}: .*{message}"):
        loss(tw.Tensor(output), target)


def test_output_and_target_in_the_wrong_order_are_suspected():
    recorded = tw.Tensor(COLUMN, requires_grad=True)
    with pytest.raises(TypeError, match=r"MeanSquaredError: output is ndarray, .* order is .*\(output, target\)"):
        mse(COLUMN, recorded)
    with pytest.raises(ValueError, match="output has 2 rows and target has 4, .* here the target is the tensor"):
        mse(COLUMN[:2], tw.Tensor(COLUMN))
