"""Losses: a scalar tensor from a model's output and a target, over kernels/loss.

A target is checked and converted once, at the door: numbers to the output's dtype and shape, class labels (the sparse
losses) to int64. Formulas and what a mean divides by: kernels/loss.

While a step is recorded, the losses that have a `with_gradient` compute their gradient in the same pass.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels import loss as kernels
from ..layers._device import beside, to_host
from ..layers._door import as_array, writeable
from ..layers._layer import config
from ..layers._tape import Tensor, record, tape
from .targets import class_labels, numbers, shares


class Loss:
    """Base of all losses: called as `loss(output, target)`, in PyTorch's order, it returns a scalar tensor."""

    from_logits = False
    with_gradient = None  # (y, t) -> (loss, dy) in one pass, of losses that have it

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
        if self.with_gradient and tape.recording and output.requires_grad and isinstance(y, np.ndarray):
            value, dy = self.with_gradient(y, t)
            return record(value, lambda dloss: dy if dloss == 1 else np.multiply(dy, dloss, out=dy), output)
        return record(self.forward(y, t), lambda dloss: self.backward(dloss, y, t), output)

    def config(self):
        """The constructor's arguments."""
        return config(self)


class _Elements(Loss):
    """Base of losses that compare numbers one by one: target of the output's shape, (N,) for (N, 1)."""

    def targets(self, target, output, op, name):
        limit = np.finfo(output.dtype).max
        return numbers(target, output, op, name, -limit, limit)


class MeanSquaredError(_Elements):
    """mean((y - t)^2) over all elements: output (N, ...), target of the same shape, (N,) for (N, 1)."""

    forward = staticmethod(kernels.mse_forward)
    backward = staticmethod(kernels.mse_backward)
    with_gradient = staticmethod(kernels.mse_with_gradient)


class MeanAbsoluteError(_Elements):
    """mean(|y - t|) over all elements: output (N, ...), target of the same shape, (N,) for (N, 1)."""

    forward = staticmethod(kernels.mae_forward)
    backward = staticmethod(kernels.mae_backward)


class Huber(_Elements):
    """Mean of (y - t)^2 / 2, or of delta (|y - t| - delta / 2) where |y - t| is above delta."""

    def __init__(self, delta=1.0):
        check.positive("Huber", "delta", delta)
        self.delta = float(delta)

    def forward(self, y, t):
        return kernels.huber_forward(y, t, delta=self.delta)

    def backward(self, dloss, y, t):
        return kernels.huber_backward(dloss, y, t, delta=self.delta)


class LogCosh(_Elements):
    """Mean of log cosh(y - t): output (N, ...), target of the same shape, (N,) for (N, 1)."""

    forward = staticmethod(kernels.log_cosh_forward)
    backward = staticmethod(kernels.log_cosh_backward)


class Hinge(Loss):
    """mean(max(1 - t y, 0)): output (N, ...) of any numbers, target -1 and 1, or 0 and 1, which become -1 and 1."""

    forward = staticmethod(kernels.hinge_forward)
    backward = staticmethod(kernels.hinge_backward)

    def targets(self, target, output, op, name):
        t = numbers(target, output, op, name, -1, 1, "for a hinge loss; two classes are -1 and 1, or 0 and 1")
        return 2 * t - 1 if ((t == 0) | (t == 1)).all() else t


class SquaredHinge(Hinge):
    """mean(max(1 - t y, 0)^2): output and target as for Hinge."""

    forward = staticmethod(kernels.squared_hinge_forward)
    backward = staticmethod(kernels.squared_hinge_backward)


