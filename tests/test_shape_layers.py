"""Layers that move elements: where they put them, masks, errors."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    Cropping1D,
    Cropping2D,
    Flatten,
    Permute,
    Reshape,
    Tensor,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)

rng = np.random.default_rng(0)
SEQUENCES, IMAGES = (rng.standard_normal(shape).astype(np.float32) for shape in ((2, 5, 3), (2, 4, 6, 3)))


@pytest.mark.parametrize(
    "layer, x, expected",
    (
        (Reshape((6, 12)), IMAGES, IMAGES.reshape(2, 6, 12)),
        (Reshape((-1,)), IMAGES, IMAGES.reshape(2, 72)),
        (Reshape([2, -1, 3]), IMAGES, IMAGES.reshape(2, 2, 12, 3)),
        (Reshape(15), SEQUENCES, SEQUENCES.reshape(2, 15)),
        (Permute((2, 1)), SEQUENCES, SEQUENCES.transpose(0, 2, 1)),
        (Permute([3, 1, 2]), IMAGES, IMAGES.transpose(0, 3, 1, 2)),
        (ZeroPadding1D(), SEQUENCES, np.pad(SEQUENCES, ((0, 0), (1, 1), (0, 0)))),
        (ZeroPadding1D((2, 0)), SEQUENCES, np.pad(SEQUENCES, ((0, 0), (2, 0), (0, 0)))),
        (ZeroPadding2D(), IMAGES, np.pad(IMAGES, ((0, 0), (1, 1), (1, 1), (0, 0)))),
        (ZeroPadding2D((1, 2)), IMAGES, np.pad(IMAGES, ((0, 0), (1, 1), (2, 2), (0, 0)))),
        (ZeroPadding2D([[1, 0], [2, 3]]), IMAGES, np.pad(IMAGES, ((0, 0), (1, 0), (2, 3), (0, 0)))),
        (Cropping1D(), SEQUENCES, SEQUENCES[:, 1:-1]),
        (Cropping1D((2, 0)), SEQUENCES, SEQUENCES[:, 2:]),
        (Cropping2D(), IMAGES, IMAGES),
        (Cropping2D((1, 2)), IMAGES, IMAGES[:, 1:-1, 2:-2]),
        (Cropping2D(((1, 0), (2, 3))), IMAGES, IMAGES[:, 1:, 2:3]),
        (UpSampling2D(), IMAGES, IMAGES.repeat(2, 1).repeat(2, 2)),
        (UpSampling2D((1, 3)), IMAGES, IMAGES.repeat(3, 2)),
    ),
    ids=repr,
)
def test_where_elements_go(layer, x, expected):
    y = layer(x)
    np.testing.assert_array_equal(y.numpy(), expected)
    assert y.numpy().flags.c_contiguous
    empty = type(layer)(**layer.config())(x[:0])
    assert empty.shape == (0, *expected.shape[1:])


def test_no_mask_fits_what_was_moved():
    x = Tensor(SEQUENCES)
    x.mask = np.ones((2, 5), bool)
    for layer in (Flatten(), Reshape((3, 5)), Permute((2, 1)), ZeroPadding1D(), Cropping1D()):
        assert layer(x).mask is None, layer


def test_a_model_that_reshapes_comes_back_from_its_file(tmp_path):
    model = tw.Sequential([Reshape((2, 3, 1), input_shape=(6,)), ZeroPadding2D(((0, 1), (1, 0))), Permute((2, 1, 3))])
    x = rng.standard_normal((4, 6))
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(tw.load(tmp_path / "model").predict(x), model.predict(x))


BAD = [
    (lambda: Reshape((2, 5))(SEQUENCES), r"Reshape: a sample of x has shape \(5, 3\), 15 elements, .* fill \(2, 5\)"),
    (lambda: Reshape((2, -1))(SEQUENCES), r"Reshape: a sample of x has shape .* fill \(2, -1\)"),
    (lambda: Reshape((-1, -1)), r"Reshape: target_shape is \(-1, -1\), expected -1 for one size at most"),
    (lambda: Reshape((2.5,)), "Reshape: target_shape is 2.5, expected an integer"),
    (lambda: Permute((0, 1)), r"Permute: dims is \(0, 1\), expected each axis from 1 to 2 once"),
    (lambda: Permute((1, 1)), r"Permute: dims is \(1, 1\), expected each axis from 1 to 2 once"),
    (lambda: Permute((2, 1))(IMAGES), r"Permute: x has shape \(2, 4, 6, 3\), expected 3 axes for dims \(2, 1\)"),
    (lambda: ZeroPadding2D(-1), "ZeroPadding2D: padding is -1, expected at least 0"),
    (lambda: ZeroPadding2D((1, 2, 3)), r"ZeroPadding2D: padding is \(1, 2, 3\), expected an integer or a pair"),
    (lambda: ZeroPadding2D(((1, 2), (3,))), r"ZeroPadding2D: padding is \(3,\), expected an integer or a pair"),
    (lambda: ZeroPadding1D(1, input_shape=(5,)), r"ZeroPadding1D: input_shape is \(5,\), .*input_shape=\(5, 1\)"),
    (lambda: Cropping1D(3)(SEQUENCES), r"Cropping1D: cropping is \(3, 3\), which leaves nothing of x \(2, 5, 3\)"),
    (lambda: Cropping2D((2, 0))(IMAGES), "Cropping2D: cropping is .*, which leaves nothing of x"),
    (lambda: UpSampling2D(0), "UpSampling2D: size is 0, expected at least 1"),
    (lambda: UpSampling2D(interpolation="linear"), "UpSampling2D: interpolation is 'linear', .*mean 'bilinear'"),
    (lambda: UpSampling2D()(SEQUENCES), "UpSampling2D: x has shape .*; add the channel axis"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message[:40] for _, message in BAD])
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
