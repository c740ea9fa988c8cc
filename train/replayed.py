"""Training steps on the CPU without the Python between kernels: forward, loss and backward are recorded and replayed.

A step of a small model is a dozen calls of kernels, of a microsecond each, and five times as much Python. For models
of the library's own layers and losses it is recorded once for each size of batch (kernels/_cpu/recording.py), and
replayed from then on. The optimizer, penalties and metrics run as they always do.

A recording is believed only when a replay has given, for another batch, every bit that Python gave: of the loss, the
outputs, the gradients and what layers keep. It is dropped when something has changed that it was made with: which
weights are trained, layers' attributes, arrays in other places.
"""

import types

import numpy as np

from ..kernels._varying import refuse
from ..layers._tape import Buffer, Parameter, Tensor
from .loss import FunctionLoss
from .walking import every_layer, walk

_CHANGING = "_steps", "iterations", "accumulated", "_learning_rate", "_columns", "forward"  # change by themselves
_WARM, _NEVER = "a step has run", "cannot be replayed"


class Replayed:
    """The steps of a trainer; called as `trainer.step`, it does the same."""

    def __init__(self, trainer):
        self._trainer = trainer
        self._known = {}  # {samples of a batch: _WARM, _NEVER or a recorded step}
        self._kinds, self._then, self._watched = None, (), False
        self.room = {}  # {samples of a batch: arrays}, where batches may lie that need not be copied

    def begin(self, kinds, watched=False):
        """Before an epoch: forget what does not hold any more.

        kinds    what distinguishes batches besides their size, compared by value
        watched  whether code of the user's runs between steps, which may change anything
        """
        self._watched, now = watched, _dependencies(self._trainer)
        if kinds != self._kinds or len(now) != len(self._then) or any(a is not b for a, b in zip(now, self._then)):
            self._known.clear()
        if kinds != self._kinds:
            self.room.clear()
        self._kinds, self._then = kinds, now

    def __call__(self, *batch):
        if self._watched:
            self.begin(self._kinds, True)
        if self._trainer.special:
            return self._trainer.step(*batch)
        size = len(batch[0])
        known = self._known.get(size)
        if known.__class__ is RecordedStep:
            return self._repeat(known, size, batch)
        if known is None:
            self._known[size] = _WARM
        elif known is _WARM and not self._is_possible():
            self._known[size] = _NEVER
        if self._known[size] is not known or known is _NEVER:
            return self._trainer.step(*batch)
        self._known[size] = step = self._recorded(size, batch)
        return step.result()

    def _recorded(self, size, batch):
        """A step on a copy of the batch, or on the batch itself where the next one comes to the same place."""
        room = self.room.get(size, ())
        stays = len(room) == len(batch) and all(a is b for a, b in zip(room, batch))
        return RecordedStep(self._trainer, batch if stays else [part.copy() for part in batch])

    def _is_possible(self):
        optimizer = self._trainer.optimizer
        return is_the_librarys(self._trainer) and optimizer.gradient_accumulation_steps is None

    def _repeat(self, step, size, batch):
        if not step.proven:
            other = self._recorded(size, batch)
            self._known[size] = step if step.gives(other) else _NEVER
            return other.result()
        try:
            step.replay(batch)
        except Exception:  # Python finds it again, and has the words for it
            self._known[size] = _NEVER
            return self._trainer.step(*batch)
        return step.result()