class BinaryCrossentropy(Loss):
    """-mean(t log y + (1 - t) log(1 - y)): output (N, ...) of probabilities or logits, target in [0, 1]."""

    def __init__(self, from_logits=False, label_smoothing=0.0):
        self.from_logits = bool(from_logits)
        self.label_smoothing = _share(self, "label_smoothing", label_smoothing)

    def targets(self, target, output, op, name):
        return numbers(target, output, op, name, 0, 1, "for a binary cross-entropy; two classes are 0 and 1")

    def _options(self):
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}

    def forward(self, y, t):
        return kernels.binary_crossentropy_forward(y, t, **self._options())

    def backward(self, dloss, y, t):
        return kernels.binary_crossentropy_backward(dloss, y, t, **self._options())

    def with_gradient(self, y, t):
        return kernels.binary_crossentropy_with_gradient(y, t, **self._options())


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Binary cross-entropy times (1 - p)^gamma, p the probability of what is true; output and target as there.

    With `apply_class_balancing` targets of 1 weigh alpha, and those of 0 weigh 1 - alpha.
    """

    with_gradient = None

    def __init__(self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0):
        super().__init__(from_logits, label_smoothing)
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha, self.gamma = _share(self, "alpha", alpha), _above(self, "gamma", gamma)

    def _options(self):
        alpha = self.alpha if self.apply_class_balancing else None
        return {**super()._options(), "alpha": alpha, "gamma": self.gamma}

    def forward(self, y, t):
        return kernels.binary_focal_crossentropy_forward(y, t, **self._options())

    def backward(self, dloss, y, t):
        return kernels.binary_focal_crossentropy_backward(dloss, y, t, **self._options())


class CategoricalCrossentropy(Loss):
    """-mean over rows of sum(t log y): output (N, C) of probabilities or logits, target (N, C), one-hot or shares."""

    def __init__(self, from_logits=False, label_smoothing=0.0):
        self.from_logits = bool(from_logits)
        self.label_smoothing = _share(self, "label_smoothing", label_smoothing)

    def targets(self, target, output, op, name):
        return shares(target, output, op, name)

    def _options(self):
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}

    def forward(self, y, t):
        return kernels.categorical_crossentropy_forward(_rows(y), _rows(t), **self._options())

    def backward(self, dloss, y, t):
        dy = kernels.categorical_crossentropy_backward(dloss, _rows(y), _rows(t), **self._options())
        return dy.reshape(y.shape)

    def with_gradient(self, y, t):
        loss, dy = kernels.categorical_crossentropy_with_gradient(_rows(y), _rows(t), **self._options())
        return loss, dy.reshape(y.shape)


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """-mean over rows of sum(alpha (1 - y)^gamma t log y): output and target as for CategoricalCrossentropy."""

    with_gradient = None

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0):
        super().__init__(from_logits, label_smoothing)
        self.alpha, self.gamma = _above(self, "alpha", alpha), _above(self, "gamma", gamma)

    def _options(self):
        return {**super()._options(), "alpha": self.alpha, "gamma": self.gamma}

    def forward(self, y, t):
        return kernels.categorical_focal_crossentropy_forward(_rows(y), _rows(t), **self._options())

    def backward(self, dloss, y, t):
        dy = kernels.categorical_focal_crossentropy_backward(dloss, _rows(y), _rows(t), **self._options())
        return dy.reshape(y.shape)


class SparseCategoricalCrossentropy(Loss):
    """-mean over rows of log y[t]: output (N, C) of probabilities or logits, target (N,) or (N, 1) of labels.

    Rows whose label is `ignore_class` count neither in the sum nor in the number of rows.
    """

    def __init__(self, from_logits=False, ignore_class=None):
        if ignore_class is not None:
            check.whole("SparseCategoricalCrossentropy", "ignore_class", ignore_class, -(1 << 62))
        self.from_logits, self.ignore_class = bool(from_logits), ignore_class

    def targets(self, target, output, op, name):
        return class_labels(target, output, op, name, self.ignore_class)

    def _options(self):
        return {"from_logits": self.from_logits, "ignore_index": self.ignore_class}

    def forward(self, y, t):
        return kernels.sparse_categorical_crossentropy_forward(_rows(y), t.reshape(-1), **self._options())

    def backward(self, dloss, y, t):
        dy = kernels.sparse_categorical_crossentropy_backward(dloss, _rows(y), t.reshape(-1), **self._options())
        return dy.reshape(y.shape)

    def with_gradient(self, y, t):
        loss, dy = kernels.sparse_categorical_crossentropy_with_gradient(_rows(y), t.reshape(-1), **self._options())
        return loss, dy.reshape(y.shape)


class KLDivergence(Loss):
    """Mean over rows of sum(t log(t / y)): output (N, C) of probabilities, target (N, C) of probabilities."""

    def targets(self, target, output, op, name):
        return shares(target, output, op, name, "kl_divergence")

    def forward(self, y, t):
        return kernels.kl_divergence_forward(_rows(y), _rows(t))

    def backward(self, dloss, y, t):
        return kernels.kl_divergence_backward(dloss, _rows(y), _rows(t)).reshape(y.shape)


class CosineSimilarity(_Elements):
    """-mean over rows of the cosine of y and t: output (N, C), target (N, C); -1 where they point the same way."""

    def forward(self, y, t):
        return kernels.cosine_similarity_forward(_rows(y), _rows(t))

    def backward(self, dloss, y, t):
        return kernels.cosine_similarity_backward(dloss, _rows(y), _rows(t)).reshape(y.shape)


LOSSES = {
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "huber": Huber,
    "log_cosh": LogCosh,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "binary_crossentropy": BinaryCrossentropy,
    "binary_focal_crossentropy": BinaryFocalCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "categorical_focal_crossentropy": CategoricalFocalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "kl_divergence": KLDivergence,
    "cosine_similarity": CosineSimilarity,
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


def _share(loss, name, value):
    check.number(type(loss).__name__, name, value, 0, 1)
    return float(value)


def _above(loss, name, value):
    check.number(type(loss).__name__, name, value, 0)
    return float(value)
