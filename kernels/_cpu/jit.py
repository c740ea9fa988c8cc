"""The `kernel` decorator: Numba's compiler with this project's flags and its own cache on disk.

Numba's own cache does not see a change in another file than the kernel's. Here the folder's name is a hash of every
source below `kernels/`, of the versions of Python, Numba and llvmlite, of the CPU and of Numba's settings: whatever
changes the machine code changes the folder. An overload is one file, written under another name and then renamed, so
that processes that start together on an empty cache never read half a file, and never each other's index.
"""

import functools
import hashlib
import pickle

import llvmlite.binding
import numba
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target

from .. import _cache, _collector
from . import symbols
from .arguments import KernelCompiler
from .ingredient import IngredientCompiler
from .library import exported

# NaN and infinity travel as in the reference, so `nnan` and `ninf` are left out; `arcp` and `afn` cost accuracy.
FASTMATH = frozenset({"contract", "reassoc", "nsz"})
EXACT = frozenset({"contract"})  # where the order of operations is the algorithm, as in a range reduction

# Numba's settings that change machine code: what NUMBA_BOUNDSCHECK=1 compiles is not for processes without it.
_SETTINGS = ("BOUNDSCHECK", "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT", "USING_SVML")

kernels = []  # all of them, for recording.py


def kernel(function=None, *, fastmath=FASTMATH, **options):
    """Compile `function` for the CPU, lazily per signature and cached on disk; loops on all threads are `spread`'s."""
    if function is None:
        return functools.partial(kernel, fastmath=fastmath, **options)
    options = {"pipeline_class": KernelCompiler, "no_cfunc_wrapper": True, **_flags(fastmath), **options}
    dispatcher = numba.njit(**options)(function)
    if hasattr(dispatcher, "overloads"):  # NUMBA_DISABLE_JIT hands back the function itself
        dispatcher._cache = _DiskCache(f"{function.__module__}.{function.__qualname__}")
        dispatcher.compile = _collector.still()(dispatcher.compile)
        kernels.append(dispatcher)
    return dispatcher


def inner(function=None, *, fastmath=FASTMATH, **options):
    """Compile a function that only kernels call: it becomes part of their code, so it is not cached on its own."""
    if function is None:
        return functools.partial(inner, fastmath=fastmath, **options)
    wrappers = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    options = {**wrappers, "pipeline_class": IngredientCompiler, **_flags(fastmath), **options}
    return numba.njit(**options)(function)


@_collector.still()
def c_kernel(function, signature, fastmath=FASTMATH):
    """`function` as a C callback of this signature, cached on disk."""
    cache = _DiskCache(f"{function.__module__}.{function.__qualname__}.c")
    return symbols.c_function(function, signature, cache, KernelCompiler, **_flags(fastmath))


def _flags(fastmath):
    return {"fastmath": set(fastmath), "error_model": "numpy", "nogil": True}


class _DiskCache(_Cache):
    """One file an overload, named by function and signature, in `cache_folder()`."""

    def __init__(self, name):
        self._name = name.replace("<", "").replace(">", "")
        self._enabled = True

    @property
    def cache_path(self):
        return str(cache_folder())

    def load_overload(self, sig, target_context):
        if not (self._enabled and cache_folder()):
            return None
        target_context.refresh()

        def rebuild(data):
            names, payload = pickle.loads(data)
            for name in names:
                symbols.provide(name)
            result = CompileResult._rebuild(target_context, *payload)
            result.library._get_module_for_linking = _refuse_linking
            return result

        return _cache.load(self._file(sig), rebuild)

    def save_overload(self, sig, data):
        if self._enabled and cache_folder():
            (name, kind, (code, bitcode)), *rest = data._reduce()
            state = (name, kind, (code, _names_only(bitcode))), *rest
            payload = pickle.dumps((symbols.needed(data.library), state), protocol=4)
            _cache.save(self._file(sig), payload)

    def enable(self):
        self._enabled = True

    def disable(self):
        self._enabled = False

    def flush(self):
        for file in cache_folder().glob(f"{self._name}-*.bin"):
            file.unlink(missing_ok=True)

    def _file(self, sig):
        return cache_folder() / f"{self._name}-{hashlib.sha256(repr(sig).encode()).hexdigest()[:16]}.bin"


def _names_only(bitcode):
    """A module that defines what `bitcode` defines, all of it empty: Numba asks a loaded module for names alone.

    It keeps the whole code besides, for linking into other functions, and parsing it takes half of the loading time.
    """
    module = llvmlite.binding.parse_bitcode(bitcode)
    text = [f'define void @"{f.name}"() {{ ret void }}' for f in exported(module)]
    text += [f'@"{g.name}" = global i8 0' for g in module.global_variables if not g.is_declaration]
    return llvmlite.binding.parse_assembly("\n".join(text)).as_bitcode()


def _refuse_linking():
    raise RuntimeError("a kernel from the cache cannot become part of another; make what kernels share an `inner`")


@functools.cache
def cache_folder():
    """The folder of this machine's compiled kernels, or None where none can be made."""
    machine = cpu_target.target_context.codegen().magic_tuple()
    settings = [str(getattr(numba.config, name)) for name in _SETTINGS]
    return _cache.make_folder((numba.__version__, llvmlite.__version__, machine, settings))
