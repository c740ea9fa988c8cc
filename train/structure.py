"""A model's structure as JSON's types, and back: layers by class and arguments, calls between them, what is shared.

Things (layers and models) are numbered as they come, models before what is in them; one that comes again is
{"same": number}. Classes and arguments: entries.py.
"""

from functools import partial

import numpy as np

from ..layers._layer import Layer
from ..layers._symbol import closed, formed, listed, make_input, on_sizes
from ..layers._tape import Tensor, no_grad
from ..layers._weights import given_name
from .entries import made, written
from .functional import Functional
from .model import Model
from .naming import base_name, unique
from .sequential import Sequential
from .trainer import mode
from .walking import every_layer


class Writer:
    """Makes entries of things; every thing once."""

    def __init__(self):
        self._numbers = {}

    def thing(self, name, thing):
        """The entry of a layer or a model. Raises TypeError for a model whose structure is its code."""
        if id(thing) in self._numbers:
            return {"same": self._numbers[id(thing)]}
        self._numbers[id(thing)] = len(self._numbers)
        if type(thing) is Sequential:
            layers = [self.thing(name, child) for name, child in thing.children()]
            entry = {"class": "Sequential", "name": given_name(thing), "layers": layers}
            shape = thing.declared_shape
            return entry if shape is None or isinstance(shape, list) else {**entry, "input_shape": list(shape[1:])}
        if type(thing) is Functional:
            return self._functional(thing)
        if not hasattr(thing, "config"):
            own = type(thing).__name__
            raise TypeError(
                f"save: {own} is a class of your own, whose structure is its code; use model.save_weights(path), and "
                f"load_weights(path) on a new {own}, or give it a config() of its constructor's arguments"
            )
        entry = written(thing, model=lambda model: None if model is thing else {"model": self.thing("", model)})
        if isinstance(thing, Layer):
            entry["config"].pop("input_shape", None)
        return entry

    def _functional(self, model):
        things = list(model.children())
        places = {id(thing): i for i, (_, thing) in enumerate(things)}
        symbols = {x: [-1, i] for i, x in enumerate(model.inputs)}
        calls = []
        for number, call in enumerate(model.calls):
            entry = {"layer": places[id(call.thing)], "inputs": [symbols[x] for x in call.inputs]}
            calls.append({**entry, "options": call.options} if call.options else entry)
            symbols.update((y, [number, i]) for i, y in enumerate(call.results))
        return {
            "class": "Functional",
            "name": given_name(model),
            "inputs": [
                {"name": name, "shape": list(x.shape[1:]), "dtype": x.dtype_given and np.dtype(x.dtype_given).name}
                for name, x in zip(model.input_names, model.inputs)
            ],
            "layers": [self.thing(name, thing) for name, thing in things],
            "calls": calls,
            "outputs": [symbols[y] for y in model.outputs],
            "forms": [model.input_form, model.output_form],
        }


