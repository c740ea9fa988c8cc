"""A model of one layer after another."""

import re
from collections.abc import Iterable

import numpy as np

from ..layers._layer import Layer
from ..layers._tape import Tensor, no_grad
from .model import Model
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
        """Append a layer or a model. Raises TypeError for anything else."""
        if not isinstance(layer, (Layer, Model)):
            hint = f"; add {layer.__name__}(...), an object of it" if isinstance(layer, type) else ""
            raise TypeError(f"Sequential: {layer!r} is no layer and no model{hint}")
        name = self._unique(layer)
        if self._dtype is not None:
            _set_dtype(layer, self._dtype)
        if not self._layers and layer.input_shape is not None:
            shape = layer.input_shape if isinstance(layer, Layer) else layer.input_shape[1:]
            self.input_shape = (None, *shape)
        if self.input_shape is not None:
            self._build_one(layer)
        self._layers.append(layer)
        self._names.append(name)
        if self._trainer is not None:
            self._trainer.attached = False

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
        self._output_shape = (None, *y.shape[1:])

    def _unique(self, layer):
        base = layer.name or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower()
        if layer.name and base in self._names:
            raise ValueError(f"Sequential: two layers are named {base!r}; give one of them another name=")
        name, count = base, 0
        while name in self._names:
            count += 1
            name = f"{base}_{count}"
        return name


def _set_dtype(layer, dtype):
    dtype = np.dtype(dtype)
    for one in layer.named_layers().values() if isinstance(layer, Model) else [layer]:
        if one.built and one.dtype != dtype:
            raise ValueError(f"Sequential: {one!r} is built already with dtype {one.dtype}, expected {dtype}")
        one.dtype = dtype
