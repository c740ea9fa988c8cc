"""Models as graphs: `Input`, layers and models called on symbols, `Model(inputs, outputs)`."""

from functools import partial

import numpy as np

from ..kernels._names import nearest
from ..layers._connect import connected
from ..layers._door import as_array, writeable
from ..layers._symbol import Symbol, formed
from ..layers._tape import Tensor
from ..layers._weights import call_there
from .graph import calls_between, flat, input_names, named_things, output_names, ports, unflat, wanted_dtype
from .model import Model


class Functional(Model):
    """The model between inputs and outputs that layers connect: `tw.Model(inputs, outputs)`.

    inputs   what `tw.Input` gave, a list of them, or a dict by name
    outputs  what layers gave for them, one, a list, or a dict by name; `model(x)` gives tensors in the same form

    A layer that is called twice is one layer with one set of weights. Models are called like layers. Raises TypeError
    for what is no symbol, ValueError for an input that no output needs, an output that needs another input, two
    inputs or two layers of one name.

    >>> from tilewright.layers import Add, Dense, Input
    >>> a, b = Input(shape=(3,), name="a"), Input(shape=(3,), name="b")
    >>> model = Model([a, b], Dense(1)(Add()([a, b])))
    >>> model({"a": np.ones((5, 3)), "b": np.ones((5, 3))}).shape
    (5, 1)
    """

    declared = True

    def __init__(self, inputs, outputs, name=None):
        self.name = name
        self._in, names, self.input_form = ports("input", inputs)
        self._out, given, self.output_form = ports("output", outputs)
        self.input_names = input_names(self._in, names)
        self.calls = calls_between(self._in, self._out, self.input_names)
        self._things = named_things(self.calls)
        for path, thing in self._things.items():
            call_there(thing, path)
        self._plan = _Plan(self._in, self._out, self.calls)
        self.output_names = given or output_names(self._out, self._in, self.input_names, self._things)
        self.output_shapes = [y.shape for y in self._out]
        self.input_dtypes = [wanted_dtype(x, self.calls) for x in self._in]
        self.input_shape = self._in[0].shape if len(self._in) == 1 else [x.shape for x in self._in]

    def __call__(self, x, *more, training=None):
        """Tensors, arrays or symbols: one, a list in the order of the inputs, a dict by their names -> the outputs."""
        if training is not None:
            return self._in_mode(training, *self.arranged("Model", (x, *more) if more else x))
        if x.__class__ is Tensor and not more and len(self._in) == 1:
            return self.forward(x)
        inputs = self.arranged("Model", (x, *more) if more else x)
        if any(isinstance(one, Symbol) for one in inputs):
            return connected(self, inputs)
        return self.forward(*map(self._as_tensor, self.input_names, self.input_dtypes, inputs))

    def forward(self, *tensors):
        """The outputs for a tensor of each input, in their order."""
        return formed(self.output_form, self._plan.run(tensors))

    def arranged(self, op, x):
        """Inputs in the order of `input_names`, of a list, a dict or a single one. Raises ValueError, named by `op`."""
        names = self.input_names
        if isinstance(x, dict):
            for name in x:
                if name not in names:
                    raise ValueError(f"{op}: x has {name!r}, which is no input of the model{nearest(name, names)}")
            missing = [name for name in names if name not in x]
            if missing:
                raise ValueError(f"{op}: x has no {missing[0]!r}, expected a dict of {', '.join(map(repr, names))}")
            return [x[name] for name in names]
        if len(names) == 1:
            whole = isinstance(x, (list, tuple)) and len(x) == 1 and isinstance(x[0], (np.ndarray, Tensor))
            return [x[0] if whole and x[0].ndim == len(self.input_shape) else x]
        if not isinstance(x, (list, tuple)) or len(x) != len(names):
            given = f"{len(x)} arrays" if isinstance(x, (list, tuple)) else f"a {type(x).__name__}"
            raise ValueError(f"{op}: x is {given}, expected a list of {len(names)}: {', '.join(names)}")
        return list(x)

    def __getstate__(self):
        graph = {"_in", "_out", "calls", "_things", "_plan"}
        rest = {name: value for name, value in vars(self).items() if name not in graph}
        return {**rest, "graph": flat(self._in, self._out, self.calls)}

    def __setstate__(self, state):
        graph = state.pop("graph")
        vars(self).update(state)
        self._in, self._out, self.calls = unflat(graph)
        self._things = named_things(self.calls)
        self._plan = _Plan(self._in, self._out, self.calls)

    def children(self):
        yield from self._things.items()

    @property
    def inputs(self):
        """The symbols of the inputs."""
        return list(self._in)

    @property
    def outputs(self):
        """The symbols of the outputs."""
        return list(self._out)

    def output_of(self, name, call=0):
        """The symbol that the layer or model `name` gives, at its first call or another: `Model(model.inputs,
        model.output_of("conv"))` computes features. Several results are a list, or a dict. Raises ValueError."""
        layer = self.get_layer(name)
        calls = [one for one in self.calls if one.thing is layer]
        if not 0 <= call < len(calls):
            raise ValueError(f"output_of: call is {call} of {name!r}, which the model calls {len(calls)} times itself")
        return formed(calls[call].form, calls[call].results)

    @property
    def input_dtype(self):
        return self.input_dtypes[0]

    @property
    def dtype(self):
        return np.dtype(np.float32) if self.input_dtypes[0] is None else self.input_dtypes[0]

    def _as_tensor(self, name, dtype, x):
        return x if isinstance(x, Tensor) else Tensor(writeable(as_array("Model", name, x, dtype)))


class _Plan:
    """The calls in order, on slots of values that are used again when their value is not needed any more."""

    def __init__(self, inputs, outputs, calls):
        last = {x: -1 for x in inputs}
        for number, call in enumerate(calls):
            last.update((y, number) for y in call.results)
            last.update((x, number) for x in call.inputs)
        last.update((y, len(calls)) for y in outputs)
        self._size, free, slots = 0, [], {}

        def take(symbol):
            if free:
                slots[symbol] = free.pop()
            else:
                slots[symbol] = self._size
                self._size += 1

        for x in inputs:
            take(x)
        self._inputs = [slots[x] for x in inputs]
        self._steps = []
        for number, call in enumerate(calls):
            takes = [slots[x] for x in call.inputs]
            free += {slots[x] for x in call.inputs if last[x] == number}
            for y in call.results:
                take(y)
            gives = [slots[y] for y in call.results]
            free += {slots[y] for y in call.results if last[y] == number}
            thing = partial(call.thing, **call.options) if call.options else call.thing
            self._steps.append(
                (thing, takes[0] if len(takes) == 1 else takes, gives[0] if call.form is None else gives)
            )
        self._outputs = [slots[y] for y in outputs]

    def run(self, tensors):
        """The outputs, a list."""
        values = [None] * self._size
        for slot, x in zip(self._inputs, tensors):
            values[slot] = x
        for thing, takes, gives in self._steps:
            y = thing(values[takes] if takes.__class__ is int else [values[slot] for slot in takes])
            if gives.__class__ is int:
                values[gives] = y
            else:
                for slot, one in zip(gives, y.values() if y.__class__ is dict else y):
                    values[slot] = one
        return [values[slot] for slot in self._outputs]
