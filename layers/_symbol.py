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
    try:
        found, pairs = _both(call, map(_pair, inputs))
    except OpenSizeError:
        raise
    except ValueError as error:
        found, pairs = _on_other_sizes(call, error)
    call.form = "list" if isinstance(found, (tuple, list)) else tuple(found) if isinstance(found, dict) else None
    results = [Symbol(y.value, call=call) for y, _ in pairs]
    for symbol, pair in zip(results, pairs):
        _set(symbol, pair)
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


class OpenSizeError(ValueError):
    """A layer's weights depend on a size that was left open."""


def _both(call, pairs):
    """What the call gives on the first ones of pairs of tensors, and its results as pairs. The second ones are of
    another size, or None where none is open."""
    pairs = list(pairs)
    with evaluating(call.thing), no_grad():
        if all(other is None for _, other in pairs):
            found = _run(call, [x for x, _ in pairs])
            return found, [(y, None) for y in listed(found)]
        others = [x if other is None else other for x, other in pairs]
        _expect_known(call, others, [x for x, _ in pairs])
        found = _run(call, [x for x, _ in pairs])
        same = zip(listed(found), listed(_run(call, others)))
        return found, [(y, None if z.value.shape == y.value.shape else z) for y, z in same]


def _on_other_sizes(call, error):
    """As `_both`, with all that leads to the call run again on other sizes for those left open; the error if none of
    them helps."""
    calls, inputs = _before(call)
    if all(x.longer is None for x in inputs):
        raise error
    for sizes in STAND_INS:
        pairs = {x: _pair(x) if x.longer is None else _opened(x, sizes) for x in inputs}
        try:
            for one in calls:
                pairs.update(zip(one.results, _both(one, [pairs[x] for x in one.inputs])[1]))
            found = _both(call, [pairs[x] for x in call.inputs])
        except ValueError:
            continue
        for x, pair in pairs.items():
            _set(x, pair)
        return found
    if any(x.shape[-1] is None for x in call.inputs):
        try:
            _both(call, [(x, None) for x, _ in map(_pair, call.inputs)])
        except ValueError:
            raise error from None
        raise _unknown(call) from error
    raise error


def _before(call):
    """(the calls that lead to a call, in order; the inputs that they begin with)."""
    calls, inputs, waiting = {}, {}, list(call.inputs)
    while waiting:
        x = waiting.pop()
        if x.call is None:
            inputs[x] = True
        elif x.call.number not in calls:
            calls[x.call.number] = x.call
            waiting += x.call.inputs
    return [calls[number] for number in sorted(calls)], list(inputs)


def _expect_known(call, *inputs):
    """No weight of a layer has a shape that depends on a size left open."""
    thing, wanted = call.thing, []
    if not hasattr(thing, "buffers"):  # a model
        return
    for samples in inputs:
        shapes = [x.value.shape for x in samples]
        weights = thing.weights(shapes if thing.several else shapes[0])
        wanted.append({name: tuple(shape) for name, (shape, *_) in weights.items()})
    if wanted[0] != wanted[1]:
        raise _unknown(call)


def _unknown(call):
    """What is to blame for a size that a call needs: the last axis is open since some layer before it, or from the
    beginning."""
    op = type(call.thing).__name__
    x = next((x for x in call.inputs if x.shape[-1] is None), None)
    while x is not None and x.call is not None:
        before = next((one for one in x.call.inputs if one.shape[-1] is None), None)
        if before is None:
            return OpenSizeError(
                f"{type(x.call.thing).__name__}: x has shape {x.call.inputs[0].shape}, expected known sizes because "
                f"{op} comes after it, whose weights depend on them; give tw.Input all sizes, or take a layer such as "
                f"GlobalAveragePooling1D"
            )
        x = before
    shapes = " and ".join(str(x.shape) for x in call.inputs)
    return OpenSizeError(
        f"{op}: x has shape {shapes}, expected known sizes because the weights depend on them; give tw.Input all sizes"
    )


def _run(call, samples):
    return call.thing(samples[0] if len(samples) == 1 else samples, **call.options)


def _opened(x, sizes):
    """An input with other sizes for those left open."""
    shape, samples = x.shape[1:], len(x.value)
    return tuple(Tensor(np.zeros((samples, *closed(shape, size)), x.value.dtype)) for size in sizes)


def _pair(x):
    sample = Tensor(x.value)
    sample.mask = x.mask
    return sample, x.longer


def _set(symbol, pair):
    (first, symbol.longer) = pair
    symbol.value, symbol.mask = first.value, first.mask


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
