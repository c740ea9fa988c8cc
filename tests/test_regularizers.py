"""Penalties on weights: values, gradients, which parameter keeps which, errors."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Conv1D, Conv2D, Conv2DTranspose, Dense, DepthwiseConv2D, PReLU, SeparableConv2D
from tilewright.layers.regularizers import L1, L1L2, L2, get_regularizer

from .gradients import assert_gradient, numeric_gradient

W = np.random.default_rng(0).standard_normal((3, 4))


@pytest.mark.parametrize(
    "regularizer, expected",
    (
        (L1(0.5), 0.5 * np.abs(W).sum()),
        (L2(0.5), 0.5 * (W * W).sum()),
        (L1L2(0.5, 2.0), 0.5 * np.abs(W).sum() + 2 * (W * W).sum()),
        (L1L2(), 0),
    ),
)
def test_penalties_and_their_gradients(regularizer, expected):
    w = tw.Parameter(W.copy())
    penalty = regularizer(w)
    assert penalty.shape == () and penalty.dtype == np.float64
    np.testing.assert_allclose(penalty.item(), expected, rtol=1e-14)
    (penalty * 3).backward()
    if expected:
        assert_gradient(w.grad, numeric_gradient(lambda: 3 * regularizer(w).item(), w.value))
    else:
        assert not w.grad.any()
    np.testing.assert_array_equal(w.value, W)  # nothing is changed in place


def test_float32_stays():
    w = tw.Parameter(W.astype(np.float32))
    for regularizer in (L1(), L2(), L1L2(0.1, 0.1)):
        penalty = regularizer(w)
        penalty.backward()
        assert penalty.dtype == w.grad.dtype == np.float32
    frozen = tw.Parameter(W)
    frozen.trainable = False
    assert not L2()(frozen).requires_grad


@pytest.mark.parametrize(
    "layer, shape",
    (
        (Dense(2, kernel_regularizer=L1(0.3), bias_regularizer="l2"), (1, 4)),
        (Conv1D(2, 3, kernel_regularizer=L1(0.3), bias_regularizer="l2"), (1, 8, 4)),
        (Conv2D(2, 3, kernel_regularizer=L1(0.3), bias_regularizer="l2"), (1, 8, 8, 4)),
        (Conv2DTranspose(2, 3, kernel_regularizer=L1(0.3), bias_regularizer="l2"), (1, 8, 8, 4)),
        (DepthwiseConv2D(3, depthwise_regularizer=L1(0.3), bias_regularizer="l2"), (1, 8, 8, 4)),
    ),
    ids=lambda value: type(value).__name__,
)
def test_parameters_keep_the_layers_regularizers(layer, shape):
    layer.build(shape)
    assert layer.w.regularizer == L1(0.3) and layer.b.regularizer == L2(0.01)
    assert type(layer)(**layer.config()).bias_regularizer == L2(0.01)


def test_parameters_of_other_names():
    separable = SeparableConv2D(2, 3, depthwise_regularizer="l1", pointwise_regularizer=L2(0.5))
    separable.build((1, 8, 8, 4))
    assert separable.depthwise_w.regularizer == L1(0.01) and separable.pointwise_w.regularizer == L2(0.5)
    assert separable.b.regularizer is None
    prelu = PReLU(alpha_regularizer="l1")
    prelu.build((1, 4))
    assert prelu.alpha.regularizer == L1(0.01)


@pytest.mark.parametrize(
    "call, kind, message",
    (
        (lambda: L2(-1), ValueError, "L2: l2 is -1, expected a number from 0"),
        (lambda: L1("x"), TypeError, "L1: l1 is 'x', expected a number"),
        (lambda: Dense(2, kernel_regularizer="l3"), ValueError, "Dense: kernel_regularizer is 'l3', expected one of"),
        (lambda: Dense(2, bias_regularizer=L2), TypeError, r"Dense: bias_regularizer is .*; write L2\(\), an object"),
        (lambda: get_regularizer("f", "r", 0.01), TypeError, "f: r is 0.01, expected None, a name or a regularizer"),
    ),
    ids=range(5),
)
def test_bad_calls_say_what_is_wrong(call, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        call()