class Reader:
    """Makes things of entries, built with the arrays of an archive.

    No sample goes through the model on the way: nothing is allocated but what the file holds.
    """

    def __init__(self, archive, custom_objects):
        self._archive, self._custom = archive, custom_objects
        self._things, self._layers, self._partly, self._declared = [], [], [], []

    def model(self, entry, input_shape):
        """The model of a whole file."""
        model = self._thing(entry, "")
        if not isinstance(model, Model):
            raise ValueError(f"its model is a {type(model).__name__}, which is none")
        if not isinstance(model, Functional):
            shapes = input_shape if input_shape and isinstance(input_shape[0], list) else [input_shape]
            shapes = [(None, *_sizes(shape, open_ends=True)) for shape in shapes]

            def run(size):
                inputs = [Tensor(np.zeros((0, *closed(shape[1:], size)), model.dtype)) for shape in shapes]
                with mode(model, False), no_grad():
                    model(inputs if len(inputs) > 1 else inputs[0])

            on_sizes(run, shapes)
            model.note_uncalled()
            model.input_shape, model.declared = shapes[0] if len(shapes) == 1 else shapes, True
        for layer in self._layers:
            vars(layer).pop("source", None)
        for thing, sizes in self._declared:  # not before, which would run it on a sample
            thing.input_shape, thing.declared = (None, *_sizes(sizes, open_ends=True)), True
        for thing, inner in self._partly:  # of older files; now that all layers are made, outer ones first
            layers = every_layer(thing)
            for path, trainable in inner.items():
                if path in layers:
                    layers[path].trainable = trainable
        return model

    def _thing(self, entry, path):
        if "same" in entry:
            return self._known(entry)
        number = len(self._things)
        self._things.append(None)
        name = entry["class"]
        if name == "Sequential":
            thing = self._sequential(entry, path)
        elif name == "Functional":
            thing = self._functional(entry, path)
        else:
            config = self._with_models(entry["config"], path)
            thing = made({"class": name, "config": config}, self._custom)
            below = thing.named_layers() if isinstance(thing, Model) else {"": thing}
            for inner, layer in below.items():
                layer.source = partial(_array, self._archive, ".".join(part for part in (path, inner) if part))
                self._layers.append(layer)
            if entry.get("trainable") is False:
                thing.trainable = False
            if "inner" in entry:
                self._partly.append((thing, entry["inner"]))
        self._things[number] = thing
        return thing

    def _with_models(self, config, path):
        """Arguments with the models among them made; their weights are named by where they are."""
        if isinstance(config, list):
            return [self._with_models(one, _below(path, i)) for i, one in enumerate(config)]
        if not isinstance(config, dict):
            return config
        if config.keys() == {"model"}:
            return self._thing(config["model"], path)
        if config.keys() == {"class", "config"}:
            return {**config, "config": self._with_models(config["config"], path)}
        return {key: self._with_models(one, _below(path, key)) for key, one in config.items()}

    def _known(self, entry):
        thing = self._things[entry["same"]]
        if thing is None:
            raise ValueError("there is a loop: a model is a layer of itself")
        return thing

    def _sequential(self, entry, path):
        model = Sequential(name=entry["name"])
        for name, child in self._children(entry["layers"], path):
            model.add(child)
            if model._names[-1] != name:
                raise ValueError(f"its layer {model._names[-1]!r} was {name!r} when it was written")
        if "input_shape" in entry:
            self._declared.append((model, entry["input_shape"]))
        return model

    def _functional(self, entry, path):
        inputs = [
            make_input(_sizes(one["shape"], open_ends=True), one["name"], one["dtype"], 0) for one in entry["inputs"]
        ]
        things = [child for _, child in self._children(entry["layers"], path)]
        results = {-1: inputs}
        for number, call in enumerate(entry["calls"]):
            if any(source >= number for source, _ in call["inputs"]):
                raise ValueError(f"there is a loop: call {number} needs a result that comes after it")
            taken = [results[source][place] for source, place in call["inputs"]]
            options = call.get("options", {})
            results[number] = listed(things[call["layer"]](taken[0] if len(taken) == 1 else taken, **options))
        outputs = [results[source][place] for source, place in entry["outputs"]]
        given, made = (tuple(form) if isinstance(form, list) else form for form in entry["forms"])
        return Functional(formed(given, inputs), formed(made, outputs), name=entry["name"])

    def _children(self, entries, path):
        """(name, thing) of a model's layers; named as the model is going to name them."""
        names = []
        for entry in entries:
            own = entry.get("name") or entry.get("config", {}).get("name")
            if "same" in entry:
                own = base_name(self._known(entry))
            names.append(unique(own or base_name(entry["class"]), names))
            yield names[-1], self._thing(entry, f"{path}.{names[-1]}" if path else names[-1])


def _below(path, name):
    return f"{path}.{name}" if path else str(name)


def _array(archive, path, name, shape, dtype):
    return archive.array(f"{path}.{name}", shape, dtype)


def _sizes(sizes, open_ends=False):
    if not isinstance(sizes, list) or any(
        not (open_ends and size is None) and (type(size) is not int or size < 1) for size in sizes
    ):
        raise ValueError(f"its input_shape is {sizes!r}, expected a list of sizes")
    return sizes
