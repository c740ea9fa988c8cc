"""Blocks of Numba's simulator whose threads take turns: barriers, their absence, warps, and what goes wrong."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)

SIMULATED = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}


def test_a_block_waits_for_its_barriers():
    script = Path(__file__).with_name("simulated_turns.py")
    done = subprocess.run([sys.executable, script], env=SIMULATED, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "blocks of threads in turns, no GPU\n"


def test_without_greenlet_the_simulator_says_what_to_install():
    code = "import sys; sys.modules['greenlet'] = None; import tilewright as tw; tw.use('cuda')"
    done = subprocess.run([sys.executable, "-c", code], env=SIMULATED, capture_output=True, text=True)
    assert done.stderr.endswith("need greenlet; pip install 'tilewright[cuda]'\n"), done.stderr
