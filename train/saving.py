"""Models in files: what goes in and how a model comes back. The file itself: archive.py; structures: structure.py."""

import warnings
from dataclasses import dataclass

from ..layers._device import assign, to_host
from ..layers._random import generator
from .archive import TRAINING, Archive, Misfit, write
from .keywords import named_keywords
from .state import pack, unpack


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


def save(model, path, include_optimizer):
    """Structure, weights, which of them are trained, and what `compile` chose and training has come to."""
    from .standing import standing
    from .structure import Writer

    structure = Writer().thing("model", model)
    model._expect_built("save")
    if model.input_shape is None:
        raise ValueError("save: the model does not know its input_shape; call model.build((None, ...)) first")
    shapes = model.input_shapes
    sizes = [list(shape[1:]) for shape in shapes]
    training, arrays = _compiled(model) if include_optimizer and model._trainer else (None, {})
    document = {
        "model": structure,
        "input_shape": sizes if isinstance(model.input_shape, list) else sizes[0],
        "declared": model.declared,
        "standing": standing(model),
        "compile": training,
    }
    write(path, document, {**_values(model), **arrays})


def save_weights(model, path):
    """The weights by name."""
    write(path, {}, _values(model))


def load_weights(model, path, by_name, skip_mismatch):
    """All weights are read and checked before the first is set."""
    with Archive(path, "load_weights") as archive:
        archive.leave_training()
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


@named_keywords
def load(path, custom_objects=None, compile=True):
    """The model in a file of `Model.save`, compiled as it was: training goes on as if it had not been away.

    custom_objects  {name: class or function} of layers, models, losses, optimizers, schedules, metrics in it that are
                    your own
    compile         with what `compile` chose and the optimizer's state; else the model alone

    Only the library's own classes and those can be named in it, and every shape is checked against the structure.
    Raises ValueError, which names the file, for one that is damaged or is something else; OSError if it cannot be
    opened. What `compile` chose of your own and is not given is a RuntimeWarning, and the model is not compiled.
    """
    from .standing import expect_standing, set_standing
    from .structure import Reader

    custom_objects = dict(custom_objects or {})
    with Archive(path, "load") as archive:
        document, random = archive.document, generator().bit_generator.state
        if "model" not in document:
            raise ValueError("it holds weights alone; use load_weights on a model of the same structure")
        model = Reader(archive, custom_objects).model(document["model"], document["input_shape"])
        if not document.get("declared", True):
            model.declared = False
        for name, p in model.named_parameters().items():  # of models of your own, which no layer has
            if not archive.asked(name):
                assign(p.value, archive.array(name, p.value.shape, p.value.dtype))
        chosen = document["compile"] if compile else None
        missing = sorted(set((chosen or {}).get("custom", ())) - custom_objects.keys())
        if chosen is None or missing:
            archive.leave_training()
        else:
            _compile(model, chosen, custom_objects, archive)
        archive.expect_no_more()
        if "standing" in document:  # which older files do not have
            expect_standing(model, document["standing"])
            set_standing(model, document["standing"])
            generator().bit_generator.state = random  # layers drew seeds, which are not theirs any more
    if missing:
        warnings.warn(
            f"load: {path} was compiled with {' and '.join(missing)}, and the model is not; give "
            f"custom_objects={{{missing[0]!r}: ...}}, or compile=False and call model.compile",
            RuntimeWarning,
            stacklevel=2,
        )
    return model


def _values(model):
    return {name: to_host(p.value) for name, p in model.named_parameters().items()}


def _compiled(model):
    """(what `compile` chose and the optimizer's numbers, its arrays); a warning and None where a file cannot say it."""
    from .entries import written

    trainer, custom, arrays = model._trainer, set(), {}
    choice, optimizer = trainer.chosen, trainer.optimizer
    try:
        chosen = {
            "optimizer": written(optimizer, custom),
            "loss": written(choice.loss, custom),
            "metrics": written(choice.metrics, custom),
        }
        if choice.weighted_metrics:
            chosen["weighted_metrics"] = written(choice.weighted_metrics, custom)
        if choice.loss_weights is not None:
            chosen["loss_weights"] = written(choice.loss_weights)
        if int(optimizer.iterations) or optimizer.accumulated:
            chosen["state"] = pack(optimizer.state(model.named_parameters()), arrays, f"{TRAINING}optimizer")
    except TypeError as error:
        warnings.warn(
            f"{error}; the model is written without what compile chose: call compile after tw.load, or say "
            f"save(path, include_optimizer=False)",
            RuntimeWarning,
            stacklevel=4,
        )
        return None, {}
    return {**chosen, **({"custom": sorted(custom)} if custom else {})}, arrays


def _compile(model, chosen, custom_objects, archive):
    """As it was, with what the optimizer has kept."""
    from .entries import made

    names = ("optimizer", "loss", "metrics", "weighted_metrics", "loss_weights")
    model.compile(**{name: made(chosen[name], custom_objects) for name in names if name in chosen})
    if "state" in chosen:
        parameters, optimizer = model.named_parameters(), model.optimizer
        optimizer.attach(parameters.values())
        # weights that came to the model after its last step begin anew
        state = {**optimizer.state(parameters), **unpack(chosen["state"], archive.array)}
        optimizer.load_state(state, parameters)


def _few(names):
    names = list(names)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
