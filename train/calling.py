"""How a model is called: on tensors, arrays, symbols, on one or several, with what its forward takes besides."""

import inspect

from ..layers._connect import connected
from ..layers._door import as_array, writeable
from ..layers._symbol import Symbol, listed
from ..layers._tape import Tensor
from .mode import mode


class Calling:
    """The part of a model that calls its `forward`."""

    _wanted = ()  # the names of the arguments that `forward` requires, where they are several
    _taken = None  # how many it takes at most, where it requires several; None for any number

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if inspect.isfunction(vars(cls).get("forward")):
            cls._wanted, cls._taken = _several(cls.forward)

    def forward(self, x):
        """The output tensor for an input tensor; both may be several, as a list or a dict. A forward that requires
        several arguments, forward(self, a, b), gets the inputs one by one, of a dict by their names."""
        keras = "; what Keras names call is named forward here" if hasattr(self, "call") else ""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x){keras}")

    def __call__(self, x, *more, training=None, **options):
        """A tensor or an array-like of numbers -> a tensor, recorded. What `forward` takes besides is handed on, by
        place or by name, so are lists and dicts of tensors; arrays in a dict become tensors. `training` sets the mode
        for this call."""
        if training is not None:
            return self._in_mode(training, x, *more, **options)
        if x.__class__ is not Tensor or self._wanted and not more:
            if any(isinstance(one, Symbol) for one in (*listed(x), *more)):
                return connected(self, (*listed(x), *more), options)
            x = self._as_tensors(x)
            if self._wanted and not more:
                return self._on_several(x, options)
        return self.forward(x, *more, **options)

    def _in_mode(self, training, x, *more, **options):
        inputs = (*listed(x), *more)
        if any(isinstance(one, Symbol) for one in inputs):
            return connected(self, inputs, {"training": bool(training), **options})
        with mode(self, bool(training)):
            return self((x, *more) if more else x) if self.input_names else self(x, *more, **options)

    def _on_several(self, x, options):
        """What `forward` gives for inputs in a list or a dict, which it takes one by one."""
        wanted = [name for name in self._wanted if name not in options]
        if len(wanted) < 2:
            return self.forward(x, **options)
        if isinstance(x, dict) and all(name in x for name in wanted):
            return self.forward(**x, **options)
        inputs = x if isinstance(x, list) else [x]
        if len(inputs) < len(wanted) or self._taken is not None and len(inputs) > self._taken:
            given = f"a dict of {', '.join(map(repr, x))}" if isinstance(x, dict) else "a single one"
            given = given if len(inputs) == 1 else f"a list of {len(inputs)}"
            raise ValueError(
                f"{type(self).__name__}: forward takes several inputs, {', '.join(self._wanted)}, and x is {given}; "
                f"give a list or a dict of all, and to build a list of their shapes"
            )
        return self.forward(*inputs, **options)

    def _as_tensors(self, x):
        if isinstance(x, dict):
            return {name: self._as_tensors(one) for name, one in x.items()}
        if isinstance(x, Tensor):
            return x
        if isinstance(x, (list, tuple)):
            several = isinstance(self.input_shape, list) and len(x) == len(self.input_shape)
            if several or self._wanted or any(isinstance(one, Tensor) for one in x):
                return [self._as_tensors(one) for one in x]
        return Tensor(writeable(as_array(type(self).__name__, "x", x)))


def _several(forward):
    """(the arguments that a forward requires, how many it takes by place); ((), None) where it requires but one."""
    arguments = list(inspect.signature(forward).parameters.values())[1:]
    placed = [p for p in arguments if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    wanted = tuple(p.name for p in placed if p.default is p.empty)
    if len(wanted) < 2:
        return (), None
    return wanted, None if any(p.kind is p.VAR_POSITIONAL for p in arguments) else len(placed)
