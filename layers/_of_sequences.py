"""How layers of sequences are called, and what is said where the layer before gave no sequence."""

import weakref

from ..kernels import _check as check
from ._symbol import Symbol
from ._tape import record
from ._weights import given_name

_last_states = None, "", ""  # a weak reference to the newest array of last states, the class and the name of its layer


class OfSequences:
    """How a layer of sequences is called, with first states and a mask; comes before Layer or Block."""

    def __call__(self, x, *more, initial_state=None, mask=None, training=None):
        """A tensor or an array-like (N, T, C) -> a tensor, or several with `return_state`.

        initial_state  the states (N, units) before the first step, one or a list; layer([x, h]) and layer(x, h) do too
        mask           (N, T), False where a step is passed over; that of x if left out
        training       the mode for this call
        """
        if initial_state is not None:
            more = tuple(initial_state) if isinstance(initial_state, (list, tuple)) else (initial_state,)
        if mask is not None:
            x = self._masked(x, mask)
        return super().__call__(x, *more, training=training)

    def _prepare(self, *inputs):
        expect_steps(type(self).__name__, getattr(inputs[0], "value", None))
        return super()._prepare(*inputs)

    def _inputs(self, inputs):
        x = inputs[0]
        if len(inputs) == 1 and isinstance(x, (list, tuple)) and x and getattr(x[0], "ndim", 0) == 3:
            return tuple(x)
        return inputs

    def _masked(self, x, mask):
        """x with another mask."""
        op = type(self).__name__
        if isinstance(x, Symbol):
            raise TypeError(f"{op}: mask is given for a symbol, which has its own; see Embedding(mask_zero=True)")
        (x,) = self._prepare(x)
        check.booleans(op, "mask", mask)
        check.shape(op, "mask", mask, x.shape[:2], ("x", x))
        masked = record(x.value, lambda dy: dy, x)
        masked.mask = mask
        return masked


def note_last_states(layer, y):
    """The layer gave the array y, the state after the last step alone."""
    global _last_states
    _last_states = weakref.ref(y), type(layer).__name__, given_name(layer)


def expect_steps(op, x):
    """The array x has steps; where it has none because of the layer before, that is named."""
    array, kind, name = _last_states
    if array is not None and x is not None and x.ndim == 2 and array() is x:
        named = f" {name!r}" if name else ""
        raise ValueError(
            f"{op}: x has shape {x.shape}, expected 3 axes (N, T, C); the {kind}{named} before it gives its last state "
            f"alone; make it with return_sequences=True"
        )
