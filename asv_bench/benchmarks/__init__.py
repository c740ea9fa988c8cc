"""What the benchmarks share: equal threads for NumPy and for the kernels, and one class for every op of the catalog.

Parameters are numbers and short strings; arrays are made, seeded, in `setup`, and kernels compiled there.
"""

from abc import ABC, abstractmethod

import numba
import numpy as np
from threadpoolctl import threadpool_limits
from tilewright.bench import ceilings, timing
from tilewright.kernels.catalog import BY_NAME

FACES = {"numpy": "reference", "cpu": "public"}
THREADS = numba.config.NUMBA_NUM_THREADS


def pin(threads=THREADS):
    """The same number of threads for NumPy's libraries and for Numba; NotImplementedError where there are fewer."""
    if threads > THREADS:
        raise NotImplementedError  # asv's word for "not on this machine"
    numba.set_num_threads(threads)
    threadpool_limits(threads)


class OpBench(ABC):  # asv runs no abstract class
    """Times and rates of one op. A subclass names it: `op = "matmul"`, and takes `params` from `cases(op)`."""

    param_names = ["face", "case"]

    @property
    @abstractmethod
    def op(self):
        """The op's name in the catalog."""

    def setup(self, face, case):
        pin()
        self.row = BY_NAME[self.op]
        self.case = next(one for one in self.row.bench if one.why == case)
        self.arrays = self.case.make(np.float32)
        if self.row.flops(self.arrays, self.case.options) > MOST_FLOPS:
            raise NotImplementedError
        self.face = FACES[face]
        self.results = self.row.forward(self.face, self.arrays, self.case.options)
        self.dy = np.random.default_rng(1).standard_normal(np.shape(self.results[0])).astype(np.float32)
        self.row.backward(self.face, self.dy, self.arrays, self.case.options, self.results)

    def time_forward(self, face, case):
        self.row.forward(self.face, self.arrays, self.case.options)

    def time_backward(self, face, case):
        self.row.backward(self.face, self.dy, self.arrays, self.case.options, self.results)

    def track_rate(self, face, case):
        return self._rate() / 1e9

    track_rate.unit = "GFLOP/s"

    def track_share_of_ceiling(self, face, case):
        return 100 * self._rate() / ceilings.flops(THREADS)

    track_share_of_ceiling.unit = "% of the machine's multiply-adds from registers"

    def _rate(self):
        seconds = timing.alternate({"": lambda: self.time_forward(None, None)}, rounds=2)[""]
        return self.row.flops(self.arrays, self.case.options) / seconds


MOST_FLOPS = 3e8  # a commit is watched on cases that NumPy does in a few hundredths of a second, too


def cases(op):
    """The parameters of an op's benchmark: its faces and the catalog's cases."""
    return [list(FACES), [case.why for case in BY_NAME[op].bench]]
