"""Sums and maxima over rows and whole arrays on CUDA, as far as can be proven without a card.

Nothing here has run on a GPU.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="needs the cuda extra")

from tilewright.kernels._cuda import reduce, usage  # noqa: E402
from tilewright.kernels._cuda.assemble import assemble  # noqa: E402

REGISTERS = 65536  # of a multiprocessor: a block that needs more does not start


@pytest.mark.parametrize("N", (0, 1, 10, 32, 33, 64, 65, 128, 129, 512, 513, 1000, 4096, 8191, 8192, 8193, 10**9))
def test_a_plan_holds_a_row_in_whole_warps_or_parts_of_one(N):
    width, rows, elements = reduce.plan(N)
    assert width in (8, 16) or width % 32 == 0
    assert width * rows % 32 == 0 and 32 <= width * rows <= 1024
    assert width <= 32 or rows == 1 or width * rows <= reduce.THREADS
    assert width * elements >= N if elements else N > reduce.MOST * reduce.MANY


@pytest.mark.parametrize("face", ("softmax.cuda",))
def test_the_largest_block_has_registers_enough(face):
    table = usage.read(usage.TABLE.read_text("utf-8"))
    names = {entry.name for entry in usage.compiled(f"tilewright.kernels.{face}")}
    assert names
    for (name, target), figures in table.items():
        if name in names:
            assert -(-figures.registers // 8) * 8 * reduce.MOST <= REGISTERS, (name, target)


@pytest.mark.parametrize("name", ("softmax_forward", "softmax_backward"))
@pytest.mark.parametrize("length", ("few", "many"))
def test_rows_are_read_once_by_16_bytes_and_stay_in_registers(name, length):
    """As many wide loads as the registers of a thread need, and no memory of a thread's own."""
    (entry,) = (e for e in ENTRIES if e.name == f"{name}-{length}-float32-wide")
    ptx = assemble(entry.function, entry.signature, (9, 0, "a")).ptx
    inputs = 1 if name == "softmax_forward" else 2
    groups = {"few": reduce.FEW, "many": reduce.MANY}[length] // 4
    assert ptx.count("ld.global.v4") == inputs * groups and ptx.count("ld.global.f32") == 0
    assert ptx.count("st.global.v4") == groups
    assert "shfl.sync.bfly" in ptx and ".local" not in ptx


ENTRIES = usage.compiled("tilewright.kernels.softmax.cuda")


def test_rows_of_every_length_in_the_simulator_equal_the_reference():
    script = Path(__file__).with_name("simulated_rows.py")
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "on an emulation of shuffles, no GPU" in done.stdout
