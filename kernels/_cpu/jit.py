"""The `kernel` decorator: Numba's compiler with this project's flags and its own cache on disk.

Numba's own cache does not see a change in another file than the kernel's. Here the folder's name is a hash of every
source below `kernels/`, of the versions of Python, Numba and llvmlite, of the CPU and of Numba's settings: whatever
changes the machine code changes the folder. An overload is one file, written under another name and then renamed, so
that processes that start together on an empty cache never read half a file, and never each other's index.
"""

import functools
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

import llvmlite.binding
import numba
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target

from . import symbols
from .ingredient import IngredientCompiler

# NaN and infinity travel as in the reference, so `nnan` and `ninf` are left out; `arcp` and `afn` cost accuracy.
FASTMATH = frozenset({"contract", "reassoc", "nsz"})
EXACT = frozenset({"contract"})  # where the order of operations is the algorithm, as in a range reduction

# Numba's settings that change machine code: what NUMBA_BOUNDSCHECK=1 compiles is not for processes without it.
_SETTINGS = ("BOUNDSCHECK", "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT", "USING_SVML")
_KERNELS = Path(__file__).resolve().parents[1]
_UNUSED_DAYS = 30
_DIGEST = hashlib.sha256().digest_size  # bytes at the head of a file: machine code with a flipped bit must not run


def kernel(function=None, *, fastmath=FASTMATH, **options):
    """Compile `function` for the CPU, lazily per signature and cached on disk; loops on all threads are `spread`'s."""
    if function is None:
        return functools.partial(kernel, fastmath=fastmath, **options)
    dispatcher = numba.njit(**{**_flags(fastmath), **options})(function)
    if hasattr(dispatcher, "overloads"):  # NUMBA_DISABLE_JIT hands back the function itself
        dispatcher._cache = _DiskCache(f"{function.__module__}.{function.__qualname__}")
    return dispatcher


def inner(function=None, *, fastmath=FASTMATH, **options):
    """Compile a function that only kernels call: it becomes part of their code, so it is not cached on its own."""
    if function is None:
        return functools.partial(inner, fastmath=fastmath, **options)
    options = {"no_cpython_wrapper": True, "pipeline_class": IngredientCompiler, **_flags(fastmath), **options}
    return numba.njit(**options)(function)


def c_kernel(function, signature, fastmath=FASTMATH):
    """`function` as a C callback of this signature, cached on disk."""
    cache = _DiskCache(f"{function.__module__}.{function.__qualname__}.c")
    return symbols.c_function(function, signature, cache, **_flags(fastmath))


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
        try:
            data = self._file(sig).read_bytes()
            if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
                raise ValueError("its checksum is wrong")
            names, payload = pickle.loads(memoryview(data)[_DIGEST:])
            for name in names:
                symbols.provide(name)
            result = CompileResult._rebuild(target_context, *payload)
            result.library._get_module_for_linking = _refuse_linking
            return result
        except FileNotFoundError:
            return None
        except Exception as error:
            warnings.warn(f"tilewright: {self._file(sig)} is damaged and is compiled anew ({error})", stacklevel=2)
            return None

    def save_overload(self, sig, data):
        if self._enabled and cache_folder():
            (name, kind, (code, bitcode)), *rest = data._reduce()
            state = (name, kind, (code, _names_only(bitcode))), *rest
            payload = pickle.dumps((symbols.needed(data.library), state), protocol=4)
            _write_atomically(self._file(sig), hashlib.sha256(payload).digest() + payload)

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
    text = [f'define void @"{f.name}"() {{ ret void }}' for f in module.functions if not f.is_declaration]
    text += [f'@"{g.name}" = global i8 0' for g in module.global_variables if not g.is_declaration]
    return llvmlite.binding.parse_assembly("\n".join(text)).as_bitcode()


def _refuse_linking():
    raise RuntimeError("a kernel from the cache cannot become part of another; make what kernels share an `inner`")


def _write_atomically(path, data):
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        warnings.warn(f"tilewright: compiled kernels are not kept, {path.parent}: {error}", stacklevel=3)


@functools.cache
def cache_folder():
    """The folder of this machine's compiled kernels, or None where none can be made."""
    root = Path(os.environ.get("TILEWRIGHT_CACHE_DIR") or _user_cache() / "tilewright")
    folder = root / _fingerprint()
    try:
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _forget_old(root)
        os.utime(folder)
    except OSError as error:
        warnings.warn(f"tilewright: compiled kernels are not kept, {folder}: {error}", stacklevel=2)
        return None
    return folder


def _user_cache():
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _forget_old(root):
    for folder in root.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _UNUSED_DAYS * 86400:
            shutil.rmtree(folder, ignore_errors=True)


def _fingerprint():
    digest = hashlib.sha256()
    for path in sorted(_KERNELS.rglob("*.py")):
        digest.update(str(path.relative_to(_KERNELS)).encode() + b"\0" + path.read_bytes() + b"\0")
    machine = cpu_target.target_context.codegen().magic_tuple()
    settings = [str(getattr(numba.config, name)) for name in _SETTINGS]
    digest.update(repr((sys.version_info[:3], numba.__version__, llvmlite.__version__, machine, settings)).encode())
    return digest.hexdigest()[:20]
