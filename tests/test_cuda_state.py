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


@NEEDS_IT
def test_a_card_that_does_not_start_is_named(monkeypatch):
    from numba import cuda

    def fail():
        raise OSError("CUDA_ERROR_DEVICE_UNAVAILABLE\nin exclusive mode")

    monkeypatch.setattr(cuda, "get_current_device", fail)
    assert state.why_not() == (
        "the GPU does not start (CUDA_ERROR_DEVICE_UNAVAILABLE); see with `nvidia-smi` whether it is free and well"
    )


class Card:
    name, id = "NVIDIA Card", 0

    def __init__(self, *capability):
        self.compute_capability = capability


@pytest.mark.parametrize(
    "toolkit, driver, card, sentence",
    (
        (13, (13, 0), Card(7, 5), None),
        (13, (13, 2), Card(10, 0), None),
        (12, (13, 0), Card(7, 0), None),
        (
            13,
            (12, 4),
            Card(9, 0),
            "the NVIDIA driver is one for CUDA 12.4, CUDA 13 is installed; install a driver of version 580 or newer",
        ),
        (
            12,
            (11, 8),
            Card(8, 0),
            "the NVIDIA driver is one for CUDA 11.8, CUDA 12 is installed; install a driver of version 525 or newer",
        ),
        (
            13,
            (13, 0),
            Card(7, 0),
            "NVIDIA Card is of compute capability 7.0, CUDA 13 compiles for 7.5 and newer; "
            "pip install 'numba-cuda[cu12]'",
        ),
        (
            12,
            (12, 0),
            Card(3, 7),
            "NVIDIA Card is of compute capability 3.7, CUDA 12 compiles for 5.0 and newer",
        ),
    ),
)
def test_a_driver_or_a_card_that_is_too_old_is_named(toolkit, driver, card, sentence):
    assert state._of_versions(toolkit, driver, card) == sentence


@NEEDS_IT
def test_the_versions_are_compared_once_the_card_has_started(monkeypatch):
    from numba import cuda

    monkeypatch.setattr(cuda, "get_current_device", lambda: Card(9, 0))
    monkeypatch.setattr(state, "_driver", lambda: (12, 4))
    monkeypatch.setattr(state, "_toolkit", lambda: 13)
    assert state.why_not().startswith("the NVIDIA driver is one for CUDA 12.4, CUDA 13 is installed; ")
    monkeypatch.setattr(state, "_driver", lambda: (13, 0))
    assert state.why_not() is None


@NEEDS_IT
@pytest.mark.parametrize(
    "card, ways",
    (
        (Card(9, 0), "9.0; products of 16 bits: wgmma on tensor cores, small ones mma.sync"),
        (Card(10, 0), "10.0; products of 16 bits: mma.sync on tensor cores"),
        (Card(8, 6), "8.6; products of 16 bits: mma.sync on tensor cores"),
        (Card(7, 5), "7.5; products of 16 bits: converted to float32"),
    ),
)
def test_info_says_which_ways_a_card_opens(card, ways, monkeypatch):
    from numba import cuda

    monkeypatch.setattr(cuda, "get_current_device", lambda: card)
    state._capability.cache_clear()
    try:
        assert state.device() == f"NVIDIA Card, compute capability {ways}"
        assert state.capability() == card.compute_capability
    finally:
        state._capability.cache_clear()


@NEEDS_IT
def test_the_capability_is_asked_for_once_a_device(monkeypatch):
    from numba import cuda

    asked = []

    class Counting(Card):
        @property
        def compute_capability(self):
            asked.append(self.id)
            return 9, self.id

        def __init__(self, id):
            self.id = id

    state._capability.cache_clear()
    try:
        for card in (Counting(0), Counting(1), Counting(0)):
            monkeypatch.setattr(cuda, "get_current_device", lambda card=card: card)
            assert state.capability() == (9, card.id)
    finally:
        state._capability.cache_clear()
    assert asked == [0, 1]


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
