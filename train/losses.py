"""Losses: a scalar tensor from a model's output and a target, over kernels/loss. What all share: loss.py."""

import numpy as np

from ..kernels import _check as check
from ..kernels import loss as kernels
from ..layers._door import as_array
from ..layers._tape import Tensor, record
from . import own
from .loss import Elements, FunctionLoss, Loss, Rows
from .targets import class_labels, numbers, shares
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


class BinaryCrossentropy(Loss):
    """-mean(t log y + (1 - t) log(1 - y)): output (N, ...) of probabilities or logits, target in [0, 1]."""

    def __init__(self, from_logits=False, label_smoothing=0.0, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        self.from_logits = bool(from_logits)
        self.label_smoothing = _share(self, "label_smoothing", label_smoothing)

    def targets(self, target, output, op, name):
        return numbers(target, output, op, name, 0, 1, "for a binary cross-entropy; two classes are 0 and 1")

    def _options(self):
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}

    def forward(self, y, t, **how):
        return kernels.binary_crossentropy_forward(y, t, **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        return kernels.binary_crossentropy_backward(dloss, y, t, **self._options(), **how)

    def with_gradient(self, y, t):
        return kernels.binary_crossentropy_with_gradient(y, t, **self._options())


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Binary cross-entropy times (1 - p)^gamma, p the probability of what is true; output and target as there.

    With `apply_class_balancing` targets of 1 weigh alpha, and those of 0 weigh 1 - alpha.
    """

    with_gradient = None

    def __init__(
        self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0,
        reduction="sum_over_batch_size",
    ):  # fmt: skip
        super().__init__(from_logits, label_smoothing, reduction)
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha, self.gamma = _share(self, "alpha", alpha), _above(self, "gamma", gamma)

    def _options(self):
        alpha = self.alpha if self.apply_class_balancing else None
        return {**super()._options(), "alpha": alpha, "gamma": self.gamma}

    def forward(self, y, t, **how):
        return kernels.binary_focal_crossentropy_forward(y, t, **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        return kernels.binary_focal_crossentropy_backward(dloss, y, t, **self._options(), **how)


class CategoricalCrossentropy(Rows):
    """-mean over rows of sum(t log y): output (N, C) of probabilities or logits, target (N, C), one-hot or shares."""

    def __init__(self, from_logits=False, label_smoothing=0.0, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        self.from_logits = bool(from_logits)
        self.label_smoothing = _share(self, "label_smoothing", label_smoothing)

    def targets(self, target, output, op, name):
        return shares(target, output, op, name)

    def classes(self, op, t):
        return t.argmax(-1)

    def _options(self):
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}

    def forward(self, y, t, **how):
        return kernels.categorical_crossentropy_forward(_rows(y), _rows(t), **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        dy = kernels.categorical_crossentropy_backward(dloss, _rows(y), _rows(t), **self._options(), **how)
        return dy.reshape(y.shape)

    def with_gradient(self, y, t):
        loss, dy = kernels.categorical_crossentropy_with_gradient(_rows(y), _rows(t), **self._options())
        return loss, dy.reshape(y.shape)


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """-mean over rows of sum(alpha (1 - y)^gamma t log y): output and target as for CategoricalCrossentropy."""

    with_gradient = None

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, reduction="sum_over_batch_size"):
        super().__init__(from_logits, label_smoothing, reduction)
        self.alpha, self.gamma = _above(self, "alpha", alpha), _above(self, "gamma", gamma)

    def _options(self):
        return {**super()._options(), "alpha": self.alpha, "gamma": self.gamma}

    def forward(self, y, t, **how):
        return kernels.categorical_focal_crossentropy_forward(_rows(y), _rows(t), **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        dy = kernels.categorical_focal_crossentropy_backward(dloss, _rows(y), _rows(t), **self._options(), **how)
        return dy.reshape(y.shape)


class SparseCategoricalCrossentropy(Rows):
    """-mean over rows of log y[t]: output (N, C) of probabilities or logits, target (N,) or (N, 1) of labels.

    Rows whose label is `ignore_class` count neither in the sum nor in the number of rows.
    """

    def __init__(self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        if ignore_class is not None:
            check.whole(type(self).__name__, "ignore_class", ignore_class, -(1 << 62))
        self.from_logits, self.ignore_class = bool(from_logits), ignore_class

    def targets(self, target, output, op, name):
        return class_labels(target, output, op, name, self.ignore_class)

    def losses_of(self, y, t):
        shape, count = super().losses_of(y, t)
        counted = self.counted(t)
        return shape, count if counted is None else np.count_nonzero(counted)

    def counted(self, t):
        return None if self.ignore_class is None else t != self.ignore_class

    def classes(self, op, t):
        return t

    def _options(self):
        return {"from_logits": self.from_logits, "ignore_index": self.ignore_class}

    def forward(self, y, t, **how):
        return kernels.sparse_categorical_crossentropy_forward(_rows(y), t.reshape(-1), **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        dy = kernels.sparse_categorical_crossentropy_backward(dloss, _rows(y), t.reshape(-1), **self._options(), **how)
        return dy.reshape(y.shape)

    def with_gradient(self, y, t):
        loss, dy = kernels.sparse_categorical_crossentropy_with_gradient(_rows(y), t.reshape(-1), **self._options())
        return loss, dy.reshape(y.shape)


class SparseCategoricalFocalCrossentropy(SparseCategoricalCrossentropy):
    """-mean over rows of alpha (1 - y[t])^gamma log y[t]: output and target as for SparseCategoricalCrossentropy."""

    with_gradient = None

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, ignore_class=None, reduction="sum_over_batch_size"):
        super().__init__(from_logits, ignore_class, reduction)
        self.alpha, self.gamma = _above(self, "alpha", alpha), _above(self, "gamma", gamma)

    def _options(self):
        return {**super()._options(), "alpha": self.alpha, "gamma": self.gamma}

    def forward(self, y, t, **how):
        t = t.reshape(-1)
        return kernels.sparse_categorical_focal_crossentropy_forward(_rows(y), t, **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        t = t.reshape(-1)
        dy = kernels.sparse_categorical_focal_crossentropy_backward(dloss, _rows(y), t, **self._options(), **how)
        return dy.reshape(y.shape)


class KLDivergence(Rows):
    """Mean over rows of sum(t log(t / y)): output (N, C) of probabilities, target (N, C) of probabilities."""

    def __init__(self, reduction="sum_over_batch_size"):
        self._reduce(reduction)

    def targets(self, target, output, op, name):
        return shares(target, output, op, name, "kl_divergence")

    def classes(self, op, t):
        return t.argmax(-1)

    def forward(self, y, t, **how):
        return kernels.kl_divergence_forward(_rows(y), _rows(t), **how)

    def backward(self, dloss, y, t, **how):
        return kernels.kl_divergence_backward(dloss, _rows(y), _rows(t), **how).reshape(y.shape)


class CosineSimilarity(Rows, Elements):
    """-mean over rows of the cosine of y and t: output (N, C), target (N, C); -1 where they point the same way."""

    def forward(self, y, t, **how):
        return kernels.cosine_similarity_forward(_rows(y), _rows(t), **how)

    def backward(self, dloss, y, t, **how):
        return kernels.cosine_similarity_backward(dloss, _rows(y), _rows(t), **how).reshape(y.shape)


class TripletLoss(Loss):
    """Mean over rows of max(|anchor - positive| - |anchor - negative| + margin, 0), Schroff et al. 2015,
    arXiv:1503.03832, with distances in place of their squares.

    By hand `loss(anchor, positive, negative)`, three tensors (N, C). For `compile` the output is (N, 3, C), the three
    of each sample in this order, and the target says nothing: np.zeros(N) will do.
    """

    def __init__(self, margin=1.0, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        self.margin = _above(self, "margin", margin)

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
        if kind.measure is Loss.measure and not hasattr(loss, "forward"):
            keras = "; call() is Keras's, with the target first" if hasattr(loss, "call") else ""
            raise TypeError(f"compile: the loss {kind.__name__} has no __call__(self, output, target){keras}")
        if kind.measure is own.measure:
            own.expect_order("loss", loss)
        return loss
    if callable(loss) and not isinstance(loss, type):
        return FunctionLoss(loss)
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


def _three(y):
    return [np.ascontiguousarray(y[:, i]) for i in range(3)]
