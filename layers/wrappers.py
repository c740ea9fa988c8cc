"""Layers around a layer: a recurrent one in both directions, and one layer at every step of a sequence."""

from ..kernels import _check as check
from ._block import Block
from ._layer import Layer
from ._of_sequences import OfSequences, note_last_states
from ._recurrent import Recurrent
from ._tape import record
from ._weights import Weighted
from .merge import Add, Average, Concatenate, Multiply

_MERGES = {"concat": Concatenate(), "sum": Add(), "mul": Multiply(), "ave": Average()}


class Bidirectional(OfSequences, Block):
    """A recurrent layer, and one that reads the sequence from its end: (N, T, C) -> both results, merged.

    layer           SimpleRNN, GRU or LSTM, whose return_sequences, return_state and stateful are the block's too
    merge_mode      "concat" of the last axis, "sum", "mul", "ave", or None for both results as they are
    backward_layer  a layer that reads in the other direction; if left out one like `layer`, with weights of its own

    y of return_sequences is in the order of x for both. With return_state the result is y, the states of `layer`, then
    those of `backward_layer`; `initial_state` takes them in that order. The dtype is the layer's if left out.

    >>> from tilewright.layers import GRU
    >>> Bidirectional(GRU(3))([[[1.0, 2.0], [3.0, 4.0]]]).shape
    (1, 6)
    """

    def __init__(self, layer, merge_mode="concat", backward_layer=None, *, input_shape=None, dtype=None, name=None):
        _expect_layer("Bidirectional", "layer", layer, Recurrent, "SimpleRNN, GRU or LSTM")
        super().__init__(input_shape=input_shape or layer.input_shape, dtype=dtype or layer.dtype, name=name)
        check.choice("Bidirectional", "merge_mode", merge_mode, (*_MERGES, None))
        if backward_layer is None:
            turned = {"go_backwards": not layer.go_backwards, "name": None, "dtype": self.dtype}
            backward_layer = type(layer)(**{**layer.config(), **turned})
        _expect_layer("Bidirectional", "backward_layer", backward_layer, Recurrent, "SimpleRNN, GRU or LSTM")
        for setting in ("return_sequences", "return_state", "stateful"):
            if getattr(layer, setting) != getattr(backward_layer, setting):
                raise ValueError(f"Bidirectional: {setting} of the two layers differs, expected the same")
        if layer.go_backwards == backward_layer.go_backwards:
            raise ValueError(
                f"Bidirectional: go_backwards is {layer.go_backwards} for both layers, expected one of each direction"
            )
        self.layer, self.merge_mode, self.backward_layer = layer, merge_mode, backward_layer
        for one in (layer, backward_layer):
            one.use_dtype(self.dtype)

    def call(self, x, *states):
        count = len(self.layer.states)
        if states and len(states) != count + len(self.backward_layer.states):
            expected = count + len(self.backward_layer.states)
            raise ValueError(f"Bidirectional: initial_state has {len(states)} arrays, expected {expected}")
        with self.layer.in_order(), self.backward_layer.in_order():
            first, second = self.layer(x, *states[:count]), self.backward_layer(x, *states[count:])
        if not self.layer.return_state:
            return self._merged(first, second)
        (first, *last), (second, *others) = first, second
        merged = self._merged(first, second)
        return (*(merged if self.merge_mode is None else [merged]), *last, *others)

    def _merged(self, a, b):
        if self.merge_mode is None:
            return a, b
        y, backward = _MERGES[self.merge_mode].forward(a.value, b.value)
        merged = record(y, backward, a, b)
        merged.mask = a.mask
        if not self.layer.return_sequences:
            note_last_states(self, y)
        return merged

    def reset_states(self):
        """Let the next batch begin with zeros, in both directions."""
        self.layer.reset_states()
        self.backward_layer.reset_states()


class TimeDistributed(Block):
    """One layer at every step of a sequence, with the same weights: (N, T, ...) -> (N, T, what the layer gives).

    layer  a layer, or a model of one input

    The steps are so many samples to the layer, and masks go by it. The dtype is the layer's if left out.

    >>> from tilewright.layers import Dense
    >>> TimeDistributed(Dense(3))([[[1.0, 2.0], [3.0, 4.0]]]).shape
    (1, 2, 3)
    """

    def __init__(self, layer, *, input_shape=None, dtype=None, name=None):
        _expect_layer("TimeDistributed", "layer", layer, Weighted, "a layer or a model")
        super().__init__(input_shape=input_shape, dtype=dtype or layer.dtype, name=name)
        if isinstance(layer, Layer):
            layer.use_dtype(self.dtype)
        else:
            for one in layer.named_layers().values():
                one.use_dtype(self.dtype)
            if isinstance(layer.input_shape, list):
                raise ValueError(f"TimeDistributed: {layer!r} has {len(layer.input_shape)} inputs, expected one")
        self.layer = layer

    @property
    def input_dtype(self):
        return self.layer.input_dtype

    def call(self, x):
        if x.ndim < 2:
            raise ValueError(f"TimeDistributed: x has shape {x.shape}, expected (N, T, ...) with at least 2 axes")
        N, T = x.shape[:2]
        y = self.layer(x.reshape(N * T, *x.shape[2:]))
        if isinstance(y, dict):
            raise ValueError(f"TimeDistributed: {self.layer!r} gives a dict, expected a tensor or several in a list")
        if isinstance(y, (tuple, list)):
            return tuple(one.reshape(N, T, *one.shape[1:]) for one in y)
        y = y.reshape(N, T, *y.shape[1:])
        y.mask = x.mask
        return y


def _expect_layer(op, argument, layer, kind, expected):
    if not isinstance(layer, kind):
        hint = f"; give {layer.__name__}(...), an object of it" if isinstance(layer, type) else ""
        raise TypeError(f"{op}: {argument} is {layer!r}, expected {expected}{hint}")
