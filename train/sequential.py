"""A model of one layer after another."""

from collections.abc import Iterable

import numpy as np

from ..layers._layer import Layer
from ..layers._symbol import Symbol
from ..layers._tape import Tensor, no_grad
from .model import Model
from .naming import unique, unique_of
from .trainer import mode


class Sequential(Model):
    """Layers (and models) one after another.

    With an `input_shape` (without the batch axis) on the first layer, each layer is built as it is added; else
    `build`, `fit` or the first call does it. `dtype`, "float32" or "float64", is given to all layers.

    >>> from tilewright.layers import Dense
    >>> Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(2)]).count_params()
    26
    """

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
            raise TypeError(f"Sequential: {layer!r} is no layer and no model{hint}")
        if layer is self or isinstance(layer, Model) and any(child is self for _, child in layer.walk()):
            raise ValueError("Sequential: there is a loop: the model would be a layer of itself")
        known = any(layer is one for one in self._layers)
        name = unique(layer.name, self._names) if known and layer.name else unique_of("Sequential", layer, self._names)
        if self._dtype is not None:
            _set_dtype(layer, self._dtype)
        if not self._layers and self.input_shape is None and layer.input_shape is not None:
            shape = layer.input_shape if isinstance(layer, Layer) else layer.input_shape[1:]
            self.input_shape = (None, *shape)
        if self.input_shape is not None:
            self._build_one(layer)
        self._layers.append(layer)
        self._names.append(name)
        if self._trainer is not None:
            self._trainer.attached = False

    def _add_input(self, x):
        if self._layers or x.call is not None:
            raise ValueError("Sequential: an Input is expected before all layers")
        if None not in x.shape[1:]:
            self.input_shape = x.shape

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

    def _build_one(self, layer):
        """Run a layer on zeros, of the shape that comes out of those before it."""
        shape = self._output_shape if self._layers else self.input_shape
        with mode(layer, False), no_grad():
            y = layer(Tensor(np.zeros((1, *shape[1:]), layer.dtype)))
        if not isinstance(y, Tensor):
            raise ValueError(
                f"Sequential: {layer!r} gives several results, expected one for the next layer; write a model with "
                f"tw.Input and tw.Model(inputs, outputs)"
            )
        self._output_shape = (None, *y.shape[1:])


def _set_dtype(layer, dtype):
    for one in layer.named_layers().values() if isinstance(layer, Model) else [layer]:
        try:
            one.use_dtype(dtype)
        except ValueError as error:
            raise ValueError(f"Sequential: {error}") from None
