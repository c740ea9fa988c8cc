"""What a process waits for kernels that are in the cache: wanted are 60 ms for an op with its forms and gradients."""

import statistics
import subprocess
import sys

# The first pass over the cases loads all kernels of an op for float32; the second tells what the cases themselves take.
PROGRAM = """
import sys
import time
import numba
import numpy as np
from tilewright.kernels import relu_forward
from tilewright.kernels.catalog import BY_NAME

op = BY_NAME[sys.argv[1]]
op.face("cpu")
cases = [(case.make(np.float32), case.options) for case in op.cases]
if sys.argv[2] == "a later":
    relu_forward(np.ones(10, np.float32))
passes = []
for _ in range(2):
    start = time.perf_counter()
    for arrays, options in cases:
        results = op.forward("public", arrays, options)
        op.backward("public", np.ones_like(results[0]), arrays, options, results)
    passes.append(time.perf_counter() - start)
print(1000 * (passes[0] - passes[1]))
"""


class Loading:
    """As a process's first op, Numba's own start of 0.25 s is in it; as a later one, it is what is ours."""

    params = [["matmul", "conv2d"], ["the first", "a later"]]
    param_names = ["op", "turn"]
    timeout = 300

    def setup(self, op, turn):
        self._milliseconds(op, turn)  # into the cache

    def track_time(self, op, turn):
        return statistics.median(self._milliseconds(op, turn) for _ in range(5))

    track_time.unit = "ms"

    def _milliseconds(self, op, turn):
        command = [sys.executable, "-c", PROGRAM, op, turn]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
