"""Rows of data and sums of a recorded step, in Numba's simulator. What passes here has not run on a GPU."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)


def test_rows_and_sums_in_the_simulator():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("simulated_gather.py")],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(re.match(r"(\d+) results in the simulator, no GPU", done.stdout)[1]) >= 100
