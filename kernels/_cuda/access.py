"""Sixteen bytes at once, the widest access that a thread has: one instruction instead of four or two.

    a, b, c, d = load4(x, i)    store4(y, i, (a, b, c, d))    four float32 elements, i a multiple of 4
    fetch(narrow, i, wide, j)   put(wide, j, narrow, i)       V elements of any type, to or from an array of a thread

The side in memory, global or shared, lies on a 16-byte boundary. Plain LLVM instructions with their alignment, no
inline PTX. In Numba's simulator, which runs kernels as Python, the same names are Python functions.
"""

from numba import config

BYTES = 16
SIMULATED = bool(config.ENABLE_CUDASIM)
ALIGNMENT = None if SIMULATED else BYTES  # of shared arrays that are read so; the simulator takes none

if SIMULATED:

    def load4(x, i):
        assert i % 4 == 0
        return x[i], x[i + 1], x[i + 2], x[i + 3]

    def store4(y, i, values):
        assert i % 4 == 0
        for k in range(4):
            y[i + k] = values[k]

    def fetch(narrow, i, wide, j):
        assert j * wide.dtype.itemsize % BYTES == 0
        for n in range(BYTES // wide.dtype.itemsize):
            narrow[i + n] = wide[j + n]

    def put(wide, j, narrow, i):
        assert j * wide.dtype.itemsize % BYTES == 0
        for n in range(BYTES // wide.dtype.itemsize):
            wide[j + n] = narrow[i + n]

else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    _I32, _I64 = ir.IntType(32), ir.IntType(64)

    def _place(context, builder, array, value, index):
        """A pointer to an element."""
        return builder.gep(context.make_array(array)(context, builder, value).data, [index])

    def _load(builder, place):
        """The elements of the 16 bytes at a place."""
        vector = ir.VectorType(place.type.pointee, 8 * BYTES // _bits(place.type.pointee))
        loaded = builder.load(builder.bitcast(place, vector.as_pointer(place.type.addrspace)), align=BYTES)
        return [builder.extract_element(loaded, _I32(n)) for n in range(vector.count)]

    def _store(builder, place, values):
        vector = ir.VectorType(place.type.pointee, len(values))
        stored = ir.Constant(vector, ir.Undefined)
        for n, value in enumerate(values):
            stored = builder.insert_element(stored, value, _I32(n))
        builder.store(stored, builder.bitcast(place, vector.as_pointer(place.type.addrspace)), align=BYTES)

    def _bits(kind):
        return {ir.FloatType(): 32, ir.DoubleType(): 64}.get(kind) or kind.width

    def _is_quads(x):
        return getattr(x, "dtype", None) is types.float32 and x.ndim == 1 and x.layout == "C"

    @intrinsic
    def load4(typing, x, i):
        if not _is_quads(x):
            return None

        def generate(context, builder, signature, values):
            loaded = _load(builder, _place(context, builder, x, *values))
            return context.make_tuple(builder, signature.return_type, loaded)

        return types.UniTuple(types.float32, 4)(x, types.intp), generate

    @intrinsic
    def store4(typing, y, i, values):
        four = types.UniTuple(types.float32, 4)
        if not _is_quads(y) or values != four:
            return None

        def generate(context, builder, signature, arguments):
            parts = [builder.extract_value(arguments[2], n) for n in range(4)]
            _store(builder, _place(context, builder, y, *arguments[:2]), parts)
            return context.get_dummy_value()

        return types.void(y, types.intp, four), generate

    @intrinsic
    def fetch(typing, narrow, i, wide, j):
        """narrow[i : i + V] = wide[j : j + V], in one load."""

        def generate(context, builder, signature, values):
            into = _place(context, builder, narrow, *values[:2])
            for n, value in enumerate(_load(builder, _place(context, builder, wide, *values[2:]))):
                builder.store(value, builder.gep(into, [_I64(n)]))
            return context.get_dummy_value()

        return types.void(narrow, types.intp, wide, types.intp), generate

    @intrinsic
    def put(typing, wide, j, narrow, i):
        """wide[j : j + V] = narrow[i : i + V], in one store."""

        def generate(context, builder, signature, values):
            source = _place(context, builder, narrow, *values[2:])
            count = BYTES * 8 // _bits(source.type.pointee)
            parts = [builder.load(builder.gep(source, [_I64(n)])) for n in range(count)]
            _store(builder, _place(context, builder, wide, *values[:2]), parts)
            return context.get_dummy_value()

        return types.void(wide, types.intp, narrow, types.intp), generate


def is_wide(*arrays):
    """Whether arrays of one size are float32, hold four elements or more, and all start on 16-byte boundaries."""
    return arrays[0].dtype.char == "f" and arrays[0].size >= 4 and not any(address(x) % BYTES for x in arrays)


def has_wide_rows(x):
    """Whether an array, if it has any elements, and all its rows start on 16-byte boundaries."""
    return not x.size or (address(x) % BYTES == 0 and tuple(x.shape)[-1] * x.dtype.itemsize % BYTES == 0)


def address(x):
    """Where an array on the device begins."""
    if SIMULATED:
        return x.ctypes.data
    return x.__cuda_array_interface__["data"][0]
