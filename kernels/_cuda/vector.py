"""Copies of 16 bytes, the widest access that a thread has: `fetch` and `put` between one-dimensional arrays.

The wide side must be aligned to 16 bytes. In Numba's simulator, which has no intrinsics, the same names copy element
by element.
"""

from numba import config

SIMULATED = bool(config.ENABLE_CUDASIM)
ALIGNMENT = None if SIMULATED else 16  # of shared arrays; the simulator refuses any

if SIMULATED:

    def fetch(narrow, i, wide, j):
        for n in range(16 // wide.dtype.itemsize):
            narrow[i + n] = wide[j + n]

    def put(wide, j, narrow, i):
        for n in range(16 // wide.dtype.itemsize):
            wide[j + n] = narrow[i + n]

else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    def _place(context, builder, array, value, index):
        return builder.gep(context.make_array(array)(context, builder, value).data, [index])

    @intrinsic
    def fetch(typing, narrow, i, wide, j):
        """narrow[i : i + V] = wide[j : j + V], in one load of 16 bytes."""

        def generate(context, builder, signature, values):
            into, source = (_place(context, builder, signature.args[n], values[n], values[n + 1]) for n in (0, 2))
            vector = ir.VectorType(source.type.pointee, 128 // wide.dtype.bitwidth)
            loaded = builder.load(builder.bitcast(source, vector.as_pointer(source.type.addrspace)), align=16)
            for n in range(vector.count):
                place = builder.gep(into, [ir.Constant(ir.IntType(64), n)])
                builder.store(builder.extract_element(loaded, ir.Constant(ir.IntType(32), n)), place)
            return context.get_dummy_value()

        return types.void(narrow, types.intp, wide, types.intp), generate

    @intrinsic
    def put(typing, wide, j, narrow, i):
        """wide[j : j + V] = narrow[i : i + V], in one store of 16 bytes."""

        def generate(context, builder, signature, values):
            into, source = (_place(context, builder, signature.args[n], values[n], values[n + 1]) for n in (0, 2))
            vector = ir.VectorType(into.type.pointee, 128 // wide.dtype.bitwidth)
            stored = ir.Constant(vector, ir.Undefined)
            for n in range(vector.count):
                value = builder.load(builder.gep(source, [ir.Constant(ir.IntType(64), n)]))
                stored = builder.insert_element(stored, value, ir.Constant(ir.IntType(32), n))
            builder.store(stored, builder.bitcast(into, vector.as_pointer(into.type.addrspace)), align=16)
            return context.get_dummy_value()

        return types.void(wide, types.intp, narrow, types.intp), generate
