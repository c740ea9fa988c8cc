"""Losses by class and by name: a scalar tensor from a model's output and a target, over kernels/loss.

What all share: loss.py. Those of probabilities of classes: crossentropies.py.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels import loss as kernels
from ..layers._door import as_array
from ..layers._tape import Tensor, record
from . import own
from .crossentropies import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    SparseCategoricalCrossentropy,
    SparseCategoricalFocalCrossentropy,
)
from .loss import Elements, FunctionLoss, Loss, Rows, above, rows
from .targets import numbers, shares
from .weights import sample_weights


class MeanSquaredError(Elements):
    """mean((y - t)^2) over all elements: output (N, ...), target of the same shape, (N,) for (N, 1)."""

    forward = staticmethod(kernels.mse_forward)
    backward = staticmethod(kernels.mse_backward)
    with_gradient = staticmethod(kernels.mse_with_gradient)


class MeanAbsoluteError(Elements):
    """mean(|y - t|) over all elements: output (N, ...), target of the same shape, (N,) for (N, 1)."""

    forward = staticmethod(kernels.mae_forward)
    backward = staticmethod(kernels.mae_backward)


class Huber(Elements):
    """Mean of (y - t)^2 / 2, or of delta (|y - t| - delta / 2) where |y - t| is above delta."""

    def __init__(self, delta=1.0, reduction="sum_over_batch_size"):
        super().__init__(reduction)
        check.positive("Huber", "delta", delta)
        self.delta = float(delta)

    def forward(self, y, t, **how):
        return kernels.huber_forward(y, t, delta=self.delta, **how)

    def backward(self, dloss, y, t, **how):
        return kernels.huber_backward(dloss, y, t, delta=self.delta, **how)


class LogCosh(Elements):
    """Mean of log cosh(y - t): output (N, ...), target of the same shape, (N,) for (N, 1)."""

    forward = staticmethod(kernels.log_cosh_forward)
    backward = staticmethod(kernels.log_cosh_backward)


class Hinge(Loss):
    """mean(max(1 - t y, 0)): output (N, ...) of any numbers, target -1 and 1, or 0 and 1, which become -1 and 1."""

    forward = staticmethod(kernels.hinge_forward)
    backward = staticmethod(kernels.hinge_backward)

    def __init__(self, reduction="sum_over_batch_size"):
        self._reduce(reduction)

    def targets(self, target, output, op, name):
        t = numbers(target, output, op, name, -1, 1, "for a hinge loss; two classes are -1 and 1, or 0 and 1")
        return 2 * t - 1 if ((t == 0) | (t == 1)).all() else t

    def classes(self, op, t):
        return super().classes(op, (t > 0).astype(np.int64))


class SquaredHinge(Hinge):
    """mean(max(1 - t y, 0)^2): output and target as for Hinge."""

    forward = staticmethod(kernels.squared_hinge_forward)
    backward = staticmethod(kernels.squared_hinge_backward)


class KLDivergence(Rows):
    """Mean over rows of sum(t log(t / y)): output (N, C) of probabilities, target (N, C) of probabilities."""

    probabilities_by = "softmax"

    def __init__(self, reduction="sum_over_batch_size"):
        self._reduce(reduction)

    def targets(self, target, output, op, name):
        return shares(target, output, op, name, "kl_divergence")

    def classes(self, op, t):
        return t.argmax(-1)

    def forward(self, y, t, **how):
        return kernels.kl_divergence_forward(rows(y), rows(t), **how)

    def backward(self, dloss, y, t, **how):
        return kernels.kl_divergence_backward(dloss, rows(y), rows(t), **how).reshape(y.shape)


class CosineSimilarity(Rows, Elements):
    """-mean over rows of the cosine of y and t: output (N, C), target (N, C); -1 where they point the same way."""

    def forward(self, y, t, **how):
        return kernels.cosine_similarity_forward(rows(y), rows(t), **how)

    def backward(self, dloss, y, t, **how):
        return kernels.cosine_similarity_backward(dloss, rows(y), rows(t), **how).reshape(y.shape)


class TripletLoss(Loss):
    """Mean over rows of max(|anchor - positive| - |anchor - negative| + margin, 0), Schroff et al. 2015,
    arXiv:1503.03832, with distances in place of their squares.

    By hand `loss(anchor, positive, negative)`, three tensors (N, C). For `compile` the output is (N, 3, C), the three
    of each sample in this order, and the target says nothing: np.zeros(N) will do.
    """

    def __init__(self, margin=1.0, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        self.margin = above(self, "margin", margin)

    def __call__(self, anchor, positive, negative, sample_weight=None):
        three = [
            x if isinstance(x, Tensor) else Tensor(as_array("TripletLoss", "x", x))
            for x in (anchor, positive, negative)
        ]
        together = record(
            np.stack([x.value for x in three], 1),
            lambda dy: tuple(np.ascontiguousarray(dy[:, i]) for i in range(3)),
            *three,
        )
        w = sample_weight
        w = None if w is None else sample_weights("TripletLoss", "sample_weight", w, len(together))
        return self.measure(together, None, w)

    def targets(self, target, output, op, name):
        if output.ndim != 3 or output.shape[1] != 3:
            sizes = ", ".join(map(str, output.shape[1:]))
            raise ValueError(
                f"{op}: the model's output has shape (N, {sizes}), expected (N, 3, C) because the loss is triplet: "
                f"anchor, positive and negative of every sample"
            )
        return as_array(op, name, target)

    def losses_of(self, y, t):
        return y.shape[:1], len(y)

    def forward(self, y, t, **how):
        return kernels.triplet_forward(*_three(y), margin=self.margin, **how)

    def backward(self, dloss, y, t, **how):
        return np.stack(kernels.triplet_backward(dloss, *_three(y), margin=self.margin, **how), 1)


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
    "sparse_categorical_focal_crossentropy": SparseCategoricalFocalCrossentropy,
    "kl_divergence": KLDivergence,
    "cosine_similarity": CosineSimilarity,
    "triplet": TripletLoss,
    "kld": KLDivergence,
    "bce": BinaryCrossentropy,
    "logcosh": LogCosh,
}


def get_loss(loss):
    """A loss from its name, or from a function (output, target); a loss as it is."""
    if isinstance(loss, type) and issubclass(loss, Loss):
        loss = loss()
    if isinstance(loss, Loss):
        kind = type(loss)
        if kind.measure is Loss.measure and not hasattr(loss, "backward"):
            keras = "; call() is Keras's, with the target first" if hasattr(loss, "call") else ""
            torch = "; what PyTorch names forward is named __call__ here" if hasattr(loss, "forward") else ""
            raise TypeError(f"compile: the loss {kind.__name__} has no __call__(self, output, target){keras or torch}")
        if kind.measure is own.measure:
            own.expect_order("loss", loss)
        return loss
    if callable(loss) and not isinstance(loss, type):
        return FunctionLoss(loss)
    check.choice("compile", "loss", loss, tuple(LOSSES))
    return LOSSES[loss]()


def _three(y):
    return [np.ascontiguousarray(y[:, i]) for i in range(3)]
