"""Models in files: what goes in and how a model comes back. The file itself: archive.py."""

import numpy as np

from .. import layers as library
from ..layers._device import assign, to_host
from ..layers._layer import Layer
from ..layers._tape import Tensor, no_grad
from .archive import Archive, Misfit, write
from .losses import LOSSES
from .metrics import METRICS
from .optimizers import OPTIMIZERS
from .trainer import mode


def _by_name(classes):
    return {c.__name__: c for c in classes}


# The only classes that a file can name.
LAYERS = _by_name(c for c in vars(library).values() if isinstance(c, type) and issubclass(c, Layer) and c is not Layer)
PARTS = {
    "optimizer": _by_name(OPTIMIZERS.values()),
    "loss": _by_name(LOSSES.values()),
    "metric": _by_name(METRICS.values()),
}


def save(model, path):
    """Structure, weights and what `compile` chose. Raises TypeError for classes that are not the library's."""
    structure = _structure(model)
    model._expect_built("save")
    if model.input_shape is None:
        raise ValueError("save: the model does not know its input_shape; call model.build((None, ...)) first")
    document = {"model": structure, "input_shape": list(model.input_shape[1:]), "compile": _compiled(model._trainer)}
    write(path, document, _values(model))


def save_weights(model, path):
    """The weights by name."""
    write(path, {}, _values(model))


def load_weights(model, path):
    """All weights are read and checked before the first is set."""
    with Archive(path, "load_weights") as archive:
        parameters = model.named_parameters()
        values, misfits = {}, []
        for name, p in parameters.items():
            try:
                values[name] = archive.array(name, p.value.shape, p.value.dtype)
            except Misfit as misfit:
                misfits.append(str(misfit))
        if misfits:
            raise Misfit("; ".join(misfits))
        archive.expect_no_more()
    for name, p in parameters.items():
        assign(p.value, values[name])


def load(path):
    """The model in a file of `Model.save`, compiled as it was.

    Only the library's own classes can be named in it, and every shape is checked against the structure. Raises
    ValueError, which names the file, for one that is damaged or is something else; OSError if it cannot be opened.
    """
    with Archive(path, "load") as archive:
        document = archive.document
        if "model" not in document:
            raise ValueError("it holds weights alone; use load_weights on a model of the same structure")
        model = _model(document["model"])
        model.input_shape = (None, *_sizes(document["input_shape"]))
        with mode(model, False), no_grad():
            _fill(model, Tensor(np.zeros((0, *model.input_shape[1:]), model.dtype)), archive, "")
        archive.expect_no_more()
        if document["compile"] is not None:
            model.compile(**_made(document["compile"]))
    return model


def _structure(model):
    from .sequential import Sequential

    if type(model) is not Sequential:
        name = type(model).__name__
        raise TypeError(
            f"save: {name} is a class of your own, whose structure is its code; use "
            f"model.save_weights(path), and load_weights(path) on a new {name}"
        )
    children = list(model.children())
    if len({id(child) for _, child in children}) < len(children):
        raise ValueError("save: a layer stands twice in the model, which a file cannot say; use save_weights(path)")
    return {"class": "Sequential", "name": model.name, "layers": [_entry(name, child) for name, child in children]}


def _entry(name, child):
    if not isinstance(child, Layer):
        return _structure(child)
    if LAYERS.get(type(child).__name__) is not type(child):
        raise TypeError(
            f"save: {name} is a {type(child).__name__}, a class that is not the library's; use "
            f"model.save_weights(path), and load_weights(path) on a new model"
        )
    config = child.config()
    config.pop("input_shape")
    return {"class": type(child).__name__, "config": config}


def _values(model):
    return {name: to_host(p.value) for name, p in model.named_parameters().items()}


def _compiled(trainer):
    """What `compile` chose; None if nothing, or if one of the classes is not the library's."""
    if trainer is None:
        return None
    chosen = [("optimizer", trainer.optimizer), ("loss", trainer.loss), *(("metric", m) for m in trainer.metrics)]
    if any(PARTS[kind].get(type(part).__name__) is not type(part) for kind, part in chosen):
        return None
    optimizer, loss, *metrics = ({"class": type(part).__name__, "config": part.config()} for _, part in chosen)
    return {"optimizer": optimizer, "loss": loss, "metrics": metrics}


def _made(chosen):
    return {
        "optimizer": _make(PARTS["optimizer"], chosen["optimizer"]),
        "loss": _make(PARTS["loss"], chosen["loss"]),
        "metrics": [_make(PARTS["metric"], metric) for metric in chosen["metrics"]],
    }


def _model(structure):
    from .sequential import Sequential

    model = Sequential(name=structure["name"])
    for entry in structure["layers"]:
        model.add(_model(entry) if entry["class"] == "Sequential" else _make(LAYERS, entry))
    return model


def _make(classes, entry):
    if entry["class"] not in classes:
        raise ValueError(f"it names the class {entry['class']!r}, which is none of {', '.join(sorted(classes))}")
    return classes[entry["class"]](**entry["config"])


def _sizes(sizes):
    if not isinstance(sizes, list) or any(type(size) is not int or size < 1 for size in sizes):
        raise ValueError(f"its input_shape is {sizes!r}, expected a list of sizes")
    return sizes


def _fill(model, x, archive, prefix):
    """Build layer after layer with the file's arrays, and run each on no samples at all: all shapes are checked, and
    nothing is allocated but what the file holds."""
    for name, child in model.children():
        path = f"{prefix}{name}"
        if isinstance(child, Layer):
            child.build(x.shape, lambda name, shape, dtype, path=path: archive.array(f"{path}.{name}", shape, dtype))
            x = child(x)
        else:
            child.input_shape = (None, *x.shape[1:])
            x = _fill(child, x, archive, f"{path}.")
    return x
