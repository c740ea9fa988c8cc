"""Pooling layers: masks, sizes and errors; their gradients stand in the table of all layers."""

import numpy as np
import pytest
from tilewright.layers import (
    AdaptiveAveragePooling2D,
    AdaptiveMaxPooling2D,
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
    Tensor,
)

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


def test_a_tensors_mask_reaches_the_pooling():
    x = Tensor(rng.standard_normal((3, 4, 2)).astype(np.float32))
    x.mask = MASK
    y = GlobalAveragePooling1D()(x)
    np.testing.assert_allclose(y.numpy()[0], x.numpy()[0, :2].mean(0), rtol=1e-6)
    assert y.mask is None


@pytest.mark.parametrize("options", ({}, {"pool_size": 3, "strides": 2}, {"pool_size": (3,), "padding": "same"}))
@pytest.mark.parametrize("layer, image_layer", ((MaxPooling1D, MaxPooling2D), (AveragePooling1D, AveragePooling2D)))
def test_a_sequence_is_an_image_of_one_row(layer, image_layer, options):
    x = rng.standard_normal((2, 7, 3))
    pooling = layer(**options)
    options = {name: (1, getattr(pooling, name)) for name in ("pool_size", "strides")}
    image = image_layer(**options, padding=pooling.padding)
    np.testing.assert_array_equal(pooling(x).numpy(), image(x[:, None]).numpy()[:, 0])


def test_masks_of_windows():
    x = Tensor(np.ones((2, 6, 3), np.float32))
    x.mask = np.ones((2, 6), bool)
    assert MaxPooling1D()(x).mask is None
    assert MaxPooling1D(3, 1, "same")(x).mask is x.mask


@pytest.mark.parametrize("layer, reduce", ((AdaptiveAveragePooling2D, np.mean), (AdaptiveMaxPooling2D, np.max)))
def test_windows_cut_the_image_as_in_pytorch(layer, reduce):
    x = rng.standard_normal((2, 7, 5, 3)).astype(np.float32)
    y = layer((3, 2))(x).numpy()
    for p, (top, bottom) in enumerate(((0, 3), (2, 5), (4, 7))):
        for q, (left, right) in enumerate(((0, 3), (2, 5))):
            np.testing.assert_allclose(y[:, p, q], reduce(x[:, top:bottom, left:right], axis=(1, 2)), rtol=1e-5)
    assert layer(1)(x).shape == (2, 1, 1, 3)


BAD = [
    (lambda: MaxPooling1D(2, input_shape=(8,)), r"MaxPooling1D: input_shape is \(8,\), expected \(T, C\)"),
    (lambda: MaxPooling1D((2, 2)), r"MaxPooling1D: pool_size is \(2, 2\), expected an integer"),
    (lambda: AveragePooling1D(padding="vaild"), "AveragePooling1D: padding is 'vaild', .*did you mean 'valid'"),
    (lambda: AveragePooling1D(9)(np.ones((2, 8, 1))), "average_pool1d_forward: the window spans 9 along L"),
    (lambda: MaxPooling1D()(np.ones((2, 8))), r"MaxPooling1D: x has shape \(2, 8\), expected 3 axes \(N, T, C\)"),
    (lambda: AdaptiveMaxPooling2D(0), "AdaptiveMaxPooling2D: output_size is 0, expected at least 1"),
    (lambda: AdaptiveAveragePooling2D(2)(np.ones((8, 8))), "AdaptiveAveragePooling2D: x has shape .* expected 4 axes"),
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
