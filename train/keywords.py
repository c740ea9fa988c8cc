"""What is said to a keyword that a method or a function has not: which one was meant."""

import functools

from ..kernels._names import nearest
from ..layers._own import name_arguments


def named_keywords(function):
    """The function, which answers a keyword that it has not with its own name and the nearest one that it has."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(function)
    def named(*args, **options):
        for name in options:
            if name not in known:
                raise TypeError(f"{function.__name__}: unexpected keyword argument {name!r}{nearest(name, known)}")
        return function(*args, **options)

    return named


def named_arguments(cls):
    """The class, whose constructor answers such a keyword in the same way."""
    name_arguments(cls)
    return cls
