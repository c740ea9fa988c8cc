"""What every layer is: parameters, and which kernel to call.

`forward(x)` works on arrays and returns `(y, backward)`. The closure `backward(dy)` holds just what the gradient
needs, adds into the layer's own parameter gradients and returns dx; a layer with parameters takes `need_dx` besides,
False where nobody wants dx (the first layer), and then returns None. The layer keeps no state between calls, so a
layer that is used twice simply works. Ownership of gradients: see _tape.py.
"""

import inspect
import re

import numpy as np

from ..kernels import _check as check
from ._device import on_device, placed, to_device, used
from ._door import as_array, writeable
from ._tape import Parameter, Tensor, tape
from .initializers import initialize


class Layer:
    """Base of all layers. A subclass has `forward`, and `weights` if it has parameters.

    input_shape  without the batch axis; on the first layer of a Sequential it builds the model at once
    dtype        "float32" or "float64", of parameters and results
    name         in `summary()` and in saved files; made from the class's name if left out
    """

    built = False
    training = True  # Dropout and the like look at it; set by `train()` and `eval()` of the model
    output_shape = None  # with None for the batch axis, known after the first call
    has_parameters = False  # known after `build`
    _trainable = True
    array = np.ndarray  # the class of the weights' arrays, and so of inputs

    def __init__(self, *, input_shape=None, dtype="float32", name=None):
        op = type(self).__name__
        check.choice(op, "dtype", np.dtype(dtype).name, ("float32", "float64"))
        if input_shape is not None:
            input_shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
            for size in input_shape:
                check.whole(op, "input_shape", size, 1)
        if name is not None and not (isinstance(name, str) and re.fullmatch(r"[\w-]+", name)):
            raise ValueError(f"{op}: name is {name!r}, expected letters, digits, _ or -")
        self.input_shape = input_shape
        self.dtype = np.dtype(dtype)
        self.name = name

    def forward(self, x):
        """y and the closure of its gradient, for an array x."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x) that returns (y, backward)")

    def weights(self, input_shape):
        """{attribute: (shape, initializer)} of the parameters for inputs of `input_shape` (batch axis included)."""
        return {}

    def build(self, input_shape, source=None):
        """Make the parameters for inputs of `input_shape`; at the first call by itself.

        source  `source(name, shape, dtype)` gives the arrays, instead of the initializers
        """
        for name, (shape, initializer) in self.weights(input_shape).items():
            value = initialize(initializer, shape, self.dtype) if source is None else source(name, shape, self.dtype)
            setattr(self, name, Parameter(placed(value, used()), name))
        self.has_parameters = bool(self.parameters())
        self._note_array()
        self.built = True
        if not self._trainable:
            self.trainable = False

    def _note_array(self):
        self.array = type(self.parameters()[0].value) if self.has_parameters else Layer.array

    def to(self, device):
        """Move the weights to "cpu" or "cuda"; returns the layer."""
        for p in self.parameters():
            p.value, p.grad = placed(p.value, device), None
        self._note_array()
        return self

    @property
    def trainable(self):
        """Whether training changes the layer's weights, at least one of them; it may be set at any time."""
        return any(p.trainable for p in self.parameters()) if self.has_parameters else self._trainable

    @trainable.setter
    def trainable(self, trainable):
        self._trainable = bool(trainable)
        for p in self.parameters():
            p.trainable = trainable

    def parameters(self):
        """The layer's parameters, in order; none before it is built."""
        return [value for value in vars(self).values() if isinstance(value, Parameter)]

    def train(self, training=True):
        """Training mode; returns the layer."""
        self.training = training
        return self

    def eval(self):
        """Evaluation mode; returns the layer."""
        return self.train(False)

    @property
    def input_dtype(self):
        """The dtype in which models hand data to the layer; None for numbers as they are, such as those of words."""
        return self.dtype

    def config(self):
        """The constructor's arguments, from which an equal layer can be made."""
        return config(self)

    def __call__(self, x):
        """A tensor or an array-like of numbers -> a tensor. The first call builds the layer."""
        if (
            x.__class__ is not Tensor
            or x.value.dtype is not self.dtype
            or x.value.__class__ is not self.array
            or not self.built
        ):
            x = self._prepare(x)
        y, backward = self.forward(x.value)
        if self.output_shape is None:
            self.output_shape = (None, *y.shape[1:])
        if (self.has_parameters or x.requires_grad) and tape.recording:
            return Tensor(y, True, backward, (x,))
        return Tensor(y)

    def _prepare(self, x):
        """x as a tensor of the layer's dtype, after the layer is built for it; on a device if x or the weights are."""
        op = type(self).__name__
        if not isinstance(x, Tensor):
            x = Tensor(writeable(as_array(op, "x", x, self.dtype)))
        elif x.value.dtype != self.dtype:
            if x.requires_grad:
                raise TypeError(f"{op}: x is {x.value.dtype} and the layer is {self.dtype}; give all layers one dtype")
            x = Tensor(as_array(op, "x", x.value, self.dtype))
        if not self.built:
            self.build(x.value.shape)
        if self.has_parameters and on_device(x.value) and self.array is Layer.array:
            self.to("cuda")
        elif self.has_parameters and not on_device(x.value) and self.array is not Layer.array:
            if x.requires_grad:
                raise TypeError(f"{op}: x is on the CPU and the weights are not; move them with model.to('cpu')")
            x = Tensor(to_device(x.value))
        return x

    def __setstate__(self, state):
        vars(self).update(state)
        self.dtype = np.dtype(self.dtype.name)  # the one object of its kind again, as `__call__` compares it
        self._note_array()

    def __repr__(self):
        given = {name: value for name, value in self.config().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def config(thing, leave_out=()):
    """{argument: value} of the constructor's arguments; a thing keeps them as attributes of the same names."""
    names = inspect.signature(type(thing)).parameters
    values = {name: getattr(thing, name) for name in names if name not in leave_out}
    return {name: value.name if isinstance(value, np.dtype) else value for name, value in values.items()}


def expect_axes(op, input_shape, axes):
    """x has the axes that a layer works on, named like "N, H, W, C"."""
    count = axes.count(",") + 1
    if len(input_shape) != count:
        remedy = "; add the channel axis with x[..., None]" if len(input_shape) == count - 1 == 3 else ""
        raise ValueError(f"{op}: x has shape {tuple(input_shape)}, expected {count} axes ({axes}){remedy}")


def expect_built_for(op, x, what, size):
    """The last axis of x has the size that the layer's weights were made for."""
    if x.ndim == 0 or x.shape[-1] != size:
        found = f"{x.shape[-1]} {what}" if x.ndim else "no axes"
        raise ValueError(f"{op}: x has {found} (shape {x.shape}), the layer was built for {size}")


def expect_image_shape(op, input_shape):
    """An input_shape that was given is (H, W, C)."""
    if input_shape is not None and len(input_shape) != 3:
        remedy = f"; it needs a channel axis: input_shape={(*input_shape, 1)}" if len(input_shape) == 2 else ""
        raise ValueError(f"{op}: input_shape is {input_shape}, expected (H, W, C), without the batch axis{remedy}")
