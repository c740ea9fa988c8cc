"""Names of the layers in a model: given, or made from the class."""

import re


def unique(base, taken):
    """`base`, or with a number behind it if that is taken."""
    name, count = base, 0
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    return name


def base_name(thing):
    """The name of a layer or model before it is among others, also of a class by its name."""
    if not isinstance(thing, str):
        if thing.name:
            return thing.name
        thing = type(thing).__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", thing).lower()


def unique_of(op, thing, taken):
    """The name of a layer or model among others. Raises ValueError, said by `op`, if its own name is taken."""
    if thing.name and thing.name in taken:
        raise ValueError(f"{op}: two layers are named {thing.name!r}; give one of them another name=")
    return unique(base_name(thing), taken)
