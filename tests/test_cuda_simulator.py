"""CUDA kernels against their references in Numba's simulator: their arithmetic, as Python, on tiny shapes with partial
blocks. What passes here has not run on a GPU.
"""

import importlib.util
import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tilewright
from tilewright.kernels.catalog import OPS

from .errors import random_dy, worst

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)

ELSEWHERE = {"matmul", "conv"}  # folders whose kernels need larger blocks; tests of their own run them
LARGEST = 2000  # elements of a case
KERNELS = Path(tilewright.__file__).parent / "kernels"


def has_cuda(op):
    face = KERNELS / op.folder / "cuda.py"
    name = op.name if op.updates else f"{op.name}_forward"
    return face.exists() and op.folder not in ELSEWHERE and f"\ndef {name}(" in face.read_text("utf-8")


CASES = [
    pytest.param(op, case, dtype, way, id=f"{op.name}-{case.why}-{dtype}-{way}")
    for op in OPS
    if has_cuda(op)
    for case in op.cases
    if not case.host and sum(np.size(x) for x in case.make(np.float64).values()) < LARGEST
    for dtype in ("float32", "float64")
    for way in ("aligned", "shifted", "nan and infinity")
]


def arrays_of(op, case, dtype, way):
    """The arrays of a case; for the last way with some that are not finite."""
    arrays = {n: x.astype(dtype) if x.dtype.kind == "f" else x for n, x in case.make(np.float64).items()}
    rng = np.random.default_rng(2)
    for name, x in arrays.items():
        if way == "nan and infinity" and x.dtype.kind == "f" and x.size > 4 and name not in op.finite:
            x.flat[rng.choice(x.size, 3, replace=False)] = np.nan, np.inf, -np.inf
    return arrays


def reference(op, case, arrays, dtype):
    """(results, dy) of the reference, which computes in `dtype`."""
    arrays = {name: x.astype(dtype) if x.dtype.kind == "f" else x.copy() for name, x in arrays.items()}
    with np.errstate(all="ignore"):
        results = op.forward("reference", arrays, case.options)
        if op.updates:
            return tuple(arrays[name] for name in op.updates if name in arrays), None
        if not op.differentiable:
            return results, None
        dy = random_dy(results[0], dtype)
        gradients = op.backward("reference", dy, arrays, case.options, results)
        return results + tuple(gradient for gradient in gradients if gradient is not None), dy


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """What the simulator computed, {(op's name, case's why, dtype, way): results}."""
    jobs = {}
    for op, case, dtype, way in (parameter.values for parameter in CASES):
        arrays = arrays_of(op, case, dtype, way)
        _, dy = reference(op, case, arrays, dtype)
        jobs[op.name, case.why, dtype, way] = op.name, arrays, dy, case.options, way == "shifted"
    asked, answered = (tmp_path_factory.mktemp("simulator") / name for name in ("asked", "answered"))
    asked.write_bytes(pickle.dumps(jobs))
    subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("simulated.py"), asked, answered],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        check=True,
    )
    return pickle.loads(answered.read_bytes())


@pytest.mark.parametrize("op, case, dtype, way", CASES)
def test_the_simulator_computes_what_the_reference_does(op, case, dtype, way, simulated):
    arrays = arrays_of(op, case, dtype, way)
    got = simulated[op.name, case.why, dtype, way]
    want, _ = reference(op, case, arrays, dtype)
    for g, w in zip(got, want, strict=True):
        assert g.dtype == w.dtype and g.shape == w.shape
        for of_kind in (np.isnan, np.isposinf, np.isneginf):
            np.testing.assert_array_equal(of_kind(g), of_kind(w))
    exact, _ = reference(op, case, arrays, "float64")
    finite = [np.isfinite(w) for w in want]
    exact = [e[f] for e, f in zip(exact, finite)]
    ours, numpy = (worst([r[f] for r, f in zip(results, finite)], exact) for results in (got, want))
    for mine, theirs in zip(ours, numpy):
        limit = op.float64 if dtype == "float64" else case.error * theirs + 2 * np.finfo(np.float32).eps
        assert mine <= limit


@pytest.mark.parametrize("op", [op for op in OPS if (KERNELS / op.folder / "cuda.py").exists()], ids=lambda op: op.name)
def test_a_cuda_face_has_the_signatures_of_the_public_functions(op):
    for name in (op.name, f"{op.name}_forward", f"{op.name}_backward"):
        function = getattr(op.face("cuda"), name, None)
        if function is not None:
            public = getattr(op.face("public"), name)
            assert inspect.signature(function).parameters == inspect.signature(public).parameters
