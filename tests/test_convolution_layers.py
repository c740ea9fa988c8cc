"""Convolution layers: what they have in common with Conv2D, masks, weights in Keras's order, errors."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.kernels import conv2d_forward
from tilewright.layers import Conv1D, Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D, Tensor

rng = np.random.default_rng(0)
SEQUENCES, IMAGES = rng.standard_normal((2, 9, 4)), rng.standard_normal((2, 7, 6, 4))


def filled(layer, shape):
    """A built float64 layer with biases that are not 0."""
    layer.build(shape)
    for p in layer.parameters():
        p.value[...] = rng.standard_normal(p.value.shape)
    return layer


def test_causal_steps_see_no_later_ones():
    layer = filled(Conv1D(3, 3, padding="causal", dilation_rate=2, dtype="float64"), SEQUENCES.shape)
    y = layer(SEQUENCES).numpy()
    assert y.shape == (2, 9, 3)
    changed = SEQUENCES.copy()
    changed[:, 5:] += 1
    again = layer(changed).numpy()
    np.testing.assert_array_equal(again[:, :5], y[:, :5])
    assert (again[:, 5] != y[:, 5]).all()


@pytest.mark.parametrize("options", ({}, {"padding": "same", "strides": 2}, {"dilation_rate": 2}, {"groups": 2}))
def test_a_sequence_is_an_image_of_one_row(options):
    layer = filled(Conv1D(6, 3, activation="tanh", dtype="float64", **options), SEQUENCES.shape)
    image = Conv2D(6, (1, 3), activation="tanh", dtype="float64", **options)
    image.build((2, 1, 9, 4))
    image.w.value[...] = layer.w.value[None]
    image.b.value[...] = layer.b.value
    np.testing.assert_allclose(layer(SEQUENCES).numpy(), image(SEQUENCES[:, None]).numpy()[:, 0], rtol=1e-12)


def test_every_channel_has_filters_of_its_own():
    layer = filled(DepthwiseConv2D(3, padding="same", depth_multiplier=2, dtype="float64"), IMAGES.shape)
    assert layer.w.shape == (3, 3, 4, 2) and layer.b.shape == (8,)
    y = layer(IMAGES).numpy()
    for c in range(4):
        one = conv2d_forward(
            np.ascontiguousarray(IMAGES[..., c : c + 1]), layer.w.value[:, :, c][:, :, None].copy(), padding="same"
        )
        np.testing.assert_allclose(y[..., 2 * c : 2 * c + 2], one + layer.b.value[2 * c : 2 * c + 2], rtol=1e-12)


def test_separable_is_depthwise_then_pointwise():
    layer = SeparableConv2D(5, 3, 2, "same", depth_multiplier=2, activation="relu", dtype="float64")
    filled(layer, IMAGES.shape)
    depthwise = DepthwiseConv2D(3, 2, "same", 2, use_bias=False, dtype="float64")
    pointwise = Conv2D(5, 1, activation="relu", dtype="float64")
    depthwise.build(IMAGES.shape)
    pointwise.build((2, 4, 3, 8))
    depthwise.w.value[...] = layer.depthwise_w.value
    pointwise.w.value[...] = layer.pointwise_w.value
    pointwise.b.value[...] = layer.b.value
    np.testing.assert_allclose(layer(IMAGES).numpy(), pointwise(depthwise(IMAGES)).numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "options, size",
    (
        ({}, (9, 8)),
        ({"strides": 2}, (15, 13)),
        ({"strides": 2, "padding": "same"}, (14, 12)),
        ({"strides": 2, "padding": "same", "output_padding": 0}, (13, 11)),
        ({"strides": (1, 4)}, (9, 24)),
        ({"dilation_rate": 2}, (11, 10)),
    ),
)
def test_transposed_sizes_as_in_keras(options, size):
    layer = Conv2DTranspose(3, 3, use_bias=False, dtype="float64", **options)
    y = layer(IMAGES)
    assert y.shape == (2, *size, 3) and layer.w.shape == (3, 3, 3, 4)


def test_transposed_is_the_gradient_of_a_convolution():
    layer = Conv2DTranspose(3, 3, 2, use_bias=False, dtype="float64")
    y = layer(IMAGES)
    x = rng.standard_normal(y.shape)
    forth = conv2d_forward(x, layer.w.value, stride=2)
    np.testing.assert_allclose((forth * IMAGES).sum(), (x * y.numpy()).sum(), rtol=1e-12)


@pytest.mark.parametrize(
    "options, kept",
    (
        ({}, False),
        ({"padding": "same"}, True),
        ({"padding": "causal"}, True),
        ({"padding": "same", "strides": 2}, False),
    ),
)
def test_masks_stay_where_the_steps_do(options, kept):
    x = Tensor(SEQUENCES)
    x.mask = np.ones((2, 9), bool)
    mask = Conv1D(3, 3, dtype="float64", **options)(x).mask
    assert (mask is x.mask) if kept else mask is None


def test_numbers_of_parameters():
    for layer, count in (
        (Conv1D(8, 3), 8 * 3 * 4 + 8),
        (DepthwiseConv2D(3), 3 * 3 * 4 + 4),
        (SeparableConv2D(8, 3), 3 * 3 * 4 + 4 * 8 + 8),
        (Conv2DTranspose(8, 3), 3 * 3 * 4 * 8 + 8),
    ):
        layer.build((1, 9, 4) if isinstance(layer, Conv1D) else (1, 9, 9, 4))
        assert sum(p.value.size for p in layer.parameters()) == count


def built(layer, shape):
    layer(np.ones(shape))
    return layer


def test_images_in_another_order_are_noticed():
    with pytest.warns(UserWarning, match=r"^Conv2D: x has shape \(2, 3, 32, 32\), 32 channels; images are N, H, W, C"):
        layer = Conv2D(2, 3)
        layer(np.ones((2, 3, 32, 32)))
    layer(np.ones((2, 3, 32, 32)))  # once
    with pytest.warns(UserWarning, match="DepthwiseConv2D: .* images are N, H, W, C"):
        tw.Sequential([DepthwiseConv2D(1, input_shape=(1, 28, 28))])
    Conv2D(2, 1)(np.ones((2, 3, 8, 8)))  # a small one may well be so, and one that is not square
    Conv2D(2, 1)(np.ones((2, 1, 40, 16)))


BAD = [
    (
        lambda: Conv2D(2, 3)(np.ones((2, 1, 28, 28))),
        r"conv2d_forward: the window spans 3 along H, .*; images are N, H, W, C; .* x.transpose\(0, 2, 3, 1\)",
    ),
    (
        lambda: built(Conv2D(2, 3), (2, 16, 16, 3))(np.ones((2, 3, 16, 16))),
        "Conv2D: x has 16 channels .*, the layer was built for 3; images are N, H, W, C",
    ),
    (lambda: Conv2D(1, 3, activation="softmax"), "Conv2D: activation is 'softmax' of filters = 1, which is the same"),
    (lambda: Conv1D(3, 2)(np.ones((2, 8))), r"Conv1D: x has shape \(2, 8\), expected 3 axes \(N, T, C\)"),
    (lambda: Conv1D(3, 2, input_shape=(8,)), r"Conv1D: input_shape is \(8,\), .*input_shape=\(8, 1\)"),
    (lambda: Conv1D(3, (2, 2)), r"Conv1D: kernel_size is \(2, 2\), expected an integer"),
    (lambda: Conv1D(3, 2, padding="casual"), "Conv1D: padding is 'casual', expected .*did you mean 'causal'"),
    (lambda: Conv1D(3, 2, padding=-1), "Conv1D: padding is -1, expected at least 0"),
    (lambda: Conv1D(4, 2, groups=3), "Conv1D: filters is 4, expected a multiple of groups = 3"),
    (
        lambda: Conv1D(3, 9)(np.ones((2, 8, 1))),
        "conv1d_forward: the window spans 9 along L, more than the sequence's 8",
    ),
    (lambda: Conv2D(3, 3, padding="causal"), "Conv2D: padding is 'causal', expected one of 'valid', 'same'"),
    (lambda: DepthwiseConv2D(3, depth_multiplier=0), "DepthwiseConv2D: depth_multiplier is 0, expected at least 1"),
    (lambda: DepthwiseConv2D(3, depthwise_initializer="x"), "DepthwiseConv2D: depthwise_initializer is 'x'"),
    (
        lambda: built(DepthwiseConv2D(2), (1, 4, 4, 2))(np.ones((1, 4, 4, 3))),
        r"DepthwiseConv2D: x has 3 channels \(shape .*\), the layer was built for 2",
    ),
    (
        lambda: built(SeparableConv2D(2, 2), (1, 4, 4, 2))(np.ones((1, 4, 4, 3))),
        "SeparableConv2D: x has 3 channels .* built for 2",
    ),
    (
        lambda: built(Conv2DTranspose(2, 2), (1, 4, 4, 2))(np.ones((1, 4, 4, 3))),
        "Conv2DTranspose: x has 3 channels .* built for 2",
    ),
    (
        lambda: Conv2DTranspose(2, 3, 2, output_padding=2)(np.ones((1, 4, 4, 2))),
        "conv2d_transpose_forward: output_padding is .*, expected less than the stride",
    ),
    (lambda: SeparableConv2D(2, 3, pointwise_regularizer="x"), "SeparableConv2D: pointwise_regularizer is 'x'"),
    (lambda: SeparableConv2D(2, 3)(np.ones((4, 4, 3))), "SeparableConv2D: x has shape .*; add the channel axis"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
