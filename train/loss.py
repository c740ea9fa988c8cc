"""What all losses share: targets at the door, weights, masks, reductions, and the way onto the tape.

A target is checked and converted once, at the door: numbers to the output's dtype and shape, class labels (the sparse
losses) to int64. Formulas and what a mean divides by: kernels/loss.

While a step is recorded, the losses that have a `with_gradient` compute their gradient in the same pass.
"""

import numpy as np

from ..kernels import _check as check
from ..layers._device import beside, to_host
from ..layers._door import as_array, writeable
from ..layers._layer import config
from ..layers._own import name_arguments
from ..layers._tape import Tensor, record, tape
from . import own
from .advice import look_at_numbers
from .targets import numbers
from .weights import sample_weights, spread

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


class Loss:
    """Base of all losses: called as `loss(output, target)`, in PyTorch's order, it returns a scalar tensor.

    All take `reduction`, Keras's, which says what becomes of the losses of elements or rows:

    sum_over_batch_size      the sum of weight times loss by the number of losses; "mean" is the same
    sum                      the sum of weight times loss
    mean_with_sample_weight  the sum of weight times loss by the sum of weights
    none                     a tensor of them; None is the same

    A loss of your own defines `__call__(self, output, target)` alone, output first, or is a function of both for
    `compile`: the model's output and the target, a constant tensor of its dtype, (N, 1) where y is (N,) and the output
    (N, 1). It gives a scalar tensor, or one of values a sample, (N, ...): those are weighted, and their mean is taken.

    >>> class Cubed(Loss):
    ...     def __call__(self, output, target):
    ...         return (output - target) * (output - target) * (output - target)
    >>> def halved(output, target):
    ...     return ((output - target) * (output - target)).mean() / 2
    """

    direction = "min"  # of a loss that is a metric too: metrics/base.py
    from_logits = _looked = False
    probabilities_by = None  # the activation before it, of a loss that takes probabilities or logits
    with_gradient = None  # (y, t) -> (loss, dy) in one pass, of losses that have it
    reduction = "sum_over_batch_size"
    _plain = True  # whether that is the mean, which most kernels compute by themselves

    def __init_subclass__(cls, **options):
        """A class with a `__call__` of its own, and no kernels, is measured by it."""
        super().__init_subclass__(**options)
        name_arguments(cls)
        if "__call__" in vars(cls) and not {"forward", "measure"} & vars(cls).keys():
            cls.measure = own.measure
            if cls.targets is Loss.targets:
                cls.targets = own.targets

    def __call__(self, output, target, sample_weight=None):
        """output (N, ...), target (see the class), a weight for every sample or loss -> scalar tensor.

        Raises as `targets` does.
        """
        op = type(self).__name__
        order = ""
        if not isinstance(output, Tensor):
            if isinstance(target, Tensor):
                order = f"; the order is {op}()(output, target), and here the target is the tensor"
                if target.requires_grad:
                    raise TypeError(f"{op}: output is {type(output).__name__}, expected the model's output{order}")
            output = Tensor(as_array(op, "output", output, np.float32))
        if self.probabilities_by and not self._looked:
            self._looked = True
            look_at_numbers(op, self, output.value)
        t = self.targets(to_host(target), output.value, op, "target")
        if t.shape[:1] != output.shape[:1]:
            raise ValueError(f"{op}: output has {len(output)} rows and target has {len(t)}, expected as many{order}")
        w = None if sample_weight is None else sample_weights(op, "sample_weight", sample_weight, len(output))
        return Loss.measure(self, output, beside(writeable(t), output.value), w)

    def targets(self, target, output, op, name):
        """The target as `measure` takes it; TypeError or ValueError if it cannot be one for such an output array.

        The batch axes may differ: a whole data set is checked against the output for one sample.
        """
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, output, target)")

    def answers(self, op, name, target):
        """(name, targets) of everything that has one for each sample."""
        if isinstance(target, dict):
            inside = f"{name}[{next(iter(target))!r}]" if target else "an array"
            raise TypeError(f"{op}: {name} is a dictionary and the model has one output; pass {inside} itself")
        yield name, target

    def sample_weights(self, op, name, given, output, samples):
        """The weights of samples, or of their losses, for outputs such as these, as `measure` takes them."""
        w = sample_weights(op, name, given, samples)
        if hasattr(self, "forward"):  # what a loss of the user's gives is known when it has given it
            spread(op, name, w, (samples, *self.losses_of(output, None)[0][1:]))
        return w

    def measure(self, output, t, w=None):
        """The loss of an output tensor against a converted target, with weights (N, ...) of samples or losses."""
        y = output.value
        if w is not None or output.mask is not None or not self._plain:
            return self._weighted(output, t, w)
        if self.with_gradient and tape.recording and output.requires_grad and isinstance(y, np.ndarray):
            value, dy = self.with_gradient(y, t)
            return record(value, lambda dloss: dy if dloss == 1 else np.multiply(dy, dloss, out=dy), output)
        return record(self.forward(y, t), lambda dloss: self.backward(_number(dloss), y, t), output)

    def losses_of(self, y, t):
        """(the shape of the losses before any reduction, how many of them count); all of them where t is None."""
        return y.shape, y.size

    def counted(self, t):
        """Which losses count, as booleans; None where all do."""
        return None

    def classes(self, op, t):
        """The class of every sample, as `class_weight` names it, of converted targets: numbers, or one-hot rows.

        Raises ValueError for rows with several classes at once, or none.
        """
        if t.ndim < 2 or t.shape[-1] == 1:
            return t
        one = ((t == 0) | (t == 1)).all(-1) & (t.sum(-1) == 1)
        if not one.all():
            row = tuple(int(i) for i in np.argwhere(~one)[0])
            raise ValueError(
                f"{op}: class_weight needs one class a sample, and y{list(row)} = {t[row].tolist()} names no one; "
                f"weigh every place by itself with sample_weight, such as np.where(y == 1, 5.0, 1.0)"
            )
        return t.argmax(-1)

    def _weighted(self, output, t, w):
        """`measure` with weights, with a mask, whose steps do not count, or with another reduction."""
        y, mask = output.value, output.mask
        shape, count = self.losses_of(y, t)
        if mask is not None and mask.shape == shape[: mask.ndim]:
            mask = mask.reshape(mask.shape + (1,) * (len(shape) - mask.ndim))
            w = mask.astype(y.dtype) if w is None else w.reshape(w.shape + (1,) * (len(shape) - w.ndim)) * mask
            counted = self.counted(t)
            if counted is None:
                count = count * np.count_nonzero(mask) / mask.size
            else:
                count = np.count_nonzero(mask & counted.reshape(shape))
        how = {}
        if w is not None:
            w = spread(type(self).__name__, "sample_weight", w, shape)
            how["weights"] = beside(np.ascontiguousarray(self.as_kernels_do(w), y.dtype), y)
        kind, factor = self.reduction, None
        if kind in ("sum_over_batch_size", "mean"):
            how["reduction"], factor = "sum", y.dtype.type(1 / max(count, 1))
        else:
            how["reduction"] = "mean" if kind == "mean_with_sample_weight" else kind
        value = self.forward(y, t, **how)
        if kind == "none":
            each = lambda dy: self.backward(np.ascontiguousarray(self.as_kernels_do(dy)), y, t, **how)  # noqa: E731
            return record(value.reshape(shape), each, output)
        if factor is None:
            return record(value, lambda dloss: self.backward(_number(dloss), y, t, **how), output)
        return record(value * factor, lambda dloss: self.backward(_number(dloss) * factor, y, t, **how), output)

    def as_kernels_do(self, values):
        """Values of losses, as many axes as the kernel has."""
        return values

    def _reduce(self, reduction):
        reduction = "none" if reduction is None else reduction
        check.choice(type(self).__name__, "reduction", reduction, REDUCTIONS)
        self.reduction, self._plain = reduction, reduction in ("sum_over_batch_size", "mean")

    def config(self):
        """The constructor's arguments."""
        return config(self)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.config().items())})"


