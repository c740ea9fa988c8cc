"""Lists of arrays in one call of a kernel: where they lie is read by compiled code from Python's own objects.

To ask an array for its address from Python costs a microsecond, and to check dtype, shape and order another one; for
the parameters of a model that is more than their update. A few loads from where Python and NumPy keep them do the same
(objects.py). Where these places are not known, and for arrays that are not plain, Python is asked.

A table has a row for each parameter: its elements, the sum of the chunks up to its end, and its addresses. A chunk is
CHUNK elements of one parameter, or what is left of it; a task of `spread` owns TOGETHER of them that follow each other.
"""

from itertools import accumulate

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .. import _varying
from .ingredient import IngredientCompiler
from .jit import inner, kernel
from .objects import CARRAY, DATA, DTYPE, FLAGS, HEADER, ITEMS, KNOWN, NDIM, READ, SHAPE
from .recording import once

CHUNK = 1 << 13  # elements: 32 KB of float32, about a first-level cache
TOGETHER = 8  # chunks: a task costs as much as some thousand elements, and biases are much smaller
SIZE, END, PLACES = range(3)  # columns of a table; addresses from PLACES on

_FLOATS = tuple(np.dtype(t) for t in (np.float32, np.float64))
_KINDS = tuple(
    (np.array([id(np.ndarray), id(tuple), id(one), id(other), HEADER, ITEMS]), np.empty(0, one))
    for one, other in (_FLOATS, _FLOATS[::-1])
)
_LISTS = (list, tuple)


def tables(columns, read_only):
    """[(table, an empty array of the dtype)], for each dtype, of columns of arrays or of lists of them.

    None if the arrays of a parameter are not all plain: of one float dtype and shape, aligned, in C order and, except
    in the column `read_only`, writeable. The arrays must be held until the tables are not used any more.
    """
    first = columns[0]
    if first.__class__ in _LISTS:
        count, parts = len(first), tuple([tuple(x) if x.__class__ in _LISTS else x for x in columns])
    else:
        count, parts = 1, columns
    if not (KNOWN and count):
        return None
    found = []
    for known, like in _KINDS:
        table = np.empty((count, PLACES + len(parts)), np.int64)
        if _varying.recording is not None and (recording := _varying.here()):
            recording.hold(parts, table)
        here = _read(id(parts), table, read_only, known)
        if here < 0:
            return None
        if here == count:
            return [(table, like)]
        if here:
            found.append((table[:here], like))
    return found


