"""SeparableConv2D, over kernels/conv: a convolution a channel, then one over channels at every place."""

from ..kernels import _check as check
from ..kernels._window import padding_of, pair
from ..kernels.conv import conv2d_backward, conv2d_forward
from ._argument import Fixed, RegularizerOf, activation, initializer
from ._layer import Layer, expect_axes, expect_built_for, expect_image_shape
from .activation import fused_and_following


class SeparableConv2D(Layer):
    """`DepthwiseConv2D` without a bias, then a `Conv2D` of 1 x 1: (N, H, W, C) -> (N, P, Q, filters).

    depthwise_w (R, S, C, depth_multiplier), pointwise_w (1, 1, C depth_multiplier, filters), b (filters,). padding as
    in `Conv2D`. Chollet 2016, arXiv:1610.02357.
    """

    b = None
    filters, use_bias, depth_multiplier, activation = Fixed(), Fixed(), Fixed(), activation()
    kernel_size, strides, dilation_rate = Fixed(pair), Fixed(pair), Fixed(pair)
    padding = Fixed(lambda op, _, value: padding_of(op, value))
    depthwise_initializer, pointwise_initializer, bias_initializer = initializer(), initializer(), initializer()
    depthwise_regularizer, pointwise_regularizer = RegularizerOf("depthwise_w"), RegularizerOf("pointwise_w")
    bias_regularizer = RegularizerOf("b")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        expect_image_shape(op, self.input_shape)
        check.whole(op, "filters", filters, 1)
        check.whole(op, "depth_multiplier", depth_multiplier, 1)
        self.filters, self.depth_multiplier = int(filters), int(depth_multiplier)
        self.kernel_size, self.strides, self.dilation_rate = kernel_size, strides, dilation_rate
        self.padding, self.activation, self.use_bias = padding, activation, bool(use_bias)
        given = {
            "depthwise": (depthwise_initializer, depthwise_regularizer),
            "pointwise": (pointwise_initializer, pointwise_regularizer),
            "bias": (bias_initializer, bias_regularizer),
        }
        for what, (drawn, penalised) in given.items():
            setattr(self, f"{what}_initializer", drawn)
            setattr(self, f"{what}_regularizer", penalised)
        self._derive()

    def _derive(self):
        """What comes of the arguments, for `forward`."""
        op = type(self).__name__
        self._fused, self._following = fused_and_following(op, self.activation)
        self._options = {"stride": self.strides, "padding": self.padding, "dilation": self.dilation_rate}

    def weights(self, input_shape):
        expect_axes("SeparableConv2D", input_shape, "N, H, W, C")
        channels, times = input_shape[3], self.depth_multiplier
        depthwise, pointwise = (*self.kernel_size, channels, times), (1, 1, channels * times, self.filters)
        weights = {
            "depthwise_w": (depthwise, self.depthwise_initializer, self.depthwise_regularizer),
            "pointwise_w": (pointwise, self.pointwise_initializer, self.pointwise_regularizer),
        }
        if self.use_bias:
            weights["b"] = (self.filters,), self.bias_initializer, self.bias_regularizer
        return weights

    def forward(self, x):
        depthwise, pointwise, b, following = self.depthwise_w, self.pointwise_w, self.b, self._following
        shape = depthwise.value.shape
        if x.shape[-1] != shape[2]:
            expect_built_for("SeparableConv2D", x, "channels", shape[2])
        v, w, b_value = depthwise.value.reshape(*shape[:2], 1, -1), pointwise.value, None if b is None else b.value
        apart, fused = {**self._options, "groups": shape[2]}, self._fused
        h = conv2d_forward(x, v, **apart)
        y = z = conv2d_forward(h, w, b_value, activation=fused)
        if following:
            y, following_backward = following(z)

        def backward(dy, need_dx=True):
            if following:
                dy = following_backward(dy)
            dh, dw, db = conv2d_backward(dy, h, w, b_value, z, activation=fused)
            dx, dv, _ = conv2d_backward(dh, x, v, need_dx=need_dx, **apart)
            depthwise.accumulate(dv.reshape(shape))
            pointwise.accumulate(dw)
            if b is not None:
                b.accumulate(db)
            return dx

        return y, backward
