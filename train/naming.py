"""Names of the layers in a model: given, or made from the class."""

from ..layers._weights import given_name, name_of_class


def unique(base, taken):
    """`base`, or with a number behind it if that is taken."""
    name, count = base, 0
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    return name


def base_name(thing):
    """The name of a layer or model before it is among others, also of a class by its name."""
    if isinstance(thing, str):
        return name_of_class(thing)
    return given_name(thing) or name_of_class(type(thing).__name__)


def unique_of(op, thing, taken):
    """The name of a layer or model among others. Raises ValueError, said by `op`, if its own name is taken."""
    given = given_name(thing)
    if given and given in taken:
        raise ValueError(f"{op}: two layers are named {given!r}; give one of them another name=")
    return unique(base_name(thing), taken)
