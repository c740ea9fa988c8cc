"""Cross-entropies: losses of probabilities of classes, or of logits, over kernels/loss. What all share: loss.py."""

import numpy as np

from ..kernels import _check as check
from ..kernels import loss as kernels
from .loss import Loss, Rows, above, rows, share
from .targets import class_labels, numbers, shares


class BinaryCrossentropy(Loss):
    """-mean(t log y + (1 - t) log(1 - y)): output (N, ...) of probabilities or logits, target in [0, 1]."""

    probabilities_by = "sigmoid"

    def __init__(self, from_logits=False, label_smoothing=0.0, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        self.from_logits = bool(from_logits)
        self.label_smoothing = share(self, "label_smoothing", label_smoothing)

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
        self.alpha, self.gamma = share(self, "alpha", alpha), above(self, "gamma", gamma)

    def _options(self):
        alpha = self.alpha if self.apply_class_balancing else None
        return {**super()._options(), "alpha": alpha, "gamma": self.gamma}

    def forward(self, y, t, **how):
        return kernels.binary_focal_crossentropy_forward(y, t, **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        return kernels.binary_focal_crossentropy_backward(dloss, y, t, **self._options(), **how)


class CategoricalCrossentropy(Rows):
    """-mean over rows of sum(t log y): output (N, C) of probabilities or logits, target (N, C), one-hot or shares."""

    probabilities_by = "softmax"

    def __init__(self, from_logits=False, label_smoothing=0.0, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        self.from_logits = bool(from_logits)
        self.label_smoothing = share(self, "label_smoothing", label_smoothing)

    def targets(self, target, output, op, name):
        return shares(target, output, op, name)

    def classes(self, op, t):
        return t.argmax(-1)

    def _options(self):
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}

    def forward(self, y, t, **how):
        return kernels.categorical_crossentropy_forward(rows(y), rows(t), **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        dy = kernels.categorical_crossentropy_backward(dloss, rows(y), rows(t), **self._options(), **how)
        return dy.reshape(y.shape)

    def with_gradient(self, y, t):
        loss, dy = kernels.categorical_crossentropy_with_gradient(rows(y), rows(t), **self._options())
        return loss, dy.reshape(y.shape)


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """-mean over rows of sum(alpha (1 - y)^gamma t log y): output and target as for CategoricalCrossentropy."""

    with_gradient = None

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, reduction="sum_over_batch_size"):
        super().__init__(from_logits, label_smoothing, reduction)
        self.alpha, self.gamma = above(self, "alpha", alpha), above(self, "gamma", gamma)

    def _options(self):
        return {**super()._options(), "alpha": self.alpha, "gamma": self.gamma}

    def forward(self, y, t, **how):
        return kernels.categorical_focal_crossentropy_forward(rows(y), rows(t), **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        dy = kernels.categorical_focal_crossentropy_backward(dloss, rows(y), rows(t), **self._options(), **how)
        return dy.reshape(y.shape)


class SparseCategoricalCrossentropy(Rows):
    """-mean over rows of log y[t]: output (N, C) of probabilities or logits, target (N,) or (N, 1) of labels.

    Rows whose label is `ignore_class` count neither in the sum nor in the number of rows.
    """

    probabilities_by = "softmax"

    def __init__(self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size"):
        self._reduce(reduction)
        if ignore_class is not None:
            check.whole(type(self).__name__, "ignore_class", ignore_class, -(1 << 62))
        self.from_logits, self.ignore_class = bool(from_logits), ignore_class

    def targets(self, target, output, op, name):
        return class_labels(target, output, op, name, self.ignore_class)

    def losses_of(self, y, t):
        shape, count = super().losses_of(y, t)
        counted = None if t is None else self.counted(t)
        return shape, count if counted is None else np.count_nonzero(counted)

    def counted(self, t):
        return None if self.ignore_class is None else t != self.ignore_class

    def classes(self, op, t):
        return t

    def _options(self):
        return {"from_logits": self.from_logits, "ignore_index": self.ignore_class}

    def forward(self, y, t, **how):
        return kernels.sparse_categorical_crossentropy_forward(rows(y), t.reshape(-1), **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        dy = kernels.sparse_categorical_crossentropy_backward(dloss, rows(y), t.reshape(-1), **self._options(), **how)
        return dy.reshape(y.shape)

    def with_gradient(self, y, t):
        loss, dy = kernels.sparse_categorical_crossentropy_with_gradient(rows(y), t.reshape(-1), **self._options())
        return loss, dy.reshape(y.shape)


class SparseCategoricalFocalCrossentropy(SparseCategoricalCrossentropy):
    """-mean over rows of alpha (1 - y[t])^gamma log y[t]: output and target as for SparseCategoricalCrossentropy."""

    with_gradient = None

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, ignore_class=None, reduction="sum_over_batch_size"):
        super().__init__(from_logits, ignore_class, reduction)
        self.alpha, self.gamma = above(self, "alpha", alpha), above(self, "gamma", gamma)

    def _options(self):
        return {**super()._options(), "alpha": self.alpha, "gamma": self.gamma}

    def forward(self, y, t, **how):
        t = t.reshape(-1)
        return kernels.sparse_categorical_focal_crossentropy_forward(rows(y), t, **self._options(), **how)

    def backward(self, dloss, y, t, **how):
        t = t.reshape(-1)
        dy = kernels.sparse_categorical_focal_crossentropy_backward(dloss, rows(y), t, **self._options(), **how)
        return dy.reshape(y.shape)
