"""Symbols: what functional models are written with. A layer that is called on one is built, and the call is kept.

A symbol is a tensor of one sample of zeros: shapes are found by running, as everywhere. The calls between a model's
inputs and its outputs are the model: train/functional.py. An axis of no fixed size is found by running on two sizes.
"""

import contextlib
import itertools

import numpy as np

from ..kernels import _check as check
from ._door import expect_name
from ._tape import Tensor, no_grad

_numbers = itertools.count()
_DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")
_STAND_INS = 32, 64  # for sizes left open; halved as often as networks do it, they stay apart


class Symbol(Tensor):
    """One value of a graph of calls: an input, or a result of a `call`. Layers and models are called on it.

    shape  with None for the batch axis, and for axes whose size was left open
    name   of an input, or None
    """

    __slots__ = ("call", "name", "dtype_given", "longer")

    def __init__(self, value, longer=None, call=None, name=None, dtype_given=None):
        super().__init__(value)
        self.longer, self.call, self.name, self.dtype_given = longer, call, name, dtype_given

    @property
    def shape(self):
        sizes = self.value.shape[1:]
        if self.longer is None:
            return (None, *sizes)
        return (None, *(a if a == b else None for a, b in zip(sizes, self.longer.value.shape[1:])))

    @property
    def requires_grad(self):
        """Raises TypeError: what asks is an operation that no graph of layers can hold."""
        raise TypeError(
            "a symbol of a functional model has no numbers yet; call layers on it, such as Add()([a, b]) for a + b and "
            "Activation('relu')(x) for tw.relu(x), or write the model as a class with a forward"
        )

    @requires_grad.setter
    def requires_grad(self, value):
        pass

    def __array__(self, dtype=None, copy=None):
        return self.requires_grad

    def __add__(self, other):
        return _merged("Add", self, other)

    def __sub__(self, other):
        return _merged("Subtract", self, other)

    def __mul__(self, other):
        return _merged("Multiply", self, other)

    def __repr__(self):
        name = "" if self.name is None else f", name={self.name!r}"
        return f"Symbol(shape={self.shape}, dtype={self.value.dtype}{name})"


class Call:
    """A layer or a model that was called on symbols; `form` is None for one result, "list", or the names of a dict."""

    __slots__ = ("thing", "inputs", "options", "results", "form", "number")

    def __init__(self, thing, inputs, options=None):
        self.thing, self.inputs, self.options = thing, tuple(inputs), options or {}
        self.number = next(_numbers)


def Input(shape=None, name=None, dtype=None):  # noqa: N802 (Keras's name)
    """A symbol for an input of samples of `shape`, without the batch axis: the beginning of a functional model.

    shape  sizes, None where it may differ from batch to batch, such as the length of a sequence
    name   by which `fit` and the others find the input in a dict; made from "input" if left out
    dtype  "float32", "float64", "int32", "int64", "uint8" or "bool"; if left out what the layers want

    Raises TypeError or ValueError for anything else.

    >>> Input(shape=(28, 28, 1), name="image")
    Symbol(shape=(None, 28, 28, 1), dtype=float32, name='image')
    """
    if shape is None:
        raise TypeError("Input: shape is missing, expected the sizes of one sample, such as Input(shape=(28, 28, 1))")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in shape:
        if size is not None:
            check.whole("Input", "shape", size, 1)
    return make_input(shape, name, dtype)


def make_input(shape, name, dtype, samples=1):
    """What `Input` gives, of `samples` samples: of none where a file is read, so that nothing is allocated."""
    expect_name("Input", name)
    if dtype is not None:
        dtype = np.dtype(dtype)
        check.choice("Input", "dtype", dtype.name, _DTYPES)
    first, second = (
        np.zeros(
            (samples, *(stand_in if size is None else size for size in shape)), np.float32 if dtype is None else dtype
        )
        for stand_in in _STAND_INS
    )
    return Symbol(first, Tensor(second) if None in shape else None, name=name, dtype_given=dtype)


def connected(thing, inputs, options=None):
    """What `thing` gives when called on `inputs`, as symbols that know the call; builds the layer or the model.

    options  what the call is given by name besides: numbers, words, booleans
    """
    op = type(thing).__name__
    for name, value in (options or {}).items():
        if value is not None and not isinstance(value, (bool, int, float, str)):
            raise TypeError(
                f"{op}: {name} is a {type(value).__name__}, which a functional model cannot keep, expected a number, a "
                f"word or a boolean; write a Model with a forward of its own"
            )
    for i, x in enumerate(inputs):
        if not isinstance(x, Symbol):
            raise TypeError(
                f"{op}: inputs[{i}] is a {type(x).__name__}, expected a symbol, as the others are: from "
                "tw.Input or a layer"
            )
    call = Call(thing, inputs, options)
    with evaluating(thing), no_grad():
        found = _run(call, [_sample(x) for x in inputs])
        longer = None
        if any(x.longer is not None for x in inputs):
            longer = _run(call, [_sample(x) if x.longer is None else x.longer for x in inputs])
    call.form = "list" if isinstance(found, (tuple, list)) else tuple(found) if isinstance(found, dict) else None
    results = []
    for y, z in zip(listed(found), listed(longer) if longer is not None else itertools.repeat(None)):
        symbol = Symbol(y.value, None if z is None or z.value.shape == y.value.shape else z, call)
        symbol.mask = y.mask
        results.append(symbol)
    call.results = tuple(results)
    return formed(call.form, call.results)


def listed(found):
    """The results of a call one by one: of a tensor, a list or tuple, or a dict of them."""
    if isinstance(found, dict):
        return list(found.values())
    return list(found) if isinstance(found, (tuple, list)) else [found]


def formed(form, results):
    """Results as the call gives them, see `Call`."""
    if form is None:
        return results[0]
    return list(results) if form == "list" else dict(zip(form, results))


def _run(call, samples):
    return call.thing(samples[0] if len(samples) == 1 else samples, **call.options)


def _sample(x):
    sample = Tensor(x.value)
    sample.mask = x.mask
    return sample


def _merged(name, *inputs):
    from . import merge

    return getattr(merge, name)()(list(inputs))


@contextlib.contextmanager
def evaluating(thing):
    """In evaluation mode, so that nothing random is drawn and no moving mean moves."""
    before = thing.training
    thing.train(False)
    try:
        yield
    finally:
        thing.train(before)
