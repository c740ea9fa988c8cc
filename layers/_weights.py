"""What layers and models have in common: their weights as arrays, and a name."""

import functools
import re

import numpy as np

from ..kernels import _check as check
from ._device import assign, to_host
from ._door import as_array
from ._other_names import Other
from ._own_layers import expect_declared


class Weighted:
    """What has `named_parameters()` and `parameters()`: a layer or a model."""

    state_dict = Other("named_parameters(), or get_weights(), and a model's save_weights(path) for a file")
    load_state_dict = Other("set_weights(arrays), and a model's load_weights(path) for a file")

    _name_there = None  # in the model that it was added to last, or of which `layers` was read last

    @property
    def name(self):
        """The name that was given, else that in the model it is in, else one made from the class; a str."""
        return vars(self).get("name") or self._name_there or name_of_class(type(self).__name__)

    @name.setter
    def name(self, name):
        vars(self)["name"] = name

    @property
    def weights(self):
        """All parameters, in order, those that training does not change too; none before they are made."""
        return self.parameters()

    @property
    def trainable_weights(self):
        """The parameters that training changes."""
        return [p for p in self.parameters() if p.trainable]

    @property
    def non_trainable_weights(self):
        """The parameters that training leaves: frozen ones, and what layers change by themselves, like moving means."""
        return [p for p in self.parameters() if not p.trainable]

    def get_weights(self):
        """Copies of all parameters' values, in order."""
        return [np.array(to_host(p.value)) for p in self.parameters()]

    def set_weights(self, weights):
        """Set all parameters' values. Raises ValueError if a shape differs; nothing is set then."""
        parameters = self.named_parameters()
        if len(weights) != len(parameters):
            raise ValueError(f"set_weights: there are {len(weights)} arrays, expected {len(parameters)}")
        arrays = [as_array("set_weights", f"weights[{i}]", w) for i, w in enumerate(weights)]
        for i, (w, (path, p)) in enumerate(zip(arrays, parameters.items())):
            check.shape("set_weights", f"weights[{i}] for {path}", w, p.value.shape)
        for w, p in zip(arrays, parameters.values()):
            assign(p.value, w)

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.grad = None


def given_name(thing):
    """The name that a layer or a model was given, also by its class; None for one without."""
    of_class = type(thing).name
    return vars(thing).get("name", of_class if isinstance(of_class, str) else None)


def call_there(thing, name):
    """A layer or a model is in a model, by this name."""
    if thing._name_there != name:
        thing._name_there = name


def name_of_class(name):
    """What a layer or a model of a class is called that has no name of its own."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Declared:
    """The method `weights(input_shape)` of a layer's class, which says what weights it wants.

    Read without a call it is the list of those that it has, which is what Keras calls `weights`.
    """

    def __init__(self, method):
        self._method = method
        functools.update_wrapper(self, method)

    def __get__(self, layer, kind=None):
        if layer is None:
            return self._method
        return _Weights(layer.parameters(), functools.partial(self._method, layer), type(layer).__name__)


class _Weights(list):
    def __init__(self, parameters, declared, op):
        super().__init__(parameters)
        self._declared, self._op = declared, op

    def __call__(self, input_shape):
        return expect_declared(self._op, "weights", self._declared(input_shape))
