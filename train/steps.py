"""The steps of an epoch where the data lies on the CPU; device.py has those on a device."""


class Steps:
    """Iterating trains for the epoch `epoch`, a step an item, on the batches of a feed.

    before  functions of a batch's number that are called before its step
    """

    before = ()
    epoch = 0

    def __init__(self, trainer, feed, running):
        self._trainer, self._feed, self._running = trainer, feed, running

    def __iter__(self):
        step, add = self._trainer.step, self._running.add
        place, batches = self._trainer.place, iter(self._feed.epoch(self.epoch))
        place.skip(batches)
        for batch in batches:
            for call in self.before:
                call(place.done, {})
            yield add(*step(*batch))
