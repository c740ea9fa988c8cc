"""What a layer gives inside of a model, and the gradient of it: while a tap is open, its forward goes through here.

A layer's `forward` (with a mask `forward_masked`) is looked up on the object, and so is a Block's `call`: one in the
object's own `__dict__` stands before that of the class, for as long as it is there. Calls cost
nothing where no tap is open.
"""

import contextlib

import numpy as np

from ..kernels import _names
from ..layers import Block, Layer
from ..layers._device import to_host
from ..layers._tape import Tensor, record
from ..train import Model
from ..train.mode import mode


class Tap:
    """`y`, what the layer gave last, and after a backward pass `dy`, its gradient: NumPy arrays, or None."""

    y = dy = None

    def array(self, forward):
        def tapped(*arrays, **options):
            y, backward = forward(*arrays, **options)
            self.y = to_host(y[0] if isinstance(y, tuple) else y)

            def seen(dy, *more, **options):
                self.dy = None if dy is None else np.array(to_host(dy))
                return backward(dy, *more, **options)

            return y, seen

        return tapped

    def tensor(self, call):
        def tapped(*inputs, **options):
            result = call(*inputs, **options)
            if not isinstance(result, Tensor):
                return result
            self.y = to_host(result.value)

            def seen(dy):
                self.dy = np.array(to_host(dy))
                return dy

            passed = record(result.value, seen, result)
            passed.mask = result.mask
            return passed

        return tapped


@contextlib.contextmanager
def tapped(layer):
    """A Tap of a layer or a model, open within the block."""
    tap = Tap()
    if isinstance(layer, Block):
        taps = {"call": tap.tensor(layer.call)}
    elif isinstance(layer, Model):
        taps = {"forward": tap.tensor(layer.forward)}
    else:
        taps = {name: tap.array(getattr(layer, name)) for name in ("forward", "forward_masked")}
    vars(layer).update(taps)
    try:
        yield tap
    finally:
        for name in taps:
            del vars(layer)[name]


@contextlib.contextmanager
def looked_at(model):
    """The model in evaluation mode, its gradients as they are: nothing is added to them, nothing is kept."""
    trained = [p for p in model.parameters() if p.trainable]
    with mode(model, False):
        for p in trained:
            p.trainable = False
        try:
            yield
        finally:
            for p in trained:
                p.trainable = True


def layer_of(op, model, layer):
    """The layer of a model by its path, as `summary` says it, or itself."""
    known = {path: thing for path, thing in model.walk() if isinstance(thing, (Layer, Model))}
    if isinstance(layer, str):
        if layer not in known:
            near = _names.nearest(layer, known) or f", expected one of {', '.join(known)}"
            raise ValueError(f"plot.{op}: the model has no layer {layer!r}{near}")
        return known[layer]
    if not any(layer is thing for thing in known.values()):
        raise ValueError(f"plot.{op}: {layer!r} is no layer of the model, expected one of {', '.join(known)}")
    return layer


def one_sample(op, model, x):
    """x as a batch of one, in the model's dtype; its own shape has the batch axis or not."""
    x = np.asarray(to_host(getattr(x, "value", x)))
    shape = model.input_shape
    if shape is None or isinstance(shape, list):
        raise ValueError(f"plot.{op}: the model has {'several inputs' if shape else 'no shape yet, build it'}")
    if x.ndim == len(shape) - 1:
        x = x[None]
    if x.ndim != len(shape) or len(x) != 1:
        raise ValueError(f"plot.{op}: x has shape {x.shape}, expected one sample {tuple(shape[1:])}")
    return np.array(x, model.input_dtype or x.dtype, order="C")
