"""A call of every op on its smallest case, a folder's together: checks, dispatch, results' arrays, hardly a sum.

Wanted are at most 3 us beside what the kernels themselves take.
"""

import numpy as np
from tilewright.kernels._compare import random_dy
from tilewright.kernels.catalog import OPS

from . import pin


def smallest(op):
    """The case with the fewest elements, but some in every array."""
    return min(op.cases, key=lambda case: _elements(case.make(np.float32).values()))


def _elements(arrays):
    sizes = [np.size(x) for given in arrays for x in (given if isinstance(given, (list, tuple)) else [given])]
    return 0 in sizes, sum(sizes)


class Overhead:
    params = sorted({op.folder for op in OPS})  # a process each: one for every op would take minutes to start
    param_names = ["folder"]

    def setup(self, folder):
        pin(1)
        self.calls = [call for op in OPS if op.folder == folder for call in _calls(op)]
        for call in self.calls:
            call()

    def time_calls(self, folder):
        """A call of every op of a folder, and of its gradient."""
        for call in self.calls:
            call()


def _calls(op):
    case = smallest(op)
    arrays = case.make(np.float32)
    yield op.forward_call("public", arrays, case.options)
    if op.differentiable:
        results = op.forward("public", arrays, case.options)
        yield op.backward_call("public", random_dy(results[0], np.float32), arrays, case.options, results)
