"""What a CUDA kernel becomes, found out without a GPU: its PTX, and the registers, shared memory and spills that
`ptxas` reports for one architecture.

Needs numba-cuda with its `cu13` extra and nvidia-cuda-nvcc (the `cuda` extra), no driver and no card. What was found is
kept on disk beside the compiled kernels, so that nobody finds it out twice for the same sources and compilers.
"""

import functools
import pickle
import re
import subprocess
import sysconfig
import tempfile
import zlib
from collections import namedtuple
from importlib import metadata
from pathlib import Path

from .. import _cache
from .._collector import still

# registers a thread; bytes of static shared memory a block; bytes that a thread spills to memory, stores and loads;
# what the assembler says that makes it slow, such as products that it could not leave to the background
Usage = namedtuple("Usage", "ptx registers shared spills losses")


def assemble(function, signature, capability, max_registers=None):
    """The `Usage` of a kernel's Python function for a signature and a compute capability such as (9, 0, "a").

    max_registers: of a thread, if the kernel is compiled with such a limit.
    """
    path = _path(function, signature, capability, max_registers)
    found = path and _cache.load(path, lambda data: Usage(*pickle.loads(zlib.decompress(data))))
    if not found:
        found = _assembled(function, signature, capability, max_registers)
        if path:
            _cache.save(path, zlib.compress(pickle.dumps(tuple(found)), 1))
    return found


def _path(function, *facts):
    """Where the usage of a kernel is kept; None where nothing can be."""
    from .cache import file_of

    return file_of(function, (metadata.version("nvidia-cuda-nvcc"), *map(str, facts)), "usage")


def _assembled(function, signature, capability, max_registers):
    (ptx,) = _library(function, signature).get_asm_strs(cc=capability)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(ptx)
        target = "sm_" + "".join(map(str, capability))
        command = [_ptxas(), "-v", f"--gpu-name={target}", str(source), "-o", str(Path(folder, "kernel.cubin"))]
        if max_registers is not None:
            command.append(f"--maxrregcount={max_registers}")
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ptxas refuses {function.__name__} for {target}:\n{done.stderr}")
    spills = sum(int(n) for n in re.findall(r"(\d+) bytes spill (?:stores|loads)", done.stderr))
    losses = [line for line in done.stderr.splitlines() if "Potential Performance Loss" in line]
    registers, shared = _number(r"Used (\d+) registers", done.stderr), _number(r"(\d+) bytes smem", done.stderr)
    return Usage(ptx, registers, shared, spills, losses)


@functools.lru_cache(4)
@still()
def _library(function, signature):
    """A kernel in NVVM's language, which is the same for all architectures but for names, and takes nine tenths of the
    time of a compilation; `cuda.compile_ptx` would make it for each anew."""
    from numba.cuda.compiler import _compile_pyfunc_with_fixup as compile_to_nvvm

    plain = {"debug": None, "lineinfo": False, "device": False, "fastmath": False, "opt": None, "abi": "numba"}
    plain |= {"abi_info": None, "forceinline": False, "launch_bounds": None, "lto": False}
    return compile_to_nvvm(function, signature, cc=(8, 0), **plain)[0]


def _number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else 0


def _ptxas():
    """The assembler of the nvidia-cuda-nvcc package."""
    packages = Path(sysconfig.get_paths()["purelib"])
    for program in sorted(packages.glob("nvidia/*/bin/ptxas*")):
        return str(program)
    raise RuntimeError("ptxas is not installed; pip install 'tilewright[cuda]'")
