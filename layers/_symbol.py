"""Symbols: what functional models are written with. A layer that is called on one is built, and the call is kept.

A symbol is a tensor of one sample of zeros: shapes are found by running, as everywhere. The calls between a model's
inputs and its outputs are the model: train/functional.py. An axis of no fixed size is found by running on two sizes.
"""

import itertools

import numpy as np

from ..kernels import _check as check
from ._door import expect_name
from ._tape import Tensor

_numbers = itertools.count()
_DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")
# for sizes left open, two at a time: halved as often as networks do it, the first stay apart; the others are for layers
# that take no more steps, or no fewer
STAND_INS = (32, 64), (8, 16), (4, 8), (2, 4), (1, 2), (128, 256)


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
            "a symbol of a functional model has no numbers yet; call layers on it, such as Add()([a, b]) for a + b, "
            "Activation('relu')(x) for tw.relu(x), and Lambda(lambda x: x[:, 0] * 2)(x) for what tensors can do "
            "otherwise; or write the model as a class with a forward"
        )

    @requires_grad.setter
    def requires_grad(self, value):
        pass

    def __array__(self, dtype=None, copy=None):
        return self.requires_grad

    def numpy(self):
        """Raises TypeError, as all that asks for numbers."""
        return self.requires_grad

    item = __float__ = __bool__ = __len__ = numpy

    def __add__(self, other):
        return _merged("Add", self, other)

    def __sub__(self, other):
        return _merged("Subtract", self, other)

    def __mul__(self, other):
        return _merged("Multiply", self, other)

    __iadd__, __isub__, __imul__ = __add__, __sub__, __mul__

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
        np.zeros((samples, *closed(shape, size)), np.float32 if dtype is None else dtype) for size in STAND_INS[0]
    )
    return Symbol(first, Tensor(second) if None in shape else None, name=name, dtype_given=dtype)


def closed(shape, stand_in):
    """The shape with a size for those left open."""
    return tuple(stand_in if size is None else size for size in shape)


def on_sizes(run, shapes):
    """`run(size)` with a size for those that shapes (batch axis included) leave open: the first on which it works."""
    sizes = [first for first, _ in STAND_INS] if any(None in shape[1:] for shape in shapes) else [1]
    for i, size in enumerate(sizes):
        try:
            return run(size)
        except ValueError as error:
            if i == 0:
                wrong = error
    raise wrong


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


def _merged(name, *inputs):
    if not isinstance(inputs[1], Symbol):
        return inputs[0].requires_grad  # raises
    from . import merge

    return getattr(merge, name)()(list(inputs))
