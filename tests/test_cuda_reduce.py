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
from tilewright.kernels.norm.cuda import OF_GRADIENT  # noqa: E402

FACES = "softmax.cuda", "loss.cuda", "norm.cuda"
ENTRIES = {entry.name: entry for face in FACES for entry in usage.compiled(f"tilewright.kernels.{face}")}
REGISTERS = 65536  # of a multiprocessor: a block that needs more does not start


@pytest.mark.parametrize("N", (0, 1, 10, 32, 33, 64, 65, 128, 129, 512, 513, 1000, 4096, 8191, 8192, 8193, 10**9))
def test_a_plan_holds_a_row_in_whole_warps_or_parts_of_one(N):
    width, rows, elements = reduce.plan(N)
    assert width in (8, 16) or width % 32 == 0
    assert width * rows % 32 == 0 and 32 <= width * rows <= 1024
    assert width <= 32 or rows == 1  # rows of several warps meet in shared memory that is not cut by rows
    assert width * elements >= N if elements else N > reduce.MOST * reduce.MANY


@pytest.mark.parametrize("face", FACES)
def test_the_largest_block_has_registers_enough(face):
    table = usage.read(usage.TABLE.read_text("utf-8"))
    names = {entry.name for entry in usage.compiled(f"tilewright.kernels.{face}")}
    assert names
    for (name, target), figures in table.items():
        if name in names:
            assert -(-figures.registers // 8) * 8 * reduce.MOST <= REGISTERS, (name, target)


@pytest.mark.parametrize(
    "name, inputs, rows",
    (
        ("softmax_forward", 1, 0),
        ("softmax_backward", 2, 0),
        ("layer_norm_forward", 1, 2),  # and gamma and beta
        ("layer_norm_backward", 2, 1),
    ),
)
@pytest.mark.parametrize("length", ("few", "many"))
def test_rows_are_read_once_by_16_bytes_and_stay_in_registers(name, inputs, rows, length):
    """As many wide loads as the registers of a thread need, and no memory of a thread's own."""
    entry = ENTRIES[f"{name}-{length}-float32-wide"]
    ptx = assemble(entry.function, entry.signature, (9, 0, "a")).ptx
    many = OF_GRADIENT["f"] if name == "layer_norm_backward" else reduce.MANY
    groups = {"few": reduce.FEW, "many": many}[length] // 4
    assert ptx.count("ld.global.v4") == (inputs + rows) * groups
    assert ptx.count("st.global.v4") == groups * (3 if name == "layer_norm_backward" else 1)
    assert "shfl.sync.bfly" in ptx and ".local" not in ptx


@pytest.mark.parametrize("name", ("mse_forward", "binary_crossentropy_forward", "binary_crossentropy_forward-logits"))
def test_means_over_elements_read_16_bytes_at_once(name):
    entry = ENTRIES[f"{name}-float32-wide"]
    assert "ld.global.v4" in assemble(entry.function, entry.signature, (9, 0, "a")).ptx


def test_rows_of_every_length_in_the_simulator_equal_the_reference():
    script = Path(__file__).with_name("simulated_rows.py")
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "on an emulation of shuffles, no GPU" in done.stdout
