"""IDX files, in which MNIST and its relatives come: arrays of bytes or numbers, with their shape in front.

    0, 0, type (1 byte), number of axes (1 byte), the sizes (4 bytes each, big-endian), the elements (big-endian)

Y. LeCun, "The MNIST database", http://yann.lecun.com/exdb/mnist/. Compressed by gzip or not: the first bytes tell.
"""

import gzip
import math
import os
import struct
import zlib

import numpy as np

from ...layers._door import as_array
from .files import damaged, opened

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_CODES = {np.dtype(dtype): code for code, dtype in _TYPES.items()}
_PIECE = 1 << 20  # bytes: no memory is taken for what the header says but the file does not hold


def read_idx(path):
    """The array of an IDX file, gzip or not, such as MNIST's `train-images-idx3-ubyte.gz`.

    Raises ValueError, which names the file, for one that is damaged, truncated or something else; OSError if it cannot
    be opened.
    """
    with opened("read_idx", path) as raw:
        start = raw.read(2)
        raw.seek(0)
        try:
            with gzip.GzipFile(fileobj=raw) if start == b"\x1f\x8b" else raw as file:
                return _read(file)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise damaged("read_idx", path, f"its compressed data is damaged ({error})") from None
        except ValueError as error:
            raise damaged("read_idx", path, error) from None


def write_idx(path, x):
    """Write an array as an IDX file, by gzip if the name ends in .gz: integers of up to 32 bits with a sign, bytes,
    floats of 32 and 64 bits. TypeError for other dtypes.
    """
    x = as_array("write_idx", "x", x)
    big = x.dtype.newbyteorder(">")
    if big not in _CODES:
        known = ", ".join(dtype.newbyteorder("=").name for dtype in _CODES)
        raise TypeError(f"write_idx: x is {x.dtype}, expected one of {known}")
    if x.ndim > 255 or max(x.shape, default=0) >= 1 << 32:
        raise ValueError(f"write_idx: x has shape {x.shape}, expected at most 255 axes, each below 2**32")
    header = struct.pack(f">HBB{x.ndim}I", 0, _CODES[big], x.ndim, *x.shape)
    with gzip.open(path, "wb") if os.fspath(path).endswith(".gz") else open(path, "wb") as file:
        file.write(header)
        file.write(x.astype(big).tobytes())


def _read(file):
    zeros, code, axes = struct.unpack(">HBB", _expect(file, 4, "the four bytes in front"))
    if zeros or code not in _TYPES:
        raise ValueError(
            f"it begins with the bytes {zeros >> 8}, {zeros & 255}, {code}, expected 0, 0 and a type from "
            f"{', '.join(map(str, _TYPES))}; is it an IDX file?"
        )
    shape = struct.unpack(f">{axes}I", _expect(file, 4 * axes, f"the sizes of {axes} axes"))
    dtype = np.dtype(_TYPES[code])
    data = _expect(file, math.prod(shape) * dtype.itemsize, f"{dtype.newbyteorder('=').name} of shape {shape}")
    if file.read(1):
        raise ValueError(f"there is more in it than {dtype.newbyteorder('=').name} of shape {shape}, which it promises")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _expect(file, size, what):
    data = bytearray()
    while len(data) < size and (piece := file.read(min(size - len(data), _PIECE))):
        data += piece
    if len(data) < size:
        raise ValueError(f"it ends after {len(data)} of the {size} bytes of {what}" if data else f"{what} are missing")
    return data
