"""Losses: a scalar tensor from a model's output and a target, over kernels/loss.

A target is checked and converted once, at the door: numbers (mean squared error, binary and categorical
cross-entropy) to the output's dtype and shape, class labels (sparse cross-entropy) to int64.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels import loss as kernels
from ..layers._device import beside, to_host
from ..layers._door import as_array, writeable
from ..layers._layer import config
from ..layers._tape import Tensor, record

SUM_TOLERANCE = 1e-3  # of a row of shares, which may be float16 or rounded to a few digits
_SAMPLES = {"target": "output", "validation_data[1]": "validation_data[0]"}  # what goes with a target, else x


class Loss:
    """Base of all losses: called as `loss(output, target)`, in PyTorch's order, it returns a scalar tensor."""

    from_logits = False

    def __call__(self, output, target):
        """output (N, ...), target (see the class) -> scalar tensor. Raises as `targets` does."""
        op = type(self).__name__
        order = ""
        if not isinstance(output, Tensor):
            if isinstance(target, Tensor):
                order = f"; the order is {op}()(output, target), and here the target is the tensor"
                if target.requires_grad:
                    raise TypeError(f"{op}: output is {type(output).__name__}, expected the model's output{order}")
            output = Tensor(as_array(op, "output", output, np.float32))
        t = self.targets(to_host(target), output.value, op, "target")
        if t.shape[:1] != output.shape[:1]:
            raise ValueError(f"{op}: output has {len(output)} rows and target has {len(t)}, expected as many{order}")
        return self.measure(output, beside(writeable(t), output.value))

    def targets(self, target, output, op, name):
        """The target as `measure` takes it; TypeError or ValueError if it cannot be one for such an output array.

        The batch axes may differ: a whole data set is checked against the output for one sample.
        """
        raise NotImplementedError

    def measure(self, output, t):
        """The loss of an output tensor against a converted target."""
        y = output.value
        value = self.forward(y, t)
        return record(value, lambda dloss: self.backward(dloss, y, t), output)

    def config(self):
        """The constructor's arguments."""
        return config(self)


class MeanSquaredError(Loss):
    """mean((y - t)^2) over all elements: output (N, ...), target of the same shape, (N,) for (N, 1)."""

    forward = staticmethod(kernels.mse_forward)
    backward = staticmethod(kernels.mse_backward)

    def targets(self, target, output, op, name):
        limit = np.finfo(output.dtype).max
        return _numbers(target, output, op, name, -limit, limit)


class BinaryCrossentropy(Loss):
    """-mean(t log y + (1 - t) log(1 - y)): output (N, ...) of probabilities or logits, target in [0, 1]."""

    def __init__(self, from_logits=False):
        self.from_logits = bool(from_logits)

    def targets(self, target, output, op, name):
        return _numbers(target, output, op, name, 0, 1, "for a binary cross-entropy; two classes are 0 and 1")

    def forward(self, y, t):
        return kernels.binary_crossentropy_forward(y, t, from_logits=self.from_logits)

    def backward(self, dloss, y, t):
        return kernels.binary_crossentropy_backward(dloss, y, t, from_logits=self.from_logits)


class CategoricalCrossentropy(Loss):
    """-mean over rows of sum(t log y): output (N, C) of probabilities or logits, target (N, C), one-hot or shares."""

    def __init__(self, from_logits=False):
        self.from_logits = bool(from_logits)

    def targets(self, target, output, op, name):
        _expect_classes(output, op, "categorical_crossentropy")
        if output.ndim > 2:
            _expect_a_place_each(np.shape(target), output, output.ndim, op, name)
        if np.ndim(target) == 1:
            raise ValueError(
                f"{op}: {name} has shape {np.shape(target)}, expected (N, {output.shape[-1]}), a number a class; for "
                f"labels use sparse_categorical_crossentropy, or make them np.eye({output.shape[-1]})[{name}]"
            )
        t = _numbers(target, output, op, name, 0, 1, "as a class's share")
        sums = t.sum(-1)
        if (wrong := np.argwhere(abs(sums - 1) > SUM_TOLERANCE)).size:
            row = wrong[0].tolist()
            raise ValueError(
                f"{op}: {name}{row} = {t[tuple(row)].tolist()} sums to {sums[tuple(row)]:.6g}, expected 1 because a "
                f"row holds the classes' shares; for several classes at once use binary_crossentropy"
            )
        return t

    def forward(self, y, t):
        return kernels.categorical_crossentropy_forward(_rows(y), _rows(t), from_logits=self.from_logits)

    def backward(self, dloss, y, t):
        dy = kernels.categorical_crossentropy_backward(dloss, _rows(y), _rows(t), from_logits=self.from_logits)
        return dy.reshape(y.shape)


