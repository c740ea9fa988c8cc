"""Functions that only become part of others: typed and linked as Numba does, but optimised with their caller alone.

Numba optimises a called function and makes machine code of it, then links it into its caller and does both again, once
for every level of calls. A kernel here is five levels deep, so that most of its compile time went into machine code
that nobody runs.
"""

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class IngredientCompiler(CompilerBase):
    """Numba's pipeline with another end."""

    def define_pipelines(self):
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [(_Lowering if step is NativeLowering else step, why) for step, why in manager.passes]
        manager.finalize()
        return [manager]


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    """Lowering into a library that is only linked; callers know the function by an entry point without an address."""

    _name = "tilewright_lowering"

    def run_pass(self, state):
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        result = state["cr"]
        module, name = result.fndesc.lookup_module(), result.fndesc.qualname.split(".")[-1]
        entry = _dynfunc.make_function(module, name, "", 0, result.env, (state.library,))
        state.targetctx.insert_user_function(entry, result.fndesc, [state.library])
        state["cr"] = result._replace(cfunc=entry)
        return True


class _Library(JITCodeLibrary):
    """Code as lowered; linking a function that is called brings in what it calls."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True
