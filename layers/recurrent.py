"""SimpleRNN, GRU and LSTM, over kernels/recurrent; what they have in common: _recurrent.py."""

from ..kernels import _check as check
from ..kernels import recurrent as kernels
from . import _stepwise as stepwise
from ._argument import Fixed
from ._recurrent import Recurrent
from .activation import ACTIVATIONS
from .initializers import initialize


class SimpleRNN(Recurrent):
    """Elman's network, h = activation(x w + h' u + b): (N, T, C) -> (N, units), or (N, T, units).

    The loop over time is a kernel's for "tanh" and "relu".

    >>> SimpleRNN(4)([[[1.0, 2.0], [3.0, 4.0]]]).shape
    (1, 4)
    """

    _forward, _backward = staticmethod(kernels.simple_rnn_forward), staticmethod(kernels.simple_rnn_backward)
    _step = staticmethod(stepwise.simple_rnn_step)

    @property
    def _options(self):
        """What the kernel takes; None where it has no such network."""
        return {"activation": self.activation} if self.activation in kernels.ACTIVATIONS else None

    @property
    def _step_options(self):
        return {"activation": self.activation}


class _Gated(Recurrent):
    @property
    def _of_the_kernel(self):
        return self.activation == "tanh" and self.recurrent_activation == "sigmoid"

    @property
    def _step_options(self):
        return {"activation": self.activation, "recurrent_activation": self.recurrent_activation}


class GRU(_Gated):
    """Gated recurrent units: (N, T, C) -> (N, units), or (N, T, units).

    Gates z, r, g; b is (2, 3 units) with `reset_after`, as in Keras and cuDNN, and (3 units,) in Cho's form of 2014.

    >>> GRU(4, return_sequences=True)([[[1.0, 2.0], [3.0, 4.0]]]).shape
    (1, 2, 4)
    """

    gates = 3
    reset_after = Fixed()
    saved = ("gates", "inner")
    _forward, _backward = staticmethod(kernels.gru_forward), staticmethod(kernels.gru_backward)
    _step = staticmethod(stepwise.gru_step)

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        *,
        reset_after=True,
        **common,
    ):
        initializers = kernel_initializer, recurrent_initializer, bias_initializer
        super().__init__(units, activation, use_bias, *initializers, **common)
        check.choice("GRU", "recurrent_activation", recurrent_activation, (None, *ACTIVATIONS))
        self.recurrent_activation, self.reset_after = recurrent_activation, bool(reset_after)

    @property
    def _options(self):
        return {"reset_after": self.reset_after} if self._of_the_kernel else None

    @property
    def _step_options(self):
        return {**super()._step_options, "reset_after": self.reset_after}

    def _bias(self, columns):
        return (2, columns) if self.reset_after else (columns,), self.bias_initializer


class LSTM(_Gated):
    """Long short-term memory without peepholes: (N, T, C) -> (N, units), or (N, T, units).

    Gates i, f, g, o; b (4 units,), of which f's part begins as 1 with `unit_forget_bias`. Two states, h and c.

    >>> y, h, c = LSTM(4, return_state=True)([[[1.0, 2.0], [3.0, 4.0]]])
    >>> y.shape, c.shape
    ((1, 4), (1, 4))
    """

    gates = 4
    states = ("h", "c")
    saved = ("gates", "cells")
    _forward, _backward = staticmethod(kernels.lstm_forward), staticmethod(kernels.lstm_backward)
    _step = staticmethod(stepwise.lstm_step)

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
        **common,
    ):
        initializers = kernel_initializer, recurrent_initializer, bias_initializer
        super().__init__(units, activation, use_bias, *initializers, **common)
        check.choice("LSTM", "recurrent_activation", recurrent_activation, (None, *ACTIVATIONS))
        self.recurrent_activation, self.unit_forget_bias = recurrent_activation, bool(unit_forget_bias)

    def _bias(self, columns):
        return (columns,), self._initial_bias if self.unit_forget_bias else self.bias_initializer

    def _initial_bias(self, shape, dtype):
        b = initialize(self.bias_initializer, shape, dtype)
        b[self.units : 2 * self.units] = 1
        return b

    @property
    def _options(self):
        return {} if self._of_the_kernel else None
