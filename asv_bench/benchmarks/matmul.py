"""Matrix products: times, rates, and the speed beside NumPy's."""

import numpy as np
from tilewright.bench import timing
from tilewright.kernels import matmul_forward

from . import OpBench, cases, pin


class Matmul(OpBench):
    op = "matmul"
    params = cases(op)


class MatmulBesideNumpy:
    """Ours and NumPy's in turns, in one process, on equal threads: 1 is NumPy's speed, 2 is twice that."""

    params = [[256, 512, 1024], [1, 2]]
    param_names = ["size", "threads"]

    def setup(self, size, threads):
        pin(threads)
        self.a, self.b = np.random.default_rng(0).standard_normal((2, size, size)).astype(np.float32)

    def track_speed(self, size, threads):
        calls = {"ours": lambda: matmul_forward(self.a, self.b), "numpy": lambda: self.a @ self.b}
        seconds = timing.alternate(calls)
        return seconds["numpy"] / seconds["ours"]

    track_speed.unit = "of NumPy's speed"
