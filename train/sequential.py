"""A model of one layer after another."""

from collections.abc import Iterable

from .. import layers as library
from ..layers._connect import connected
from ..layers._layer import Layer
from ..layers._symbol import Symbol, make_input
from ..layers._tape import Tensor
from ..layers._weights import call_there, given_name
from .model import Model
from .naming import unique, unique_of
from .trainer import mode
from .walking import walk


class Sequential(Model):
    """Layers (and models) one after another.

    With an `input_shape` (without the batch axis) on the first layer, each layer is built as it is added; else
    `build`, `fit` or the first call does it. `dtype`, "float32" or "float64", is given to all layers.

    >>> from tilewright.layers import Dense
    >>> Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(2)]).count_params()
    26
    """

    _begin = None  # name and dtype of the `tw.Input` that was given
    _end = None  # the symbol of what the last layer gives, where it is known
    _graph = None  # the symbols of the input and all layers' results, once they were asked for

    def __init__(self, layers=None, *more, dtype=None, name=None):
        if more or layers is not None and not isinstance(layers, Iterable):
            raise TypeError("Sequential: the layers are expected in one list; write Sequential([Dense(...), ...])")
        self.name = name
        self._dtype = dtype
        self._layers = []
        self._names = []
        for layer in layers or ():
            self.add(layer)

    def add(self, layer):
        """Append a layer or a model, or first of all the `tw.Input` of the model.

        Raises TypeError for anything else, ValueError for a model that this one is a part of.
        """
        if isinstance(layer, Symbol):
            return self._add_input(layer)
        if not isinstance(layer, (Layer, Model)):
            hint = f"; add {layer.__name__}(...), an object of it" if isinstance(layer, type) else ""
            if type(layer).__name__ in library.__all__:
                hint = f"; the layer of this name is tw.layers.{type(layer).__name__}"
            raise TypeError(f"Sequential: {layer!r} is no layer and no model{hint}")
        if layer is self or any(child is self for _, child in walk(layer)):
            raise ValueError("Sequential: there is a loop: the model would be a layer of itself")
        known = any(layer is one for one in self._layers)
        given = given_name(layer)
        name = unique(given, self._names) if known and given else unique_of("Sequential", layer, self._names)
        if self._dtype is not None:
            _set_dtype(layer, self._dtype)
        shape = self.input_shape if self._layers or self.declared else _declared(layer)
        end = None if shape is None else self._after(layer, self._reached(shape))
        if not self._layers and shape is not None:
            self.input_shape, self.declared = shape, True
        self._end, self._graph = end, None
        self._layers.append(layer)
        self._names.append(name)
        if not known:
            call_there(layer, name)
        if self._trainer is not None:
            self._trainer.attached = False

    def _add_input(self, x):
        if self._layers or x.call is not None:
            raise ValueError("Sequential: an Input is expected before all layers")
        self.input_shape, self.declared = x.shape, True
        self._begin = x.name, x.dtype_given

    def forward(self, x):
        for layer in self._layers:
            x = layer(x)
        return x

    @property
    def dtype(self):
        return self._layers[0].dtype if self._layers else super().dtype

    @property
    def input_dtype(self):
        return self._layers[0].input_dtype if self._layers else super().input_dtype

    def children(self):
        yield from zip(self._names, self._layers)

    def probe(self, x, op):
        if not self._layers:
            raise ValueError(f"{op}: the model has no layers; add some")
        return super().probe(x, op)

    def build(self, input_shape):
        """As every model's `build`; raises ValueError too for layers that need a known size where it is left open."""
        if (
            self.declared
            or not self._layers
            or not isinstance(input_shape, (tuple, list))
            or None not in input_shape[1:]
        ):
            return super().build(input_shape)
        shape = self._checked_shape(input_shape)
        self._end = self._reached(shape)
        self.input_shape, self.declared = shape, True

    def pop(self):
        """Take the last layer away and return it. Raises ValueError if there is none."""
        if not self._layers:
            raise ValueError("pop: the model has no layers")
        layer = self._layers.pop()
        self._names.pop()
        self._end = self._graph = None
        if not self._layers and self._begin is None:
            self.input_shape, self.declared = None, False
        if self._trainer is not None:
            self._trainer.attached = False
        return layer

    @property
    def inputs(self):
        """The symbol of the input, in a list. Raises ValueError before `build`, as `outputs` and `output_of`."""
        return [self._traced("inputs")[0]]

    @property
    def outputs(self):
        """The symbol of the output, in a list."""
        return [self._traced("outputs")[-1]]

    def output_of(self, name, call=0):
        """The symbol that the layer or model `name` gives: `Model(model.inputs, model.output_of("conv"))` computes
        features. A layer that is there twice has two names. Raises ValueError for others."""
        symbols = self._traced("output_of")
        if name not in self._names:
            self.get_layer(name)
            raise ValueError(f"output_of: {name!r} is in another model, which has its own output_of")
        if call != 0:
            raise ValueError(f"output_of: call is {call} of {name!r}, which the model calls once")
        return symbols[1 + self._names.index(name)]

    def _traced(self, op):
        """The symbols of the input and of what each layer gives."""
        self._expect_built(op)
        if self.input_shape is None or isinstance(self.input_shape, list):
            raise ValueError(f"{op}: the model does not know its input_shape; call model.build((None, ...)) first")
        if self._graph is None:
            symbols = [self._input(self.input_shape)]
            for layer in self._layers:
                symbols.append(_on(layer, symbols[-1]))
            self._graph = symbols
        return self._graph

    def _input(self, shape):
        return make_input(shape[1:], *(self._begin or (None, None)))

    def _reached(self, shape):
        """The symbol of what all layers so far give for an input of `shape`."""
        if self._end is not None:
            return self._end
        x = self._input(shape)
        for layer in self._layers:
            x = self._after(layer, x)
        return x

    def _after(self, layer, x):
        """What a layer gives, which is built by that. Of known size it holds on to nothing that was before."""
        y = _on(layer, x)
        if isinstance(layer, Layer):
            layer.output_shape = y.shape
        if y.longer is not None:
            return y
        end = Symbol(y.value)
        end.mask = y.mask
        return end

    def __getstate__(self):
        return {**vars(self), "_end": None, "_graph": None}


def _declared(layer):
    """The shape that a first layer or model declares, with the batch axis."""
    if isinstance(layer, Model):
        shape = layer.declared_shape
        return None if isinstance(shape, list) else shape
    return None if layer.input_shape is None else (None, *layer.input_shape)


def _on(layer, x):
    with mode(layer, False):
        y = connected(layer, [x])
    if not isinstance(y, Tensor):
        raise ValueError(
            f"Sequential: {layer!r} gives several results, expected one for the next layer; write a model with "
            f"tw.Input and tw.Model(inputs, outputs)"
        )
    return y


def _set_dtype(layer, dtype):
    for one in layer.named_layers().values() if isinstance(layer, Model) else [layer]:
        try:
            one.use_dtype(dtype)
        except ValueError as error:
            raise ValueError(f"Sequential: {error}") from None
