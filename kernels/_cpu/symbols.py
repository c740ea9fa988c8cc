"""Compiled functions that other kernels call by name, so that each is compiled once and copied into none of them.

Numba links a called function into its caller and optimises it there again. What is large (the register tile, the
parallel loop) is made a C function instead and its address given to LLVM under a name. A kernel's file in the cache
lists the names that it needs, so that they exist before its machine code is loaded.
"""

import llvmlite.binding as llvm
from numba.core.ccallback import CFunc

PREFIX = "tilewright_"

_providers = {}
_alive = {}


def provider(name):
    """Register the decorated function as what makes the CFunc called `name`, at its first use."""

    def register(function):
        _providers[PREFIX + name] = function
        return function

    return register


def provide(name):
    """Make sure that the symbol `name` exists; returns the name."""
    if name not in _alive:
        _alive[name] = _providers[name]()
        llvm.add_symbol(name, _alive[name].address)
    return name


def needed(library):
    """The names of ours that a compiled library calls but does not define."""
    return [f.name for f in library._final_module.functions if f.is_declaration and f.name.startswith(PREFIX)]


def c_function(function, signature, cache, compiler, **options):
    """`function` compiled by a pipeline as a C callback, from or into `cache`."""
    compiled = CFunc(function, (signature.args, signature.return_type), {}, options, compiler)
    compiled._cache = cache
    compiled.compile()
    return compiled
