"""Products on a GPU, as far as can be proven without one: what their kernels become, and tiny ones in the simulator.

Nothing here has run on a GPU.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="needs the cuda extra")

from tilewright.kernels._cuda import columns, gemm, usage  # noqa: E402
from tilewright.kernels._cuda.assemble import assemble  # noqa: E402
from tilewright.kernels.matmul.cuda import COMPILED  # noqa: E402

# registers, shared memory and spills are in test_cuda_compile.py's table
PRODUCTS = [
    pytest.param(entry, capability, id=f"{entry.name}-{''.join(map(str, capability))}")
    for entry in COMPILED
    if entry.name.startswith(("gemm-float32", "gemm-float64"))
    for capability in entry.capabilities
]


@pytest.mark.parametrize("entry, capability", PRODUCTS)
def test_a_product_keeps_its_sums_in_registers_and_moves_whole_vectors(entry, capability):
    found = assemble(entry.function, entry.signature, capability, entry.max_registers)
    _, dtype, _, rows, _ = entry.name.split("-")
    assert found.spills == 0
    assert ".local" not in found.ptx, "an array of a thread lies in memory"
    vector = r"v4\.[fb]32" if dtype == "float32" else r"v2\.[fb]64"  # its type's name depends on the architecture
    assert re.search(rf"ld\.shared\.{vector}", found.ptx)
    for access in ("ld", "st"):
        assert bool(re.search(rf"{access}\.global\.{vector}", found.ptx)) == (rows == "aligned")
    assert dtype == "float64" or ".f64" not in found.ptx


@pytest.mark.parametrize("name", ("columns-float32-float32-wide", "columns-bfloat16-float32-wide"))
def test_column_sums_keep_their_numbers_in_registers_and_move_whole_vectors(name):
    entry = next(entry for entry in columns.COMPILED if entry.name == name)
    ptx = assemble(entry.function, entry.signature, entry.capabilities[0]).ptx
    assert ".local" not in ptx and ".f64" not in ptx
    assert re.search(r"ld\.global\.v[48]", ptx) and re.search(r"st\.global\.v[48]", ptx)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("M, N", ((1, 1), (33, 64), (1024, 1024), (0, 5)))
@pytest.mark.parametrize("K", (0, 1, 511, 512, 4097, 10**6))
def test_the_ranges_of_a_product_cover_its_depth_once(M, N, K, dtype):
    tile = gemm.choose(M, N, K, np.dtype(dtype))
    depth, splits = gemm.plan(M, N, K, tile, gemm.block_threads(*tile))
    assert depth % tile[2] == 0 and splits >= 1
    assert (splits - 1) * depth < max(K, 1) <= splits * depth
    assert splits == 1 or depth > gemm.RANGE // 2
    if 0 < M < 1024:  # few tiles
        assert (splits > 1) == (K >= 2 * gemm.RANGE)


def test_two_blocks_of_a_large_tile_share_a_multiprocessor():
    """65,536 registers for twice 256 threads."""
    large = re.compile("gemm-(float32|float16|bfloat16)-large")
    figures = {key: row for key, row in usage.read(usage.TABLE.read_text("utf-8")).items() if large.match(key[0])}
    assert figures
    assert not {key: row for key, row in figures.items() if row.registers > 128}


def test_tiny_products_in_the_simulator_equal_the_reference():
    script = Path(__file__).with_name("simulated_products.py")
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "in the simulator, no GPU" in done.stdout