def tables_by_python(columns):
    """The same, of columns that have been checked, as Python sees them."""
    columns = [column if column.__class__ in _LISTS else [column] for column in columns]
    _varying.refuse("arrays that are not plain")
    found = []
    for _, like in _KINDS:
        parameters = [arrays for arrays in zip(*columns) if arrays[0].dtype == like.dtype]
        if parameters:
            ends = accumulate(-(-arrays[0].size // CHUNK) for arrays in parameters)
            rows = [(a[0].size, end, *(x.ctypes.data for x in a)) for a, end in zip(parameters, ends)]
            found.append((np.array(rows, np.int64), like))
    return found


@intrinsic
def _word(typing, address):
    """The 64-bit integer at an address."""
    return types.int64(types.int64), lambda context, builder, sig, args: _load(builder, args[0], 64)


@intrinsic
def _half(typing, address):
    """The 32-bit integer at an address."""
    return types.int64(types.int64), lambda context, builder, sig, args: _load(builder, args[0], 32)


def _load(builder, address, bits):
    value = builder.load(builder.inttoptr(address, ir.IntType(bits).as_pointer()))
    return value if bits == 64 else builder.sext(value, ir.IntType(64))


@intrinsic
def array_at(typing, address, size, like):
    """The elements at an address, of the dtype of `like`, for the length of a call in which somebody holds them."""
    kind = types.Array(like.dtype, 1, "C")

    def codegen(context, builder, sig, args):
        address, size, _ = args
        step = context.get_constant(types.intp, like.dtype.bitwidth // 8)
        result = context.make_array(kind)(context, builder)
        result.data = builder.inttoptr(address, result.data.type)
        result.nitems, result.itemsize = size, step
        result.shape, result.strides = cgutils.pack_array(builder, [size]), cgutils.pack_array(builder, [step])
        result.meminfo = cgutils.get_null_value(result.meminfo.type)
        result.parent = cgutils.get_null_value(result.parent.type)
        return result._getvalue()

    return kind(types.int64, types.int64, like), codegen


@once
@kernel
def _read(columns, table, read_only, known):
    """Fill a table from a tuple of arrays or of tuples of them; the rows of the first dtype in `known`, or -1."""
    array_type, tuple_type, dtype, other, header, items = known[0], known[1], known[2], known[3], known[4], known[5]
    count, width = table.shape[0], table.shape[1] - PLACES
    first = _word(columns + items)
    single = _word(first + header - 8) == array_type
    for c in range(width):
        column = _word(columns + items + 8 * c)
        if _word(column + header - 8) != (array_type if single else tuple_type):
            return -1
        if not single and _word(column + header) != count:  # the first thing that a tuple keeps is its length
            return -1
    rows, end = 0, 0
    for k in range(count):
        leader = first if single else _word(first + items + 8 * k)
        if _word(leader + header - 8) != array_type:
            return -1
        kind, axes = _word(leader + header + DTYPE), _half(leader + header + NDIM)
        shape, size = _word(leader + header + SHAPE), 1
        if kind != dtype and kind != other:
            return -1
        for axis in range(axes):
            size *= _word(shape + 8 * axis)
        for c in range(width):
            column = _word(columns + items + 8 * c)
            x = column if single else _word(column + items + 8 * k)
            needed = READ if c == read_only else CARRAY
            if _word(x + header - 8) != array_type:
                return -1
            x += header
            if _word(x + DTYPE) != kind or _half(x + NDIM) != axes or _half(x + FLAGS) & needed != needed:
                return -1
            for axis in range(axes):
                if _word(_word(x + SHAPE) + 8 * axis) != _word(shape + 8 * axis):
                    return -1
            if kind == dtype:
                table[rows, PLACES + c] = _word(x + DATA)
        if kind == dtype:
            end += -(-size // CHUNK)
            table[rows, SIZE], table[rows, END] = size, end
            rows += 1
    return rows


@inner
def chunks(table):
    """How many chunks a table has."""
    return table[-1, END]


@inner
def elements(table):
    """How many elements its parameters have."""
    total = 0
    for k in range(table.shape[0]):
        total += table[k, SIZE]
    return total


@inner
def tasks(table):
    """How many tasks they make."""
    return -(-chunks(table) // TOGETHER)


@inner
def first_row(task, table):
    """The parameter with the first chunk of a task."""
    low, high = 0, table.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if table[middle, END] > task * TOGETHER:
            high = middle
        else:
            low = middle + 1
    return low


@inner
def row_of(place, row, table):
    """The parameter with a chunk, from the one of a chunk before it or of itself on."""
    while table[row, END] <= place:
        row += 1
    return row


@inner
def chunk(place, row, table):
    """(parameter, first element, elements) of a chunk."""
    size = table[row, SIZE]
    first = (place - table[row, END] + -(-size // CHUNK)) * CHUNK
    return row, first, min(CHUNK, size - first)


@inner
def piece(table, column, place, like):
    """The elements of a chunk, as `chunk` says it, in a column of addresses."""
    k, first, count = place
    return array_at(table[k, PLACES + column] + first * like.itemsize, count, like)


class _Apart(IngredientCompiler):
    """A compiler of functions whose array arguments do not overlap."""

    def define_pipelines(self):
        self.state.flags.noalias = True
        return super().define_pipelines()


def loop(function):
    """A loop over arrays that do not overlap, or are the same element by element: vector code without asking first."""
    return inner(function, pipeline_class=_Apart, forceinline=True)
