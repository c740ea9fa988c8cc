"""Pooling layers: masks, sizes and errors; their gradients stand in the table of all layers."""

import numpy as np
import pytest
from tilewright.layers import GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D, GlobalMaxPooling2D

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
MASK = np.array([[True, True, False, False], [False, True, False, True], [False] * 4])


@pytest.mark.parametrize("keepdims", (False, True))
@pytest.mark.parametrize("layer, reduce", ((GlobalAveragePooling1D, np.mean), (GlobalMaxPooling1D, np.max)))
def test_masked_steps_do_not_count(layer, reduce, keepdims):
    x = rng.standard_normal((3, 4, 2)) - 5  # below the 0 that a masked step could be taken for
    pooling = layer(keepdims, dtype="float64")
    y, backward = pooling.forward_masked(x, MASK)
    expected = np.stack([reduce(x[n, MASK[n]], axis=0) if MASK[n].any() else np.zeros(2) for n in range(3)])
    np.testing.assert_allclose(y, expected[:, None] if keepdims else expected, rtol=1e-14)
    dy = rng.standard_normal(y.shape)
    dx = backward(dy.copy())
    assert not dx[~MASK].any()
    assert_gradient(dx, numeric_gradient(lambda: (dy * pooling.forward_masked(x, MASK)[0]).sum(), x))
    assert pooling.mask_after(MASK) is None


@pytest.mark.parametrize("layer", (GlobalAveragePooling1D, GlobalMaxPooling1D))
def test_a_mask_that_hides_nothing_changes_nothing(layer):
    x = rng.standard_normal((3, 4, 2)).astype(np.float32)
    pooling = layer()
    y = pooling.forward_masked(x, np.ones((3, 4), bool))[0]
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, pooling.forward(x)[0], rtol=1e-5, atol=1e-6)


def test_kept_axes_have_size_one():
    images = rng.standard_normal((2, 3, 4, 5))
    for layer in (GlobalAveragePooling2D, GlobalMaxPooling2D):
        assert layer()(images).shape == (2, 5)
        assert layer(keepdims=True)(images).shape == (2, 1, 1, 5)
    np.testing.assert_allclose(GlobalAveragePooling2D(dtype="float64")(images).numpy(), images.mean((1, 2)))
    np.testing.assert_array_equal(GlobalMaxPooling2D(dtype="float64")(images).numpy(), images.max((1, 2)))


BAD = [
    (
        lambda: GlobalAveragePooling1D()(np.ones((2, 3))),
        r"GlobalAveragePooling1D: x has shape \(2, 3\), expected 3 axes",
    ),
    (
        lambda: GlobalMaxPooling2D()(np.ones((2, 3, 4))),
        r"GlobalMaxPooling2D: x has shape .* expected 4 axes .*; add the",
    ),
    (lambda: GlobalMaxPooling1D()(np.ones((2, 0, 3))), "global_max_pool1d_forward: the sequences have size"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
