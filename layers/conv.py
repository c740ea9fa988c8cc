"""Convolutions of images and sequences, over kernels/conv, conv1d and conv_transpose."""

import warnings

from ..kernels import _check as check
from ..kernels import _window
from ..kernels.conv import conv2d_backward, conv2d_forward
from ..kernels.conv1d import conv1d_backward, conv1d_forward
from ..kernels.conv_transpose import conv2d_transpose_backward, conv2d_transpose_forward
from ._affine import Affine
from ._argument import Fixed, RegularizerOf, initializer
from ._layer import IMAGES_ARE, expect_axes, expect_built_for, expect_image_shape
from ._sequence import expect_sequence_shape, length_kept, one, padding_1d

_COLOURS = 1, 3, 4  # channels that images come with


class Convolution(Affine):
    """What all convolutions do: check their sizes, call their kernel, and give the gradients to w and b."""

    axes = "N, H, W, C"
    forward_kernel, backward_kernel = staticmethod(conv2d_forward), staticmethod(conv2d_backward)
    groups = 1
    units_argument = "filters"
    kernel_size, strides, dilation_rate = Fixed(_window.pair), Fixed(_window.pair), Fixed(_window.pair)
    padding = Fixed(lambda op, _, value: _window.padding_of(op, value))

    def build(self, input_shape, source=None):
        before = self.built
        super().build(input_shape, source)
        if not before and source is None and self._seem_turned(input_shape):
            said = f"{type(self).__name__}: x has shape {tuple(input_shape)}, {input_shape[3]} channels; {IMAGES_ARE}"
            warnings.warn(said, UserWarning, stacklevel=2)

    def _seem_turned(self, shape):
        """Whether inputs are likely to be square images in the order N, C, H, W. Where the window is larger than what
        is taken for the height the forward is going to say it."""
        if len(shape) != 4 or shape[1] not in _COLOURS or not shape[2] == shape[3] > 2 * max(_COLOURS):
            return False
        return self.padding != "valid" or (self.kernel_size[0] - 1) * self.dilation_rate[0] < shape[1]

    def _keep_sizes(self, kernel_size, strides, padding, dilation_rate):
        expect_image_shape(type(self).__name__, self.input_shape)
        self.kernel_size, self.strides, self.dilation_rate = kernel_size, strides, dilation_rate
        self.padding = padding

    def _derive(self):
        super()._derive()
        self._options = self._made_options()

    def _made_options(self):
        """What the kernels take besides."""
        return {
            "stride": self.strides,
            "padding": self.padding,
            "dilation": self.dilation_rate,
            "groups": self.groups,
            "activation": self._fused,
        }

    def _filters(self, w):
        """The parameter's value as the kernel takes it."""
        return w

    def _channels(self, w):
        """How many channels x has, for w as the kernel takes it."""
        return w.shape[-2] * self.groups

    def forward(self, x):
        w, b, following, options = self.w, self.b, self._following, self._options
        w_value, b_value = self._filters(w.value), None if b is None else b.value
        if x.shape[-1] != self._channels(w_value) or x.ndim != w_value.ndim:
            expect_axes(type(self).__name__, x.shape, self.axes)
            expect_built_for(type(self).__name__, x, "channels", self._channels(w_value))
        try:
            y = z = self.forward_kernel(x, w_value, b_value, **options)
        except ValueError as error:
            if x.ndim == 4 and x.shape[1] in _COLOURS and x.shape[3] > max(_COLOURS):
                raise ValueError(f"{error}; {IMAGES_ARE}") from None
            raise
        if following:
            y, following_backward = following(z)

        def backward(dy, need_dx=True):
            if following:
                dy = following_backward(dy)
            dx, dw, db = self.backward_kernel(dy, x, w_value, b_value, z, need_dx=need_dx, **options)
            w.accumulate(dw if w_value is w.value else dw.reshape(w.value.shape))
            if b is not None:
                b.accumulate(db)
            return dx

        return y, backward


class _Grouped(Convolution):
    """The convolutions with `filters` and `groups`, whose w is (..., C / groups, filters)."""

    filters, groups = Fixed(), Fixed()

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
        kernel_regularizer=None,
        bias_regularizer=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        check.whole(op, "filters", filters, 1)
        check.whole(op, "groups", groups, 1)
        if filters % groups:
            raise ValueError(f"{op}: filters is {filters}, expected a multiple of groups = {groups}")
        self.filters, self.groups = int(filters), int(groups)
        self._keep_sizes(kernel_size, strides, padding, dilation_rate)
        self._keep(activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer)

    def weights(self, input_shape):
        op = type(self).__name__
        expect_axes(op, input_shape, self.axes)
        channels, rest = divmod(input_shape[-1], self.groups)
        if rest:
            raise ValueError(f"{op}: x has {input_shape[-1]} channels, expected a multiple of groups = {self.groups}")
        return self._weights((*self._spatial(), channels, self.filters), self.filters)

    def _spatial(self):
        return self.kernel_size


