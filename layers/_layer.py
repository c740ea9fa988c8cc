"""What every layer is: parameters, and which kernel to call.

`forward(x)` works on arrays and returns `(y, backward)`. The closure `backward(dy)` holds just what the gradient
needs, adds into the layer's own parameter gradients and returns dx; a layer with parameters takes `need_dx` besides,
False where nobody wants dx (the first layer), and then returns None. The layer keeps no state between calls, so a
layer that is used twice simply works. Ownership of gradients: see _tape.py.

several inputs   a class that says `several = True` is called with a list, or with several arguments:
                 `forward(*arrays) -> (y, backward)`, `backward(dy) -> (da, db, ...)`, None where one has no gradient;
                 `weights` and `build` get a list of shapes
several results  `forward` gives a tuple for y, `backward` takes a gradient for each, None where nobody used one
masks            where an input has one, `forward_masked(*arrays, mask=mask)` is called instead of `forward`, and
                 `mask_after(mask)` is the first result's; with several inputs the mask is a tuple of theirs
"""

import inspect

import numpy as np

from ..kernels import _check as check
from ._calls import Called
from ._device import placed, used
from ._door import expect_name
from ._own import Unset, expect_pair, name_arguments
from ._own_layers import expect_declared, watch_gradients
from ._tape import Buffer, Parameter, Tensor, tape
from ._weights import Declared, Weighted, given_name
from .initializers import initialize


class Layer(Called, Weighted):
    """Base of all layers. A subclass has `forward`, and `weights` if it has parameters.

    input_shape  without the batch axis, None for any size; on the first layer of a Sequential it builds the model at
                 once
    dtype        "float32" or "float64", of parameters and results
    name         in `summary()` and in saved files; if left out the model makes one from the class's name, unique in it
    """

    built = False
    uncalled = False  # whether a run of its model did not call it, so that it was not built
    training = True  # Dropout and the like look at it; set by `train()` and `eval()` of the model
    several = False  # whether it takes several inputs
    output_shape = None  # with None for the batch axis, known after the first call; a list of them for several results
    has_parameters = False  # known after `build`
    learns = False  # whether a parameter was trainable at `build`, or when `trainable` was set
    _trainable = True
    input_shape, dtype = Unset(), Unset()
    _array = np.ndarray  # the class of the weights' arrays, and so of inputs
    source = None  # where a file is read: what gives the arrays of the weights, see `build`

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        name_arguments(cls)
        watch_gradients(cls)
        if inspect.isfunction(vars(cls).get("weights")):
            cls.weights = Declared(cls.weights)

    def __init__(self, *, input_shape=None, dtype="float32", name=None):
        op = type(self).__name__
        check.choice(op, "dtype", np.dtype(dtype).name, ("float32", "float64"))
        if input_shape is not None:
            input_shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
            for size in input_shape:
                if size is not None:
                    check.whole(op, "input_shape", size, 1)
        expect_name(op, name)
        self.input_shape = input_shape
        self.dtype = np.dtype(dtype)
        self.name = name

    def forward(self, x):
        """y and the closure of its gradient, for an array x."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x) that returns (y, backward)")

    def forward_masked(self, *inputs, mask):
        """`forward` where an input has a mask, True for the real steps of a sequence; ignores it if not overridden."""
        return self.forward(*inputs)

    def mask_after(self, mask):
        """The result's mask: the input's, the first one's of several; None for a layer that uses the time axis up."""
        return mask[0] if self.several else mask

    @Declared
    def weights(self, input_shape):
        """{attribute: (shape, initializer) or (shape, initializer, regularizer)} of the parameters for inputs of
        `input_shape` (batch axis included). Without a call, `layer.weights` is the list of them, as in Keras."""
        return {}

    def buffers(self, input_shape):
        """{attribute: (shape, initializer)} of what the layer keeps besides and changes by itself."""
        return {}

    def build(self, input_shape, source=None):
        """Make the parameters for inputs of `input_shape`; at the first call by itself.

        source  `source(name, shape, dtype)` gives the arrays, instead of the initializers

        Raises ValueError for a layer that is built already with weights of other shapes; with the same nothing is done.
        """
        buffers = expect_declared(type(self).__name__, "buffers", self.buffers(input_shape))
        kinds = (Parameter, self.weights(input_shape)), (Buffer, buffers)
        if self.built:
            self._expect_same_build(input_shape, {**kinds[0][1], **kinds[1][1]})
            return
        source = source or self.source
        for kind, wanted in kinds:
            for name, (shape, initializer, *regularizer) in wanted.items():
                value = source(name, shape, self.dtype) if source else initialize(initializer, shape, self.dtype)
                setattr(self, name, kind(placed(value, used()), name, *regularizer))
        self._built()

    def _built(self):
        self.has_parameters = bool(self.parameters())
        self._note_array()
        self.built = True
        if not self._trainable:
            self.trainable = False
        self.learns = any(p.trainable for p in self.parameters())

    def _expect_same_build(self, input_shape, wanted):
        for name, (shape, *_) in wanted.items():
            p = getattr(self, name, None)
            if isinstance(p, Parameter) and p.value.shape != tuple(shape):
                raise ValueError(
                    f"{type(self).__name__}: the layer is built already, with {name} of shape {p.value.shape}; inputs "
                    f"of shape {tuple(input_shape)} need {tuple(shape)}, so take another layer for them"
                )

    def _note_array(self):
        self._array = type(self.parameters()[0].value) if self.has_parameters else Layer._array

    def to(self, device):
        """Move the weights to "cpu" or "cuda"; returns the layer."""
        for p in self.parameters():
            p.value, p.grad = placed(p.value, device), None
        self._note_array()
        return self

    @property
    def trainable(self):
        """Whether training changes the layer's weights, at least one of them; it may be set at any time."""
        weights = [p for p in self.parameters() if not isinstance(p, Buffer)] if self.has_parameters else ()
        return any(p.trainable for p in weights) if weights else self._trainable

    @trainable.setter
    def trainable(self, trainable):
        self._trainable = bool(trainable)
        for p in self.parameters():
            p.trainable = trainable
        self.learns = self.has_parameters and any(p.trainable for p in self.parameters())

    def parameters(self):
        """The layer's parameters, in order; none before it is built."""
        return list(self.named_parameters().values())

    def named_parameters(self):
        """{name: parameter} of the layer's parameters, in order."""
        return {value.name: value for value in vars(self).values() if isinstance(value, Parameter)}

    def count_params(self):
        """The number of weights, an int. Raises ValueError before the layer is built."""
        if not self.built:
            raise ValueError(
                f"count_params: {self!r} is not built; call it on data, or layer.build with the shape of its inputs"
            )
        return sum(p.value.size for p in self.parameters())

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

    def use_dtype(self, dtype):
        """Compute in "float32" or "float64" from now on. Raises ValueError if the layer is built with the other."""
        if self.built and self.dtype != dtype:
            raise ValueError(f"{self!r} is built already with dtype {self.dtype}, expected {dtype}")
        self.dtype = np.dtype(dtype)

    def __call__(self, x, *more, training=None):
        """A tensor or an array-like of numbers -> a tensor. The first call builds the layer. `training` sets the mode
        for this call."""
        if (
            x.__class__ is not Tensor
            or x.value.dtype is not self.dtype
            or x.value.__class__ is not self._array
            or x.mask is not training  # both are None, or else there is a mask, or a mode for this call
            or more
            or not self.built
        ):
            return self._call(x, *more, training=training)
        result = self.forward(x.value)
        try:
            y, backward = result
        except (TypeError, ValueError):
            expect_pair(self, result)
            raise
        if y.__class__ is tuple or self.output_shape is None:
            return self._result(y, backward, (x,))
        if (self.learns or x.requires_grad or self.has_parameters and self.trainable) and tape.recording:
            return Tensor(y, True, backward, (x,))
        return Tensor(y)

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
    if "name" in values and isinstance(thing, Weighted):
        values["name"] = given_name(thing)
    return {name: value.name if isinstance(value, np.dtype) else value for name, value in values.items()}


