"""Calls on symbols: the layer runs on their samples, and what it gives knows the call. Symbols: _symbol.py.

Where a size is open the layer runs on two, and where it takes neither of them, on others: all that leads to it too.
"""

import numpy as np

from ._mode import trying
from ._symbol import STAND_INS, Call, Symbol, closed, formed, listed
from ._tape import Tensor, no_grad


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


class OpenSizeError(ValueError):
    """A layer's weights depend on a size that was left open."""


def _both(call, pairs):
    """What the call gives on the first ones of pairs of tensors, and its results as pairs. The second ones are of
    another size, or None where none is open."""
    pairs = list(pairs)
    with trying(call.thing), no_grad():
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
