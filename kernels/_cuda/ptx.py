"""All inline PTX of the kernels: tensor cores, the loads that feed them, and copies that run while a warp computes.

Tiles are flat arrays of uint16 in shared memory, the bits of float16 or bfloat16 numbers; words are uint32 of two such
numbers, the first in the lower half. Compute capability 8.0 and up; what Hopper alone has is in ptx_hopper.py.

PTX ISA, "Warp-level matrix instructions" and "Data movement and conversion instructions". In Numba's simulator, which
has no warps, the same names are `emulation.py`'s.
"""

from numba import config

if config.ENABLE_CUDASIM:
    from .emulation import (  # noqa: F401
        commit_copies,
        copy_async,
        load_matrices,
        load_matrices_transposed,
        multiply_bfloat16,
        multiply_float16,
        narrow_bfloat16,
        narrow_float16,
        pack_bfloat16,
        pack_float16,
        store_word,
        tanh,
        wait_for_copies,
        widen_bfloat16,
        widen_float16,
    )
else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    _F32, _I16, _I32, _I64, _VOID = ir.FloatType(), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.VoidType()
    _WORDS, _SUMS = types.UniTuple(types.uint32, 4), types.UniTuple(types.float32, 4)
    MEMORY = ",~{memory}"

    def _assembly(builder, result, text, constraints, values, effects, together=False):
        """together: the threads of a warp execute it as one, so that no branch may be put around it."""
        function = ir.FunctionType(result, [value.type for value in values])
        call = builder.call(ir.InlineAsm(function, text, constraints, side_effect=effects), values)
        if together:
            call.attributes.add("convergent")
        return call

    def _pointer(context, builder, array, value, index):
        """A generic pointer to an element."""
        return builder.gep(context.make_array(array)(context, builder, value).data, [index])

    def _shared(context, builder, array, value, index):
        """The 32-bit address of an element in shared memory."""
        pointer = _pointer(context, builder, array, value, index)
        pointer = builder.addrspacecast(pointer, pointer.type.pointee.as_pointer(3))
        return builder.ptrtoint(pointer, _I32)

    def _four(context, builder, signature, result):
        parts = [builder.extract_value(result, n) for n in range(4)]
        return context.make_tuple(builder, signature.return_type, parts)

    def _make_load(transposed):
        text = f"ldmatrix.sync.aligned.m8n8.x4{transposed}.shared.b16 {{$0, $1, $2, $3}}, [$4];"

        def typed(typing, tile, i):
            def generate(context, builder, signature, values):
                address = _shared(context, builder, signature.args[0], *values)
                words = ir.LiteralStructType([_I32] * 4)
                result = _assembly(builder, words, text, "=r,=r,=r,=r,r" + MEMORY, [address], True, together=True)
                return _four(context, builder, signature, result)

            return _WORDS(tile, types.intp), generate

        return intrinsic(typed)

    # The four words of a lane from four 8 x 8 matrices; lane 8 i + r names the place of row r of matrix i.
    load_matrices = _make_load("")
    load_matrices_transposed = _make_load(".trans")

    def _make_multiply(kind):
        text = (
            f"mma.sync.aligned.m16n8k16.row.col.f32.{kind}.{kind}.f32 "
            "{$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};"
        )

        def typed(typing, a0, a1, a2, a3, b0, b1, c0, c1, c2, c3):
            def generate(context, builder, signature, values):
                sums = ir.LiteralStructType([_F32] * 4)
                constraints = ",".join(["=f"] * 4 + ["r"] * 6 + ["f"] * 4)
                result = _assembly(builder, sums, text, constraints, values, False, together=True)
                return _four(context, builder, signature, result)

            return _SUMS(*[types.uint32] * 6, *[types.float32] * 4), generate

        return intrinsic(typed)

    # (16 x 16) @ (16 x 8) + (16 x 8), a warp together: a0 … a3, b0, b1 of load_matrices, sums c0 … c3.
    multiply_bfloat16 = _make_multiply("bf16")
    multiply_float16 = _make_multiply("f16")

    @intrinsic
    def copy_async(typing, tile, i, x, j, filled):
        """tile[i : i + 8] = x[j : j + 8] in the background, or zeros where `filled` is false: then x is not read."""

        def generate(context, builder, signature, values):
            into = _shared(context, builder, signature.args[0], values[0], values[1])
            source = _pointer(context, builder, signature.args[2], values[2], values[3])
            source = builder.ptrtoint(builder.addrspacecast(source, source.type.pointee.as_pointer(1)), _I64)
            size = builder.select(values[4], ir.Constant(_I32, 16), ir.Constant(_I32, 0))
            text = "cp.async.cg.shared.global [$0], [$1], 16, $2;"
            _assembly(builder, _VOID, text, "r,l,r" + MEMORY, [into, source, size], True)
            return context.get_dummy_value()

        return types.void(tile, types.intp, x, types.intp, types.boolean), generate

    @intrinsic
    def commit_copies(typing):
        """Closes a group of copies."""

        def generate(context, builder, signature, values):
            _assembly(builder, _VOID, "cp.async.commit_group;", MEMORY[1:], [], True)
            return context.get_dummy_value()

        return types.void(), generate

    @intrinsic
    def wait_for_copies(typing, groups):
        """Waits until at most so many of this thread's latest groups are under way; a constant."""
        if not isinstance(groups, types.IntegerLiteral):
            return None

        def generate(context, builder, signature, values):
            _assembly(builder, _VOID, f"cp.async.wait_group {groups.literal_value};", MEMORY[1:], [], True)
            return context.get_dummy_value()

        return types.void(groups), generate

    def _make_pack(kind):
        @intrinsic
        def pack(typing, low, high):
            def generate(context, builder, signature, values):
                text = f"cvt.rn.{kind}x2.f32 $0, $2, $1;"
                return _assembly(builder, _I32, text, "=r,f,f", values, False)

            return types.uint32(types.float32, types.float32), generate

        return pack

    # Two float32 as one word, rounded to the nearest, ties to even.
    pack_bfloat16 = _make_pack("bf16")
    pack_float16 = _make_pack("f16")

    @intrinsic
    def widen_bfloat16(typing, bits):
        """The float32 of a number's 16 bits."""

        def generate(context, builder, signature, values):
            word = builder.shl(builder.zext(values[0], _I32), ir.Constant(_I32, 16))
            return builder.bitcast(word, _F32)

        return types.float32(types.uint16), generate

    @intrinsic
    def widen_float16(typing, bits):
        """The float32 of a number's 16 bits."""

        def generate(context, builder, signature, values):
            return _assembly(builder, _F32, "cvt.f32.f16 $0, $1;", "=f,h", values, False)

        return types.float32(types.uint16), generate

    @intrinsic
    def narrow_bfloat16(typing, x):
        """The bits of the nearest bfloat16, ties to even; in plain arithmetic, for cards that have no instruction."""

        def generate(context, builder, signature, values):
            bits = builder.bitcast(values[0], _I32)
            odd = builder.and_(builder.lshr(bits, ir.Constant(_I32, 16)), ir.Constant(_I32, 1))
            rounded = builder.add(builder.add(bits, ir.Constant(_I32, 0x7FFF)), odd)
            upper = builder.trunc(builder.lshr(rounded, ir.Constant(_I32, 16)), _I16)
            nan = builder.fcmp_unordered("uno", values[0], values[0])
            return builder.select(nan, ir.Constant(_I16, 0x7FFF), upper)

        return types.uint16(types.float32), generate

    @intrinsic
    def narrow_float16(typing, x):
        """The bits of the nearest float16, ties to even."""

        def generate(context, builder, signature, values):
            return _assembly(builder, _I16, "cvt.rn.f16.f32 $0, $1;", "=h,f", values, False)

        return types.uint16(types.float32), generate

    @intrinsic
    def store_word(typing, x, i, word):
        """x[i], x[i + 1] = the halves of a word, in one store; i is even."""

        def generate(context, builder, signature, values):
            place = _pointer(context, builder, signature.args[0], values[0], values[1])
            builder.store(values[2], builder.bitcast(place, _I32.as_pointer(place.type.addrspace)), align=4)
            return context.get_dummy_value()

        return types.void(x, types.intp, types.uint32), generate

    @intrinsic
    def tanh(typing, x):
        """Within 2^-11 of the result: enough for 16 bits, one instruction."""

        def generate(context, builder, signature, values):
            return _assembly(builder, _F32, "tanh.approx.f32 $0, $1;", "=f,f", values, False)

        return types.float32(types.float32), generate