class Conv2D(_Grouped):
    """y = activation(conv2d(x, w) + b): (N, H, W, C) -> (N, P, Q, filters).

    w (R, S, C / groups, filters), b (filters,). padding is "valid", "same", an integer, a pair (height, width) or
    (top, bottom, left, right). Formulas: kernels/conv/reference.py.

    >>> Conv2D(4, 3)([[[[1.0]] * 5] * 5]).shape
    (1, 3, 3, 4)
    """


class Conv1D(_Grouped):
    """y = activation(conv1d(x, w) + b): (N, T, C) -> (N, P, filters).

    w (R, C / groups, filters), b (filters,). padding is "valid", "same", an integer, a pair (left, right), or "causal":
    all on the left, so that a step sees no later one. Formulas: kernels/conv1d/reference.py.

    >>> Conv1D(4, 3, padding="causal")([[[1.0]] * 5]).shape
    (1, 5, 4)
    """

    axes = "N, T, C"
    forward_kernel, backward_kernel = staticmethod(conv1d_forward), staticmethod(conv1d_backward)
    kernel_size, strides, dilation_rate = Fixed(one), Fixed(one), Fixed(one)
    padding = Fixed(lambda op, _, value: padding_1d(op, value))

    def _keep_sizes(self, kernel_size, strides, padding, dilation_rate):
        self.kernel_size, self.strides, self.dilation_rate = kernel_size, strides, dilation_rate
        expect_sequence_shape("Conv1D", self.input_shape)
        self.padding = padding

    def _spatial(self):
        return (self.kernel_size,)

    def mask_after(self, mask):
        """The same where a result stands for every step; else None."""
        return mask if length_kept(self) else None


class DepthwiseConv2D(Convolution):
    """Every channel by filters of its own, `depth_multiplier` of them: (N, H, W, C) -> (N, P, Q, C depth_multiplier).

    w (R, S, C, depth_multiplier), b (C depth_multiplier,). padding as in `Conv2D`.
    """

    kernel = "depthwise"
    depth_multiplier = Fixed()
    depthwise_initializer, depthwise_regularizer = initializer(), RegularizerOf("w")

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.whole("DepthwiseConv2D", "depth_multiplier", depth_multiplier, 1)
        self.depth_multiplier = int(depth_multiplier)
        self._keep_sizes(kernel_size, strides, padding, dilation_rate)
        self._keep(
            activation, use_bias, depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer
        )

    def weights(self, input_shape):
        expect_axes("DepthwiseConv2D", input_shape, self.axes)
        channels = input_shape[3]
        return self._weights((*self.kernel_size, channels, self.depth_multiplier), channels * self.depth_multiplier)

    def build(self, input_shape, source=None):
        super().build(input_shape, source)
        self._derive()

    def _made_options(self):
        return {**super()._made_options(), "groups": self.w.value.shape[2] if self.built else 1}

    def _filters(self, w):
        return w.reshape(*self.kernel_size, 1, -1)

    def _channels(self, w):
        return self._options["groups"]


class Conv2DTranspose(Convolution):
    """What gives a convolution's input its gradient, as a layer that enlarges: (N, H, W, C) -> (N, P, Q, filters).

    w (R, S, filters, C), b (filters,). P = (H - 1) stride + R for "valid" where R is no less than the stride, H stride
    for "same"; `output_padding`, less than the stride, adds to it. Other paddings as in `Conv2D`. Formulas:
    kernels/conv_transpose/reference.py.

    >>> Conv2DTranspose(4, 2, strides=2)([[[[1.0]] * 5] * 5]).shape
    (1, 10, 10, 4)
    """

    forward_kernel, backward_kernel = staticmethod(conv2d_transpose_forward), staticmethod(conv2d_transpose_backward)
    filters, output_padding = Fixed(), Fixed(lambda *of: None if of[2] is None else _window.pair(*of, 0))

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.whole("Conv2DTranspose", "filters", filters, 1)
        self.filters = int(filters)
        self._keep_sizes(kernel_size, strides, padding, dilation_rate)
        self.output_padding = output_padding
        self._keep(activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer)

    def weights(self, input_shape):
        expect_axes("Conv2DTranspose", input_shape, self.axes)
        return self._weights((*self.kernel_size, self.filters, input_shape[3]), self.filters)

    def _made_options(self):
        return {**super()._made_options(), "output_padding": self.output_padding}

    def _channels(self, w):
        return w.shape[3]
