"""`python -m tilewright info`: what this machine and this installation offer the kernels."""

import os
import platform

import llvmlite
import llvmlite.binding
import numba
import numpy as np

from .. import __version__, kernels
from ..kernels._cpu import jit, machine
from ..kernels._cuda import state

SLOW_LAYER = "workqueue"
REMEDY = (
    f'Warning: Numba\'s threading layer is "{SLOW_LAYER}". A parallel region costs about 139 us on it, 2 us on '
    "OpenMP, and two Python threads that run kernels at once end the process. Install OpenMP (Debian: "
    "apt install libgomp1) or TBB (pip install tbb)."
)


def show():
    """Print the facts, one a line; returns the exit status."""
    layer = threading_layer()
    facts = {
        "tilewright": __version__,
        "Python": f"{platform.python_version()} ({platform.machine()}, {platform.system()})",
        "NumPy": np.__version__,
        "Numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "devices": f"cpu ({llvmlite.binding.get_host_cpu_name()})",
        "threads": f"{numba.get_num_threads()} of {os.cpu_count()} hardware threads",
        "threading layer": layer,
        "SIMD width": f"{8 * machine.VECTOR_BYTES} bits, {machine.VECTOR_BYTES // 4} float32",
        "register tile": f"{machine.TILE_ROWS} rows x {machine.TILE_VECTORS} vectors",
        "CUDA": cuda(),
        "kernel cache": jit.cache_folder() or "none: kernels are compiled in every process",
    }
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:{width}}  {value}")
    if layer == SLOW_LAYER:
        print(REMEDY)
    return 0


def threading_layer():
    """The threading layer that Numba uses; it chooses one when the first parallel kernel runs, so one is run."""
    kernels.relu_forward(np.zeros(1 << 20, np.float32))
    return numba.threading_layer()


def cuda():
    """The card on which CUDA kernels run, or why there is none."""
    reason = state.why_not()
    return f"not available: {reason}" if reason else state.device()
