"""Normalisation, over kernels/norm: mean 0 and variance 1, then a learned scale gamma and shift beta of the last axis.

Formulas and papers: kernels/norm/__init__.py. `activation` follows the shift; the kernels of batch, group and
instance normalisation compute relu with it, which saves a pass over memory each way.
"""

import math

from ..kernels import _check as check
from ..kernels import norm as kernels
from ._argument import Fixed, RegularizerOf, activation, epsilon, initializer
from ._layer import Layer, expect_built_for
from .activation import following


class Normalization(Layer):
    """What all have: gamma and beta of the last axis, (C,), unless `scale` or `center` is false."""

    gamma = beta = None
    epsilon, activation = epsilon(), activation()
    axis, center, scale = Fixed(lambda op, _, value: _axes(op, value)), Fixed(), Fixed()
    beta_initializer, gamma_initializer = initializer(), initializer()
    beta_regularizer, gamma_regularizer = RegularizerOf("beta"), RegularizerOf("gamma")

    def __init__(
        self,
        axis,
        epsilon,
        center,
        scale,
        beta_initializer,
        gamma_initializer,
        beta_regularizer,
        gamma_regularizer,
        activation,
        input_shape,
        dtype,
        name,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.epsilon, self.axis, self.center, self.scale = epsilon, axis, bool(center), bool(scale)
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.activation = activation
        self._derive()

    def _derive(self):
        """What comes of the arguments, for `forward`."""
        self._fused = "relu" if self.activation == "relu" else None
        self._following = None if self._fused else following(self.activation)
        self._options = {"epsilon": self.epsilon, "activation": self._fused}

    def _size(self, input_shape):
        """The number of features that gamma and beta have; only the last axis can be normalised by channels."""
        op, axes = type(self).__name__, len(input_shape)
        if axes < 2:
            raise ValueError(f"{op}: x has shape {tuple(input_shape)}, expected (N, ..., C) with at least 2 axes")
        if self.axis not in (-1, axes - 1):
            raise ValueError(
                f"{op}: axis is {self.axis}, expected -1 or {axes - 1}, because channels are the last axis here; move "
                f"them there with Permute"
            )
        return input_shape[-1]

    def weights(self, input_shape):
        size, rows = self._size(input_shape), {}
        if self.scale:
            rows["gamma"] = (size,), self.gamma_initializer, self.gamma_regularizer
        if self.center:
            rows["beta"] = (size,), self.beta_initializer, self.beta_regularizer
        return rows

    def _values(self):
        gamma, beta = self.gamma, self.beta
        return None if gamma is None else gamma.value, None if beta is None else beta.value

    def _closed(self, y, kernel):
        """y and the closure of its gradient, of the kernel's dy -> (dx, dgamma, dbeta) and what follows it."""
        gamma, beta, behind = self.gamma, self.beta, self._following
        if behind:
            y, behind_backward = behind(y)

        def backward(dy, need_dx=True):
            if behind:
                dy = behind_backward(dy)
            dx, dgamma, dbeta = kernel(dy)
            if gamma is not None:
                gamma.accumulate(dgamma)
            if beta is not None:
                beta.accumulate(dbeta)
            return dx

        return y, backward


class LayerNormalization(Normalization):
    """Mean 0 and variance 1 over the last axis, or over the last ones: (..., C) -> (..., C).

    gamma, beta (C,). `axis` is -1, or the last axes in order, such as (-2, -1), whose sizes gamma and beta then have
    one after another. Formulas: kernels/norm/reference.py.

    >>> LayerNormalization(epsilon=0.5625)([[1.0, 3.0]]).numpy()
    array([[-0.8,  0.8]], dtype=float32)
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        rows = beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer
        super().__init__(axis, epsilon, center, scale, *rows, None, input_shape, dtype, name)

    def _size(self, input_shape):
        return math.prod(_last_sizes(type(self).__name__, self.axis, input_shape))

    def forward(self, x):
        gamma, beta = self._values()
        rows = self._rows(x)
        y, mean, rstd = kernels.layer_norm_forward(rows, gamma, beta, epsilon=self.epsilon)

        def kernel(dy):
            dx, dgamma, dbeta = kernels.layer_norm_backward(
                dy.reshape(rows.shape), rows, gamma, beta, mean=mean, rstd=rstd
            )
            return dx.reshape(x.shape), dgamma, dbeta

        return self._closed(y.reshape(x.shape), kernel)

    def _rows(self, x):
        """x with the normalised axes as one, which has the size that the layer was built for."""
        op, axis = type(self).__name__, self.axis
        row = self.gamma if self.gamma is not None else self.beta
        if axis == -1:
            if row is not None and x.shape[-1:] != row.value.shape:
                expect_built_for(op, x, "features", row.value.size)
            return x
        sizes = _last_sizes(op, axis, x.shape)
        if row is not None and math.prod(sizes) != row.value.size:
            raise ValueError(
                f"{op}: x has {math.prod(sizes)} features on axis {axis} (shape {x.shape}), the layer was built for "
                f"{row.value.size}"
            )
        return x.reshape(*x.shape[: x.ndim - len(sizes)], math.prod(sizes))


class RMSNormalization(LayerNormalization):
    """Division by the root of the mean square over the last axis, or the last ones: (..., C) -> (..., C).

    gamma (C,). Formulas: kernels/norm/reference.py.

    >>> RMSNormalization(epsilon=3.5)([[3.0, 4.0]]).numpy()
    array([[0.75, 1.  ]], dtype=float32)
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-6,
        gamma_initializer="ones",
        gamma_regularizer=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        Normalization.__init__(
            self, axis, epsilon, False, True, "zeros", gamma_initializer, None, gamma_regularizer, None,
            input_shape, dtype, name,
        )  # fmt: skip

    def forward(self, x):
        gamma, _ = self._values()
        rows = self._rows(x)
        y, rstd = kernels.rms_norm_forward(rows, gamma, epsilon=self.epsilon)

        def kernel(dy):
            dx, dgamma = kernels.rms_norm_backward(dy.reshape(rows.shape), rows, gamma, rstd=rstd)
            return dx.reshape(x.shape), dgamma, None

        return self._closed(y.reshape(x.shape), kernel)


class GroupNormalization(Normalization):
    """Mean 0 and variance 1 of `groups` groups of neighbouring channels, sample by sample: (N, ..., C) -> (N, ..., C).

    gamma, beta (C,). `groups` divides C; -1 makes every channel a group. Formulas: kernels/norm/reference.py.

    >>> GroupNormalization(2, epsilon=0.5625)([[1.0, 3.0, 5.0, 5.0]]).numpy()
    array([[-0.8,  0.8,  0. ,  0. ]], dtype=float32)
    """

    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        activation=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        rows = beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer
        super().__init__(axis, epsilon, center, scale, *rows, activation, input_shape, dtype, name)
        if groups != -1:
            check.whole("GroupNormalization", "groups", groups, 1)
        self.groups = int(groups)

    def _size(self, input_shape):
        size = super()._size(input_shape)
        if self.groups != -1 and size % self.groups:
            raise ValueError(
                f"GroupNormalization: groups is {self.groups}, expected a divisor of the {size} channels of x"
            )
        return size

    def forward(self, x):
        gamma, beta = self._values()
        groups = x.shape[-1] if self.groups == -1 else self.groups
        y, mean, rstd = kernels.group_norm_forward(x, gamma, beta, groups=groups, **self._options)
        saved = {"mean": mean, "rstd": rstd, "groups": groups, "activation": self._fused}
        return self._closed(y, lambda dy: kernels.group_norm_backward(dy, x, gamma, beta, **saved))


class InstanceNormalization(Normalization):
    """Mean 0 and variance 1 of every channel of every sample over its positions: (N, ..., C) -> (N, ..., C).

    gamma, beta (C,). Formulas: kernels/norm/reference.py.

    >>> InstanceNormalization(epsilon=0.5625)([[[1.0], [3.0]]]).numpy()[0, :, 0]
    array([-0.8,  0.8], dtype=float32)
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        activation=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        rows = beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer
        super().__init__(axis, epsilon, center, scale, *rows, activation, input_shape, dtype, name)

    def forward(self, x):
        gamma, beta = self._values()
        y, mean, rstd = kernels.instance_norm_forward(x, gamma, beta, **self._options)
        saved = {"mean": mean, "rstd": rstd, "activation": self._fused}
        return self._closed(y, lambda dy: kernels.instance_norm_backward(dy, x, gamma, beta, **saved))


def _axes(op, axis):
    """An axis, or several in a tuple; one alone as a number."""
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if not axes:
        raise ValueError(f"{op}: axis is {axis!r}, expected an axis at least")
    for one in axes:
        check.whole(op, "axis", one, -math.inf)
    return axes[0] if len(axes) == 1 else axes


def _last_sizes(op, axis, shape):
    """The sizes of the axes, which are the last ones and none of them the batch's; as a set, in any order."""
    axes = (axis,) if isinstance(axis, int) else axis
    places = sorted(one + len(shape) if one < 0 else one for one in axes)
    if len(places) >= len(shape) or places != list(range(len(shape) - len(places), len(shape))):
        raise ValueError(
            f"{op}: axis is {axis}, expected the last axis or the last ones of x, whose shape is {tuple(shape)}, and "
            f"not the batch axis; move the axes there with Permute"
        )
    return shape[len(shape) - len(places) :]
