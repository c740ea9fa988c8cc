"""A layer of layers."""

from functools import partial

import numpy as np

from ._connect import connected
from ._layer import Layer
from ._mode import trying
from ._symbol import Symbol, closed
from ._tape import Parameter, Tensor, no_grad, recording
from ._weights import Weighted


class Block(Layer):
    """A layer that is made of layers. A subclass makes them in `__init__` and calls them in `call(*tensors)`.

    Layers and parameters are found where they are attributes, also in lists, tuples and dicts; a parameter's name is
    its path, like "attention.query.w". A class that says `several = True` gets several tensors; a `call` may give
    several back as a tuple. Parameters of the block's own come from `weights`, as every layer's. The layers get the
    block's dtype from the subclass.
    """

    def call(self, *inputs):
        """The result of tensors: a tensor or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} has no call(self, x) that returns a tensor")

    def __call__(self, *inputs, training=None):
        """Tensors or array-likes of numbers -> what `call` gives. The first call builds all layers. `training` sets the
        mode for this call."""
        if training is not None:
            return self._in_mode(training, *inputs)
        inputs = self._inputs(inputs)
        if any(isinstance(x, Symbol) for x in inputs):
            return connected(self, inputs)
        result = self.call(*self._prepare(*inputs))
        if self.output_shape is None:
            self._note_shape(result)
        return result

    def forward(self, *arrays):
        """As every layer's, for those that call it on arrays; `call` on the tape."""
        inputs = [Tensor(x, requires_grad=x.dtype.kind not in "iub") for x in arrays]
        with recording():
            result = self.call(*inputs)
        several = isinstance(result, tuple)
        results = result if several else (result,)

        def backward(*gradients, need_dx=True):
            used = [(y, dy) for y, dy in zip(results, gradients) if dy is not None and y.requires_grad]
            if used:
                tensors, given = zip(*used)
                one = np.zeros((), tensors[0].dtype)
                Tensor(one, True, lambda _, need_dx=True: given if len(given) > 1 else given[0], tensors).backward()
            found = tuple(x.grad for x in inputs)
            return found if self.several else found[0]

        return tuple(y.value for y in results) if several else result.value, backward

    def build(self, input_shape, source=None):
        """Make all parameters, by running once on zeros; on no samples at all where `source` gives the arrays."""
        shapes = input_shape if self.several else [input_shape]
        source = source or self.source
        if source:
            for name, layer in self.sublayers().items():
                layer.source = partial(_below, source, name)
        super().build(input_shape, source)
        if not self.training:
            self.train(False)  # layers too that were made for this build
        samples, dtype = 0 if source else 1, self.dtype if self.input_dtype is None else self.input_dtype
        try:
            with trying(self), no_grad():
                self._note_shape(
                    self.call(*(Tensor(np.zeros((samples, *closed(shape[1:], 8)), dtype)) for shape in shapes))
                )
        except BaseException:
            self.built = False
            raise
        self._built()

    def _note_shape(self, result):
        if isinstance(result, tuple):
            self.output_shape = [(None, *y.value.shape[1:]) for y in result]
        else:
            self.output_shape = (None, *result.value.shape[1:])

    def children(self):
        """(name, layer, model or parameter) among the attributes."""
        for name, value in vars(self).items():
            yield from found(name, value, (Weighted, Parameter))

    def sublayers(self):
        """{name: layer} of the layers that the block is made of, those of models in it too, each once."""
        layers = []
        for name, child in self.children():
            if isinstance(child, Layer):
                layers.append((name, child))
            elif isinstance(child, Weighted):
                layers += ((f"{name}.{path}", layer) for path, layer in child.named_layers().items())
        return dict(once(layers))

    def named_parameters(self):
        """{path: parameter} of the block's own parameters and its layers', in order, each once."""
        paths = []
        for name, child in self.children():
            if isinstance(child, Parameter):
                paths.append((name, child))
            else:
                paths += ((f"{name}.{path}", p) for path, p in child.named_parameters().items())
        return dict(once(paths))

    @property
    def trainable(self):
        return super().trainable

    @trainable.setter
    def trainable(self, trainable):
        Layer.trainable.fset(self, trainable)
        for layer in self.sublayers().values():
            layer.trainable = trainable

    def train(self, training=True):
        """Training mode, for all layers below too; returns the block."""
        for _, child in self.children():
            if isinstance(child, Weighted):
                child.train(training)
        return super().train(training)

    def to(self, device):
        """Move all weights to "cpu" or "cuda"; returns the block."""
        for layer in self.sublayers().values():
            layer.to(device)
        return super().to(device)

    def use_dtype(self, dtype):
        """Compute in "float32" or "float64" from now on, in all layers. Raises ValueError if one is built already."""
        for layer in self.sublayers().values():
            layer.use_dtype(dtype)
        super().use_dtype(dtype)


def found(name, value, kinds):
    """(name, thing) of a value of the given kinds, and of those in lists, tuples and dicts of them."""
    if isinstance(value, kinds):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for i, one in enumerate(value):
            yield from found(f"{name}.{i}", one, kinds)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from found(f"{name}.{key}", one, kinds)


def once(named):
    """The (name, thing) pairs whose thing was not there before."""
    seen = set()
    for name, thing in named:
        if id(thing) not in seen:
            seen.add(id(thing))
            yield name, thing


def _below(source, prefix, name, shape, dtype):
    return source(f"{prefix}.{name}", shape, dtype)
