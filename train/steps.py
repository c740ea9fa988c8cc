"""The steps of an epoch where the data lies on the CPU; device.py has those on a device."""

from .callbacks import LambdaCallback, hooks
from .replayed import Replayed


class Steps:
    """Iterating trains for the epoch `epoch`, a step an item, on the batches of a feed.

    before  functions of a batch's number that are called before its step
    """

    before = ()
    epoch = 0

    def __init__(self, trainer, feed, running):
        self._trainer, self._feed, self._running = trainer, feed, running
        self._step = trainer.step
        if trainer.plain:
            self._step = trainer.replayed = trainer.replayed or Replayed(trainer)
            self._watched = any(map(_may_change_things, trainer.callbacks))

    def __iter__(self):
        step, add = self._step, self._running.add
        if self._trainer.plain:
            step.begin(self._feed.kinds, self._watched)
            self._feed.room = step.room
        place, batches = self._trainer.place, iter(self._feed.epoch(self.epoch))
        place.skip(batches)
        try:
            for batch in batches:
                for call in self.before:
                    call(place.done, {})
                yield add(*step(*batch))
        finally:
            if self._trainer.plain:
                step.end()


_HOOKS = "on_train_batch_begin", "on_train_batch_end"
_ALL_HOOKS = {*_HOOKS, "on_batch_begin", "on_batch_end"}


def _may_change_things(callback):
    """Whether code of the user's is called between steps."""
    ours = type(callback).__module__.startswith(__package__) and not isinstance(callback, LambdaCallback)
    if ours and not _ALL_HOOKS & vars(callback).keys():
        return False
    return any(hooks([callback], name) for name in _HOOKS)
