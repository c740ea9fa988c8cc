"""`spread`: a loop over independent tasks, on all threads if there is enough to do.

Numba's own `prange` compiles every loop apart, half a second each, and a second time for small arrays that must not
pay for threads. Here a task is a compiled function `task(t, *arguments)`, and one parallel loop, compiled once for
the whole library, calls it through a pointer. Whether threads are used is decided by the amount of work, at run time,
around the very same machine code.
"""

import contextlib
import ctypes
import os

import numba
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic
from numba.np.ufunc.parallel import _launch_threads

from .jit import c_kernel
from .symbols import PREFIX, provide, provider

SERIAL_BELOW = 5000  # nanoseconds of one core: a parallel region costs 2000 on OpenMP

SPIN = 10_000

_I64 = ir.IntType(64)
_BYTES = ir.IntType(8).as_pointer()
_TRAMPOLINE = ir.FunctionType(ir.VoidType(), [_BYTES, _I64])


@intrinsic
def spread(typing, task, tasks, work, arguments):
    """Call task(t, *arguments) for every t in range(tasks); `work` is about how many nanoseconds one core needs.

    Tasks run in any order and at the same time: no two may write to the same place. A task that fails (it found no
    memory) makes the kernel raise MemoryError after the others.
    """
    called = typing.resolve_function_type(task, (types.int64, *arguments), {})
    if called is None or called.return_type != types.none:
        return None

    def codegen(context, builder, sig, values):
        _, count, amount, packed = values
        # What the trampoline gets: the arguments, and a place to note a failure.
        block = cgutils.alloca_once(builder, ir.LiteralStructType([packed.type, _I64]))
        builder.store(packed, cgutils.gep_inbounds(builder, block, 0, 0))
        failed = cgutils.gep_inbounds(builder, block, 0, 1)
        builder.store(_I64(0), failed)
        trampoline = _trampoline(context, builder, task, called, block.type, sig.args[3])
        here = builder.bitcast(block, _BYTES)
        count, amount = (context.cast(builder, v, t, types.int64) for v, t in zip((count, amount), sig.args[1:3]))
        alone = builder.or_(
            builder.icmp_signed("<", count, _I64(2)), builder.icmp_signed("<", amount, _I64(SERIAL_BELOW))
        )
        with builder.if_else(alone) as (serial, parallel):
            with serial, cgutils.for_range(builder, count, intp=_I64) as loop:
                builder.call(trampoline, [here, loop.index])
            with parallel:
                name = provide(PREFIX + "for_each")
                for_each = cgutils.get_or_insert_function(
                    builder.module, ir.FunctionType(ir.VoidType(), [_I64, _I64, _I64]), name
                )
                builder.call(for_each, [builder.ptrtoint(trampoline, _I64), builder.ptrtoint(here, _I64), count])
        with builder.if_then(builder.icmp_signed("!=", builder.load(failed), _I64(0)), likely=False):
            context.call_conv.return_user_exc(builder, MemoryError, ("a kernel's task found no memory",))
        return context.get_dummy_value()

    return types.void(task, tasks, work, arguments), codegen


def _trampoline(context, builder, task, called, block, packed):
    """A function (block, t) in this module that unpacks the arguments and calls the task."""
    result = task.dispatcher.overloads[called.args]
    context.add_linking_libs([result.library])
    name = cgutils.normalize_ir_text(f"{PREFIX}trampoline.{result.fndesc.mangled_name}")
    if name in builder.module.globals:
        return builder.module.globals[name]
    function = ir.Function(builder.module, _TRAMPOLINE, name)
    function.linkage = "internal"
    inside = ir.IRBuilder(function.append_basic_block("entry"))
    pointer = inside.bitcast(function.args[0], block)
    values = cgutils.unpack_tuple(inside, inside.load(cgutils.gep_inbounds(inside, pointer, 0, 0)), len(packed))
    values = [
        _borrowed(context, inside, a, context.cast(inside, v, p, a)) for v, p, a in zip(values, packed, called.args[1:])
    ]
    native = context.declare_function(builder.module, result.fndesc)
    status, _ = context.call_conv.call_function(
        inside, native, called.return_type, called.args, [function.args[1], *values]
    )
    with inside.if_then(status.is_error, likely=False):
        inside.store(_I64(1), cgutils.gep_inbounds(inside, pointer, 0, 1))
    inside.ret_void()
    return function


def _borrowed(context, builder, kind, value):
    """The same value, whose arrays have no reference count: who lends them holds them, and counting costs atomics."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        parts = cgutils.unpack_tuple(builder, value, len(kind))
        return context.make_tuple(builder, kind, [_borrowed(context, builder, *part) for part in zip(kind, parts)])
    return value


@intrinsic
def flat(typing, array):
    """The elements of an array in C order, for the length of a call in which somebody else holds it."""
    kind = types.Array(array.dtype, 1, "C", readonly=not array.mutable)

    def codegen(context, builder, sig, args):
        array = context.make_array(sig.args[0])(context, builder, args[0])
        result = context.make_array(kind)(context, builder)
        result.data, result.nitems, result.itemsize = array.data, array.nitems, array.itemsize
        result.shape = cgutils.pack_array(builder, [array.nitems])
        result.strides = cgutils.pack_array(builder, [array.itemsize])
        result.meminfo = cgutils.get_null_value(result.meminfo.type)
        result.parent = cgutils.get_null_value(result.parent.type)
        return result._getvalue()

    return kind(array), codegen


@intrinsic
def _call(typing, function, arguments, task):
    def codegen(context, builder, sig, values):
        function, arguments, task = values
        function = builder.inttoptr(function, _TRAMPOLINE.as_pointer())
        builder.call(function, [builder.inttoptr(arguments, _BYTES), task])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@njit(parallel=True, nogil=True)
def _for_each(function, arguments, tasks):
    for task in prange(tasks):
        _call(function, arguments, task)


def _for_each_from_c(function, arguments, tasks):
    _for_each(function, arguments, tasks)


@provider("for_each")
def _make_for_each():
    with _short_spin():
        _launch_threads()  # machine code from the cache calls the threading layer, which nothing else has loaded then
    _forbid_nesting()
    return c_kernel(_for_each_from_c, signature(types.void, types.int64, types.int64, types.int64))


def _forbid_nesting():
    """Numba lets OpenMP's loops start threads within loops, for everybody in the process who uses the same OpenMP.

    PyTorch does: beside a Numba that has started, a step of a small GPT took it 5 s instead of 0.2 s. No task here
    starts threads.
    """
    if numba.threading_layer() == "omp":
        from numba.np.ufunc import omppool

        forbid = getattr(ctypes.CDLL(omppool.__file__), "omp_set_max_active_levels", None)
        if forbid is not None:  # MSVC's OpenMP is older than it
            forbid(1)


@contextlib.contextmanager
def _short_spin():
    """GNU OpenMP reads its settings when it is loaded; one is added for that moment, unless the user has chosen.

    Between loops its threads spin, for many milliseconds if one lets them. That makes a loop cost 1.5 us, but where
    another program wants a core they spin against the very thread that they wait for: a loop then takes 16 ms. SPIN
    turns last about 0.1 ms: within a training step the next kernel comes sooner, and who waits longer sleeps.
    """
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = str(SPIN)
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]
