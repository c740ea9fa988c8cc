"""What SimpleRNN, GRU and LSTM have in common, over kernels/recurrent."""

import contextlib
import inspect

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import noted, refuse
from ..kernels.dropout import dropout_forward, spatial_dropout_backward, spatial_dropout_forward
from . import _stepwise as stepwise
from ._argument import Fixed, RegularizerOf, initializer
from ._door import as_array
from ._layer import Layer, expect_axes, expect_built_for
from ._mode import trial
from ._of_sequences import OfSequences, expect_steps, note_last_states
from ._random import draw_seed
from ._tape import Tensor
from .activation import ACTIVATIONS


class Recurrent(OfSequences, Layer):
    """What the three have in common. Constructor arguments are Keras's, and these are of all three:

    units              size of the state; w (C, G units) meets the inputs, u (units, G units) the states, b is the bias
    activation         of the new state; other than the default it is computed a step at a time, slowly
    dropout            in training, the share of the inputs' channels that is 0, the same ones in every step
    recurrent_dropout  likewise of the states where they meet u, others for every gate; a step at a time, slowly
    seed               of both, drawn at `build` if left out
    return_sequences   y is the state after every step, (N, T, units), and not the last one, (N, units)
    return_state       the result is y and the last state, or states
    go_backwards       the sequence is read from its end, and y of return_sequences is in the order of reading
    stateful           the last states of a batch are the first ones of the next, sample by sample, without gradient
                       between the two; `reset_states` begins anew. For parts of long sequences, with shuffle=False
    """

    gates = 1
    states = ("h",)  # as the kernel's gradients of the last ones are named, without the d
    saved = ()  # what the kernel's backward needs besides y, in the order in which the forward returns it
    b = None
    units, use_bias = Fixed(), Fixed()
    kernel_initializer, recurrent_initializer, bias_initializer = initializer(), initializer(), initializer()
    kernel_regularizer, recurrent_regularizer = RegularizerOf("w"), RegularizerOf("u")
    bias_regularizer = RegularizerOf("b")
    _kept = None  # of `stateful`: a list of the last states, (N, units) each
    _aligned = False  # within `in_order`

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        *,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        if self.input_shape is not None and len(self.input_shape) != 2:
            raise ValueError(f"{op}: input_shape is {self.input_shape}, expected (T, C), without the batch axis")
        check.whole(op, "units", units, 1)
        check.choice(op, "activation", activation, (None, *ACTIVATIONS))
        for argument, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            check.fraction(op, argument, rate)
        if seed is not None:
            check.whole(op, "seed", seed)
        self.units, self.activation, self.use_bias = int(units), activation, bool(use_bias)
        self.kernel_initializer, self.recurrent_initializer = kernel_initializer, recurrent_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer, self.recurrent_regularizer = kernel_regularizer, recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self.dropout, self.recurrent_dropout, self.seed = float(dropout), float(recurrent_dropout), seed
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful = bool(go_backwards), bool(stateful)
        self._steps = 0

    def __init_subclass__(cls, **options):
        """A constructor's `**common` stands for the arguments that all three take; its signature has them all."""
        super().__init_subclass__(**options)
        own = inspect.signature(cls.__init__).parameters
        if "common" in own:
            common = inspect.signature(Recurrent.__init__).parameters
            rest = [p for name, p in common.items() if name not in own]
            own = [p for name, p in own.items() if name not in ("self", "common")]
            cls.__signature__ = inspect.Signature([*own, *rest])

    def weights(self, input_shape):
        expect_axes(type(self).__name__, input_shape, "N, T, C")
        columns = self.gates * self.units
        weights = {
            "w": ((input_shape[2], columns), self.kernel_initializer, self.kernel_regularizer),
            "u": ((self.units, columns), self.recurrent_initializer, self.recurrent_regularizer),
        }
        if self.use_bias:
            weights["b"] = *self._bias(columns), self.bias_regularizer
        return weights

    def build(self, input_shape, source=None):
        if not self.built and (self.dropout or self.recurrent_dropout):
            self._seed = draw_seed() if self.seed is None else int(self.seed)
        super().build(input_shape, source)

    def forward(self, x, *states):
        return self._read(x, None, states)

    def forward_masked(self, x, *states, mask):
        return self._read(x, mask, states)

    def mask_after(self, mask):
        """That of y; None where the steps are gone."""
        if not self.return_sequences:
            return None
        return mask[:, ::-1].copy() if self._turned else mask

    @property
    def _turned(self):
        """Whether y of return_sequences is in the other order than x."""
        return self.go_backwards and not self._aligned

    @contextlib.contextmanager
    def in_order(self):
        """Within it y of return_sequences is in the order of x, also where that is read from its end."""
        before, self._aligned = self._aligned, True
        try:
            yield
        finally:
            self._aligned = before

    def reset_states(self, states=None):
        """Let the next batch of a `stateful` layer begin with zeros, or with `states`, an array (N, units) each."""
        op = type(self).__name__
        if not self.stateful:
            raise ValueError(f"{op}: reset_states, but the layer keeps no states; make it with stateful=True")
        if states is not None:
            states = states if isinstance(states, (list, tuple)) else [states]
            states = [np.array(as_array(op, "states", state, self.dtype)) for state in states]
            self._expect_states(states, (len(states[0]) if states else 0, self.units), "states")
        self._kept = states

    def _first_states(self, x):
        """What a stateful layer kept, for a batch x."""
        if self._kept is None or trial.running or not len(x):
            return ()
        if len(self._kept[0]) != len(x):
            raise ValueError(
                f"{type(self).__name__}: x has {len(x)} samples, and the states that stateful=True keeps are of "
                f"{len(self._kept[0])}; give batches of one size, or begin anew with reset_states()"
            )
        return self._kept

    def _read(self, x, mask, states):
        self._expect(x, states)
        first_states = states or self._first_states(x)
        dropped = None
        if self.training and self.dropout:
            dropped = {"rate": self.dropout, "seed": self._seed, "step": self._next_step()}
            x = spatial_dropout_forward(x, **dropped)
        one_by_one = self._options is None or self.training and self.recurrent_dropout
        read = self._by_steps if one_by_one and x.shape[1] else self._at_once
        y, last, through = read(x, mask, first_states)
        if self.stateful and not trial.running and len(x):
            refuse("states that are kept")
            self._kept = [state.copy() for state in last]
        sequences, turned = self.return_sequences, self._turned
        if sequences:
            first = np.ascontiguousarray(y[:, ::-1]) if turned else y
        else:
            first = last[0]
            note_last_states(self, first)

        def backward(dy, *dlast, need_dx=True):
            dlast = list(dlast) or [None] * len(last)
            if not sequences:
                dlast[0] = _added(dy, dlast[0])
                dy = None
            elif dy is not None and turned:
                dy = np.ascontiguousarray(dy[:, ::-1])
            dx, *dstates = through(dy, dlast, need_dx)
            if dropped and dx is not None:
                dx = spatial_dropout_backward(dx, **dropped)
            return (dx, *dstates) if states else dx

        return (first, *last) if self.return_state else first, backward

    def _at_once(self, x, mask, states):
        """By the kernel's loop over time."""
        w, u, b = self.w, self.u, self.b
        network = x, w.value, u.value, None if b is None else b.value, *states
        options = {**self._options, "mask": mask, "reverse": self.go_backwards}
        y, *rest = self._forward(*network, **options)
        last, saved = rest[: len(self.states)], dict(zip(self.saved, rest[len(self.states) :]))

        def through(dy, dlast, need_dx):
            given = {f"d{name}": d for name, d in zip(self.states, dlast)}
            dx, dw, du, db, *dstates = self._backward(dy, *network, y=y, need_dx=need_dx, **given, **saved, **options)
            w.accumulate(dw)
            u.accumulate(du)
            if b is not None:
                b.accumulate(db)
            return dx, *dstates

        return y, last, through

    def _by_steps(self, x, mask, states):
        """A step at a time, on the tape."""
        given = [Tensor(array, True) for array in (x, *states)]
        first, kept, G = given[1:], None, self.gates
        if not first:
            first = [Tensor(np.zeros((len(x), self.units), x.dtype)) for _ in self.states]
        if self.training and self.recurrent_dropout:
            ones, seed = np.ones((G, len(x), self.units), x.dtype), (self._seed + 1) % (1 << 64)
            kept = dropout_forward(ones, rate=self.recurrent_dropout, seed=seed, step=self._next_step())
        weights = self.w, self.u, self.b
        y, *last = stepwise.by_steps(
            self._step, G, given[0], *weights, first, mask, self.go_backwards, kept, **self._step_options
        )

        def through(dy, dlast, need_dx):
            results = [(tensor, d) for tensor, d in zip((y, *last), (dy, *dlast)) if d is not None]
            stepwise.backward_of(results)
            return [tensor.grad for tensor in given]

        return y.value, [state.value for state in last], through

    def _expect(self, x, states):
        """Arrays as the weights were made for."""
        op = type(self).__name__
        expect_steps(op, x)
        expect_axes(op, x.shape, "N, T, C")
        if x.shape[2] != self.w.shape[0]:
            expect_built_for(op, x, "channels", self.w.shape[0])
        if states:
            self._expect_states(states, (len(x), self.units), "initial_state", ("x", x))

    def _expect_states(self, states, shape, argument, *because):
        """As many states as the layer has, of a shape."""
        op = type(self).__name__
        if len(states) != len(self.states):
            names = " and ".join(self.states)
            raise ValueError(f"{op}: {argument} has {len(states)} arrays, expected {len(self.states)}: {names}")
        for name, state in zip(self.states, states):
            check.shape(op, f"{argument} {name}", state, shape, *because)

    def _next_step(self):
        self._steps += 1
        return self._steps - 1

    def _bias(self, columns):
        """Shape and initializer."""
        return (columns,), self.bias_initializer


def _added(a, b):
    """The sum of gradients that may be None."""
    if a is None or b is None:
        return b if a is None else a
    return noted(np.add, a, b, a)
