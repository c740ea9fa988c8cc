"""Copies to the device that nobody waits for, through pinned memory: numbers, and the batches of a training step.

Pinned memory is read while Python already runs on, so that it must not be written again before its copy is done. There
are several pages of it, taken in turn: Python runs ahead of the device by so many copies, then waits for the oldest.

The copies of a card, and the waiting, have not run on one.
"""

import sys

import numpy as np

from . import buffers, memory, stream

PAGES = 2  # as many steps can be under way
MANY, SMALL = 16, 1 << 12  # of up to so many bytes: a step outside of a graph sends some numbers
_pages = {}  # {bytes: Pages}


class Pages:
    """Pinned memory of a size, several times."""

    def __init__(self, size, count=PAGES):
        self._pages = buffers.pinned((count, size), np.uint8)
        self._sent = [None] * count  # events
        self._turn = 0

    def page(self):
        """The bytes that are sent next; waits until they may be written."""
        sent = self._sent[self._turn]
        if sent is not None:
            sent.synchronize()
        return self._pages[self._turn]

    def send(self, out):
        """Copy the page to the array, which may be smaller, in the order of the stream, and turn to the next page."""
        turn = self._turn
        self._sent[turn] = self._sent[turn] or buffers.event()
        buffers.send(self._pages[turn][: out.nbytes], out, self._sent[turn])
        self._turn = (turn + 1) % len(self._pages)

    def __del__(self):
        for sent in self._sent:
            if sent is not None and not sys.is_finalizing():
                sent.synchronize()  # else the copy might read memory that is no longer pinned


def upload(x, out):
    """Copy a NumPy array to `out`, an array on the device in C order, without waiting; x may be changed at once.

    Before the replay of a graph this is how the step gets its batch. Raises ValueError if shapes or dtypes differ.
    """
    stream.refuse_recording("a copy of an array to the device")
    if x.shape != tuple(out.shape) or x.dtype != out.dtype:
        raise ValueError(f"upload: x is {x.dtype} {x.shape}, expected {out.dtype} {tuple(out.shape)} as out is")
    if not x.size:
        return
    size = memory.size_class(x.nbytes)
    if size not in _pages:
        _pages[size] = Pages(size, MANY if size <= SMALL else PAGES)
    pages = _pages[size]
    pages.page()[: x.nbytes].view(x.dtype).reshape(x.shape)[...] = x
    pages.send(out)
