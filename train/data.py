"""Data at the door of training: checks before anything is trained, splits, batches."""

import math

from ..kernels import _check as check
from ..layers._door import as_array
from ..layers._random import generator


def inputs(op, name, x, dtype, input_shape=None):
    """The samples as an array (N, ...) of `dtype` in C order, as a model of `input_shape` (None, ...) takes them."""
    if isinstance(x, DataLoader):
        raise TypeError(f"{op}: {name} is a DataLoader, expected an array; pass its loader.x and loader.y, as x and y")
    x = as_array(op, name, x, dtype)
    if x.ndim == 0:
        raise ValueError(f"{op}: {name} is one number, expected an array of samples")
    if len(x) == 0:
        raise ValueError(f"{op}: {name} has shape {x.shape}, there are no samples")
    if input_shape is not None and x.shape[1:] != input_shape[1:]:
        expected = ", ".join(["N", *map(str, input_shape[1:])])
        remedy = f"; one sample is {name}[None]" if x.shape == input_shape[1:] else ""
        raise ValueError(
            f"{op}: {name} has shape {x.shape}, expected ({expected}) because the model was built for it{remedy}"
        )
    return x


def same_length(op, x_name, x, y_name, y):
    """As many targets as samples."""
    try:
        count = len(y)
    except TypeError:
        raise TypeError(f"{op}: {y_name} is {y!r}, expected a target for each sample of {x_name}") from None
    if count != len(x):
        raise ValueError(f"{op}: {x_name} has {len(x)} samples and {y_name} has {count}, expected as many")


def batch_size(op, size):
    """The batch size as an int of at least 1."""
    check.whole(op, "batch_size", size, 1)
    return int(size)


def split(op, x, t, share):
    """(x, t, x_val, t_val): the last `share` of the samples are for validation."""
    check.number(op, "validation_split", share, 0, 1)
    cut = math.floor(len(x) * (1 - share))
    if not 0 < cut < len(x):
        raise ValueError(
            f"{op}: validation_split is {share} of {len(x)} samples, which leaves {cut} for training and "
            f"{len(x) - cut} for validation; each needs at least one"
        )
    return x[:cut], t[:cut], x[cut:], t[cut:]


class DataLoader:
    """Batches of arrays: iterating gives (x, y) of each batch, or x alone if there is no y; `len()` batches.

    x, y        array-likes with samples along the first axis
    shuffle     another order at every iteration, from the random numbers of `tw.set_seed`
    drop_last   leave the last batch out if it is not full

    >>> [x.tolist() for x in DataLoader([1, 2, 3], batch_size=2)]
    [[1, 2], [3]]
    """

    def __init__(self, x, y=None, batch_size=32, shuffle=False, drop_last=False):
        self.x = inputs("DataLoader", "x", x, None)
        self.y = None if y is None else as_array("DataLoader", "y", y)
        if self.y is not None:
            same_length("DataLoader", "x", self.x, "y", self.y)
        check.whole("DataLoader", "batch_size", batch_size, 1)
        self.batch_size, self.shuffle, self.drop_last = int(batch_size), bool(shuffle), bool(drop_last)

    def __len__(self):
        full, rest = divmod(len(self.x), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self):
        order = generator().permutation(len(self.x)) if self.shuffle else None
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows = slice(start, start + self.batch_size)
            if order is not None:
                rows = order[rows]
            yield self.x[rows] if self.y is None else (self.x[rows], self.y[rows])
