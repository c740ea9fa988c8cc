"""Products on tensor cores, as far as can be proven without a GPU: their instructions, their layouts against the PTX
ISA's tables, the banks that they touch, and the very kernel on an emulation. Nothing here has run on a GPU.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="needs the cuda extra")

from tilewright.kernels._cuda import emulation  # noqa: E402
from tilewright.kernels._cuda.assemble import assemble  # noqa: E402
from tilewright.kernels._cuda.gemm_tensor import (  # noqa: E402
    CHUNK,
    LARGE,
    REGISTERS,
    SIGNATURE,
    SMALL,
    block_threads,
    make_place,
    make_tensor_gemm,
)
from tilewright.kernels._cuda.usage import CAPABILITIES  # noqa: E402

BOTH = False, True
KERNELS = list(itertools.product((LARGE, SMALL), ("float16", "bfloat16"), BOTH, BOTH, BOTH, CAPABILITIES))


@pytest.mark.parametrize("tile, kind, transpose_a, transpose_b, aligned, capability", KERNELS)
def test_the_instructions_are_what_they_claim(tile, kind, transpose_a, transpose_b, aligned, capability):
    function = make_tensor_gemm(*tile, kind, transpose_a, transpose_b, aligned)
    usage = assemble(function, SIGNATURE, capability, REGISTERS.get(tile))
    _, _, BK, WM, WN, _ = tile
    name = {"float16": "f16", "bfloat16": "bf16"}[kind]
    multiplications = usage.ptx.count(f"mma.sync.aligned.m16n8k16.row.col.f32.{name}.{name}.f32")
    steps = multiplications // ((WM // 16) * (WN // 8))
    # for Blackwell the compiler leaves the loop over a tile's steps where b is transposed alone
    assert steps == (1 if capability[0] == 10 and transpose_b and not transpose_a else BK // 16)
    assert multiplications == usage.ptx.count("mma.sync") == steps * (WM // 16) * (WN // 8)
    loads, turned = steps * (WM // 16 + WN // 16), steps * (transpose_a * WM + (not transpose_b) * WN) // 16
    assert usage.ptx.count("ldmatrix.sync.aligned.m8n8.x4.shared.b16") == loads - turned
    assert usage.ptx.count("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16") == turned
    assert ("cp.async.cg.shared.global" in usage.ptx) == aligned
    assert "cp.async.commit_group" in usage.ptx and "cp.async.wait_group" in usage.ptx
    assert usage.spills == 0
    assert 2 * usage.registers * block_threads(*tile) <= 65536, "two blocks do not fit a multiprocessor"
    assert ".local" not in usage.ptx, "an array of a thread lies in memory"
    assert ".f64" not in usage.ptx


def group_of_banks(element):
    """Which of the eight groups of four banks holds 16 bytes that begin at an element of 2 bytes."""
    assert element % CHUNK == 0
    return element * 2 // 16 % 8


def tiles():
    """(rows, chunks a row, threads that fill it) of all tiles that the kernels have, either way round."""
    for tile in (LARGE, SMALL):
        BM, BN, BK, *_ = tile
        for W in {BM, BN}:
            yield W, BK // CHUNK, block_threads(*tile)
            yield BK, W // CHUNK, block_threads(*tile)


@pytest.mark.parametrize("rows, C, threads", list(tiles()))
def test_shared_memory_is_read_and_written_without_bank_conflicts(rows, C, threads):
    place = make_place(C).py_func
    everything = {place(row, row, chunk) for row in range(rows) for chunk in range(C)}
    assert everything == set(range(0, rows * C * CHUNK, CHUNK))
    for row in range(0, rows, 8):  # ldmatrix reads 8 rows of one matrix at a time
        for chunk in range(C):
            assert len({group_of_banks(place(row + r, r, chunk)) for r in range(8)}) == 8
            assert all(place(row + r, r, chunk) == place(row + r, row + r, chunk) for r in range(8))
    for first in range(0, rows * C, 8):  # 8 neighbouring threads write 16 bytes each at a time
        tasks = [divmod(task, C) for task in range(first, first + 8)]
        assert len({group_of_banks(place(row, row, chunk)) for row, chunk in tasks}) == 8
    assert threads % 8 == 0


def test_without_the_swizzle_the_banks_would_conflict():
    assert len({group_of_banks(row * 4 * CHUNK) for row in range(8)}) == 2


def test_the_emulated_layouts_are_those_of_the_ptx_isa():
    """Matrix fragments for mma.m16n8k16 with floating point type, element by element by the ISA's formulas."""
    rng = np.random.default_rng(0)
    a, b, c = (rng.integers(-9, 9, shape).astype(np.float32) for shape in ((16, 16), (16, 8), (16, 8)))
    for kind in ("float16", "bfloat16"):
        to_bits = emulation.to_bfloat16 if kind == "bfloat16" else lambda x: np.float16(x).view(np.uint16)
        operands = []
        for lane in range(32):
            group, member = lane // 4, lane % 4
            left = [a[group + 8 * (i // 2 % 2), member * 2 + i % 2 + 8 * (i // 4)] for i in range(8)]
            right = [b[member * 2 + i % 2 + 8 * (i // 2), group] for i in range(4)]
            sums = [c[group + 8 * (i // 2), member * 2 + i % 2] for i in range(4)]
            words = to_bits(np.array(left + right, np.float32)).view("<u4")
            operands.append((*words, *sums))
        multiply = emulation._multiply_bfloat16 if kind == "bfloat16" else emulation._multiply_float16
        results, want = multiply(operands), a @ b + c
        for lane, result in enumerate(results):
            for i in range(4):
                assert result[i] == want[lane // 4 + 8 * (i // 2), lane % 4 * 2 + i % 2]


@pytest.mark.parametrize("transposed", (False, True))
def test_the_emulated_loads_are_those_of_the_ptx_isa(transposed):
    """ldmatrix .x4: lanes 8 i to 8 i + 7 name the rows of matrix i, which becomes word i of every lane."""
    tile = np.arange(4 * 64, dtype=np.uint16)
    starts = [(lane * 8 + 64) % 256 for lane in range(32)]
    load = emulation._load_transposed if transposed else emulation._load
    for lane, words in enumerate(load([(tile, start) for start in starts])):
        for i, word in enumerate(words):
            for half in range(2):
                row, column = lane // 4, lane % 4 * 2 + half
                if transposed:
                    row, column = column, row
                assert int(word) >> 16 * half & 0xFFFF == tile[starts[8 * i + row] + column]


def test_bfloat16_is_rounded_to_the_nearest_and_ties_to_even():
    x = np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -(1 + 3 * 2**-8), np.inf, 3.4e38], np.float32)
    bits = emulation.to_bfloat16(x)
    assert [hex(n) for n in bits] == ["0x3f80", "0x3f80", "0x3f82", "0x3f81", "0xbf82", "0x7f80", "0x7f80"]
    assert np.isnan(emulation.widen_bfloat16(emulation.to_bfloat16(np.float32(np.nan))))


def test_the_kernel_is_right_on_an_emulation_of_tensor_cores():
    script = Path(__file__).with_name("emulated_products.py")
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "on an emulation of tensor cores, no GPU" in done.stdout
