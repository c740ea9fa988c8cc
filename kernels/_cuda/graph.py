"""A step that is recorded once and replayed: one call of the driver instead of one for each kernel.

    step()                       # first as it is, so that its kernels are compiled and its memory is in the pool
    graph = Graph()
    loss = graph.record(step)    # nothing is computed yet: loss holds what the replay before left there
    graph.replay()               # now the recorded call happens
    graph.replay()               # and once more, with the next numbers

Python does not run again in a replay. What changes from step to step reaches the kernels through arrays that stay in
their place (upload.py) and through numbers (numbers.py). All sizes, branches and other numbers are as recorded.
"""

import sys

from . import memory, stream
from .capture import Capture
from .numbers import Numbers


class Graph:
    """A recorded step. It holds the memory that the step took, and the arrays that it read."""

    def __init__(self):
        self.pool = memory.Pool()
        self.numbers = Numbers()
        self.result = None
        self._capture = None
        self._recorded = False

    @property
    def stream(self):
        """The stream that is recorded."""
        return self._capture.stream

    def record(self, function):
        """Call function(), record the work that it starts, and return what it returns; nothing of it is executed.

        Kernels have to be compiled before: call the function once as it is. The memory that it takes is the graph's:
        arrays that it returns hold their values from one replay to the next. Raises RuntimeError if the function
        copies from or to the host, and if something else is recorded already.
        """
        if self._recorded:
            raise RuntimeError("this graph has recorded a step; record another one with a new Graph()")
        stream.refuse_recording("another graph")
        capture = self._capture = Capture(self.pool)
        capture.begin()
        stream.recording = self
        try:
            self.result = function()
        except BaseException:
            stream.recording = None
            self._discard()
            raise
        stream.recording = None
        capture.end()
        self._recorded = True
        return self.result

    def replay(self):
        """Do the recorded step and return what the recorded function returned, its arrays with new values.

        The first replay takes the numbers as they were in the recorded call, every further one their next values.
        """
        if not self._recorded:
            raise RuntimeError("replay: nothing is recorded; call record(function) first")
        stream.refuse_recording("a replay")
        self.numbers.send()
        self._capture.replay()
        return self.result

    def start(self, kernel, blocks, threads, arguments):
        """Record a kernel; for stream.py."""
        self._capture.start(kernel, blocks, threads, arguments)

    def hold(self, arrays):
        """Hold arrays that a recorded kernel reaches by their addresses; for pointers.py."""
        for x in arrays:
            self._capture.hold(x)

    def copy(self, x, out):
        """Record a copy; for memory.py."""
        self._capture.copy(x, out)

    def _discard(self):
        """End a recording that failed."""
        try:
            self._capture.end()
        except RuntimeError:
            pass  # the error that ended the recording says more
        self._capture = None

    def __del__(self):
        if sys.is_finalizing():
            return
        self._capture = None  # ends before its memory goes to others
        self.pool.bequeath(memory.common)
