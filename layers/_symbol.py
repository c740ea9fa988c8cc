"""Symbols: what functional models are written with. A layer that is called on one is built, and the call is kept.

A symbol is a tensor of one sample of zeros: shapes are found by running, as everywhere. The calls between a model's
inputs and its outputs are the model: train/functional.py.
"""

import contextlib

from ._tape import Tensor, no_grad


class Symbol(Tensor):
    """One value of a graph of calls: an input, or result number `place` of a `call`."""

    __slots__ = ("call", "place", "name")

    def __init__(self, value, call=None, place=0, name=None):
        super().__init__(value)
        self.call, self.place, self.name = call, place, name

    @property
    def shape(self):
        return (None, *self.value.shape[1:])

    def __repr__(self):
        return f"Symbol(shape={self.shape}, dtype={self.value.dtype})"


class Call:
    """A layer or a model called on symbols (constants are tensors)."""

    __slots__ = ("thing", "inputs", "results", "several")

    def __init__(self, thing, inputs):
        self.thing, self.inputs = thing, tuple(inputs)


def connected(thing, inputs):
    """What `thing(*inputs)` gives, as symbols that know the call; builds the layer or the model."""
    call = Call(thing, inputs)
    with evaluating(thing), no_grad():
        found = thing(*(_sample(x) for x in call.inputs))
    call.several = isinstance(found, (tuple, list))
    call.results = tuple(_symbol(y, call, place) for place, y in enumerate(found if call.several else [found]))
    return call.results if call.several else call.results[0]


def _sample(x):
    if not isinstance(x, Symbol):
        return x
    sample = Tensor(x.value)
    sample.mask = x.mask
    return sample


def _symbol(y, call, place):
    symbol = Symbol(y.value, call, place)
    symbol.mask = y.mask
    return symbol


@contextlib.contextmanager
def evaluating(thing):
    """In evaluation mode, so that nothing random is drawn and no moving mean moves."""
    before = thing.training
    thing.train(False)
    try:
        yield
    finally:
        thing.train(before)
