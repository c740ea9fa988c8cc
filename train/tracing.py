"""What the first step of a training is looked at for: layers that let no gradient through, weights that get none."""

import functools

from ..layers._block import Block
from ..layers._layer import Layer
from .advice import caution
from .walking import every_layer


class Trace:
    """Between its making and `close`, a layer whose gradient is missing says so by its name.

    A layer in the middle of a model whose `forward` returns None for `backward`, or whose `backward` returns None, ends
    the gradient there: all layers before it would silently not be trained.
    """

    def __init__(self, model):
        self._model, self._layers = model, every_layer(model)
        self._own = {path: vars(layer)["forward"] for path, layer in self._layers.items() if "forward" in vars(layer)}
        called = []
        for path, layer in self._layers.items():
            vars(layer)["forward"] = _told(path, layer, layer.forward, called)

    def close(self):
        """Let the layers be as they were."""
        for layer in self._layers.values():
            vars(layer).pop("forward", None)
        for path, forward in self._own.items():
            vars(self._layers[path])["forward"] = forward
        self._layers, self._own = {}, {}

    def finish(self):
        """After the gradients of the first step: warn of weights without any, and of layers that were never called."""
        layers = self._layers
        self.close()
        uncalled = [path for path, layer in layers.items() if not layer.built and _would_have_weights(layer)]
        if uncalled:
            caution(
                f"fit: {', '.join(uncalled)} {'is' if len(uncalled) == 1 else 'are'} never called by forward: without "
                f"weights, not trained and in no file; call it in forward, or take it out of the model"
            )
        missing = [path for path, p in self._model.named_parameters().items() if p.trainable and p.grad is None]
        if missing:
            caution(
                f"fit: {', '.join(missing)} got no gradient, so they are not trained: forward does not use them, or no "
                f"loss depends on them; if that is meant, set trainable = False on their layers"
            )


def _would_have_weights(layer):
    return type(layer).weights is not Layer.weights or isinstance(layer, Block)


def is_told(forward):
    """Whether this attribute of a layer is a Trace's."""
    return getattr(forward, "__module__", None) == __name__


def _told(path, layer, forward, called):
    name = f"layer {path} ({type(layer).__name__})"

    def told(*inputs, **options):
        y, backward = forward(*inputs, **options)
        trained_before = any(p.trainable for one in called for p in one.parameters())
        called.append(layer)
        if backward is None and not trained_before:
            return y, None

        @functools.wraps(backward or forward)
        def told_backward(*dy, **options):
            dx = None if backward is None else backward(*dy, **options)
            if dx is None and options.get("need_dx", True):
                what = "its forward returned None for backward" if backward is None else "its backward returned None"
                raise ValueError(
                    f"fit: {name} gives no gradient, {what}, and there are layers before it; give it a gradient, or "
                    f"freeze all weights before it with trainable = False, and return None for backward"
                )
            return dx

        return y, told_backward

    return told
