"""`import tilewright` brings in NumPy alone, and is quick."""

import importlib.metadata
import statistics
import subprocess
import sys

import pytest
import tilewright

LATE = ("numba", "llvmlite", "rich", "matplotlib", "sklearn", "scipy", "tensorboardX", "torch")


def python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def seconds(module):
    return float(python(f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"))


def test_import_loads_no_compiler_and_no_extra():
    loaded = python(f"import sys, tilewright; print([m for m in {LATE} if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_import_keeps_to_its_budget():
    """It is 0.35 s where Numba takes 0.21."""
    seconds("tilewright"), seconds("numba")  # files and byte code into memory
    turns = [(seconds("tilewright"), seconds("numba")) for _ in range(5)]
    ours, numba = (statistics.median(column) for column in zip(*turns))
    assert ours <= 0.35 / 0.21 * numba, f"tilewright {ours:.3f} s, numba {numba:.3f} s"


def test_the_version_is_that_of_the_installation():
    assert tilewright.__version__ == importlib.metadata.version("tilewright")
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = tilewright.nothing
