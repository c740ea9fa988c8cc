"""Compiled CUDA kernels on disk, so that a process does not compile what another one has compiled before.

Numba's own cache does not see a change in another file than the kernel's, and tells kernels of one factory apart by
a pickle of their closures, which differs between processes. Here the folder's name is a hash of every source below
`kernels/`, of the versions of the compilers and of Numba's settings. A file in it is one kernel for one signature and
one compute capability, named by a hash of the function with everything that it took from around it. It is written
under another name and then renamed, so that nobody reads half a file.

What has run: kernels compiled for a card that is not there, saved, and loaded by another process. Loading their code
into a card has not.
"""

import functools
import hashlib
import pickle
import types
from importlib import metadata

import numpy as np
from numba.cuda import serialize
from numba.cuda.core import config
from numba.cuda.core.caching import _Cache
from numba.cuda.cudadrv import devices
from numba.cuda.cudadrv.runtime import runtime
from numba.cuda.dispatcher import CUDADispatcher, _Kernel
from numba.cuda.extending import intrinsic
from numba.cuda.types import Type

from .. import _cache

_COMPILERS = ("numba", "numba-cuda", "llvmlite", "cuda-core", "cuda-bindings", "nvidia-nvvm", "nvidia-nvjitlink")
_SETTINGS = ("OPT", "CUDA_DEBUGINFO_DEFAULT", "FORCE_CUDA_CC", "CUDA_ENABLE_NRT", "CUDA_PER_THREAD_DEFAULT_STREAM")
_PLAIN = bool, int, float, complex, str, bytes, type(None), type(...), np.generic, np.dtype, Type
_Intrinsic = type(intrinsic(lambda typing: None))


class DiskCache(_Cache):
    """The cache of one kernel, of all its signatures; `options` are what it is compiled with."""

    def __init__(self, function, options):
        self._function, self._options = function, options
        self._enabled = True

    @property
    def cache_path(self):
        return str(folder())

    def load_overload(self, sig, target_context):
        """The compiled kernel; None if there is none, or a damaged one."""
        if not (self._enabled and folder()):
            return None
        # what is loaded is not typed again: the context's types, 0.2 s, are not asked for
        return _cache.load(self._file(sig), lambda data: _Kernel._rebuild(**pickle.loads(data)))

    def save_overload(self, sig, kernel):
        """Keep a compiled kernel."""
        if self._enabled and folder():
            payload = serialize.dumps(kernel._reduce_states())
            _cache.save(self._file(sig), payload)

    def enable(self):
        self._enabled = True

    def disable(self):
        self._enabled = False

    def flush(self):
        for file in folder().glob(f"{_name(self._function)}-*.bin"):
            file.unlink(missing_ok=True)

    def _file(self, sig):
        capability = devices.get_context().device.compute_capability
        return file_of(self._function, (described(self._options), repr(sig), tuple(capability)), "bin")


def file_of(function, facts, ending):
    """Where something is kept that follows from a function and some facts; None where nothing can be."""
    key = hashlib.sha256(repr((described(function), facts)).encode()).hexdigest()[:20]
    return folder() and folder() / f"{_name(function)}-{key}.{ending}"


def _name(function):
    return f"{function.__module__}.{function.__qualname__}".replace("<", "").replace(">", "")


def described(value):
    """A function, or what one took from around it, as nested tuples that are the same in every process.

    Of a function: where it stands, its code, its closure's contents, and its global constants. Raises TypeError for
    what cannot be told apart from others of its kind.
    """
    if isinstance(value, CUDADispatcher):
        return described(value.py_func)
    if isinstance(value, types.FunctionType):
        closure = tuple(described(cell.cell_contents) for cell in value.__closure__ or ())
        known = ((name, value.__globals__[name]) for name in value.__code__.co_names if name in value.__globals__)
        constants = tuple((name, described(taken)) for name, taken in known if isinstance(taken, _PLAIN))
        return value.__module__, value.__qualname__, described(value.__code__), closure, constants
    if isinstance(value, types.CodeType):
        parts = tuple(described(part) for part in value.co_consts)
        return value.co_firstlineno, value.co_code, value.co_names, value.co_varnames, value.co_freevars, parts
    if isinstance(value, _PLAIN):
        return type(value).__name__, repr(value)
    if isinstance(value, (tuple, list)):
        return type(value).__name__, tuple(described(part) for part in value)
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, tuple(sorted(map(described, value), key=repr))
    if isinstance(value, dict):
        return "dict", tuple(sorted(((described(k), described(v)) for k, v in value.items()), key=repr))
    if isinstance(value, (type, types.BuiltinFunctionType)):
        return value.__module__, value.__qualname__
    if isinstance(value, types.ModuleType):
        return "module", value.__name__
    if isinstance(value, np.ufunc):
        return "ufunc", value.__name__
    if isinstance(value, _Intrinsic):
        return "intrinsic", described(value._defn)
    raise TypeError(f"a kernel takes {value!r} from around it, and the cache cannot name a {type(value).__name__}")


@functools.cache
def folder():
    """The folder of these sources' and compilers' kernels, or None where none can be made."""
    settings = [str(getattr(config, name, None)) for name in _SETTINGS]
    versions = [_version(name) for name in _COMPILERS]
    return _cache.make_folder((versions, runtime.get_version(), settings), "cuda-")


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # the compilers of a CUDA toolkit outside of Python: runtime has its version
        return None
