"""Layers of the user's own: what they declare is looked at where it is built, and the first gradients that they give.

Nothing of this runs any more once a class has given its gradients once.
"""

import functools
import inspect
import numbers

from .initializers import check_initializer
from .regularizers import get_regularizer

_LIBRARY = __package__.partition(".")[0]


def expect_declared(op, method, declared):
    """What `weights` or `buffers` gave, {name: (shape, initializer, regularizer)}; errors name layer and parameter."""
    if not isinstance(declared, dict):
        raise TypeError(f"{op}: {method} gives {declared!r}, expected a dict, {{name: (shape, initializer)}}")
    return {name: _one(op, f"{method}[{name!r}]", value) for name, value in declared.items()}


def _one(op, what, value):
    if not (
        isinstance(value, (tuple, list))
        and 2 <= len(value) <= 3
        and isinstance(value[0], (tuple, list))
        and all(isinstance(size, numbers.Integral) for size in value[0])
    ):
        raise TypeError(
            f"{op}: {what} is {value!r}, expected (shape, initializer) or (shape, initializer, regularizer), such as "
            f"((4, 3), 'glorot_uniform')"
        )
    shape, initializer, *regularizer = value
    check_initializer(op, what, initializer)
    return tuple(shape), initializer, get_regularizer(op, what, *(regularizer or [None]))


def watch_gradients(cls):
    """Let a class that has a forward of its own be told if its first gradients have other shapes than what they are the
    gradients of, before these come up elsewhere."""
    forward = vars(cls).get("forward")
    if not inspect.isfunction(forward) or cls.__module__.partition(".")[0] == _LIBRARY:
        return

    @functools.wraps(forward)
    def watched(self, *inputs, **options):
        result = forward(self, *inputs, **options)
        if result.__class__ is not tuple or len(result) != 2 or not callable(result[1]):
            return result
        y, backward = result

        @functools.wraps(backward)
        def watched_backward(*gradients, **options):
            found = backward(*gradients, **options)
            _expect_gradients(self, inputs, found)
            if vars(cls).get("forward") is watched:
                cls.forward = forward
            return found

        return y, watched_backward

    cls.forward = watched


def _expect_gradients(layer, inputs, found):
    op = f"{type(layer).__name__} {layer.name!r}"
    for name, p in layer.named_parameters().items():
        if p.grad is not None and p.grad.shape != p.value.shape:
            raise ValueError(
                f"{op}: backward gives {name} a gradient of shape {p.grad.shape}, expected {p.value.shape}, as {name} "
                f"itself; sum it over the axes that {name} does not have"
            )
    if len(inputs) == 1 and not layer.several:
        found = (found,)
    if found is not None and (not isinstance(found, (tuple, list)) or len(found) != len(inputs)):
        given = f"{len(found)} gradients" if isinstance(found, (tuple, list)) else type(found).__name__
        raise ValueError(f"{op}: backward gives {given}, expected a tuple of {len(inputs)}, one for each input")
    for i, (x, dx) in enumerate(zip(inputs, found or ())):
        if dx is not None and getattr(dx, "shape", None) != x.shape:
            which = "dx" if len(inputs) == 1 else f"for inputs[{i}] a gradient"
            shape = f"of shape {dx.shape}" if hasattr(dx, "shape") else f"that is a {type(dx).__name__}"
            raise ValueError(f"{op}: backward gives {which} {shape}, expected {x.shape}, as the input itself")
