"""The table that `Model.summary` prints."""

from math import prod

from ..layers._layer import Layer
from ..layers._tape import Buffer, Parameter

_LEFT, _RIGHT = "<", ">"


def table(model):
    """Layers by path: class, output shape, number of weights, whether they are trained, memory of the weights, and in
    functional models what a layer is connected to; then the totals."""
    graph = _Graph(model)
    rows = [(("Layer (type)", "Output shape", "Params", "Trained", "Memory"), "Connected to" if graph.names else "")]
    for name, x in graph.inputs:
        rows.append(((f"{name} (Input)", str(x.shape), "", "", ""), ""))
    activations = 0
    for path, thing in model.walk():
        if isinstance(thing, Parameter):
            rows.append(((f"{path} (Parameter)", str(thing.shape), *_weights([thing])), ""))
            continue
        shape, connections = graph.about(path, thing)
        weights = _weights(thing.parameters()) if isinstance(thing, Layer) else ("", "", "")
        rows.append(((f"{path} ({_kind(thing)})", str(shape or ""), *weights), connections))
        if isinstance(thing, Layer):
            activations += _sizes(shape) * thing.dtype.itemsize
    widths = [max(len(row[column]) for row, _ in rows) for column in range(5)]
    sides = (_LEFT, _LEFT, _RIGHT, _LEFT, _RIGHT)
    lines = [
        "   ".join([*(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths)), last]).rstrip()
        for row, last in rows
    ]
    rule = "-" * max(map(len, lines))
    parameters = model.parameters()
    total = sum(p.value.size for p in parameters)
    trainable = sum(p.value.size for p in parameters if p.trainable)
    return "\n".join(
        [
            f"Model: {model.name or _kind(model)}",
            rule,
            lines[0],
            rule,
            *lines[1:],
            rule,
            f"Total params: {total:,} ({_bytes(sum(p.value.nbytes for p in parameters))})",
            f"Trainable params: {trainable:,}",
            f"Non-trainable params: {total - trainable:,}",
            f"Outputs of all layers, a sample: {_bytes(activations)}",
        ]
    )


def described(model):
    """A model in a line, its `repr`: class, name, number of layers, number of weights."""
    count = len(model.layers)
    built = all(layer.built for layer in model.named_layers().values()) and (count or model.parameters())
    weights = f"{model.count_params():,} parameters" if built else "not built"
    name = f" {model.name!r}" if model.name else ""
    return f"<{_kind(model)}{name}: {count} layer{'' if count == 1 else 's'}, {weights}>"


class _Graph:
    """What a functional model knows of its layers besides; of another model nothing."""

    def __init__(self, model):
        self._calls = getattr(model, "calls", ())
        self.inputs = list(zip(model.input_names, model.inputs)) if self._calls else []
        self.names = {id(x): name for name, x in self.inputs}
        for path, thing in model.children() if self._calls else ():
            for call in self._calls:
                if call.thing is thing:
                    for place, y in enumerate(call.results):
                        self.names[id(y)] = path if call.form is None else f"{path}[{place}]"

    def about(self, path, thing):
        """(output shape, what it is connected to) of a layer or model: one call after the other."""
        calls = [call for call in self._calls if call.thing is thing]
        if not calls:
            return getattr(thing, "output_shape", None), ""
        shapes = [y.shape for y in calls[0].results]
        connections = "; ".join(", ".join(self.names[id(x)] for x in call.inputs) for call in calls)
        return (shapes[0] if calls[0].form is None else shapes), connections


def _kind(thing):
    name = type(thing).__name__
    return "Model" if name == "Functional" else name


def _weights(parameters):
    """(number, whether trained, memory) of weights."""
    trained = {p.trainable for p in parameters if not isinstance(p, Buffer)} or {False for _ in parameters[:1]}
    said = "" if not trained else "partly" if len(trained) > 1 else "yes" if trained.pop() else "no"
    size = sum(p.value.nbytes for p in parameters)
    return f"{sum(p.value.size for p in parameters):,}", said, _bytes(size) if parameters else ""


def _sizes(shape):
    """The elements of a sample's outputs, as far as their sizes are known."""
    shapes = shape if isinstance(shape, list) else [shape or (None, 0)]
    return sum(prod(size or 1 for size in one[1:]) for one in shapes)


def _bytes(size):
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"
