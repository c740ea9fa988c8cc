"""Models in files: what goes in and how a model comes back. The file itself: archive.py; structures: structure.py."""

from dataclasses import dataclass

from ..layers._device import assign, to_host
from .archive import Archive, Misfit, write
from .losses import LOSSES
from .metrics import METRICS
from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES

PARTS = {
    kind: {c.__name__: c for c in known.values()}
    for kind, known in (("optimizer", OPTIMIZERS), ("loss", LOSSES), ("metric", METRICS))
}


@dataclass(frozen=True)
class Taken:
    """What `load_weights(path, by_name=True)` did, in names of weights.

    taken  are set from the file
    left   are the model's and as they were, because the file has none of that name
    other  are in the file alone
    """

    taken: list
    left: list
    other: list

    def __str__(self):
        said = [f"{len(names)} {what}: {', '.join(names) or '-'}" for what, names in vars(self).items()]
        return "\n".join(said)


def save(model, path):
    """Structure, weights and what `compile` chose."""
    from .structure import Writer

    structure = Writer().thing("model", model)
    model._expect_built("save")
    if model.input_shape is None:
        raise ValueError("save: the model does not know its input_shape; call model.build((None, ...)) first")
    shapes = model.input_shapes
    sizes = [list(shape[1:]) for shape in shapes]
    document = {
        "model": structure,
        "input_shape": sizes if isinstance(model.input_shape, list) else sizes[0],
        "declared": model.declared,
        "compile": _compiled(model._trainer),
    }
    write(path, document, _values(model))


def save_weights(model, path):
    """The weights by name."""
    write(path, {}, _values(model))


def load_weights(model, path, by_name, skip_mismatch):
    """All weights are read and checked before the first is set."""
    with Archive(path, "load_weights") as archive:
        parameters = model.named_parameters()
        values, misfits = {}, []
        for name, p in parameters.items():
            if by_name and name not in archive.names:
                continue
            try:
                values[name] = archive.array(name, p.value.shape, p.value.dtype)
            except Misfit as misfit:
                if not skip_mismatch:
                    misfits.append(str(misfit))
        if not by_name:
            misfits += (f"it holds {name}, which no layer of the model has" for name in archive.unasked())
        if misfits:
            raise Misfit("; ".join(misfits))
        if by_name and not values:
            raise Misfit(f"no name is in both; it holds {_few(archive.names)}, the model has {_few(parameters)}")
        other = archive.names
    for name, value in values.items():
        assign(parameters[name].value, value)
    left = [name for name in parameters if name not in values]
    return Taken(list(values), left, [name for name in other if name not in parameters]) if by_name else None


def load(path, custom_objects=None):
    """The model in a file of `Model.save`, compiled as it was.

    custom_objects  {name: class} of layers, models, losses, optimizers, schedules and metrics in it that are your own

    Only the library's own classes and those can be named in it, and every shape is checked against the structure.
    Raises ValueError, which names the file, for one that is damaged or is something else; OSError if it cannot be
    opened.
    """
    from .structure import Reader

    custom_objects = dict(custom_objects or {})
    with Archive(path, "load") as archive:
        document = archive.document
        if "model" not in document:
            raise ValueError("it holds weights alone; use load_weights on a model of the same structure")
        model = Reader(archive, custom_objects).model(document["model"], document["input_shape"])
        if not document.get("declared", True):
            model.declared = False
        for name, p in model.named_parameters().items():  # of models of your own, which no layer has
            if not archive.asked(name):
                assign(p.value, archive.array(name, p.value.shape, p.value.dtype))
        archive.expect_no_more()
        if document["compile"] is not None:
            _compile(model, document["compile"], custom_objects)
    return model


def _values(model):
    return {name: to_host(p.value) for name, p in model.named_parameters().items()}


def _compiled(trainer):
    """What `compile` chose, where all of it can be said; else None."""
    if trainer is None:
        return None
    custom, choice = set(), trainer.chosen
    try:
        return {
            "optimizer": _said("optimizer", trainer.optimizer, custom),
            "loss": _said("loss", choice.loss, custom),
            "metrics": _said("metric", choice.metrics, custom),
            **({} if choice.loss_weights is None else {"loss_weights": choice.loss_weights}),
            **({"custom": sorted(custom)} if custom else {}),
        }
    except TypeError:
        return None


def _said(kind, part, custom):
    """A part, or a list or dict of parts, as {"class", "config"}; notes the classes that are not the library's."""
    if isinstance(part, (list, tuple)):
        return [_said(kind, one, custom) for one in part]
    if isinstance(part, dict):
        return {name: _said(kind, one, custom) for name, one in part.items()}
    if part is None or isinstance(part, (int, float)):
        return part
    name = type(part).__name__
    if not hasattr(part, "config") or PARTS[kind].get(name, type(part)) is not type(part):
        raise TypeError(f"save: a file cannot say what {name} is")
    if name not in PARTS[kind]:
        custom.add(name)
    config = part.config()
    rate = config.get("learning_rate")
    if isinstance(rate, dict) and rate["class"] not in SCHEDULES:
        custom.add(rate["class"])
    return {"class": name, "config": config}


def _compile(model, chosen, custom_objects):
    """As it was; not at all where classes of the user's that it needs are not given."""
    if set(chosen.get("custom", ())) <= custom_objects.keys():
        classes = {kind: {**known, **custom_objects} for kind, known in PARTS.items()}
        optimizer = _made({**SCHEDULES, **classes["optimizer"]}, chosen["optimizer"])
        loss, metrics = _made(classes["loss"], chosen["loss"]), _made(classes["metric"], chosen["metrics"])
        weights = chosen.get("loss_weights")
        model.compile(optimizer, loss, metrics, **({} if weights is None else {"loss_weights": weights}))


def _made(classes, part):
    if isinstance(part, list):
        return [_made(classes, one) for one in part]
    if isinstance(part, dict) and part.keys() == {"class", "config"}:
        if part["class"] not in classes:
            raise ValueError(f"it names the class {part['class']!r}, which is none of {', '.join(sorted(classes))}")
        return classes[part["class"]](**{name: _made(classes, one) for name, one in part["config"].items()})
    return {name: _made(classes, one) for name, one in part.items()} if isinstance(part, dict) else part


def _few(names):
    names = list(names)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
