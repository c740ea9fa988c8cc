"""The graph between the inputs and the outputs of a functional model: what belongs to it, names, and errors."""

import numpy as np

from ..layers._symbol import Call, Symbol
from .naming import unique, unique_of


def ports(what, given):
    """(symbols, names or None, form) of inputs or outputs: one, a list, or a dict by name. See `_symbol.formed`."""
    if isinstance(given, dict):
        names, symbols, form = list(given), list(given.values()), tuple(given)
    elif isinstance(given, (list, tuple)):
        names, symbols, form = None, list(given), "list"
    else:
        names, symbols, form = None, [given], None
    if not symbols:
        raise ValueError(f"Model: there are no {what}s")
    for i, symbol in enumerate(symbols):
        if not isinstance(symbol, Symbol):
            name = f"{what}s" if form is None else f"{what}s[{names[i] if names else i!r}]"
            raise TypeError(
                f"Model: {name} is a {type(symbol).__name__}, expected "
                + ("what tw.Input(shape=...) gives" if what == "input" else "what layers give for a tw.Input")
            )
    return symbols, names, form


def input_names(inputs, given):
    """A name for every input. Raises ValueError if one is there twice, or two have one name."""
    names = []
    for i, x in enumerate(inputs):
        name = given[i] if given else x.name
        if any(x is other for other in inputs[:i]):
            raise ValueError(f"Model: inputs has {name or dict(zip(inputs, names))[x]!r} twice")
        if name is not None and name in names:
            raise ValueError(f"Model: two inputs are named {name!r}; give one of them another name=")
        names.append(name or unique("input", {*names, *(x.name for x in inputs)}))
    return names


def calls_between(inputs, outputs, names):
    """The calls that lead from inputs to outputs, in order. Raises ValueError for an input that no output needs, for
    an output that needs another input."""
    calls, seen = {}, set()
    for number, output in enumerate(outputs):
        waiting = [output]
        while waiting:
            symbol = waiting.pop()
            if symbol in seen:
                continue
            seen.add(symbol)
            if any(symbol is x for x in inputs):
                continue
            if symbol.call is None:
                known = "an input" if symbol.name is None else f"the input {symbol.name!r}"
                raise ValueError(
                    f"Model: outputs[{number}] is not connected to the inputs alone: it needs {known} of shape "
                    f"{symbol.shape} too, which is not among them"
                )
            calls[symbol.call.number] = symbol.call
            waiting += symbol.call.inputs
    for name, x in zip(names, inputs):
        if x not in seen:
            raise ValueError(f"Model: the input {name!r} is never used: no output needs it; leave it out of inputs")
    return [calls[number] for number in sorted(calls)]


def named_things(calls):
    """{name: layer or model} of what is called, each once. Raises ValueError if two have one name."""
    things = {}
    for call in calls:
        if not any(call.thing is thing for thing in things.values()):
            things[unique_of("Model", call.thing, things)] = call.thing
    return things


def output_names(outputs, inputs, names, things):
    """A name for every output: that of the layer which gives it."""
    of, given = {id(thing): name for name, thing in things.items()}, dict(zip(inputs, names))
    found = []
    for y in outputs:
        base = given[y] if y in given else of[id(y.call.thing)]
        found.append(unique(base, found))
    return found


def wanted_dtype(x, calls):
    """The dtype in which data for an input is handed over; None for numbers as they are."""
    if x.dtype_given is not None:
        return np.dtype(x.dtype_given)
    wanted = set()
    for call in calls:
        for i, one in enumerate(call.inputs):
            if one is x:
                several = getattr(call.thing, "input_dtypes", None)
                wanted.add(several[i] if several else call.thing.input_dtype)
    if len(wanted) == 1:
        return wanted.pop()
    return None if None in wanted or not wanted else np.result_type(*wanted)


def flat(inputs, outputs, calls):
    """A graph without references from one value to the one before, in which copying and pickling would go deep."""
    places = {x: (-1, i) for i, x in enumerate(inputs)}
    said = []
    for number, call in enumerate(calls):
        takes, results = [places[x] for x in call.inputs], [_said(y) for y in call.results]
        said.append((call.thing, takes, call.options, call.form, results))
        places.update((y, (number, i)) for i, y in enumerate(call.results))
    return [_said(x) for x in inputs], said, [places[y] for y in outputs]


def unflat(graph):
    """(inputs, outputs, calls) of what `flat` gave, as new symbols."""
    said_inputs, said, outputs = graph
    found, calls = {-1: [Symbol(**x) for x in said_inputs]}, []
    for number, (thing, takes, options, form, results) in enumerate(said):
        call = Call(thing, [found[source][place] for source, place in takes], options)
        call.form, call.results = form, tuple(Symbol(**y, call=call) for y in results)
        found[number] = call.results
        calls.append(call)
    return found[-1], [found[source][place] for source, place in outputs], calls


def _said(x):
    return {"value": x.value, "longer": x.longer, "name": x.name, "dtype_given": x.dtype_given}
