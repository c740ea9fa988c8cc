"""Models: layers with a forward, found by attribute, and the front of what is done with them."""

from shutil import get_terminal_size

import numpy as np

from ..kernels import _check as check
from ..kernels._names import nearest
from ..layers._block import found, once
from ..layers._device import expect_cuda, placed, used
from ..layers._door import writeable
from ..layers._layer import Layer
from ..layers._mode import trying
from ..layers._symbol import closed, formed, listed, on_sizes
from ..layers._tape import Parameter, Tensor, no_grad
from ..layers._weights import Weighted, call_there, given_name
from .calling import Calling
from .files import Files
from .fitting import Fitting
from .summary import described, table
from .walking import walk


class Model(Calling, Weighted, Fitting, Files):
    """Base of all models. A subclass makes layers in `__init__` and calls them in `forward`.

    Layers, models and parameters are found where they are attributes, also in lists, tuples and dicts, in the order
    of assignment. Those that `forward` never calls have no weights, and are left out of files and counts. A model
    computes by itself (`model(x)`, `loss.backward()`, `optimizer.step()`) or by `compile` and `fit`; both are the same
    thing.
    """

    training = True  # as in PyTorch; `fit` sets it, `evaluate` and `predict` clear it, all restore it
    stop_training = False  # a callback sets it, `fit` ends after the epoch
    history = None  # of the last `fit`
    # with None for the batch axis and for sizes left open, known after `build`; a list of them for several inputs
    input_shape = None
    declared = False  # whether `input_shape` was said and is enforced; else it is that of the first data
    input_names = output_names = None  # lists, where the model was made of inputs and outputs
    _device = None  # what `to` said

    def __new__(cls, *args, **options):
        if cls is Model and (args or options):
            from .functional import Functional

            cls = Functional
        return super().__new__(cls)

    def build(self, input_shape):
        """Make all parameters, for inputs of `input_shape` with None for the batch axis, by running once on zeros.

        A model whose `forward` takes several inputs gets a list of shapes. Data is held to them: None for another axis
        means any size. Raises ValueError for anything else.
        """
        several = (
            isinstance(input_shape, list) and input_shape and all(isinstance(s, (list, tuple)) for s in input_shape)
        )
        shapes = list(map(self._checked_shape, input_shape if several else [input_shape]))

        def run(stand_in):
            arrays = [np.zeros((1, *closed(shape[1:], stand_in)), self.dtype) for shape in shapes]
            self.probe(arrays if several else arrays[0], "build")

        on_sizes(run, shapes)
        if not self.declared:
            self.input_shape, self.declared = shapes if several else shapes[0], True

    def _checked_shape(self, shape):
        """A shape with None for the batch axis and sizes left open, as a tuple."""
        if not isinstance(shape, (tuple, list)) or len(shape) == 1 and isinstance(shape[0], int):
            sizes = ", ".join(map(str, shape if isinstance(shape, (tuple, list)) else [shape]))
            raise ValueError(
                f"build: input_shape is {shape!r}, expected the batch axis in it too: build((None, {sizes}))"
            )
        shape = tuple(shape)
        if not shape or shape[0] is not None and not isinstance(shape[0], int):
            raise ValueError(f"build: input_shape is {shape}, expected (None, ...), None for the batch axis")
        for size in shape[1:]:
            if size is not None:
                check.whole("build", "input_shape", size, 1)
        return (None, *shape[1:])

    def probe(self, x, op):
        """The output array for the first sample of x, in evaluation mode; builds what is not built. x may be a list or
        a dict of arrays, and the outputs may be so too."""
        with trying(self), no_grad():
            y = self(formed(_form(x), [Tensor(writeable(one[:1])) for one in listed(x)]))
        for one in listed(y):
            if not isinstance(one, Tensor):
                raise TypeError(
                    f"{op}: forward of {type(self).__name__} returned {type(one).__name__}, expected a Tensor"
                )
            if one.ndim < 1 or len(one) != 1:
                shapes = " and ".join(str(array.shape[1:]) for array in listed(x))
                raise ValueError(
                    f"{op}: forward of {type(self).__name__} returned shape {one.shape} for one sample of shape "
                    f"{shapes}, expected (1, ...), a row for every sample"
                )
        self.note_uncalled()
        if self.input_shape is None:
            shapes = [(None, *one.shape[1:]) for one in listed(x)]
            self.input_shape = shapes[0] if _form(x) is None else shapes
        return formed(_form(y), [one.value for one in listed(y)])

    def note_uncalled(self):
        """After a run: the layers that are not built yet are never called, and so are no reason to call the model not
        built."""
        for layer in self.named_layers().values():
            if not layer.built:
                layer.uncalled = True

    @property
    def declared_shape(self):
        """The `input_shape` that data is held to; None where nothing was said."""
        return self.input_shape if self.declared else None

    @property
    def input_shapes(self):
        """A list of the inputs' shapes, with None for the batch axis; None before they are known."""
        return (
            self.input_shape if self.input_shape is None or isinstance(self.input_shape, list) else [self.input_shape]
        )

    @property
    def dtype(self):
        """The dtype of the first layer."""
        for _, child in self.walk():
            if isinstance(child, Layer):
                return child.dtype
        return np.dtype(np.float32)

    @property
    def input_dtype(self):
        """The dtype in which data is handed to the model, the first layer's; None for numbers as they are."""
        for _, child in self.walk():
            if isinstance(child, Layer):
                return child.input_dtype
        return np.dtype(np.float32)

    @property
    def layers(self):
        """The layers and models among the attributes, in order. Their `name` is that in this model, as `summary` says
        it, unless they were given one."""
        named = [(path, child) for path, child in self.children() if not isinstance(child, Parameter)]
        for path, child in once(named):
            call_there(child, path)
        return [child for _, child in named]

    def get_layer(self, name=None, index=None):
        """The layer or model among `layers` with a name, as `summary` says it or as it was given, or at an index.
        Raises ValueError."""
        layers = self.layers
        children = {path: child for path, child in self.walk() if not isinstance(child, Parameter)}
        if name is not None and name in children:
            return children[name]
        own = [child for child in children.values() if name is not None and given_name(child) == name]
        if len(own) == 1:
            return own[0]
        if name is None and isinstance(index, int) and -len(layers) <= index < len(layers):
            return layers[index]
        asked = f"index is {index!r}" if name is None else f"name is {name!r}"
        raise ValueError(f"get_layer: {asked}, the model has {', '.join(map(repr, children))}{nearest(name, children)}")

    def children(self):
        """(name, layer, model or parameter) among the attributes."""
        for name, value in vars(self).items():
            yield from found(name, value, (Layer, Model, Parameter))

    def walk(self):
        """(path, layer, model or parameter) of everything below but what layers are made of, each once."""
        return walk(self, blocks=False)

    def named_layers(self):
        """{path: layer} of all layers, those of nested models too."""
        return {path: child for path, child in self.walk() if isinstance(child, Layer)}

    def named_parameters(self):
        """{path: parameter} of all parameters, each once."""
        paths = []
        for path, child in self.walk():
            if isinstance(child, Parameter):
                paths.append((path, child))
            elif isinstance(child, Layer):
                paths += ((f"{path}.{name}", p) for name, p in child.named_parameters().items())
        return dict(once(paths))

    def parameters(self):
        """All parameters, in order; none of layers that are not built."""
        return list(self.named_parameters().values())

    def count_params(self):
        """The number of weights, an int. Raises ValueError before the model is built."""
        self._expect_built("count_params")
        return sum(p.value.size for p in self.parameters())

    @property
    def trainable(self):
        """Whether training changes any weight. Setting it freezes, or not, every layer below, before `build` too."""
        return any(child.trainable for _, child in self.walk() if not isinstance(child, Model))

    @trainable.setter
    def trainable(self, trainable):
        for _, child in self.walk():
            if not isinstance(child, Model):
                child.trainable = trainable

    def train(self, training=True):
        """Training mode, for the model and everything below; returns the model."""
        self.training = training
        for _, child in self.walk():
            if isinstance(child, Layer):
                child.train(training)  # which reaches the layers in it
            elif isinstance(child, Model):
                child.training = training
        return self

    def eval(self):
        """Evaluation mode, for the model and everything below; returns the model."""
        return self.train(False)

    def to(self, device):
        """Move all weights to "cpu" or "cuda"; returns the model. It trains there from now on, whatever `tw.use` says.

        Data that lies on a device draws the weights there all the same. Raises RuntimeError, which says why and what
        helps, where CUDA cannot be used.
        """
        check.choice("to", "device", device, ("cpu", "cuda"))
        if device == "cuda":
            expect_cuda("to")
        self._device = device
        return self._move(device)

    def settle(self):
        """Move the weights where `tw.use` says, unless `to` said something else of this model."""
        if used() == "cuda" and self._device is None:
            self._move("cuda")

    def _move(self, device):
        for _, child in self.walk():
            if isinstance(child, Layer):
                child.to(device)
            elif isinstance(child, Parameter):
                child.value, child.grad = placed(child.value, device), None
        return self

    def summary(self, line_length=None):
        """Print a table of the layers: output shapes, numbers of parameters, whether they are trained, memory, and for
        functional models connections. Raises ValueError before `build`.

        line_length  characters of a line, at least 40; those of the terminal if left out, 80 where there is none.
                     Names are shortened to fit.
        """
        self._expect_built("summary")
        if line_length is not None:
            check.whole("summary", "line_length", line_length, 40)
        print(table(self, line_length or get_terminal_size((80, 24)).columns))

    def __repr__(self):
        return described(self)

    def _expect_built(self, op):
        unbuilt = [path for path, layer in self.named_layers().items() if not (layer.built or layer.uncalled)]
        if unbuilt or not self.layers and not self.parameters():
            missing = f"{unbuilt[0]} has no shape yet" if unbuilt else "it has no layers"
            raise ValueError(
                f"{op}: the model is not built, {missing}; call model.build((None, ...)), "
                f"or give the first layer an input_shape"
            )


def _form(x):
    """The form of arrays or tensors, see `formed`."""
    return tuple(x) if isinstance(x, dict) else "list" if isinstance(x, (list, tuple)) else None
