"""Samples divided: into training, validation and test parts, and into folds. Only indices are drawn.

Without a random_state the order comes from the random numbers of `tw.set_seed`.
"""

import math

import numpy as np

from ..kernels import _check as check
from ..layers._door import as_array
from .drawing import random_numbers
from .keywords import named_arguments, named_keywords


@named_keywords
def train_test_split(
    *arrays, test_size=0.25, validation_size=0, shuffle=True, stratify=None, random_state=None
):  # fmt: skip
    """Parts of arrays of one length, in scikit-learn's order: a_train, a_test, b_train, b_test, ...

    test_size        a share of the samples (a float below 1) or a number of samples
    validation_size  the same for a part between: a_train, a_validation, a_test, b_train, ...; 0 for none
    shuffle          False: the first samples train, the last ones test
    stratify         labels (N,), of which all parts get the same shares
    random_state     a seed or a NumPy generator, for the same parts again

    Raises ValueError for lengths that differ, and where a part would be empty.

    >>> [part.tolist() for part in train_test_split([1, 2, 3, 4], test_size=1, validation_size=0.25, shuffle=False)]
    [[1, 2], [3], [4]]
    """
    op = "train_test_split"
    if not arrays:
        raise TypeError(f"{op}: there are no arrays; pass x, or x and y")
    arrays = [x if hasattr(x, "shape") else np.asarray(x) for x in arrays]
    count = _one_length(op, arrays)
    sizes = [_size(op, "validation_size", validation_size, count), _size(op, "test_size", test_size, count)]
    sizes.insert(0, count - sum(sizes))
    if sizes[0] < 1 or sizes[2] < 1 or (validation_size and not sizes[1]):
        raise ValueError(
            f"{op}: of {count} samples {sizes[0]} are left for training, {sizes[1]} for validation and {sizes[2]} for "
            f"the test; each part that is asked for needs at least one"
        )
    if stratify is None:
        order = _numbers(op, random_state).permutation(count) if shuffle else np.arange(count)
        parts = np.split(order, np.cumsum(sizes)[:-1])
    elif not shuffle:
        raise ValueError(f"{op}: stratify needs shuffle=True, because it takes samples from everywhere")
    else:
        parts = _stratified(op, stratify, count, sizes, _numbers(op, random_state))
    parts = parts if validation_size else [parts[0], parts[2]]
    return [x[part] for x in arrays for part in parts]


@named_arguments
class KFold:
    """Folds of nearly one size, each the test part once.

    n_splits      how many, at least 2
    shuffle       False: folds of neighbours
    random_state  a seed or a NumPy generator, for the same folds again

    >>> [test.tolist() for _, test in KFold(2).split([7, 8, 9])]
    [[0, 1], [2]]
    """

    def __init__(self, n_splits=5, shuffle=False, random_state=None):
        op = type(self).__name__
        check.whole(op, "n_splits", n_splits, 2)
        if random_state is not None and not shuffle:
            raise ValueError(f"{op}: random_state has no effect without shuffle=True")
        self.n_splits, self.shuffle, self.random_state = int(n_splits), bool(shuffle), random_state

    def split(self, x, y=None):
        """(indices of the training part, of the test part), ascending, for each fold. ValueError for too few samples"""
        op = type(self).__name__
        count = _one_length(op, [x] if y is None else [x, y])
        if count < self.n_splits:
            raise ValueError(f"{op}: there are {count} samples, expected at least {self.n_splits}, one for each fold")
        fold = self._folds(count, y)
        for i in range(self.n_splits):
            yield np.flatnonzero(fold != i), np.flatnonzero(fold == i)

    def _folds(self, count, y):
        """The fold of every sample."""
        folds = np.sort(np.arange(count) % self.n_splits)  # the first folds are the larger ones
        return _numbers("KFold", self.random_state).permutation(folds) if self.shuffle else folds


class StratifiedKFold(KFold):
    """Folds in which every class has the same share, as nearly as that goes; those of scikit-learn without shuffle.

    >>> [test.tolist() for _, test in StratifiedKFold(2).split([0, 0, 0, 0], ["a", "a", "b", "b"])]
    [[0, 2], [1, 3]]
    """

    def _folds(self, count, y):
        op = type(self).__name__
        if y is None:
            raise TypeError(f"{op}: y is None, expected labels (N,)")
        _, first, classes = np.unique(_labels(op, "y", y, count), return_index=True, return_inverse=True)
        # Classes in the order of their first samples; then folds are dealt out along the sorted labels.
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        classes = rank[classes]
        sizes = np.bincount(classes)
        if sizes.max() < self.n_splits:
            raise ValueError(
                f"{op}: no class has {self.n_splits} samples, one for each fold; use fewer folds, or KFold"
            )
        dealt = np.arange(count) % self.n_splits
        folds = np.empty(count, np.int64)
        numbers = _numbers(op, self.random_state) if self.shuffle else None
        for i, end in enumerate(np.cumsum(sizes)):
            mine = np.sort(dealt[end - sizes[i] : end])
            folds[classes == i] = mine if numbers is None else numbers.permutation(mine)
        return folds


def _numbers(op, random_state):
    return random_numbers(op, "random_state", random_state)


def _stratified(op, stratify, count, sizes, numbers):
    """Indices of the parts: of every class by largest remainders, so that all parts have their sizes."""
    labels = _labels(op, "stratify", stratify, count)
    names, classes, have = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = sum(size > 0 for size in sizes)
    if have.min() < wanted:
        raise ValueError(
            f"{op}: the class {names[have.argmin()]!s} of stratify has {have.min()} samples, expected at least "
            f"{wanted}, one for each part"
        )
    order = np.lexsort((numbers.permutation(count), classes))  # class by class, each shuffled
    taken, left, parts = np.zeros(len(have), np.int64), count, [None, None, None]
    for i in (2, 1, 0):  # of what is left, every part takes its share
        counts, rest = np.divmod((have - taken) * sizes[i], max(left, 1))
        counts[np.argsort(-rest, kind="stable")[: sizes[i] - counts.sum()]] += 1
        starts = np.cumsum(have) - have + taken
        rows = [order[start : start + n] for start, n in zip(starts, counts)]
        parts[i] = numbers.permutation(np.concatenate(rows)) if sizes[i] else np.zeros(0, np.int64)
        taken, left = taken + counts, left - sizes[i]
    return parts


def _labels(op, name, labels, count):
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) != count:
        raise ValueError(f"{op}: {name} has shape {labels.shape}, expected ({count},), a label for every sample")
    return labels if labels.dtype.kind in "US" else as_array(op, name, labels)


def _one_length(op, arrays):
    for x in arrays:
        if not hasattr(x, "__len__") or np.ndim(x) == 0:
            raise TypeError(f"{op}: there is {x!r} among the arrays, expected arrays of samples")
    lengths = [len(x) for x in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"{op}: the arrays have {' and '.join(map(str, lengths))} samples, expected as many in each")
    return lengths[0]


def _size(op, name, size, count):
    """A share or a number of samples as a number; a share for the test is rounded up, as in scikit-learn."""
    check.number(op, name, size, 0)
    if isinstance(size, (int, np.integer)):
        return int(size)
    if size >= 1:
        raise ValueError(f"{op}: {name} is {size}, expected a share below 1, or an integer, a number of samples")
    return math.ceil(round(size * count, 9))
