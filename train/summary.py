"""The table that `Model.summary` prints."""

from math import prod

from ..layers._layer import Layer
from ..layers._tape import Buffer, Parameter
from ..layers._weights import given_name
from .naming import base_name

_SIDES = ("<", "<", ">", "<", ">", "<")
_LEAST = {0: 18, 1: 20, 5: 12}  # characters of the columns that can be narrower than what is in them
_FEWEST = 12  # characters of a name beside its class


def table(model, width):
    """Layers by path: class, output shape, number of weights, whether they are trained, memory of the weights, and in
    functional models what a layer is connected to; then the totals. Names are shortened to lines of `width`."""
    graph = _Graph(model)
    rows = [("Layer (type)", "Output shape", "Params", "Trained", "Memory", "Connected to" if graph.names else "")]
    for name, x in graph.inputs:
        rows.append((f"{name} (Input)", str(x.shape), "", "", "", ""))
    activations = 0
    for path, thing in model.walk():
        if isinstance(thing, Parameter):
            rows.append((f"{path} (Parameter)", str(thing.shape), *_weights([thing]), ""))
            continue
        shape, connections = graph.about(path, thing)
        weights = _weights(thing.parameters()) if isinstance(thing, Layer) else ("", "", "")
        said = "not called" if isinstance(thing, Layer) and not thing.built else str(shape or "")
        rows.append((f"{path} ({_kind(thing)})", said, *weights, connections))
        if isinstance(thing, Layer):
            activations += _sizes(shape) * thing.dtype.itemsize
    lines = _aligned(rows, width)
    rule = "-" * max(map(len, lines))
    parameters = model.parameters()
    total = sum(p.value.size for p in parameters)
    trainable = sum(p.value.size for p in parameters if p.trainable)
    return "\n".join(
        [
            f"Model: {given_name(model) or _kind(model)}",
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


def _aligned(rows, width):
    """The rows as lines, in columns: as wide as what is in them if that fits, else with names cut."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    gaps = sum(map(bool, widths)) - 1
    gap = "   " if sum(widths) + 3 * gaps <= width else "  "
    for _ in range(sum(widths) + len(gap) * gaps - width):
        column = max(_LEAST, key=lambda column: widths[column] - _LEAST[column])
        if widths[column] <= _LEAST[column]:
            break
        widths[column] -= 1
    return [
        gap.join(
            f"{cell if len(cell) <= room else _cut(cell, room):{side}{room}}"
            for cell, side, room in zip(row, _SIDES, widths)
        ).rstrip()
        for row in rows
    ]


def _cut(text, room):
    """A text in so many characters: a shape without spaces, else without a class that the name says already, and
    without its middle."""
    if text.startswith(("(", "[")):  # a shape
        text = text.replace(", ", ",")
        if len(text) <= room:
            return text
    path, _, kind = text.partition(" (")
    kind = kind.removesuffix(")")
    if kind and path.rpartition(".")[2].startswith(base_name(kind)):
        text, kind = path, ""
    if kind and room - len(kind) - 3 >= _FEWEST:
        return f"{_cut(path, room - len(kind) - 3)} ({kind})"
    text = path if kind else text
    if len(text) <= room:
        return text
    end = 2 * room // 3  # names differ there more often than where they begin
    return f"{text[: room - 1 - end]}…{text[-end:]}"


def described(model):
    """A model in a line, its `repr`: class, name, number of layers, number of weights."""
    count = len(model.layers)
    built = all(layer.built or layer.uncalled for layer in model.named_layers().values()) and (
        count or model.parameters()
    )
    weights = f"{model.count_params():,} parameters" if built else "not built"
    name = f" {given_name(model)!r}" if given_name(model) else ""
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
