"""Compiling, shown as what it is: the first training with an op, a dtype and a number of axes waits for kernels."""

import time


class Warmup:
    """Until it is closed `progress` is told when the first kernel is compiled, not loaded, and how long all took.

    progress  a callback with `compiling()`, called once, and the attribute `compiled`, in seconds; or None
    """

    def __init__(self, progress):
        self._progress, self._depth, self._listening = progress, 0, None

    def __enter__(self):
        if self._progress is not None:
            from numba.core import event

            self._progress.compiled = 0.0
            self._listening = event.install_listener("numba:compile", _listener(event, self))
            self._listening.__enter__()
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Listen no more."""
        if self._listening is not None:
            self._listening.__exit__(None, None, None)
            self._listening = None

    def started(self):
        """Numba begins to compile, perhaps while it compiles something else."""
        if not self._depth:
            self._since = time.perf_counter()
            if not self._progress.compiled:
                self._progress.compiling()
        self._depth += 1

    def ended(self):
        """It is done with that."""
        self._depth -= 1
        if not self._depth:
            self._progress.compiled += time.perf_counter() - self._since


def _listener(event, warmup):
    class Compiling(event.Listener):
        def on_start(self, event):
            warmup.started()

        def on_end(self, event):
            warmup.ended()

    return Compiling()
