"""Sixteen bytes at once: four neighbouring float32 numbers of an array are loaded and stored by one instruction.

    a, b, c, d = load4(x, i)    store4(y, i, (a, b, c, d))    i a multiple of 4, x and y on 16-byte boundaries

Plain LLVM instructions with their alignment, no inline PTX. In Numba's simulator, which runs kernels as Python, the
same names are Python functions.
"""

from numba import config

BYTES = 16

if config.ENABLE_CUDASIM:

    def load4(x, i):
        assert i % 4 == 0
        return x[i], x[i + 1], x[i + 2], x[i + 3]

    def store4(y, i, values):
        assert i % 4 == 0
        for k in range(4):
            y[i + k] = values[k]

else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    _LANE = ir.IntType(32)
    _QUAD = ir.VectorType(ir.FloatType(), 4)

    @intrinsic
    def load4(typing, x, i):
        if getattr(x, "dtype", None) is not types.float32 or x.ndim != 1 or x.layout != "C":
            return None

        def codegen(context, builder, signature, args):
            quad = builder.load(_pointer(context, builder, signature, args), align=BYTES)
            lanes = [builder.extract_element(quad, _LANE(k)) for k in range(4)]
            return context.make_tuple(builder, signature.return_type, lanes)

        return types.UniTuple(types.float32, 4)(x, types.intp), codegen

    @intrinsic
    def store4(typing, y, i, values):
        if getattr(y, "dtype", None) is not types.float32 or y.ndim != 1 or y.layout != "C":
            return None
        if values != types.UniTuple(types.float32, 4):
            return None

        def codegen(context, builder, signature, args):
            quad = _QUAD(ir.Undefined)
            for k in range(4):
                quad = builder.insert_element(quad, builder.extract_value(args[2], k), _LANE(k))
            builder.store(quad, _pointer(context, builder, signature, args), align=BYTES)
            return context.get_dummy_value()

        return types.void(y, types.intp, values), codegen

    def _pointer(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.bitcast(builder.gep(data, [args[1]]), _QUAD.as_pointer())


def is_wide(*arrays):
    """Whether arrays of one size are float32, hold four elements or more, and all start on 16-byte boundaries."""
    return arrays[0].dtype.char == "f" and arrays[0].size >= 4 and not any(address(x) % BYTES for x in arrays)


def address(x):
    """Where an array on the device begins."""
    if config.ENABLE_CUDASIM:
        return x.ctypes.data
    return x.__cuda_array_interface__["data"][0]