IMAGES_ARE = "images are N, H, W, C; turn those that are N, C, H, W with x.transpose(0, 2, 3, 1)"
_REMEDIES = {  # for x with an axis less
    "N, H, W, C": "; add the channel axis with x[..., None]",
    "N, T, C": "; add the channel axis with x[..., None], or give a recurrent layer before it return_sequences=True",
}


def expect_axes(op, input_shape, axes):
    """x has the axes that a layer works on, named like "N, H, W, C"."""
    count = axes.count(",") + 1
    if len(input_shape) != count:
        remedy = _REMEDIES.get(axes, "") if len(input_shape) == count - 1 else ""
        raise ValueError(f"{op}: x has shape {tuple(input_shape)}, expected {count} axes ({axes}){remedy}")


def expect_built_for(op, x, what, size):
    """The last axis of x has the size that the layer's weights were made for."""
    if x.ndim == 0 or x.shape[-1] != size:
        found = f"{x.shape[-1]} {what}" if x.ndim else "no axes"
        remedy = f"; {IMAGES_ARE}" if what == "channels" and x.ndim == 4 and x.shape[1] == size else ""
        raise ValueError(f"{op}: x has {found} (shape {x.shape}), the layer was built for {size}{remedy}")


def expect_image_shape(op, input_shape):
    """An input_shape that was given is (H, W, C)."""
    if input_shape is not None and len(input_shape) != 3:
        remedy = f"; it needs a channel axis: input_shape={(*input_shape, 1)}" if len(input_shape) == 2 else ""
        raise ValueError(f"{op}: input_shape is {input_shape}, expected (H, W, C), without the batch axis{remedy}")