class RecordedStep:
    """A step on a batch (x, t) or (x, t, w), done and recorded: its gradients, and what the optimizer makes of them."""

    proven = False  # whether a replay gave what Python gave

    def __init__(self, trainer, batch):
        self._trainer, self._batch = trainer, batch
        parameters, optimizer = trainer.model.parameters(), trainer.optimizer
        buffers = [p.value for p in parameters if isinstance(p, Buffer)]
        self._differentiated = _Part(self._differentiate, self._batch, buffers)
        self._read_loss = self._differentiated.recording.reader(self._loss)
        self._gradients = [(p, p.grad) for p in parameters if p.grad is not None]
        weights, gradients = [p.value for p, _ in self._gradients], [gradient for _, gradient in self._gradients]
        self._differentiated.made([self._output, *gradients])
        self._changed = _Part(self._change, gradients, [*weights, *optimizer.kept()])

    def gives(self, other):
        """Whether a replay gives, from the batch of another recorded step, each of its bits; ends with its state."""
        self._take(other._batch)
        other._changed.undo()
        self.proven = bool(
            self._read_loss
            and self._differentiated.recording.nbytes() <= _last_cache()  # larger ones are better shared within a step
            and self._differentiated.gives(other._differentiated)
            and _same(self._read_loss(), other._loss)
        )
        if self._trainer.penalised or not (self.proven and self._changed.gives(other._changed)):
            self._changed = None
        other._changed.redo()
        return self.proven

    def replay(self, batch):
        """The same for another batch; raises what kernels raise, before any weight is changed."""
        self._take(batch)
        self._differentiated.recording.replay()
        for p, gradient in self._gradients:
            p.grad = gradient
        self._value = self._read_loss()
        if self._changed is None:
            self._value = self._trainer.change(self._value)
        else:
            self._changed.recording.replay()

    def result(self):
        """What `trainer.step` returns."""
        return self._value, self._output, self._batch[1], None, *self._batch[2:]

    def _differentiate(self):
        x, *targets = self._batch
        output = self._trainer.model(Tensor(x))
        if output.mask is not None:
            refuse("masks")
        self._output, self._loss = output.value, self._trainer.differentiate(output, *targets)

    def _change(self):
        self._value = self._trainer.change(self._loss)

    def _take(self, batch):
        for mine, given in zip(self._batch, batch):
            if mine is not given:
                np.copyto(mine, given)


class _Part:
    """A part of a step, done and recorded: `given` are arrays that it reads, `state` those that it changes."""

    def __init__(self, run, given, state):
        from ..kernels._cpu.recording import Recording

        self.state, self._before = state, [x.copy() for x in state]
        with Recording() as self.recording:
            self.recording.made(*given)
            run()
        self._after = [x.copy() for x in state]
        self._made = self._then = ()

    def made(self, arrays):
        """Know the arrays that it made, which others may change."""
        self._made, self._then = arrays, [x.copy() for x in arrays]

    def undo(self):
        """Let the state be as it was before."""
        for x, before in zip(self.state, self._before):
            x[...] = before

    def redo(self):
        """Let the state be as it was after."""
        for x, after in zip(self.state, self._after):
            x[...] = after

    def gives(self, other):
        """Whether a replay, with another part's numbers and from its state, ends with its bits; ends with its state."""
        mine, others = self.recording, other.recording
        if mine.refused or others.refused or not mine.matches(others):
            return False
        if len(self.state) != len(other.state) or any(a is not b for a, b in zip(self.state, other.state)):
            return False
        other.undo()
        mine.replay(others)
        same = all(map(_same, [*self._made, *self.state], [*other._then, *other._after]))
        other.redo()
        return same


def is_the_librarys(trainer):
    """Whether model, loss and optimizer run no code of the user's, which a recorded step would not run again."""
    parts = [trainer.loss, trainer.optimizer, trainer.model, *(child for _, child in walk(trainer.model))]
    return type(trainer.loss) is not FunctionLoss and all(
        _is_ours(part) for part in parts if not isinstance(part, Parameter)
    )


def _is_ours(part):
    functions = [value for value in vars(part).values() if isinstance(value, types.FunctionType)]
    return all(one.__module__.startswith(_OWN) for one in (type(part), *functions)) and "forward" not in vars(part)


_OWN = __package__.rpartition(".")[0] + "."


def _dependencies(trainer):
    """Everything that a recorded step took as it was then, compared by identity."""
    found = trainer.optimizer.kept()
    for part in (trainer.optimizer, trainer.loss, *every_layer(trainer.model).values()):
        found += [value for name, value in vars(part).items() if name not in _CHANGING]
    for p in trainer.model.parameters():
        found += (p.value, p.requires_grad)
    return found


def _last_cache():
    from ..kernels._cpu.streaming import LAST_CACHE

    return LAST_CACHE


def _same(a, b):
    return a.shape == b.shape and a.tobytes() == b.tobytes()
