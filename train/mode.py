"""Training and evaluation mode for a while."""

import contextlib

from ..layers._block import Block
from ..layers._layer import Layer
from ..layers._tape import Parameter


@contextlib.contextmanager
def mode(model, training):
    """Training or evaluation mode within it, then the one before."""
    before = model.training
    if before is training:
        yield
        return
    modes = [(one, one.training) for one in _below(model)]
    model.train(training)
    try:
        yield
    finally:
        model.train(before)
        for one, was in modes:
            if one.training is not was:
                one.training = was


def _below(thing):
    """The layers and models that a model, or a layer of layers, is made of."""
    if isinstance(thing, Block):
        for layer in thing.sublayers().values():
            yield layer
            yield from _below(layer)
    elif not isinstance(thing, Layer):
        for _, child in thing.children():
            if not isinstance(child, Parameter):
                yield child
                yield from _below(child)
