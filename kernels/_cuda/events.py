"""Time on the device's own clock, between two events in the order of the stream.

The driver's part has not run on a card; in Numba's simulator, where there is no such clock, it is the host's.
"""

import time

from numba import config, cuda

from . import stream


class Timer:
    """The seconds that the work started inside of a `with` block takes on the device.

        with Timer() as timer:
            step()
        timer.seconds

    Only reading the seconds waits for the work; many timers can be under way. Between kernels of a fresh `with` block
    the device may wait for Python: that is part of the time, as it is of a training step's.
    """

    def __enter__(self):
        stream.refuse_recording("a timer")
        self._begin = _mark()
        return self

    def __exit__(self, *error):
        self._end = _mark()

    @property
    def seconds(self):
        """Waits for the work."""
        return _between(self._begin, self._end)


def elapsed(function):
    """The seconds that the work started by function() takes on the device; waits for it."""
    with Timer() as timer:
        function()
    return timer.seconds


if config.ENABLE_CUDASIM:
    _mark = time.perf_counter

    def _between(begin, end):
        return end - begin

else:

    def _mark():
        event = cuda.event(timing=True)
        event.record(0)
        return event

    def _between(begin, end):
        end.synchronize()
        return begin.elapsed_time(end) / 1000
