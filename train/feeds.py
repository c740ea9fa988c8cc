"""Where the batches of an epoch come from: arrays at hand, or loaders, generators and other iterables.

A feed has `batches`, how many an epoch has (None where nobody knows yet), and `epoch(number)`, an iterator over the
batches (x, t) or (x, t, w). Those of a `loose` feed are as they came and are converted one by one; those of arrays were
checked all together. A `plain` feed's x and t are single arrays.
"""

import itertools

import numpy as np

from ..layers._door import writeable
from ..layers._random import generator
from .forms import each, pieces
from .loader import DataLoader


class Interrupted(RuntimeError):
    """A source of batches ended too early, or raised. What was trained until then stays."""


class ArrayFeed:
    """Batches of arrays; shuffled ones in buffers that the next one overwrites.

    x, t, w  arrays, or lists or dicts of arrays; w and entries of t may be None
    steps    batches of an epoch, or None for one pass. Shuffled, every epoch begins with a new order; else it goes on
             where the one before ended

    `kinds` are the shape of a sample and the dtype of each array; `room` is {samples: the buffers of a batch}.
    """

    loose = on_device = False

    def __init__(self, x, t, w, batch_size, shuffle=False, steps=None):
        self.plain = hasattr(x, "shape") and hasattr(t, "shape")
        self._parts = (x, t) if w is None else (x, t, w)
        self._arrays = [a for part in self._parts for a in pieces(part)]
        self.room = {}
        self.kinds = [(a.shape[1:], a.dtype) for a in self._arrays]
        self.samples, self._size, self._shuffle, self._steps = len(self._arrays[0]), batch_size, shuffle, steps
        self._a_pass = -(-self.samples // batch_size)
        self.batches = steps or self._a_pass

    def epoch(self, number):
        """The batches of epoch `number`."""
        if self._steps is None:
            return self._pass(0)
        first = 0 if self._shuffle else number * self._steps % self._a_pass
        passes = itertools.chain([first], itertools.repeat(0))
        return itertools.islice(itertools.chain.from_iterable(map(self._pass, passes)), self._steps)

    def again(self):
        """The batches from the first one on."""
        return self.epoch(0)

    def _pass(self, first):
        size, samples, arrays = self._size, self.samples, self._arrays
        starts = range(first * size, samples, size)
        if not self._shuffle:
            for start in starts:
                yield self._batch([writeable(a[start : start + size]) for a in arrays])
            return
        order = generator().permutation(samples)
        for start in starts:
            rows = order[start : start + size]
            if start == starts[0] or len(rows) < size:
                buffers = self.room.setdefault(len(rows), [])
                buffers += [np.empty((len(rows), *a.shape[1:]), a.dtype) for a in arrays[len(buffers) :]]
                whole = self._batch(buffers)
            for a, b in zip(arrays, buffers):
                # "clip" because take() gathers into a copy of `out` first where it might find a wrong index
                a.take(rows, 0, b, "clip")
            yield whole

    def _batch(self, arrays):
        arrays = iter(arrays)
        return tuple(each(lambda _: next(arrays), part) for part in self._parts)


class StreamFeed:
    """Batches of an iterable, as they come; `total` counts them.

    source  a DataLoader, a generator, or anything to iterate over that gives batches
    steps   batches of an epoch, or None for all that an iteration gives. Epochs of so many steps go on where the one
            before ended, and a source that can be iterated over again begins anew

    A source that ends in the middle of an epoch, or raises, makes an Interrupted that says after how many batches.
    """

    loose, plain, on_device = True, False, False
    samples = None

    def __init__(self, op, name, source, steps=None):
        self._op, self._name, self._source, self._steps = op, name, source, steps
        self._of_epochs = (op, name) == ("fit", "x")
        self._once = hasattr(source, "__next__")
        self._iterator, self.total = None, 0
        self._read, self._random = 0, None  # batches of this iteration, and the random numbers that it began with
        self._done = 0  # batches of the epoch that were read before training went on
        self.batches = steps
        if steps is None and not self._once and hasattr(source, "__len__"):
            self.batches = len(source)

    def first(self):
        """An item to look at before anything begins; the first epoch has it too."""
        if isinstance(self._source, DataLoader):
            return self._source.first()
        if self._iterator is None:
            self._iterator = self._started()
        item = self._next(0)
        self._iterator = itertools.chain([item], self._iterator)
        return item

    def epoch(self, number):
        """The batches of epoch `number`."""
        if self._iterator is None:
            self._iterator = self._started()
        began = number if self._once else None
        done, self._done = self._done, 0
        while self._steps is None or done < self._steps:
            item = self._next(number, done, can_end=self._steps is None and done)
            if item is _END:
                break
            done, self.total, self._read = done + 1, self.total + 1, self._read + 1
            yield _batch_of(self._op, self._name, item)
        if self._steps is None:
            self.batches = done
            self._iterator = None if began is None else self._iterator
            self._read, self._random = (0, None) if began is None else (self._read, self._random)

    def state(self):
        """How far the source is read, for a checkpoint."""
        return {"read": self._read, "total": self.total, "random": self._random}

    def load_state(self, state, done):
        """Read on to where `state` was, `done` batches into an epoch: with the random numbers of then."""
        if not state["read"]:
            return
        now = generator().bit_generator.state
        if not self._once or self._iterator is None:
            generator().bit_generator.state = state["random"]
            self._iterator = self._started()
        for _ in range(state["read"]):
            self._next(0)
        generator().bit_generator.state = now
        self._read, self._random, self.total, self._done = state["read"], state["random"], state["total"], done

    def again(self):
        """The batches from the first one on, if the source can be iterated over again."""
        if not self._once:
            self._iterator = None
        return self.epoch(0)

    def _next(self, epoch, done=0, can_end=False):
        for turn in range(2):
            try:
                item = next(self._iterator, _END)
            except Exception as error:
                raise Interrupted(
                    f"{self._op}: {self._name} raised {type(error).__name__} after {self._so_far(epoch, done)}: {error}"
                ) from error
            if item is not _END or can_end:
                return item
            if self._once or turn or self._steps is None:
                break
            self._iterator = self._started()
        raise Interrupted(self._early_end(epoch, done))

    def _started(self):
        source, self._read, self._random = self._source, 0, generator().bit_generator.state
        if not hasattr(source, "__iter__") and hasattr(source, "__len__"):
            return (source[i] for i in range(len(source)))
        return iter(source)

    def _so_far(self, epoch, done):
        return f"{self.total} batches" + (f", {done} of epoch {epoch + 1}" if self._of_epochs else "")

    def _early_end(self, epoch, done):
        if not self.total:
            return f"{self._op}: {self._name} gives no batches; there are no samples"
        expected = "more" if self._steps is None else f"{self._steps}{' an epoch' * self._of_epochs}"
        remedy = "give something that can be iterated over again, or a generator that goes on" if self._once else ""
        return (
            f"{self._op}: {self._name} ended after {self._so_far(epoch, done)}, expected {expected}; "
            f"{remedy or 'give fewer steps'}"
        )


_END = object()


def is_stream(x):
    """Whether x gives batches, and is no array of samples."""
    if isinstance(x, DataLoader):
        return True
    if isinstance(x, (np.ndarray, list, tuple, dict, str, bytes, set, frozenset, range, int, float)):
        return False
    if hasattr(x, "__array__") or hasattr(x, "__cuda_array_interface__") or hasattr(x, "shape"):
        return False
    return hasattr(x, "__next__") or hasattr(x, "__iter__") or hasattr(x, "__getitem__") and hasattr(x, "__len__")


def _batch_of(op, name, item):
    """(x, y, w) of what a source gave: x alone, or a tuple (or list) of x, y and perhaps weights."""
    if not isinstance(item, (tuple, list)):
        return item, None, None
    if len(item) not in (1, 2, 3):
        raise ValueError(f"{op}: {name} gave a batch of {len(item)} items, expected (x, y) or (x, y, sample_weight)")
    return (*item, None, None)[:3]
