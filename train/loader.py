"""Batches of arrays for loops by hand and for `fit`: in order or shuffled, ahead of their use by worker threads."""

import collections
import concurrent.futures
import inspect

import numpy as np

from ..kernels import _check as check
from ..layers._device import on_device
from ..layers._door import as_array
from ..layers._random import generator
from .callbacks.base import takes
from .data import copied, cut_out
from .forms import pieces
from .items import Items, gives_samples
from .keywords import named_arguments
from .weights import sample_weights


@named_arguments
class DataLoader:
    """Batches of arrays: iterating gives (x, y) of each batch, or x alone if there is no y; `len()` batches.

    x, y           array-likes with samples along the first axis; also a list or a dict of arrays, of several inputs or
                   outputs. Arrays stay where they are, np.memmap on the disk too: no more is read than the batches
                   that are at hand. Or x alone, a data set with `len(x)` whose x[i] is a sample or a pair, as
                   PyTorch's, or a list of pairs, (sample, target)
    shuffle        another order at every iteration, from the random numbers of `tw.set_seed`
    drop_last      leave the last batch out if it is not full
    sample_weight  a weight for each sample, or as y by output; batches are (x, y, w) then
    transform      `transform(x, y, rng) -> (x, y)` makes a batch of a batch, in the workers: an augmentation or a
                   function; y is None where there is none, `rng` is a NumPy generator of that batch's own
    workers        threads that make batches ahead; 0 makes each when it is asked for
    prefetch       how many batches ahead for each of them

    The batches are the same, bit by bit, whatever `workers` and `prefetch` are. An error in a worker is raised where
    its batch is asked for.

    >>> [x.tolist() for x in DataLoader([1, 2, 3], batch_size=2)]
    [[1, 2], [3]]
    """

    def __init__(
        self, x, y=None, batch_size=32, shuffle=False, drop_last=False, sample_weight=None, transform=None, workers=0,
        prefetch=2,
    ):  # fmt: skip
        op = "DataLoader"
        self.x = Items(x) if y is None and gives_samples(x) else _samples(op, x)
        count = self.samples
        self.y = None if y is None else _of_outputs(y, count, lambda name, one: as_array(op, f"y{name}", one))
        for one in pieces(self.y):
            if len(one) != count:
                raise ValueError(f"{op}: x has {count} samples and y has {len(one)}, expected as many")
        if sample_weight is not None and y is None and not isinstance(self.x, Items):
            raise ValueError(f"{op}: sample_weight is given, expected y too because a loss is what is weighted")
        self.sample_weight = _of_outputs(
            sample_weight, count, lambda name, one: sample_weights(op, f"sample_weight{name}", one, count)
        )
        check.whole(op, "batch_size", batch_size, 1)
        check.whole(op, "workers", workers)
        check.whole(op, "prefetch", prefetch, 1)
        if transform is not None and not callable(transform):
            raise TypeError(f"{op}: transform is {transform!r}, expected a function transform(x, y, rng)")
        if transform is not None and not takes(transform, 3):
            raise TypeError(
                f"{op}: transform takes {inspect.signature(transform)}, expected a function (x, y, rng) that gives "
                f"(x, y): batches, and a random generator"
            )
        self.batch_size, self.shuffle, self.drop_last = int(batch_size), bool(shuffle), bool(drop_last)
        self.transform, self.workers, self.prefetch = transform, int(workers), int(prefetch)

    @property
    def samples(self):
        """The number of samples in x."""
        return len(pieces(self.x)[0])

    def __len__(self):
        full, rest = divmod(self.samples, self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self):
        order = generator().permutation(self.samples) if self.shuffle else None
        seed = int(generator().integers(1 << 63)) if self.transform else None
        make = lambda number: self._batch(number, order, seed)  # noqa: E731
        return self._ahead(make) if self.workers else map(make, range(len(self)))

    def first(self):
        """A batch of the first sample alone; draws no random number of the seed's."""
        return self._made(slice(0, 1), None if self.transform is None else 0, 0)

    def _batch(self, number, order, seed):
        rows = slice(number * self.batch_size, (number + 1) * self.batch_size)
        return self._made(rows if order is None else order[rows], seed, number)

    def _made(self, rows, seed, number):
        w = self.sample_weight
        if isinstance(self.x, Items):
            x, y = self.x[rows]
        else:
            x, y = cut_out(self.x, rows), cut_out(self.y, rows)
        if self.transform is not None and isinstance(rows, slice):  # views of the data, which it may change in place
            x, y = copied(x), copied(y)
        if self.transform is not None:
            rng = np.random.Generator(np.random.Philox((seed, number)))
            x, y = _pair(self.transform(x, y, rng), w is not None and len(pieces(x)[0]))
        if y is None:
            return x
        return (x, y) if w is None else (x, y, cut_out(w, rows))

    def _ahead(self, make):
        """The batches in order, while threads work on the next ones."""
        numbers, waiting = iter(range(len(self))), collections.deque()
        with concurrent.futures.ThreadPoolExecutor(self.workers, "tilewright-loader") as threads:
            try:
                for _ in range(len(self)):
                    while len(waiting) <= self.workers * self.prefetch and (ahead := next(numbers, None)) is not None:
                        waiting.append(threads.submit(make, ahead))
                    yield waiting.popleft().result()
            finally:
                for batch in waiting:
                    batch.cancel()