class SparseCategoricalCrossentropy(Loss):
    """-mean over rows of log y[t]: output (N, C) of probabilities or logits, target (N,) or (N, 1) of labels."""

    def __init__(self, from_logits=False):
        self.from_logits = bool(from_logits)

    def targets(self, target, output, op, name):
        _expect_classes(output, op, "sparse_categorical_crossentropy")
        t = as_array(op, name, target)
        axes = output.ndim - 1
        if axes > 1:
            _expect_a_place_each(t.shape[:-1] if t.shape[1:] == (1,) else t.shape, output, axes, op, name)
        if t.ndim == axes + 1 and t.shape[-1] == 1:
            t = t.reshape(t.shape[:-1])
        if t.ndim != axes or t.shape[1:] != output.shape[1:-1]:
            remedy = "; for one-hot rows use categorical_crossentropy" if t.shape[1:] == output.shape[1:] else ""
            wanted = ", ".join(["N", *map(str, output.shape[1:-1])]) + ("," if axes == 1 else "")
            raise ValueError(f"{op}: {name} has shape {t.shape}, expected ({wanted}), a label for every row{remedy}")
        return _labels(t, output.shape[-1], op, name)

    def forward(self, y, t):
        return kernels.sparse_categorical_crossentropy_forward(_rows(y), t.reshape(-1), from_logits=self.from_logits)

    def backward(self, dloss, y, t):
        dy = kernels.sparse_categorical_crossentropy_backward(
            dloss, _rows(y), t.reshape(-1), from_logits=self.from_logits
        )
        return dy.reshape(y.shape)


LOSSES = {
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def get_loss(loss):
    """A loss from its name; a loss as it is."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, type) and issubclass(loss, Loss):
        return loss()
    check.choice("compile", "loss", loss, tuple(LOSSES))
    return LOSSES[loss]()


def _rows(y):
    return y if y.ndim == 2 else y.reshape(-1, y.shape[-1])


def _numbers(target, output, op, name, low, high, why=""):
    """The target as an array of the output's dtype and shape (but for the batch axis), all from low to high."""
    given = t = as_array(op, name, target, output.dtype)
    if t.ndim == output.ndim - 1 and output.shape[-1] == 1:
        t = t[..., None]
    if t.ndim != output.ndim or t.shape[1:] != output.shape[1:]:
        wanted = ", ".join(["N", *map(str, output.shape[1:])]) + ("," if output.ndim == 1 else "")
        raise ValueError(f"{op}: {name} has shape {t.shape}, expected ({wanted}) because that is the model's output")
    _expect_within(low, high, given, op, name, why)  # whose message counts the axes as the caller does
    return t


def _labels(t, classes, op, name):
    if t.dtype.kind == "f":
        _expect_finite(t, op, name)
        if (t != np.floor(t)).any():
            raise ValueError(f"{op}: {name} holds {t[t != np.floor(t)][0]}, expected whole numbers, a class each")
    if t.size and (t.min() < 0 or t.max() >= classes):
        bad = t[(t < 0) | (t >= classes)][0]
        remedy = "labels count from 0" if bad >= 0 else "give every class a number from 0 on"
        raise ValueError(
            f"{op}: {name} holds the label {bad}, expected 0 to {classes - 1} because the model's output has "
            f"{classes} classes; {remedy}"
        )
    return np.ascontiguousarray(t, np.int64)


def _expect_within(low, high, t, op, name, why):
    """All of t is from low to high; NaN is nowhere."""
    if t.size and not (t.min() >= low and t.max() <= high):
        _expect_finite(t, op, name)
        bad = t[(t < low) | (t > high)][0]
        raise ValueError(f"{op}: {name} holds {bad}, expected numbers from {low} to {high} {why}")


def _expect_classes(output, op, loss):
    if output.ndim < 2 or output.shape[-1] < 2:
        raise ValueError(
            f"{op}: the model's output has shape (N, {', '.join(map(str, output.shape[1:]))}), expected (N, C) with a "
            f"column for each of at least 2 classes because the loss is {loss}; for one column use binary_crossentropy"
        )


def _expect_a_place_each(shape, output, axes, op, name):
    """One target a sample wants one row of classes a sample; more axes of output are mostly a forgotten Flatten."""
    if len(shape) < axes and len(shape) <= 2:
        sizes = ", ".join(map(str, output.shape[1:]))
        raise ValueError(
            f"{op}: the model's output has shape (N, {sizes}), expected (N, C) because {name} has shape {shape}; "
            f"put Flatten(), or pooling down to one place and Flatten(), before the Dense of the classes"
        )


def _expect_finite(t, op, name):
    where = np.argwhere(~np.isfinite(t))
    if len(where):
        first = tuple(int(i) for i in where[0])
        x = _SAMPLES.get(name, "x")
        rows = f".reshape(len({name}), -1).all(1)" if t.ndim > 1 else ""
        raise ValueError(
            f"{op}: {name} holds {len(where)} values that are NaN or infinite, the first is {name}{list(first)} = "
            f"{t[first]}; leave those samples out of both: keep = np.isfinite({name}){rows}; {x}[keep], {name}[keep]"
        )
