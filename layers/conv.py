"""Conv2D, over kernels/conv."""

from ..kernels import _check as check
from ..kernels._window import padding_of, pair
from ..kernels.conv import conv2d_backward, conv2d_forward
from ._layer import Layer, expect_axes, expect_built_for, expect_image_shape
from .activation import fused_and_following
from .initializers import check_initializer


class Conv2D(Layer):
    """y = activation(conv2d(x, w) + b): (N, H, W, C) -> (N, P, Q, filters).

    w (R, S, C / groups, filters), b (filters,). padding is "valid", "same", an integer, a pair (height, width) or
    (top, bottom, left, right). Formulas: kernels/conv/reference.py.

    >>> Conv2D(4, 3)([[[[1.0]] * 5] * 5]).shape
    (1, 3, 3, 4)
    """

    b = None

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        dilation_rate=1,
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        expect_image_shape("Conv2D", self.input_shape)
        check.whole("Conv2D", "filters", filters, 1)
        check.whole("Conv2D", "groups", groups, 1)
        if filters % groups:
            raise ValueError(f"Conv2D: filters is {filters}, expected a multiple of groups = {groups}")
        check_initializer("Conv2D", "kernel_initializer", kernel_initializer)
        check_initializer("Conv2D", "bias_initializer", bias_initializer)
        self.filters, self.groups = int(filters), int(groups)
        self.kernel_size = pair("Conv2D", "kernel_size", kernel_size)
        self.strides = pair("Conv2D", "strides", strides)
        self.dilation_rate = pair("Conv2D", "dilation_rate", dilation_rate)
        self.padding = padding_of("Conv2D", padding)
        self.activation, self.use_bias = activation, bool(use_bias)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self._fused, self._following = fused_and_following("Conv2D", activation)
        self._options = {
            "stride": self.strides,
            "padding": self.padding,
            "dilation": self.dilation_rate,
            "groups": self.groups,
            "activation": self._fused,
        }

    def weights(self, input_shape):
        expect_axes("Conv2D", input_shape, "N, H, W, C")
        channels, rest = divmod(input_shape[3], self.groups)
        if rest:
            raise ValueError(f"Conv2D: x has {input_shape[3]} channels, expected a multiple of groups = {self.groups}")
        weights = {"w": ((*self.kernel_size, channels, self.filters), self.kernel_initializer)}
        if self.use_bias:
            weights["b"] = (self.filters,), self.bias_initializer
        return weights

    def forward(self, x):
        w, b, following, options = self.w, self.b, self._following, self._options
        w_value, b_value = w.value, None if b is None else b.value
        if x.shape[-1] != w_value.shape[2] * self.groups:
            expect_built_for("Conv2D", x, "channels", w_value.shape[2] * self.groups)
        y = z = conv2d_forward(x, w_value, b_value, **options)
        if following:
            y, following_backward = following(z)

        def backward(dy, need_dx=True):
            if following:
                dy = following_backward(dy)
            dx, dw, db = conv2d_backward(dy, x, w_value, b_value, z, need_dx=need_dx, **options)
            w.accumulate(dw)
            if b is not None:
                b.accumulate(db)
            return dx

        return y, backward
