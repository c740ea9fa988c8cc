"""Losses: values and gradients against plain formulas, conversion of targets, what bad targets get."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.train import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)

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
    (binary, COLUMN, np.ones((4, 2)), r"target has shape \(4, 2\), expected \(N, 1\)"),
    (mse, COLUMN, [1j] * 4, "target is complex128, expected real numbers"),
    (mse, COLUMN, [[1], [2, 3]], "target cannot be made an array"),
    (mse, CLASSES, [1, 2, 3, 4], r"target has shape \(4,\), expected \(N, 3\)"),
]


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
