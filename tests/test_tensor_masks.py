"""Masks of tensors: they stay with their steps, through arithmetic and through parts, and end where the steps do."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Embedding

STEPS = np.array([[3, 1, 0], [2, 0, 0]])
KEPT = {
    "arithmetic": lambda h: 1 - 2 * h / 3 + np.ones(4),
    "both masked": lambda h: h * h,
    "another operand": lambda h: tw.Tensor(np.ones((3, 4))) - h,
    "functions": lambda h: np.exp(h).clip(0, 1) ** 2 + abs(h),
    "where": lambda h: tw.where(h > 0, h, 0),
    "split into heads": lambda h: h.reshape(2, 3, 2, 2),
    "one feature": lambda h: h[..., 0],
    "some features": lambda h: h[:, :, 1:],
    "one more axis": lambda h: h.expand_dims(2).squeeze(2),
    "sums of features": lambda h: h.sum(-1) + h.mean((2,)) + h.max(2),
    "heads first of all features": lambda h: h.reshape(2, 3, 2, 2).swapaxes(2, 3),
    "product": lambda h: h @ np.ones((4, 2), np.float32),
    "features side by side": lambda h: tw.concatenate([h, h], axis=-1),
    "detached": lambda h: h.detach(),
}
GONE = {
    "steps summed up": lambda h: h.sum(1),
    "everything": lambda h: h.mean(),
    "one step": lambda h: h[:, 0],
    "one sample": lambda h: h[0],
    "steps as features": lambda h: h.reshape(2, 12),
    "steps first": lambda h: h.swapaxes(0, 1),
    "a new axis before": lambda h: h[:, None],
    "more axes before": lambda h: h + np.zeros((2, 2, 3, 4), np.float32),
    "real steps alone": lambda h: h[h.mask],
    "pairs": lambda h: h[[0, 1], [0, 1]],
    "steps side by side": lambda h: tw.concatenate([h, h], axis=1),
}
PARTS = {
    "the last steps": (lambda h: h[:, 1:], lambda mask: mask[:, 1:]),
    "samples": (lambda h: h[[1, 1, 0]], lambda mask: mask[[1, 1, 0]]),
    "by a mask": (lambda h: h[np.array([False, True]), ::2], lambda mask: mask[[1], ::2]),
    "backwards": (lambda h: h[::-1, ..., :2], lambda mask: mask[::-1]),
}


def masked():
    return Embedding(4, 4, mask_zero=True)(STEPS)


@pytest.mark.parametrize("f", KEPT.values(), ids=KEPT)
def test_masks_stay(f):
    np.testing.assert_array_equal(f(masked()).mask, STEPS > 0)


@pytest.mark.parametrize("f", GONE.values(), ids=GONE)
def test_masks_end_where_the_steps_do(f):
    assert f(masked()).mask is None


@pytest.mark.parametrize("f, part", PARTS.values(), ids=PARTS)
def test_a_part_has_its_part_of_the_mask(f, part):
    np.testing.assert_array_equal(f(masked()).mask, part(STEPS > 0))


def test_of_two_masks_both_count():
    a, b = masked(), Embedding(4, 4, mask_zero=True)(STEPS[::-1].copy())
    np.testing.assert_array_equal((a + b).mask, [[True, False, False], [True, False, False]])
    np.testing.assert_array_equal(tw.where(STEPS[..., None] > 1, a, b).mask, (a - b).mask)
