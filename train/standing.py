"""What files keep of a model besides structure and weights: which weights are trained, and what layers count."""

from .archive import Misfit
from .walking import every_layer

_COUNTERS = ("_steps", "_seed")  # of layers that draw random numbers


def standing(model):
    """{"trainable": {weight: bool}, "layers": {path: counters}, "frozen": [path]}, of JSON's types."""
    layers = every_layer(model)
    return {
        "trainable": {path: p.trainable for path, p in model.named_parameters().items()},
        "layers": {path: counters for path, layer in layers.items() if (counters := _counters(layer))},
        "frozen": [path for path, layer in layers.items() if not layer._trainable],
    }


def expect_standing(model, kept):
    """All that `kept` says can be set: raises Misfit, or KeyError, before anything is changed."""
    layers = every_layer(model)
    for path, counters in kept["layers"].items():
        if counters and path not in layers:
            raise Misfit(f"it has the layer {path}, which the model has not")
        if unknown := set(counters) - set(_COUNTERS):
            raise Misfit(f"{path} counts {', '.join(sorted(unknown))}, which no layer does")
    for path in model.named_parameters():
        kept["trainable"][path]


def set_standing(model, kept):
    """The counterpart of `standing`."""
    layers = every_layer(model)
    for path, p in model.named_parameters().items():
        if p.trainable is not kept["trainable"][path]:
            p.trainable = kept["trainable"][path]
    for path, counters in kept["layers"].items():
        if counters:
            vars(layers[path]).update({name: int(count) for name, count in counters.items()})
    if "frozen" in kept:
        for path, layer in layers.items():
            layer._trainable = path not in kept["frozen"]
            layer.learns = any(p.trainable for p in layer.parameters())


def states_between(model):
    """{path: the last states or None} of stateful layers, with which their next batch begins."""
    return {path: layer._kept for path, layer in every_layer(model).items() if getattr(layer, "stateful", False)}


def set_states_between(model, kept):
    """The counterpart of `states_between`."""
    for path, layer in every_layer(model).items():
        if path in kept:
            layer._kept = kept[path]


def _counters(layer):
    return {name: int(vars(layer)[name]) for name in _COUNTERS if vars(layer).get(name) is not None}
