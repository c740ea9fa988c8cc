"""BatchNormalization, over kernels/norm."""

from ..kernels import _check as check
from ..kernels import norm as kernels
from ._argument import initializer
from ._device import on_device
from ._layer import expect_built_for
from .norm import Normalization


class BatchNormalization(Normalization):
    """Every channel gets mean 0 and variance 1 over the batch and all positions: (N, ..., C) -> (N, ..., C).

    gamma, beta (C,). In training the statistics are the batch's, and `moving_mean` and `moving_variance` (C,) follow
    them: moving = moving momentum + batch (1 - momentum). In evaluation, and in a layer with `trainable = False`, the
    moving ones are used and stay as they are. Steps that a mask hides have no part in the statistics. A batch without
    samples is normalised by the moving ones.

    >>> BatchNormalization(epsilon=0.5625)([[1.0], [3.0]]).numpy()
    array([[-0.8],
           [ 0.8]], dtype=float32)
    """

    moving_mean_initializer, moving_variance_initializer = initializer(), initializer()

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
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
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        check.number("BatchNormalization", "momentum", momentum, 0, 1)
        self.momentum = float(momentum)

    def buffers(self, input_shape):
        return {
            "moving_mean": (input_shape[-1:], self.moving_mean_initializer),
            "moving_variance": (input_shape[-1:], self.moving_variance_initializer),
        }

    def forward(self, x):
        gamma, beta, options = *self._values(), self._options
        if x.shape[-1:] != self.moving_mean.value.shape:
            expect_built_for("BatchNormalization", x, "channels", self.moving_mean.value.size)
        if not self._uses_batch(x):
            mean, variance = self.moving_mean.value, self.moving_variance.value
            y = kernels.batch_norm_inference_forward(x, mean, variance, gamma, beta, **options)
            backward = lambda dy: kernels.batch_norm_inference_backward(  # noqa: E731
                dy, x, mean, variance, gamma, beta, **options
            )
            return self._closed(y, backward)
        y, mean, rstd, variance = kernels.batch_norm_forward(x, gamma, beta, **options)
        self._move(mean, variance)
        fused = self._fused
        return self._closed(
            y, lambda dy: kernels.batch_norm_backward(dy, x, gamma, beta, mean=mean, rstd=rstd, activation=fused)
        )

    def forward_masked(self, x, *, mask):
        """The same with the statistics of the steps that are there; a hidden one is normalised by them too."""
        if not self._uses_batch(x) or mask.all() or not mask.any():
            return self.forward(x)
        if on_device(x):
            raise NotImplementedError(
                "BatchNormalization: steps that a mask hides are told apart on the CPU alone; train it there, or on "
                "sequences of one length"
            )
        gamma, beta, options = *self._values(), self._options
        there, hidden = x[mask], x[~mask]
        y_there, mean, rstd, variance = kernels.batch_norm_forward(there, gamma, beta, **options)
        y_hidden = kernels.batch_norm_inference_forward(hidden, mean, variance, gamma, beta, **options)
        self._move(mean, variance)
        fused, elements = self._fused, there.size // there.shape[-1]

        def backward(dy):
            """A hidden step's dy moves the statistics too: dx of the others gains -rstd gamma (sum dz + xhat sum dz
            xhat) / elements, sums over the hidden ones, which is a normalisation with another scale and shift."""
            dx, dgamma, dbeta = kernels.batch_norm_backward(
                dy[mask], there, gamma, beta, mean=mean, rstd=rstd, activation=fused
            )
            one, zero = (rstd * 0 + 1, rstd * 0)
            scale, shift = (one if gamma is None else gamma), (zero if beta is None else beta)
            dx_hidden, dgamma_hidden, dbeta_hidden = kernels.batch_norm_inference_backward(
                dy[~mask], hidden, mean, variance, scale, shift, **options
            )
            slope = -rstd * scale / elements
            dx += kernels.batch_norm_inference_forward(
                there, mean, variance, slope * dgamma_hidden, slope * dbeta_hidden, epsilon=self.epsilon
            )
            dx_all = dy
            dx_all[mask], dx_all[~mask] = dx, dx_hidden
            return (
                dx_all,
                None if gamma is None else dgamma + dgamma_hidden,
                None if beta is None else dbeta + dbeta_hidden,
            )

        y = x.copy()
        y[mask], y[~mask] = y_there, y_hidden
        return self._closed(y, backward)

    def _uses_batch(self, x):
        return self.training and self._trainable and x.shape[0]

    def _move(self, mean, variance):
        kernels.batch_norm_update(
            self.moving_mean.value, self.moving_variance.value, mean, variance, momentum=self.momentum
        )
