"""Arrays that a kernel makes of addresses: how one launch reaches more arrays than it could take one by one.

    x = array_at(address, size, like)    a flat array of `size` elements at an address, of the dtype of the array `like`

A kernel that is started with addresses does not hold their memory: whoever starts it says `hold(arrays)`, so that a
recorded step does. In Numba's simulator `array_at` makes NumPy arrays of the host's addresses.
"""

from numba import config

from . import stream


def hold(arrays):
    """Say which arrays the next kernel reaches by their addresses; a graph that records holds them then."""
    if stream.recording is not None:
        stream.recording.hold(arrays)


if config.ENABLE_CUDASIM:
    import ctypes

    import numpy as np

    def array_at(address, size, like):
        memory = (ctypes.c_char * (int(size) * like.dtype.itemsize)).from_address(int(address))
        return np.frombuffer(memory, like.dtype)

else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic
    from numba.cuda.np.arrayobj import populate_array

    _I64 = ir.IntType(64)
    _GLOBAL = 1  # LLVM's number of the address space, which spares loads to find out where they read

    @intrinsic
    def array_at(typing, address, size, like):
        if not isinstance(like, types.Array):
            return None
        array = types.Array(like.dtype, 1, "C")

        def generate(context, builder, signature, values):
            element = context.get_data_type(like.dtype)
            place = builder.inttoptr(values[0], element.as_pointer(_GLOBAL))
            bytes_each = ir.Constant(_I64, context.get_abi_sizeof(element))
            result = context.make_array(array)(context, builder)
            populate_array(
                result,
                data=builder.addrspacecast(place, element.as_pointer()),
                shape=[values[1]],
                strides=[bytes_each],
                itemsize=bytes_each,
                meminfo=None,
            )
            return result._getvalue()

        return array(types.int64, types.int64, like), generate
