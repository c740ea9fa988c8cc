"""Runs CUDA faces in Numba's simulator, in a process of its own: NUMBA_ENABLE_CUDASIM=1 python simulated.py IN OUT

IN is a pickle of jobs {key: (op's name, arrays, dy or None, options, shifted)}; OUT becomes one of {key: results}. A
shifted array starts 4 or 8 bytes behind a 16-byte boundary. Blocks are tiny, so that small arrays need several, the
last of them partial, and the threads walk on.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
from numba import cuda
from tilewright.kernels._cuda import simulator
from tilewright.kernels.catalog import BY_NAME

simulator.prepare()


def to_device(x, shifted):
    if x is None or (isinstance(x, np.generic) and not shifted):
        return x
    if not shifted:
        return cuda.to_device(x)
    return cuda.to_device(np.concatenate((np.zeros(1, x.dtype), x.ravel())))[1:].reshape(x.shape)


def run(name, arrays, dy, options, shifted):
    """Everything the public functions compute from arrays on a device, as `results` of test_catalog.py."""
    op = BY_NAME[name]
    arrays = {name: to_device(x, shifted) for name, x in arrays.items()}
    results = op.forward("public", arrays, options)
    if op.updates:
        results = tuple(arrays[name] for name in op.updates if name in arrays)
    elif op.differentiable:
        results += op.backward("public", to_device(dy, shifted), arrays, options, results)
    return tuple(x.copy_to_host() for x in results if x is not None)


if __name__ == "__main__":
    jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(pickle.dumps({key: run(*job) for key, job in jobs.items()}))
