"""Training steps on the CPU without the Python between kernels: forward, loss and backward are recorded and replayed.

A step of a small model is a dozen calls of kernels, of a microsecond each, and five times as much Python. For models
of the library's own layers and losses it is recorded once for each size of batch (kernels/_cpu/recording.py), and
replayed from then on; so is the optimizer's step, where its numbers can be followed. Penalties and metrics run as they
always do.

A recording is believed only when a replay has given, for another batch, every bit that Python gave: of the loss, the
outputs, the gradients, the weights, and what layers and the optimizer keep. It is dropped when something has changed
that it was made with: which weights are trained, layers' attributes, arrays in other places.
"""

import numpy as np

from ..kernels._varying import Changed, refuse
from ..layers._layer import Layer
from ..layers._tape import Buffer, Parameter, Tensor
from .ours import is_called, is_the_librarys
from .tracing import is_told
from .walking import every_layer, walk

_CHANGING = "_steps", "iterations", "accumulated", "_learning_rate", "_columns"  # change by themselves
_WARM, _NEVER = "a step has run", "cannot be replayed"
_SIZES = 8  # of batches whose steps are kept; each has arrays that fill a cache at most


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
        if kinds != self._kinds or len(self._known) > _SIZES:
            self._known.clear()
            self.room.clear()
        elif len(now) != len(self._then) or any(a is not b for a, b in zip(now, self._then)):
            self._known.clear()
        self._kinds, self._then = kinds, now

    def __call__(self, *batch):
        if self._watched:
            self.begin(self._kinds, True)
        if self._trainer.special:
            return self._trainer.step(*batch)
        size = len(batch[0])
        known = self._known.get(size)
        if known.__class__ is RecordedStep and known.proven:
            return self._repeat(known, size, batch)
        if known is None:
            self._known[size] = _WARM
        elif known is _WARM and not self._is_possible():
            self._known[size] = _NEVER
        if self._known[size] is not known or known is _NEVER:
            return self._trainer.step(*batch)
        return self._recorded(known, size, batch)

    def end(self):
        """After an epoch: let go of the gradients, which are the user's to keep."""
        for step in self._known.values():
            if step.__class__ is RecordedStep:
                step.let_go()

    def _recorded(self, known, size, batch):
        """Record a step; where one is known that is not proven yet, by this one."""
        from ..kernels._cpu.recording import Recording

        if not Recording.turn.acquire(blocking=False):  # another thread records: perhaps next time
            return self._trainer.step(*batch)
        try:
            step = self._recorded_on(size, batch)
            if known is _WARM:
                self._known[size] = step
            else:
                self._known[size] = known if known.gives(step) else _NEVER
        finally:
            Recording.turn.release()
        if self._watched:
            step.let_go()
        return step.result()

    def _recorded_on(self, size, batch):
        """A step on a copy of the batch, or on the batch itself where the next one comes to the same place."""
        room = self.room.get(size, ())
        stays = len(room) == len(batch) and all(a is b for a, b in zip(room, batch))
        return RecordedStep(self._trainer, batch if stays else [part.copy() for part in batch])

    def _is_possible(self):
        optimizer = self._trainer.optimizer
        return is_the_librarys(self._trainer) and optimizer.gradient_accumulation_steps is None

    def _repeat(self, step, size, batch):
        if not step.replay(batch):  # Python finds out why, and has the words for it
            self._known[size] = _NEVER
            return self._trainer.step(*batch)
        if self._watched:
            step.let_go()
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
        self._backup = None  # (arrays and counting layers that a replay changes before it may fail, copies of arrays)
        if self._differentiated.recording.can_fail:
            counting = [layer for layer in every_layer(trainer.model).values() if hasattr(layer, "_steps")]
            self._backup = buffers, [x.copy() for x in buffers], counting

    def gives(self, other):
        """Whether a replay gives, from the batch of another recorded step, each of its bits; ends with its state."""
        self._take(other._batch)
        other._changed.undo()
        try:
            same = bool(
                self._read_loss
                and self._differentiated.recording.nbytes() <= _last_cache()  # larger ones are better shared in a step
                and self._differentiated.gives(other._differentiated)
                and _same(self._read_loss(), other._loss)
            )
            if self._trainer.penalised or not (same and self._changed.gives(other._changed)):
                self._changed = None
        finally:
            other._changed.redo()
        self.proven = same
        for part in (self._differentiated, self._changed):
            if part is not None:
                part.forget()
        return same

    def replay(self, batch):
        """The same for another batch; whether it could be done: where it could not, all is as it was."""
        self._take(batch)
        if self._backup is None:
            self._differentiated.recording.replay()
        elif not self._careful_replay(*self._backup):
            return False
        for p, gradient in self._gradients:
            p.grad = gradient
        self._value = self._read_loss()
        if self._changed is None:
            self._value = self._trainer.change(self._value)
        else:
            self._changed.recording.replay()
        return True

    def let_go(self):
        """Copy the gradients that parameters have: the next replay writes over these."""
        for p, gradient in self._gradients:
            if p.grad is gradient:
                p.grad = gradient.copy()

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

    def _careful_replay(self, buffers, before, counting):
        steps = [layer._steps for layer in counting]
        for x, copy in zip(buffers, before):
            np.copyto(copy, x)
        try:
            self._differentiated.recording.replay()
        except Changed:
            for x, copy in zip(buffers, before):
                np.copyto(x, copy)
            for layer, count in zip(counting, steps):
                layer._steps = count
            return False
        return True

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

    def forget(self):
        """Keep no copies any more: the recording is all that is needed."""
        self._before = self._after = self._then = ()

    def gives(self, other):
        """Whether a replay, with another part's numbers and from its state, ends with its bits; ends with its state."""
        mine, others = self.recording, other.recording
        if mine.refused or others.refused or not mine.matches(others):
            return False
        if len(self.state) != len(other.state) or any(a is not b for a, b in zip(self.state, other.state)):
            return False
        other.undo()
        try:
            mine.replay(others)
            return all(map(_same, [*self._made, *self.state], [*other._then, *other._after]))
        except Changed:
            return False
        finally:  # also where a signal raises
            other.redo()


def _dependencies(trainer):
    """Everything that a recorded step took as it was then, compared by identity."""
    found = trainer.optimizer.kept()
    for part in (trainer.optimizer, trainer.loss, *every_layer(trainer.model).values()):
        for name, value in vars(part).items():
            if name not in _CHANGING and not (name == "forward" and is_told(value)):
                found.append(value)
    for model in (trainer.model, *(one for _, one in walk(trainer.model) if not isinstance(one, (Layer, Parameter)))):
        found += filter(is_called, vars(model).values())
    for p in trainer.model.parameters():
        found += (p.value, p.requires_grad, p.regularizer)
    return found


def _last_cache():
    from ..kernels._cpu.streaming import LAST_CACHE

    return LAST_CACHE


def _same(a, b):
    return a.shape == b.shape and a.tobytes() == b.tobytes()
