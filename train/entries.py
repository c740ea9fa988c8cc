"""Things as {"class": name, "config": {argument: value}} of JSON's types, and back.

Things are what has a `config()`: layers, initializers, regularizers, optimizers, schedules, losses, metrics, also as
arguments of one another. A file names classes, and functions, without saying where they are: those of the library are
known, others are what `custom_objects` says. Nothing else in a file makes anything run.
"""

import sys
from types import FunctionType

import numpy as np

from .. import layers
from ..layers import initializers, regularizers
from ..layers._layer import Layer
from ..layers._settings import Settings
from ..layers._weights import Weighted
from .loss import FunctionLoss
from .losses import LOSSES
from .metrics import METRICS
from .metrics.function import FunctionMetric
from .optimizers import OPTIMIZERS
from .schedule import FunctionRate
from .schedules import SCHEDULES


def _classes(module, base):
    things = (getattr(module, name) for name in dir(module))  # some are imported by that
    return [c for c in things if isinstance(c, type) and issubclass(c, base) and c is not base]


KNOWN = {
    c.__name__: c
    for classes in (
        _classes(layers, Layer),
        _classes(initializers, Settings),
        _classes(regularizers, Settings),
        *(table.values() for table in (OPTIMIZERS, SCHEDULES, LOSSES, METRICS)),
        (FunctionLoss, FunctionMetric, FunctionRate),
    )
    for c in classes
}
FUNCTIONS = {name: f for name, f in vars(layers).items() if isinstance(f, FunctionType) and name in layers.__all__}


def written(value, custom=None, model=None):
    """A thing as an entry; lists and dictionaries of things as such of entries; numbers and strings as they are.

    custom  a set, which gets the names of classes and functions that are not the library's
    model   gives the entry of a model that is an argument, None where it is to be written as other things are

    Raises TypeError for anything else, and for a class that has the name of one of the library.
    """
    if isinstance(value, (list, tuple)):
        return [written(one, custom, model) for one in value]
    if isinstance(value, dict):
        return {key: written(one, custom, model) for key, one in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):  # which a learning rate may be
        return value.item()
    if isinstance(value, FunctionType):
        return {"function": _function_name(value, custom)}
    if model is not None and isinstance(value, Weighted) and not isinstance(value, Layer) and (entry := model(value)):
        return entry
    name = type(value).__name__
    if not hasattr(type(value), "config"):
        raise TypeError(f"save: {value!r} cannot be written into a file")
    if KNOWN.get(name, type(value)) is not type(value):
        raise TypeError(f"save: {name} is a class of your own with the name of one of the library; name it otherwise")
    if custom is not None and name not in KNOWN:
        custom.add(name)
    try:
        config = value.config()
    except AttributeError as error:
        raise TypeError(
            f"save: {name} has to keep the arguments of its constructor as attributes of the same names, or to give "
            f"them by config(): {error}"
        ) from error
    return {"class": name, "config": written(config, custom, model)}


def made(value, custom_objects):
    """The counterpart of `written`. Raises ValueError for a class or a function that neither the library nor
    `custom_objects` has."""
    if isinstance(value, list):
        return [made(one, custom_objects) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"function"} and isinstance(value["function"], str):
        return _function(value["function"], custom_objects)
    if value.keys() != {"class", "config"} or not isinstance(value["class"], str):
        return {key: made(one, custom_objects) for key, one in value.items()}
    name = value["class"]
    cls = custom_objects.get(name) or KNOWN.get(name)
    if cls is None:
        raise ValueError(
            f"it names the class {name!r}, which is none of the library's; if it is yours, give it to "
            f"load(path, custom_objects={{{name!r}: ...}})"
        )
    return cls(**{key: made(one, custom_objects) for key, one in value["config"].items()})


def _function_name(function, custom):
    """What a file calls a function. Raises TypeError for one that has no name in a module."""
    name = function.__name__
    if FUNCTIONS.get(name) is function:
        return name
    if getattr(sys.modules.get(function.__module__), name, None) is not function:
        raise TypeError(
            f"save: {function!r} cannot be written into a file, which keeps the name of a function alone; define it by "
            f"def in a module, and give it to load(path, custom_objects={{'its_name': ...}}), or save_weights"
        )
    if name in FUNCTIONS:
        raise TypeError(f"save: {function!r} is your own with the name of one of the library; name it otherwise")
    if custom is not None:
        custom.add(name)
    return name


def _function(name, custom_objects):
    function = custom_objects.get(name) or FUNCTIONS.get(name)
    if function is None:
        raise ValueError(
            f"it names the function {name!r}, which is none of the library's; if it is yours, give it to "
            f"load(path, custom_objects={{{name!r}: ...}})"
        )
    return function