def _pair(result, samples):
    """(x, y) that a transform returned: as many samples in both, and so many where they have weights."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        given = f"{len(result)} items" if isinstance(result, (tuple, list)) else f"{type(result).__name__} alone"
        raise TypeError(f"DataLoader: transform returned {given}, expected a pair, (x, y), where y may be None")
    x, y = result
    lengths = [[len(one) if np.ndim(one) else 0 for one in pieces(part)] for part in (x, y)]
    if len(found := set(sum(lengths, []))) > 1 or samples and found != {samples}:
        given = " and y of ".join(", ".join(map(str, of_part)) for of_part in lengths if of_part)
        raise ValueError(
            f"DataLoader: transform returned x of {given} samples, expected as many"
            f"{f', {samples}, because they have weights' if samples else ' in both'}"
        )
    return x, y


def _samples(op, x):
    """x as an array, or a list or a dict of arrays of one length."""
    several = isinstance(x, dict) or isinstance(x, (list, tuple)) and x and all(_is_batch(one) for one in x)
    if not several:
        x = as_array(op, "x", x)
        if x.ndim == 0:
            raise ValueError(f"{op}: x is one number, expected an array of samples")
        if len(x) == 0:
            raise ValueError(f"{op}: x has shape {x.shape}, there are no samples")
        return x
    named = x.items() if isinstance(x, dict) else enumerate(x)
    arrays = {name: as_array(op, f"x[{name!r}]", one) for name, one in named}
    lengths = {name: len(one) if one.ndim else 0 for name, one in arrays.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        said = ", ".join(f"x[{name!r}] has {length}" for name, length in lengths.items())
        raise ValueError(f"{op}: {said} samples, expected as many in each, at least one")
    return arrays if isinstance(x, dict) else list(arrays.values())


def _of_outputs(part, count, convert):
    """What goes with `count` samples: converted as one array, or, of arrays for several outputs, each of them."""
    arrays = isinstance(part, (list, tuple)) and len(part) != count
    if isinstance(part, dict):
        return {key: None if one is None else convert(f"[{key!r}]", one) for key, one in part.items()}
    if arrays and all(one is None or np.shape(one)[:1] == (count,) for one in part):
        return [None if one is None else convert(f"[{i}]", one) for i, one in enumerate(part)]
    return None if part is None else convert("", part)


def _is_batch(x):
    """Whether an item of a list is an array of samples, not a sample."""
    return (isinstance(x, np.ndarray) or on_device(x)) and x.ndim >= 2
