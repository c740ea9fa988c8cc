"""Looking at every layer while a model runs: what goes in and comes out, forward and backward."""

import contextlib

from ..layers._block import Block
from .walking import every_layer

_FORWARDS = ("forward", "forward_masked")


@contextlib.contextmanager
def watched(model, after_forward, after_backward=None, after_call=None):
    """Within it every call of a layer of the model is told, and nothing else is changed.

    after_forward(path, layer, inputs, outputs)  tuples of arrays
    after_backward(path, layer, dy, gradients)   the gradients that came in, copied, and those that went out; None where
                                                 none is wanted
    after_call(path, block, outputs)             of a layer that is made of layers, after those
    """
    layers = every_layer(model)
    for path, layer in layers.items():
        for name in _FORWARDS:
            if hasattr(layer, name):
                vars(layer)[name] = _told(path, layer, getattr(layer, name), after_forward, after_backward)
        if after_call and isinstance(layer, Block):
            vars(layer)["call"] = _called(path, layer, layer.call, after_call)
    try:
        yield layers
    finally:
        for layer in layers.values():
            for name in (*_FORWARDS, "call"):
                vars(layer).pop(name, None)


def _called(path, block, call, after_call):
    def told(*inputs, **options):
        result = call(*inputs, **options)
        after_call(path, block, [y.value for y in (result if isinstance(result, tuple) else (result,))])
        return result

    return told


def _told(path, layer, forward, after_forward, after_backward):
    def told(*inputs, **options):
        result, backward = forward(*inputs, **options)
        after_forward(path, layer, inputs, result if isinstance(result, tuple) else (result,))
        if after_backward is None:
            return result, backward

        def told_backward(*dy, **options):
            came_in = [None if one is None else one.copy() for one in dy]  # a closure may change them
            gradients = backward(*dy, **options)
            after_backward(path, layer, came_in, gradients if isinstance(gradients, tuple) else (gradients,))
            return gradients

        return result, told_backward

    return told
