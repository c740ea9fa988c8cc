"""Masks of dropout in Numba's simulator: the very bits of the CPU's. What passes here has not run on a GPU."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)


def test_masks_have_the_bits_of_the_cpu():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("simulated_dropout.py")],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(re.match(r"(\d+) masks in the simulator, no GPU", done.stdout)[1]) >= 100