class Rows(Loss):
    """Base of losses with a number for every row of the output (N, ..., C)."""

    def losses_of(self, y, t):
        return y.shape[:-1], y.size // y.shape[-1]

    def as_kernels_do(self, values):
        return values.reshape(-1)


class Elements(Loss):
    """Base of losses that compare numbers one by one: target of the output's shape, (N,) for (N, 1)."""

    def __init__(self, reduction="sum_over_batch_size"):
        self._reduce(reduction)

    def targets(self, target, output, op, name):
        limit = np.finfo(output.dtype).max
        return numbers(target, output, op, name, -limit, limit)


def _number(dloss):
    """A gradient that was given as an array of shape () as the number that kernels take."""
    return dloss[()] if dloss.__class__ is np.ndarray else dloss


class FunctionLoss(Loss):
    """A function (output, target) as a loss."""

    def __init__(self, function):
        own.expect_order("loss", function)
        self.function = function

    def __call__(self, output, target):
        return self.function(output, target)

    def __repr__(self):
        return f"FunctionLoss({own.name_of(self)})"


def rows(y):
    """Outputs (..., C) as rows (M, C), as kernels take them."""
    return y if y.ndim == 2 else y.reshape(-1, y.shape[-1])


def share(loss, name, value):
    """An argument of a loss, a number from 0 to 1."""
    check.number(type(loss).__name__, name, value, 0, 1)
    return float(value)


def above(loss, name, value):
    """An argument of a loss, a number from 0."""
    check.number(type(loss).__name__, name, value, 0)
    return float(value)
