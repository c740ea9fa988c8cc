"""Steps of all parameters in one launch: what their kernels become, and small ones in Numba's simulator.

Nothing here has run on a GPU.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="needs the cuda extra")

from tilewright.kernels._cuda.assemble import assemble  # noqa: E402
from tilewright.kernels.optim.cuda import COMPILED  # noqa: E402

BY_NAME = {entry.name: entry for entry in COMPILED}


@pytest.mark.parametrize(
    "name, read, written", (("sgd_update", 2, 1), ("sgd_update-momentum", 3, 2), ("adam_update", 4, 3))
)
def test_float32_moves_16_bytes_at_once_from_addresses_in_global_memory(name, read, written):
    entry = BY_NAME[f"{name}-float32-8"]
    ptx = assemble(entry.function, entry.signature, (9, 0, "a")).ptx
    loads, stores = (ptx.count(f"{access}.global.v4.f32") for access in ("ld", "st"))
    assert loads and loads % read == 0 and stores and stores % written == 0
    assert loads // read == stores // written
    assert not re.search(r"(ld|st)\.(v4\.)?f32", ptx), "an access that has to find out where it reads"
    assert ".local" not in ptx, "addresses were copied to a thread's own memory"


def test_lists_in_the_simulator_equal_the_reference_and_steps_one_by_one():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("simulated_optim.py")],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(re.match(r"(\d+) arrays updated in the simulator, no GPU", done.stdout)[1]) >= 400
