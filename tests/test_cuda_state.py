"""Without CUDA everything else works, nothing of it is imported, and what is missing is said with its remedy."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
from tilewright.kernels._cuda import state

CPU_WORK = """
import sys
import numpy as np
import tilewright as tw
tw.kernels.relu_forward(np.zeros(1 << 20, np.float32))
tw.kernels.matmul_forward(np.ones((8, 8)), np.ones((8, 8)))
tw.kernels.sgd_update(np.ones(3), np.ones(3), None)
print([m for m in sys.modules if m.split(".")[0] in ("cuda", "numba_cuda") or m.startswith("numba.cuda")])
print([m for m in sys.modules if m.startswith("tilewright.") and m.endswith((".cuda", "._cuda"))])
"""
INSTALLED = importlib.util.find_spec("numba_cuda") is not None
NEEDS_IT = pytest.mark.skipif(not INSTALLED, reason="numba-cuda is not installed; pip install 'tilewright[cuda]'")


def python(code, **settings):
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_cpu_work_imports_nothing_of_cuda():
    assert python(CPU_WORK).split() == ["[]", "[]"]


def test_numba_cuda_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "platform", "linux")
    assert state.why_not() == "numba-cuda is not installed; pip install 'tilewright[cuda]'"
    monkeypatch.setattr(sys, "platform", "win32")
    assert state.why_not() == "CUDA kernels run on Linux, this is win32"


@NEEDS_IT
def test_numba_cuda_that_is_broken_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba.cuda", None)
    monkeypatch.delattr("numba.cuda", raising=False)
    assert re.match(
        r"numba-cuda cannot be imported \(.+\); pip install --upgrade 'tilewright\[cuda\]'$", state.why_not()
    )


@NEEDS_IT
def test_a_cuda_that_is_switched_off_is_named():
    code = "from tilewright.kernels._cuda.state import why_not; print(why_not())"
    said = python(code, NUMBA_DISABLE_CUDA="1", NUMBA_ENABLE_CUDASIM="0").strip()
    assert said == "NUMBA_DISABLE_CUDA is set in the environment; unset it"


@NEEDS_IT
def test_the_simulator_says_so():
    code = "from tilewright.kernels._cuda.state import *; print(why_not(), device(), sep='|')"
    assert python(code, NUMBA_ENABLE_CUDASIM="1").startswith("None|Numba's simulator, compute capability ")


@pytest.mark.parametrize(
    "message, sentence",
    (
        (
            "Error at driver init: \n\nCUDA driver library cannot be found.\nEnsure that\n:",
            "no NVIDIA driver was found; install one of version 580 or newer",
        ),
        (
            "Error at driver init: Call to cuInit results in CUDA_ERROR_NO_DEVICE (100)",
            "the NVIDIA driver finds no GPU; see what `nvidia-smi -L` lists, and whether CUDA_VISIBLE_DEVICES hides it",
        ),
        (
            "Error at driver init: Call to cuInit results in CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)",
            "the NVIDIA driver does not start (Call to cuInit results in CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)); "
            "it has to be of version 580 or newer, `nvidia-smi` says which one runs",
        ),
    ),
)
def test_what_a_driver_says_becomes_a_remedy(message, sentence):
    assert state._of_driver(message) == sentence


def test_info_says_whether_cuda_can_be_used():
    said = python("from tilewright.commands.info import cuda; print(cuda())").strip()
    reason = state.why_not()
    assert said == (f"not available: {reason}" if reason else state.device())
