"""What is given to `fit`, `evaluate` and the like becomes feeds of batches, and batches what a step takes."""

import numpy as np

from ..layers._device import beside, on_device, to_host
from ..layers._door import writeable
from ..layers._tape import Tensor
from . import data, weights
from .advice import look_at_outputs
from .feeds import ArrayFeed, StreamFeed, is_stream
from .forms import each, listed
from .loader import DataLoader
from .penalty import penalised

NAMES = ("x", "y", "sample_weight")


class Door:
    """The part of a trainer that looks at what comes in. It has `model`, `loss`, `metrics` and `optimizer`."""

    _looked = False  # whether outputs were found to be of the loss's kind, or not, which is said once
    attached = False  # whether the optimizer knows the parameters
    weighted = ()  # the metrics that weights count for
    example = None  # the output for one sample: an array, or a list or a dict of arrays
    penalised = ()  # the parameters whose penalties are part of the loss

    def training_feed(self, x, y, sample_weight, class_weight, size, shuffle, steps, share, validation):
        """(what trains, what is held out of it for validation or None); `validation` is (batch size, steps)."""
        op, held_out = "fit", None
        if isinstance(x, np.memmap) and x.dtype != self.model.input_dtype and y is not None:
            # not converted as a whole, which would read it: a loader's batches are converted one by one
            whole, rest = DataLoader(x, y, sample_weight=sample_weight), None
            parts = whole.x, whole.y, whole.sample_weight
            if share:
                parts, rest = data.split(op, share, *parts)
                rest = DataLoader(*rest[:2], validation[0], sample_weight=rest[2])
            feed = self.feed(op, DataLoader(*parts[:2], size, shuffle, sample_weight=parts[2]), None, None, size, steps)
            return feed, rest and self.feed(op, rest, None, None, *validation)
        if is_stream(x):
            if share:
                raise ValueError(
                    f"{op}: validation_split is {share}, but x gives batches, which have no last part; give "
                    f"validation_data"
                )
            return self.feed(op, x, y, sample_weight, size, steps), None
        x, t, w = self.samples(op, x, y, sample_weight, NAMES)
        if share:
            (x, t, w), rest = data.split(op, share, x, t, w)
            held_out = ArrayFeed(*map(_host, rest), validation[0], steps=validation[1])
        w = self.weights(op, w, class_weight, t)
        recorded = self.on_device() and w is None and not (steps or self.weighted)
        recorded = recorded and hasattr(x, "shape") and hasattr(t, "shape")
        if recorded:
            return _DeviceFeed(beside(x, self.example), beside(t, self.example), size, shuffle), held_out
        return ArrayFeed(_host(x), _host(t), w, size, shuffle, steps), held_out

    def validation_feed(self, given, size, steps):
        """What `validation_data` says."""
        if is_stream(given):
            return self.feed("fit", given, None, None, size, steps, stream="validation_data")
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise TypeError("fit: validation_data is expected to be a pair, (x, y), or (x, y, sample_weight)")
        names = tuple(f"validation_data[{i}]" for i in range(3))
        if is_stream(given[0]):
            raise TypeError(f"fit: {names[0]} gives batches; pass it as validation_data itself")
        return self.feed("fit", *(*given, None)[:3], size, steps, names)

    def feed(self, op, x, y, sample_weight, size, steps, names=NAMES, stream="x"):
        """Batches in order, of arrays or of whatever gives batches."""
        if is_stream(x):
            for name, given in (("y", y), ("sample_weight", sample_weight)):
                if given is not None:
                    raise ValueError(f"{op}: {name} is given, but x gives batches, expected them to be (x, y) or more")
            feed = StreamFeed(op, stream, x, steps)
            self.look_at(op, feed.first())
            return feed
        x, t, w = self.samples(op, x, y, sample_weight, names)
        return ArrayFeed(_host(x), _host(t), self.weights(op, w, None, t), size, steps=steps)

    def samples(self, op, x, y, w, names):
        """Samples, targets and weights as arrays, all of them checked; builds the model on the way."""
        self.model.settle()
        if x is None or y is None:
            data.expect_apart(op, names, x, y)
        x = data.all_inputs(op, names[0], x, self.model)
        data.expect_finite(op, names, x)
        first = listed(x)[0]
        self.prepare(op, x)
        t = self.targets(op, names, y, first, self.example)
        if w is not None:
            w = self.loss.sample_weights(op, names[2], self._unnamed(w), self.example, len(first))
        return x, t, w

    def targets(self, op, names, y, x, output):
        """The targets as the loss takes them, one for each sample of x."""
        y = self._unnamed(y)
        for name, one in self.loss.answers(op, names[1], y):
            data.same_length(op, names[0], x, name, one)
        return self.loss.targets(to_host(y), output, op, names[1])

    def _unnamed(self, part):
        """What is given by the name of a model's only output; else as it is."""
        if isinstance(part, dict) and hasattr(self.example, "shape"):
            if [*part] in (getattr(self.model, "output_names", None), self.chosen.output_names):
                return part[next(iter(part))]
        return part

    def weights(self, op, w, class_weight, t, is_all=True):
        """Weights of samples and classes together, of the loss's dtype, or None."""
        if w is None and class_weight is None:
            return None
        dtype = listed(self.example)[0].dtype
        if class_weight is not None:
            if not hasattr(t, "shape"):
                raise ValueError(
                    f"{op}: class_weight is given and the model has several outputs; use sample_weight, for some of "
                    f"them alone as a dictionary by output"
                )
            w = weights.of_both(w, weights.class_weights(op, class_weight, self.loss.classes(op, t), is_all))
        return each(lambda one: np.ascontiguousarray(one, dtype), w)

    def look_at(self, op, item):
        """Build the model for an item of a stream."""
        y = item[1] if isinstance(item, (tuple, list)) and len(item) > 1 else None
        if np.isscalar(y) or isinstance(y, np.ndarray) and not y.ndim:
            raise ValueError(
                f"{op}: x gave one sample, with the target {y}, expected a batch; of samples make batches with "
                f"tw.train.DataLoader(x, batch_size=32)"
            )
        x = item[0] if isinstance(item, (tuple, list)) and not hasattr(item, "shape") else item
        self.model.settle()
        self.prepare(op, data.all_inputs(op, "x", x, self.model))

    def prepare(self, op, x):
        """Build the model for x; optimizer, loss and metrics take note of its parameters and outputs as they are."""
        output = self.model.probe(x, op)
        self.example = output
        self.loss, self.metrics, self.weighted = self.chosen(self.model, output)
        parameters = self.model.parameters()
        if parameters:
            self.optimizer.attach(parameters)
        self.penalised = penalised(parameters)
        self.attached = True
        if not self._looked:
            self._looked = True
            look_at_outputs(op, self.model, self.loss, output)

    def __getstate__(self):
        """In files and copies without what belongs to a `fit` that runs, and without the example."""
        return {**vars(self), "callbacks": (), "place": None, "replayed": None, "example": None, "attached": False}

    def on_device(self):
        """Whether the model computes on a device."""
        return on_device(listed(self.example)[0])

    def run(self, op, loose, x, y, w=None, class_weight=None):
        """(outputs, targets, weights) of a batch; a loose one is checked and converted here."""
        if loose:
            x = data.all_inputs(op, "x", x, self.model)
        output = self.model(tensors(x))
        t, found = y, values(output)
        if loose:
            if y is None:
                raise ValueError(f"{op}: x gave a batch without targets, expected (x, y)")
            t = self.targets(op, NAMES, y, listed(x)[0], found)
            t = writeable(t) if hasattr(t, "shape") else t
            if w is not None:
                w = self.loss.sample_weights(op, "sample_weight", self._unnamed(w), found, len(listed(x)[0]))
            w = self.weights(op, w, class_weight, t, False)
        if on_device(listed(found)[0]):
            t = beside(t, found)
        return output, t, w


class _DeviceFeed:
    """Samples on a device, whose steps are recorded: device.py."""

    loose, plain, on_device = False, True, True

    def __init__(self, x, t, size, shuffle):
        self.x, self.t, self.size, self.shuffle = x, t, size, shuffle
        self.samples, self.batches = len(x), -(-len(x) // size)


def tensors(x):
    """Arrays in any form as tensors."""
    return each(lambda one: Tensor(writeable(one)), x)


def values(output):
    """The arrays of outputs in any form."""
    return each(lambda one: one.value, output)


def masks(output):
    """The masks of outputs in any form; None where there is none."""
    return each(lambda one: one.mask, output)


def _host(part):
    return each(to_host, part)
