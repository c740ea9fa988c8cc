"""Numbers that a kernel reads from memory, because a recorded step has to find the next one there (_varying.py).

While a graph records, a number gets a slot of a small array on the device. Before a replay all numbers that vary are
asked for their values, in the order in which they were recorded, and all slots are sent in one copy.
"""

import numpy as np

from .._varying import is_varying
from . import memory, stream
from .upload import Pages, upload

SLOTS, WIDTH = 64, 16  # of an array; bytes of a slot


def number(value, dtype):
    """An array of one element on the device that holds a number; while a graph records, one that every replay sets."""
    if stream.recording is not None:
        return stream.recording.numbers.slot(value, np.dtype(dtype))
    x = memory.empty(1, dtype)
    upload(np.array([value], dtype), x)
    return x


class Numbers:
    """The numbers of a graph."""

    def __init__(self):
        self._known = {}  # {(number's id or value, dtype): slot}
        self._varying = []  # (number, where its bytes are written)
        self._chunks = []  # (bytes on the host, array on the device, its pages)
        self._used = SLOTS  # slots of the last chunk
        self._replays = 0

    def slot(self, value, dtype):
        """A new slot with a number's value, or the one that the number has already."""
        key = (id(value) if is_varying(value) else repr(value)), dtype
        if key not in self._known:
            host, device = self._new_slot()
            host = host[: dtype.itemsize].view(dtype)
            host[0] = value
            if is_varying(value):
                self._varying.append((value, host))
            self._known[key] = device[: dtype.itemsize].view(dtype)
        return self._known[key]

    def _new_slot(self):
        if self._used == SLOTS:
            size, self._used = SLOTS * WIDTH, 0
            # not of the graph's pool: what was recorded before would write there again, after the numbers were sent
            device = memory.empty(size, np.uint8, memory.common)
            self._chunks.append((np.zeros(size, np.uint8), device, Pages(size)))
        host, device, _ = self._chunks[-1]
        start = self._used * WIDTH
        self._used += 1
        return host[start : start + WIDTH], device[start : start + WIDTH]

    def send(self):
        """Send the numbers of the next replay: at first those of the recorded call, then every time the next ones."""
        if self._replays:
            known = {}
            for value, host in self._varying:
                host[0] = value.next(known)
        if self._varying or not self._replays:
            for host, device, pages in self._chunks:
                pages.page()[:] = host
                pages.send(device)
        self._replays += 1
