"""Training where the data lies on a CUDA device: batches are gathered there, results are summed there, and a step is
recorded as a graph and replayed, so that Python's part of a step is a few numbers and one call.

A recorded step does what Python did while it was recorded. It is recorded only for models of the library's own layers,
loss and optimizer, whose numbers that change from step to step say so (kernels/_varying.py), and anew when anything
else has changed: the batch's size, which weights are trained, layers' modes, arrays in other places.
"""

from types import SimpleNamespace

import numpy as np

from ..kernels._cuda import memory
from ..kernels._cuda.accumulate import add_scaled, copy_rows
from ..kernels._cuda.gather import take_rows
from ..kernels._cuda.graph import Graph
from ..kernels._varying import varying
from ..layers._device import assign, to_device, to_host
from ..layers._layer import config
from ..layers._random import generator
from ..layers._tape import Parameter, Tensor
from .ours import is_the_librarys
from .running import BUFFERED, Running


class DeviceRunning(Running):
    """A `Running` with sums and buffers on the device, read back when somebody asks or a buffer is full."""

    def __init__(self, metrics):
        self._total = to_device(np.zeros(1))
        super().__init__(metrics)

    def reset(self):
        assign(self._total, np.zeros(1))
        super().reset()

    def add(self, loss, y, t, mask=None, w=None):
        """Count a batch in; works in a recorded step too, which `count` then goes on with."""
        self._reserve(y, t)
        add_scaled(self._total, loss, len(y))
        if self._metrics:
            row = varying(lambda: self._filled)
            copy_rows(self._outputs, row, y)
            copy_rows(self._targets, row, t)
        self.count(len(y))

    def count(self, samples):
        """So many more samples were added by the device."""
        self._samples += samples
        self._filled += samples

    def has_room(self, samples):
        """Whether so many samples can be added before the buffers are read back; where not, they are read back."""
        if self._metrics and self._filled + samples > len(self._outputs):
            self._flush()
        return not self._metrics or samples <= len(self._outputs)

    def state(self):
        return {**super().state(), "loss": float(to_host(self._total)[0])}

    def load_state(self, state):
        y, t = state["outputs"], state["targets"]
        super().load_state({**state, "outputs": None})
        assign(self._total, np.array([state["loss"]]))
        if y is not None:  # buffers are made by the first batch that comes; the metrics take what is there already
            for metric in self._metrics:
                metric.update(y, t)

    @property
    def buffers(self):
        """The arrays that a recorded step writes to."""
        return self._total, self._outputs, self._targets

    def __getitem__(self, name):
        if name == "loss" and self._samples:
            return float(to_host(self._total)[0]) / self._samples
        return super().__getitem__(name)

    def _reserve(self, y, t):
        if not self._metrics:
            return
        if self._outputs is None or len(y) > len(self._outputs):
            self._flush()
            rows = len(y) if self._by_batch else max(len(y), BUFFERED // max(y.size // len(y), 1))
            self._outputs = memory.empty((rows, *y.shape[1:]), y.dtype)
            self._targets = memory.empty((rows, *t.shape[1:]), t.dtype)
        elif self._filled + len(y) > len(self._outputs):
            self._flush()

    def _flush(self):
        if self._metrics and self._filled:
            filled, self._filled = self._filled, 0
            outputs, targets = to_host(self._outputs[:filled]), to_host(self._targets[:filled])
            for metric in self._metrics:
                metric.update(outputs, targets)


class RecordedSteps:
    """Iterating trains for an epoch, a step an item, on samples x and targets t on a device."""

    before = ()  # functions of a batch's number that are called before its step

    def __init__(self, trainer, x, t, batch_size, shuffle, running):
        self._trainer, self._x, self._t, self._running = trainer, x, t, running
        self.batch_size, self._shuffle = batch_size, shuffle
        self._order = to_device(np.arange(len(x)))
        self._place = SimpleNamespace(start=0)  # of the batch; the graphs know it and not `self`, whose data would stay
        self._warm = set()  # sizes of batches for which a step has run
        self._recorded = {}  # {size: (graph, what it depends on)}
        self._recordable = None  # known after the first step

    def __iter__(self):
        size, samples = self.batch_size, len(self._x)
        if self._shuffle:
            assign(self._order, generator().permutation(samples))
        starts, place = iter(range(0, samples, size)), self._trainer.place
        place.skip(starts)
        for start in starts:
            for call in self.before:
                call(place.done, {})
            self._place.start = start
            self._step(min(size, samples - start))
            yield

    def _step(self, count):
        if self._warm and self._recordable is None:
            self._recordable = is_the_librarys(self._trainer)
        if not self._recordable or count not in self._warm or not self._running.has_room(count):
            self._warm.add(count)
            self._run(count)
            return
        now = self._dependencies()
        graph, then = self._recorded.get(count, (None, ()))
        if graph is not None and len(now) == len(then) and all(a is b for a, b in zip(now, then)):
            graph.replay()
            self._running.count(count)
        else:
            graph = Graph()
            graph.record(lambda: self._run(count))  # which counts the samples, and computes nothing yet
            self._recorded[count] = graph, now
            graph.replay()

    def _run(self, count):
        """One step on `count` samples from the current place on."""
        x = memory.empty((count, *self._x.shape[1:]), self._x.dtype)
        t = memory.empty((count, *self._t.shape[1:]), self._t.dtype)
        place = self._place
        start = varying(lambda: place.start)
        take_rows(self._x, self._order, start, count, x)
        take_rows(self._t, self._order, start, count, t)
        trainer = self._trainer
        output = trainer.model(Tensor(x))
        self._running.add(trainer.learn(output, t), output.value, t)

    def _dependencies(self):
        """Everything that a recorded step took as it was then, compared by identity."""
        trainer = self._trainer
        constants = config(trainer.optimizer, ("parameters", "learning_rate")).values()
        found = [trainer.loss, trainer.optimizer, *constants, *self._running.buffers]
        for _, child in trainer.model.walk():
            if isinstance(child, Parameter):
                found += (child.value, child.trainable)
            else:
                found.append(child.training)
                found += (part for p in child.parameters() for part in (p.value, p.trainable))
        return found
