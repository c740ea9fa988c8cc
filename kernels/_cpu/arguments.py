"""How kernels take their arguments from Python: an array is read where NumPy keeps it, and borrowed.

Numba makes a record with a count of references of every array that a kernel is given, and takes it apart afterwards.
That is a tenth of a microsecond an array, more than a small kernel does with it. Whoever calls a kernel holds its
arrays until it returns, so nothing need be counted: a few loads do the same.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.callwrapper import PyCallWrapper
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.pythonapi import NativeValue
from numba.core.typed_passes import NativeLowering

from .library import KernelLibrary
from .objects import DATA, HEADER, KNOWN, SHAPE, STRIDES

_I64 = ir.IntType(64)


class KernelCompiler(CompilerBase):
    """Numba's pipeline with code that is kept apart (library.py) and another function for Python to call."""

    def define_pipelines(self):
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [(_Lowering if step is NativeLowering else step, why) for step, why in manager.passes]
        manager.finalize()
        return [manager]


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    _name = "tilewright_kernel_lowering"

    @property
    def lowering_class(self):
        return _Lower

    def run_pass(self, state):
        state.library = KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().run_pass(state)


class _Lower(Lower):
    def create_cpython_wrapper(self, release_gil=False):
        if not KNOWN or _holds_arrays(self.fndesc.restype):  # a view of a borrowed array would hold nothing
            super().create_cpython_wrapper(release_gil)
            return
        module = self.context.create_module("wrapper")
        kind = self.context.call_conv.get_function_type(self.fndesc.restype, self.fndesc.argtypes)
        function = ir.Function(module, kind, self.fndesc.llvm_func_name)
        _Wrapper(self.context, module, function, self.fndesc, self.env, self.call_helper, release_gil).build()
        self.library.add_ir_module(module)


class _Wrapper(PyCallWrapper):
    """The function that Python calls."""

    def build_wrapper(self, api, builder, closure, args, kws):
        unbox = api.to_native_value

        def take(kind, value):
            if isinstance(kind, types.Array):
                return _borrowed(self.context, builder, kind, value)
            return unbox(kind, value)

        api.to_native_value = take
        super().build_wrapper(api, builder, closure, args, kws)


def _borrowed(context, builder, kind, value):
    """A NumPy array as Numba's code sees one, without a count of references."""
    fields = builder.add(builder.ptrtoint(value, _I64), _I64(HEADER))

    def words(address, count=1):
        place = builder.inttoptr(address, _I64.as_pointer())
        return [builder.load(builder.gep(place, [_I64(i)])) for i in range(count)]

    (data,), (shape,), (strides,) = (words(builder.add(fields, _I64(place))) for place in (DATA, SHAPE, STRIDES))
    shape, strides = words(shape, kind.ndim), words(strides, kind.ndim)
    array = context.make_array(kind)(context, builder)
    count = _I64(1)
    for size in shape:
        count = builder.mul(count, size)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = value
    array.nitems, array.itemsize = count, _I64(context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    array.data = builder.inttoptr(data, array.data.type)
    array.shape, array.strides = (cgutils.pack_array(builder, n, _I64) for n in (shape, strides))
    return NativeValue(array._getvalue(), is_error=cgutils.false_bit)


def _holds_arrays(kind):
    return isinstance(kind, types.Array) or any(map(_holds_arrays, kind if isinstance(kind, types.BaseTuple) else ()))
