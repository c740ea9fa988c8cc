"""The one walk over what a model is made of."""

from ..layers._block import Block
from ..layers._layer import Layer
from ..layers._tape import Parameter


def walk(thing, blocks=True, prefix="", seen=None):
    """(path, layer, model or parameter) of everything below a model or a layer, each once, outer ones first.

    blocks  whether to go into layers that are made of layers; into models always
    """
    seen = set() if seen is None else seen
    for name, child in thing.children() if isinstance(thing, Block) or not isinstance(thing, Layer) else ():
        if id(child) not in seen:
            seen.add(id(child))
            yield prefix + name, child
            if blocks and isinstance(child, Block) or not isinstance(child, (Layer, Parameter)):
                yield from walk(child, blocks, f"{prefix}{name}.", seen)


def every_layer(thing):
    """{path: layer} of all layers below a model or a layer, those that others are made of too, outer ones first."""
    return {path: child for path, child in walk(thing) if isinstance(child, Layer)}
