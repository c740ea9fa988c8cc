"""State as plain data: trees of numbers, strings and arrays, made into JSON and named arrays and back, without pickle.

What comes back is what went in, bit by bit: Python's floats and integers as they are, NumPy's with their dtype, tuples
as tuples, dictionaries with any plain keys.
"""

import numpy as np

from ..layers._device import on_device, to_host

_PLAIN = (type(None), bool, int, float, str)
_TAGS = ("tuple", "dict", "array", "number")


def pack(tree, arrays, path="state"):
    """The tree as JSON's types; its arrays go into the dictionary `arrays`, by their paths.

    Raises TypeError, which says where, for anything else than numbers, strings, arrays, lists, tuples, dictionaries.
    """
    if type(tree) in _PLAIN:
        return tree
    if isinstance(tree, list):
        return [pack(item, arrays, f"{path}.{i}") for i, item in enumerate(tree)]
    if isinstance(tree, tuple):
        return {"tuple": [pack(item, arrays, f"{path}.{i}") for i, item in enumerate(tree)]}
    if isinstance(tree, dict):
        return {"dict": [[pack(k, arrays, path), pack(v, arrays, f"{path}.{k}")] for k, v in tree.items()]}
    if on_device(tree):
        tree = to_host(tree)
    if isinstance(tree, np.generic) and tree.dtype.kind in "biuf":
        return {"number": tree.item(), "dtype": tree.dtype.str}
    if isinstance(tree, np.ndarray) and tree.dtype.kind in "biuf":
        name = f"{path}#{len(arrays)}"
        arrays[name] = tree
        return {"array": name, "shape": list(tree.shape), "dtype": tree.dtype.str}
    raise TypeError(f"{path} is {type(tree).__name__}, expected numbers, strings and arrays in lists and dictionaries")


def unpack(plain, array):
    """The tree again. `array(name, shape, dtype)` gives the arrays; ValueError for what `pack` does not make."""
    if type(plain) in _PLAIN:
        return plain
    if isinstance(plain, list):
        return [unpack(item, array) for item in plain]
    tag = next(iter(plain))
    if tag not in _TAGS:
        raise ValueError(f"{tag!r} is no kind of state, expected one of {', '.join(_TAGS)}")
    if tag == "tuple":
        return tuple(unpack(item, array) for item in plain["tuple"])
    if tag == "dict":
        return {unpack(k, array): unpack(v, array) for k, v in plain["dict"]}
    dtype = np.dtype(plain["dtype"])
    if dtype.kind not in "biuf":
        raise ValueError(f"a state of dtype {dtype} is none that this library writes")
    if tag == "number":
        return dtype.type(plain["number"])
    return array(plain["array"], tuple(plain["shape"]), dtype)


def kept_by(thing):
    """What an object without a state of its own keeps in its attributes: {name: value}, objects in it likewise."""
    return {name: _kept(value) for name, value in vars(thing).items() if _is_state(value)}


def give_back(thing, state):
    """The counterpart of `kept_by`, for an object of the same class made in the same way."""
    for name, value in state.items():
        setattr(thing, name, _given(vars(thing).get(name), value))


def _is_state(value):
    if type(value) in _PLAIN or isinstance(value, (np.generic, np.ndarray)):
        return True
    if isinstance(value, (list, tuple)):
        return all(map(_is_state, value))
    if isinstance(value, dict):
        return all(_is_state(v) for v in value.values())
    return hasattr(value, "__dict__") and not callable(value)


def _kept(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(_kept, value))
    if isinstance(value, dict):
        return {k: _kept(v) for k, v in value.items()}
    if hasattr(value, "__dict__"):
        return {"vars": kept_by(value)}
    return value


def _given(now, value):
    if isinstance(now, (list, tuple)) and isinstance(value, (list, tuple)) and len(now) == len(value):
        return type(value)(_given(a, b) for a, b in zip(now, value))
    if hasattr(now, "__dict__") and isinstance(value, dict) and set(value) == {"vars"}:
        give_back(now, value["vars"])
        return now
    return value
