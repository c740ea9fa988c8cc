"""The kernels that measure what a card can do at most: their instructions, and their arithmetic in the simulator."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)

from tilewright.kernels._cuda import assemble, ceilings  # noqa: E402

try:
    assemble._ptxas()
except RuntimeError as error:
    pytest.skip(str(error), allow_module_level=True)


@pytest.mark.parametrize("entry", ceilings.COMPILED, ids=lambda entry: entry.name)
def test_they_are_made_of_what_they_measure(entry):
    ptx = assemble.assemble(entry.function, entry.signature, (8, 0)).ptx
    _, kind, name = entry.name.split("-")
    if kind == "copy":
        loads, stores = ptx.count("ld.global.v4"), ptx.count("st.global.v4")
        assert loads == stores > 0 and loads % ceilings.COPIES == 0
        assert ptx.count("ld.global") == loads and ptx.count("st.global") == stores
        return
    assert ".local" not in ptx and "ld.global" not in ptx and ptx.count("st.global") == 1
    if kind == "multiply":
        assert ptx.count(f"fma.rn.f{name[-2:]}") == ceilings.CHAINS * ceilings.UNROLLED
    else:
        types = {"float16": "f16", "bfloat16": "bf16"}[name]
        count = ptx.count(f"mma.sync.aligned.m16n8k16.row.col.f32.{types}.{types}.f32")
        assert count == ptx.count("mma.sync") > 0 and count % ceilings.PIECES == 0


def test_they_compute_what_they_count():
    script = Path(__file__).with_name("simulated_ceilings.py")
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no GPU" in done.stdout
