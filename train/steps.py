"""The batches of an epoch and the steps on them, where the data lies on the CPU; device.py has those on a device."""

import numpy as np

from ..layers._door import writeable
from ..layers._random import generator


class Steps:
    """Iterating trains for an epoch, a step an item, on NumPy arrays.

    before  functions of a batch's number that are called before its step
    """

    before = ()

    def __init__(self, trainer, batches, running):
        self._trainer, self._batches, self._running = trainer, batches, running
        self.batch_size = batches.size

    def __iter__(self):
        step, add = self._trainer.step, self._running.add
        place, batches = self._trainer.place, iter(self._batches)
        place.skip(batches)
        for x, t in batches:
            for call in self.before:
                call(place.done, {})
            yield add(*step(x, t), t)


class Batches:
    """Iterating gives (x, t) of every batch of an epoch; shuffled ones in buffers that the next one overwrites."""

    def __init__(self, x, t, batch_size, shuffle):
        self.size = batch_size
        self._x, self._t, self._shuffle = x, t, shuffle
        if shuffle:
            self._bx = np.empty((min(batch_size, len(x)), *x.shape[1:]), x.dtype)
            self._bt = np.empty((min(batch_size, len(x)), *t.shape[1:]), t.dtype)

    def __iter__(self):
        x, t, size = self._x, self._t, self.size
        starts = range(0, len(x), size)
        if not self._shuffle:
            for start in starts:
                yield writeable(x[start : start + size]), writeable(t[start : start + size])
            return
        order = generator().permutation(len(x))
        for start in starts:
            rows = order[start : start + size]
            bx, bt = self._bx[: len(rows)], self._bt[: len(rows)]
            # "clip" because take() gathers into a copy of `out` first where it might find a wrong index
            x.take(rows, 0, bx, "clip")
            t.take(rows, 0, bt, "clip")
            yield bx, bt
