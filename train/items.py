"""Data sets that give one sample by its number, as PyTorch's do, read as arrays that give rows."""

import numpy as np

from ..layers._door import as_array


def gives_samples(x):
    """Whether x is such a data set: it has a length and gives something by number, and is no array or container but for
    a list of pairs."""
    if isinstance(x, (list, tuple)) and x and all(isinstance(one, (list, tuple)) and len(one) == 2 for one in x):
        return _is_pair(x[0])
    known = isinstance(x, (list, tuple, dict, str, bytes, set, range)) or hasattr(x, "shape") or hasattr(x, "__array__")
    return not known and hasattr(x, "__len__") and hasattr(x, "__getitem__")


def _is_pair(one):
    """Whether it is a sample and its target, not a sample of two features: its parts are arrays, or not alike."""
    first, second = map(_shape, one)
    return first != second or isinstance(one, tuple) and all(getattr(part, "shape", ()) for part in one)


def _shape(part):
    try:
        return np.shape(part)
    except ValueError:  # lists of several lengths
        return None


def _is_numbers(part):
    """Whether a list is one of Python's numbers, and so one array."""
    if isinstance(part, (tuple, list)):
        return all(map(_is_numbers, part))
    return type(part) in (bool, int, float)


class Items:
    """`items[rows]` is the batch (x, y) of rows, or x alone where the data set gives no targets."""

    def __init__(self, source):
        if not len(source):
            raise ValueError("DataLoader: x is empty, there are no samples")
        self._source = source

    def __len__(self):
        return len(self._source)

    def __getitem__(self, rows):
        numbers = range(len(self))[rows] if isinstance(rows, slice) else rows
        samples = [self._source[int(i)] for i in numbers]
        if not isinstance(samples[0], (tuple, list)):
            return _stacked("x", samples), None
        if any(len(sample) != 2 for sample in samples):
            raise ValueError(
                f"DataLoader: x gave a sample of {len(samples[0])} items, expected x or (x, y); for several inputs let "
                f"x be a list or a dictionary of arrays"
            )
        return tuple(_stacked(name, column) for name, column in zip("xy", zip(*samples)))


def _stacked(name, samples):
    """Samples in any form as arrays of them in that form."""
    if isinstance(samples[0], dict):
        return {key: _stacked(f"{name}[{key!r}]", [sample[key] for sample in samples]) for key in samples[0]}
    if isinstance(samples[0], (tuple, list)) and not _is_numbers(samples[0]):
        return [_stacked(f"{name}[{i}]", column) for i, column in enumerate(zip(*samples))]
    shapes = {np.shape(sample) for sample in samples}
    if len(shapes) > 1:
        given = " and ".join(map(str, sorted(shapes)[:2]))
        raise ValueError(f"DataLoader: samples of one batch have the shapes {given} in {name}, expected one shape")
    return as_array("DataLoader", name, np.stack([np.asarray(sample) for sample in samples]))
