"""The inline PTX of Hopper alone, compute capability 9.0 ("sm_90a"): tensor cores that four warps drive together, the
engine that copies boxes of matrices into shared memory, and the barriers that both meet at. The rest is in ptx.py.

Addresses are those of shared memory, 32 bits. A barrier is an element of an array of uint64 in shared memory. Sums are
a thread's array of float32, BN / 2 of them: a warpgroup's 128 threads hold 64 x BN, as `emulation_hopper.py` draws.

PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions", "mbarrier", "cp.async.bulk.tensor", "membar / fence" and
"Tensor-map". In Numba's simulator the same names are `emulation_hopper.py`'s.
"""

import functools

from numba import config

if config.ENABLE_CUDASIM:
    from .emulation_hopper import (  # noqa: F401
        acquire_map,
        address,
        arrive,
        arrive_expecting,
        commit_products,
        copy_box,
        elected,
        is_past,
        make_products,
        open_products,
        publish_barriers,
        publish_map,
        start_barrier,
        uniform,
        wait_for_products,
    )
else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    from .ptx import _F32, _I32, _I64, _VOID, MEMORY, _pointer, _shared

    _BOOL = ir.IntType(1)

    def _assembly(builder, result, text, constraints, values):
        """Inline PTX that threads of a warp execute together, so that no branch may be put around it."""
        function = ir.FunctionType(result, [value.type for value in values])
        call = builder.call(ir.InlineAsm(function, text, constraints, side_effect=True), values)
        call.attributes.add("convergent")
        return call

    def _make_plain(text):
        @intrinsic
        def plain(typing):
            def generate(context, builder, signature, values):
                _assembly(builder, _VOID, text, MEMORY[1:], [])
                return context.get_dummy_value()

            return types.void(), generate

        return plain

    def _generic(context, builder, array, value):
        """Where an array begins, as the 64-bit address that is valid in all of memory."""
        return builder.ptrtoint(_pointer(context, builder, array, value, ir.Constant(_I64, 0)), _I64)

    @intrinsic
    def address(typing, tile, i):
        """Where an element of an array lies in shared memory."""

        def generate(context, builder, signature, values):
            return _shared(context, builder, signature.args[0], *values)

        return types.uint32(tile, types.intp), generate

    @intrinsic
    def uniform(typing, x):
        """x of the warp's first thread: one value for all, which the compiler then knows."""

        def generate(context, builder, signature, values):
            return _assembly(builder, _I32, "shfl.sync.idx.b32 $0, $1, 0, 31, 0xffffffff;", "=r,r", values)

        return types.int32(types.int32), generate

    @intrinsic
    def elected(typing):
        """Whether this is the one thread of a whole warp that acts for it."""

        def generate(context, builder, signature, values):
            text = "{ .reg .pred p; elect.sync _|p, 0xffffffff; selp.b32 $0, 1, 0, p; }"
            return builder.trunc(_assembly(builder, _I32, text, "=r", []), _BOOL)

        return types.boolean(), generate

    @intrinsic
    def start_barrier(typing, barriers, i, arrivals):
        """Barrier i begins phase 0, which ends after so many arrivals and all the bytes that they expect."""

        def generate(context, builder, signature, values):
            place = _shared(context, builder, signature.args[0], values[0], values[1])
            _assembly(builder, _VOID, "mbarrier.init.shared::cta.b64 [$0], $1;", "r,r" + MEMORY, [place, values[2]])
            return context.get_dummy_value()

        return types.void(barriers, types.intp, types.int32), generate

    # After start_barrier, before the threads meet: the copy engine sees the barriers too.
    publish_barriers = _make_plain("fence.mbarrier_init.release.cluster; fence.proxy.async.shared::cta;")

    @intrinsic
    def arrive(typing, barriers, i):
        """One arrival at barrier i; what this thread did before is seen by those who are past it."""

        def generate(context, builder, signature, values):
            place = _shared(context, builder, signature.args[0], *values)
            _assembly(builder, _VOID, "mbarrier.arrive.shared::cta.b64 _, [$0];", "r" + MEMORY, [place])
            return context.get_dummy_value()

        return types.void(barriers, types.intp), generate

    @intrinsic
    def arrive_expecting(typing, barriers, i, size):
        """One arrival at barrier i, whose phase ends only when so many bytes more have come."""

        def generate(context, builder, signature, values):
            place = _shared(context, builder, signature.args[0], values[0], values[1])
            text = "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;"
            _assembly(builder, _VOID, text, "r,r" + MEMORY, [place, values[2]])
            return context.get_dummy_value()

        return types.void(barriers, types.intp, types.int32), generate

    @intrinsic
    def is_past(typing, barriers, i, phase):
        """Whether barrier i has ended a phase, 0 for the even and 1 for the odd ones; waits a while. A new barrier has
        ended phase 1."""

        def generate(context, builder, signature, values):
            place = _shared(context, builder, signature.args[0], values[0], values[1])
            text = "{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [$1], $2; selp.b32 $0, 1, 0, p; }"
            return builder.trunc(_assembly(builder, _I32, text, "=r,r,r" + MEMORY, [place, values[2]]), _BOOL)

        return types.boolean(barriers, types.intp, types.int32), generate

    # After a thread has written a tensor map: kernels that follow may acquire it.
    publish_map = _make_plain("fence.proxy.tensormap::generic.release.gpu;")

    @intrinsic
    def acquire_map(typing, tensor_map):
        """Before a block's first use of a tensor map that lies in the device's memory."""

        def generate(context, builder, signature, values):
            place = _generic(context, builder, signature.args[0], values[0])
            text = "fence.proxy.tensormap::generic.acquire.gpu [$0], 128;"
            _assembly(builder, _VOID, text, "l" + MEMORY, [place])
            return context.get_dummy_value()

        return types.void(tensor_map), generate

    @intrinsic
    def copy_box(typing, into, tensor_map, column, row, z, barriers, i):
        """A box of the map's matrix z from (row, column) on to an address, in the background, by one thread.

        Its bytes come to barrier i, those too that lie outside of the matrix and become zero.
        """

        def generate(context, builder, signature, values):
            into, tensor_map, *corner, barriers, i = values
            place = _generic(context, builder, signature.args[1], tensor_map)
            barrier = _shared(context, builder, signature.args[5], barriers, i)
            text = (
                "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
                "[$0], [$1, {$2, $3, $4}], [$5];"
            )
            _assembly(builder, _VOID, text, "r,l,r,r,r,r" + MEMORY, [into, place, *corner, barrier])
            return context.get_dummy_value()

        return types.void(types.uint32, tensor_map, *[types.int32] * 3, barriers, types.intp), generate

    # Before a warpgroup's products: its threads are done with the registers that hold the sums.
    open_products = _make_plain("wgmma.fence.sync.aligned;")
    # Closes a group of products.
    commit_products = _make_plain("wgmma.commit_group.sync.aligned;")

    @intrinsic
    def wait_for_products(typing, groups):
        """Waits until at most so many of the latest groups are under way, a constant; the sums stay untouchable."""
        if not isinstance(groups, types.IntegerLiteral):
            return None

        def generate(context, builder, signature, values):
            _assembly(builder, _VOID, f"wgmma.wait_group.sync.aligned {groups.literal_value};", MEMORY[1:], [])
            return context.get_dummy_value()

        return types.void(groups), generate

    @functools.lru_cache
    def make_products(BN, kind, turned_a, turned_b):
        """(multiply, finish) of sums (64, BN), all 128 threads of a warpgroup together.

        multiply(sums, a, b): sums += A (64, 16) @ B (16, BN), both in shared memory, in the background, by descriptors;
        finish(sums): waits until all is done, and the sums may be read. turned_a: A lies in memory with rows along M
        instead of K; turned_b: B with rows along N instead of K.
        """
        count = BN // 2
        kind = {"float16": "f16", "bfloat16": "bf16"}[kind]
        registers = ", ".join(f"${n}" for n in range(count))
        wgmma = (
            f"wgmma.mma_async.sync.aligned.m64n{BN}k16.f32.{kind}.{kind} {{{registers}}}, ${count}, ${count + 1}, "
            f"1, 1, 1, {turned_a:d}, {turned_b:d};"
        )

        def through(context, builder, array, value, text, constraints, operands):
            """Inline PTX with all sums as its operands $0, $1, …, read and written."""
            data = context.make_array(array)(context, builder, value).data
            places = [builder.gep(data, [ir.Constant(_I64, n)]) for n in range(count)]
            constraints = ["=f"] * count + constraints + [str(n) for n in range(count)]
            values = operands + [builder.load(place) for place in places]
            result = ir.LiteralStructType([_F32] * count)
            result = _assembly(builder, result, text, ",".join(constraints) + MEMORY, values)
            for n, place in enumerate(places):
                builder.store(builder.extract_value(result, n), place)
            return context.get_dummy_value()

        @intrinsic
        def multiply(typing, sums, a, b):
            def generate(context, builder, signature, values):
                sums, *descriptors = values
                return through(context, builder, signature.args[0], sums, wgmma, ["l", "l"], descriptors)

            return types.void(sums, types.uint64, types.uint64), generate

        @intrinsic
        def finish(typing, sums):
            def generate(context, builder, signature, values):
                # the sums go through the wait, so that nothing that uses them can be moved before it
                wait = "wgmma.wait_group.sync.aligned 0;"
                return through(context, builder, signature.args[0], values[0], wait, [], [])

            return types.void(sums), generate

        return multiply, finish
