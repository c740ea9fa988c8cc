"""Tensor maps: what the bulk copy engine has to know of matrices in memory, in 128 bytes that the driver lays out.

x (count, rows, columns), 16 bits an element, begins at a multiple of 16 bytes, and so do all rows. A copy brings a box
of one matrix, BOX_COLUMNS wide, swizzled as gemm_hopper.py says, with zeros for what lies outside of the matrix.

A kernel finds its maps in the device's memory. There they come as arguments of a kernel of one thread, so that nothing
is copied from the host, and a graph can record it. A map speaks of a place and a shape and not of what is there: it is
never out of date, and `_known` keeps the latest MOST, 512 bytes each; a graph holds those that it was recorded with, as
it does with all arrays. One that is made while a graph records is written in every replay, and serves that graph alone.

CUDA driver API, "Tensor Map Object Management": encoding needs the driver, so that it has not run.
"""

import weakref

import numpy as np

from . import memory, ptx_hopper, stream
from .access import SIMULATED, address
from .jit import kernel

WORDS = 16  # of 8 bytes
ALIGNMENT = 64  # bytes
BOX_COLUMNS = 64  # 128 bytes, what the swizzle takes
MOST = 4096
SIGNATURE = f"void(uint64[::1]{', uint64' * WORDS})"

_known = {}  # {(address, (count, rows, columns), rows of a box): map}, the oldest first
_recorded = weakref.WeakKeyDictionary()  # {graph: the same}


def tensor_map(x, shape, box_rows):
    """The map of a flat array that begins with `shape` (count, rows, columns), as WORDS words on the device."""
    key = address(x), shape, box_rows
    known = _known
    if stream.recording is not None and key not in known:
        known = _recorded.setdefault(stream.recording, {})
    if key not in known:
        if len(known) >= MOST:
            del known[next(iter(known))]
        known[key] = _make(x, shape, box_rows)
    return known[key]


def _make(x, shape, box_rows):
    into = memory.empty((WORDS,), np.uint64)
    if not SIMULATED and address(into) % ALIGNMENT:
        raise RuntimeError(f"a tensor map has to begin at a multiple of {ALIGNMENT} bytes, this at {address(into)}")
    stream.start(_write, 1, 1, into, *map(np.uint64, encode(x, shape, box_rows)))
    return into


def write_map(into, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15):
    """into = the words of a map; one thread."""
    words = (w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15)
    for n in range(WORDS):
        into[n] = words[n]
    ptx_hopper.publish_map()


_write = kernel(write_map)

if SIMULATED:
    from .emulation_hopper import encode
else:

    def encode(x, shape, box_rows):
        """The words of a map."""
        from cuda.bindings import driver

        count, rows, columns = shape
        row = columns * x.dtype.itemsize
        error, encoded = driver.cuTensorMapEncodeTiled(
            driver.CUtensorMapDataType.CU_TENSOR_MAP_DATA_TYPE_UINT16,  # bits, whatever they mean
            3,
            address(x),
            [driver.cuuint64_t(size) for size in (columns, rows, count)],  # the innermost axis first
            [driver.cuuint64_t(step) for step in (row, rows * row)],  # bytes from row to row, from matrix to matrix
            [driver.cuuint32_t(size) for size in (BOX_COLUMNS, box_rows, 1)],
            [driver.cuuint32_t(1)] * 3,
            driver.CUtensorMapInterleave.CU_TENSOR_MAP_INTERLEAVE_NONE,
            driver.CUtensorMapSwizzle.CU_TENSOR_MAP_SWIZZLE_128B,
            driver.CUtensorMapL2promotion.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
            driver.CUtensorMapFloatOOBfill.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,  # zeros
        )
        if error != driver.CUresult.CUDA_SUCCESS:
            raise RuntimeError(f"the driver makes no tensor map of {count} x {rows} x {columns}: {error.name}")
        return [int(word) for word in encoded.opaque]
