"""A call of every op on its smallest case: checks, dispatch, the results' arrays, and next to nothing to compute.

Wanted are at most 3 us beside what the kernels themselves take.
"""

import numpy as np
from tilewright.kernels._compare import random_dy
from tilewright.kernels.catalog import BY_NAME, OPS

from . import pin


def smallest(op):
    """The case with the fewest elements, but some in every array."""
    return min(op.cases, key=lambda case: _elements(case.make(np.float32).values()))


def _elements(arrays):
    sizes = [np.size(x) for given in arrays for x in (given if isinstance(given, (list, tuple)) else [given])]
    return 0 in sizes, sum(sizes)


class Overhead:
    params = [[op.name for op in OPS], ["forward", "backward"]]
    param_names = ["op", "way"]

    def setup(self, op, way):
        row = BY_NAME[op]
        if way == "backward" and not row.differentiable:
            raise NotImplementedError  # asv's word for "there is none"
        pin(1)
        case = smallest(row)
        arrays = case.make(np.float32)
        self.call = row.forward_call("public", arrays, case.options)
        if way == "backward":
            results = row.forward("public", arrays, case.options)
            dy = random_dy(results[0], np.float32)
            self.call = row.backward_call("public", dy, arrays, case.options, results)
        self.call()

    def time_call(self, op, way):
        self.call()
