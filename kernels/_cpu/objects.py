"""Where Python keeps the items of a tuple, and NumPy what it knows of an array, for compiled code that reads it there.

A tuple keeps the addresses of its items, and an array its address, shape, dtype and flags, at places that are part of
NumPy's binary interface (`PyArrayObject_fields` in ndarraytypes.h). Whether they are there is tried once, on an array
made for it; where they are not (KNOWN is false), Python is asked instead.
"""

import ctypes

import numpy as np

HEADER = object.__basicsize__
ITEMS = tuple.__basicsize__  # of a tuple
DATA, NDIM, SHAPE, STRIDES, DTYPE, FLAGS = 0, 8, 16, 24, 40, 48  # of an array, behind the header
CARRAY, READ = 0x501, 0x101  # C order, aligned and writeable; the first two


def _layout_is_known():
    """Whether the places hold what they should, of an array of three axes."""
    x = np.empty((2, 1, 3), np.float32)
    held = (x,)
    at = id(x) + HEADER

    def word(address):
        return ctypes.c_int64.from_address(address).value

    return (
        tuple.__itemsize__ == np.dtype(np.intp).itemsize == 8
        and word(id(held) + ITEMS) == id(x)
        and word(id(x) + HEADER - 8) == id(np.ndarray)
        and word(at + DATA) == x.ctypes.data
        and ctypes.c_int32.from_address(at + NDIM).value == 3
        and tuple(word(word(at + SHAPE) + 8 * axis) for axis in range(3)) == x.shape
        and tuple(word(word(at + STRIDES) + 8 * axis) for axis in range(3)) == x.strides
        and word(at + DTYPE) == id(x.dtype)
        and ctypes.c_int32.from_address(at + FLAGS).value & CARRAY == CARRAY == x.flags.num & CARRAY
    )


KNOWN = _layout_is_known()
