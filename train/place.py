"""Where a training stands, so that it can go on from there: epoch, steps of it that are done, its shuffle, its sums."""

from ..layers._random import generator


class Place:
    """Epoch, finished steps of the epoch, and what these were made from.

    The shuffle of an epoch is kept as the random state that it was drawn from: drawn again it is the same, whatever
    draws it. The batches that are done are read and left out, and the random numbers go on as they had. Feeds of
    sources (`loose` ones) say themselves how far they are read, over epochs too.
    """

    def __init__(self, running, feed):
        self.epoch = self.done = 0
        self._running, self._feed, self._shuffle, self._then = running, feed, None, None

    def begin(self, epoch):
        """Before the first batch of an epoch is asked for."""
        if epoch == self.epoch and self.done:
            if self._feed.loose:  # which stands where it has to
                return
            self._then, generator().bit_generator.state = generator().bit_generator.state, self._shuffle
            return
        self.epoch, self.done = epoch, 0
        self._shuffle = generator().bit_generator.state
        self._running.reset()

    def skip(self, batches):
        """Leave out the batches that are done, of an iterator over those of the epoch."""
        if self._then is None:
            return
        for _ in range(self.done):
            next(batches)
        generator().bit_generator.state, self._then = self._then, None

    def state(self):
        """What a checkpoint keeps."""
        middle = {"shuffle": self._shuffle, "running": self._running.state()} if self.done else {}
        source = {"source": self._feed.state()} if self._feed.loose else {}
        return {"epoch": self.epoch, "done": self.done, **middle, **source}

    def load_state(self, state):
        """Go on from what `state` gave; `begin` of that epoch comes next."""
        self.epoch, self.done = state["epoch"], state["done"]
        if self.done:
            self._shuffle = state["shuffle"]
            self._running.load_state(state["running"])
        kinds, now = ("arrays", "batches of a source"), self._feed.loose
        if now != ("source" in state):
            raise ValueError(
                f"the backup was made with {kinds[not now]}, and now there are {kinds[now]}; give the data as it was "
                f"given then, or remove the file"
            )
        if self._feed.loose:
            self._feed.load_state(state["source"], self.done)
