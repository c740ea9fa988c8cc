"""Kernels compiled for other CPUs than this one: narrower vectors, and none that multiplies and adds at once."""

import os
import subprocess
import sys

import pytest

from .cpus import IS_X86, OTHERS

pytestmark = pytest.mark.skipif(not IS_X86, reason="names x86 CPUs")

PROGRAM = """
import sys
import numpy as np
from tilewright.kernels._cpu import machine
from tilewright.kernels.catalog import BY_NAME
assert machine.VECTOR_BYTES == int(sys.argv[1]), machine.VECTOR_BYTES

def results(op, case, face, dtype):
    arrays = case.make(dtype)
    forward = op.forward(face, arrays, case.options)
    dy = np.random.default_rng(1).standard_normal(np.shape(forward[0])).astype(dtype)
    return [r for r in forward + op.backward(face, dy, arrays, case.options, forward) if r is not None]

def errors(results, exact):
    return [np.abs(r - e).max(initial=0) / (np.abs(e).max(initial=0) or 1) for r, e in zip(results, exact, strict=True)]

for name in ("matmul", "linear", "conv2d", "sigmoid"):
    op = BY_NAME[name]
    for case in op.cases:
        exact = results(op, case, "reference", np.float64)
        assert max(errors(results(op, case, "public", np.float64), exact)) <= op.float64, (name, case.why)
        allowed = errors(results(op, case, "reference", np.float32), exact)
        for ours, numpy in zip(errors(results(op, case, "public", np.float32), exact), allowed):
            assert ours <= case.error * numpy + 2 * np.finfo(np.float32).eps, (name, case.why, ours, numpy)
print("right")
"""


@pytest.mark.parametrize("cpu, width", (("AVX2", 32), ("SSE2 without fma", 16)))
def test_products_are_right_on_other_cpus(cpu, width):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(width)],
        env={**os.environ, **OTHERS[cpu]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "right", done.stderr[-2000:]
