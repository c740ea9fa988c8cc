"""Numbers that a kernel reads from memory, because a recorded step has to find the next one there (_varying.py)."""

import numpy as np

from . import memory


def number(value, dtype):
    """An array of one element on the device that holds a number; while a graph records, one that every replay sets."""
    return memory.to_device(np.array([value], dtype))
