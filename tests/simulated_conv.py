"""Run by test_cuda_conv.py with Numba's CUDA simulator on: the jobs of simulated.py, in tiny tiles of products."""

import pickle
import sys
from pathlib import Path

import numpy as np
import simulated
from tilewright import kernels
from tilewright.kernels._cuda import depthwise, gemm

for dtype in (np.float32, np.float64):
    gemm.LARGE[np.dtype(dtype)] = gemm.SMALL[np.dtype(dtype)] = (8, 8, 8, 4, 4)
gemm.RANGE = 16  # long sums are cut in ranges
depthwise.BUSY = 64  # threads: rows are cut in parts


def check_options():
    """What the catalog's cases do not ask for: the caller's buffer, and no gradient to x."""
    rng = np.random.default_rng(0)
    for filters, groups in (((2, 3, 3, 4), 1), ((3, 2, 1, 3), 3)):
        x, w = (simulated.to_device(rng.standard_normal(shape), False) for shape in ((1, 4, 5, 3), filters))
        y = kernels.conv2d_forward(x, w, groups=groups)
        out = simulated.to_device(np.full(y.shape, np.nan), False)
        assert kernels.conv2d_forward(x, w, groups=groups, out=out) is out
        np.testing.assert_array_equal(out.copy_to_host(), y.copy_to_host())
        dx, dw, db = kernels.conv2d_backward(y, x, w, groups=groups)
        nothing, dw_alone, _ = kernels.conv2d_backward(y, x, w, groups=groups, need_dx=False)
        assert nothing is db is None and dx.shape == x.shape
        np.testing.assert_array_equal(dw_alone.copy_to_host(), dw.copy_to_host())


if __name__ == "__main__":
    check_options()
    jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
    with np.errstate(all="ignore"):
        results = {key: simulated.run(*job) for key, job in jobs.items()}
    Path(sys.argv[2]).write_bytes(pickle.dumps(results))
