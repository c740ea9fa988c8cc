"""Hopper's products, as far as can be proven without a GPU: their instructions, their layouts against the PTX ISA's,
what the driver is asked for, and the very kernel on an emulation. The last test needs a card of compute capability 9.0
and has not run.
"""

import functools
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="needs the cuda extra")

from numba import cuda  # noqa: E402
from tilewright.kernels._cuda import (  # noqa: E402
    emulation,
    emulation_hopper,
    gemm_hopper,
    memory,
    ptx_hopper,
    state,
    tensor_map,
)
from tilewright.kernels._cuda.assemble import assemble  # noqa: E402
from tilewright.kernels._cuda.gemm import ACTIVATIONS  # noqa: E402
from tilewright.kernels._cuda.gemm_hopper import NARROW, SIGNATURE, WIDE, make_hopper_gemm  # noqa: E402
from tilewright.kernels._cuda.matrix import shape_of  # noqa: E402

HOPPER = (9, 0, "a")
SOME = (
    (WIDE, "bfloat16", False, False),
    (WIDE, "float16", True, True),
    (NARROW, "float16", False, True),
    (NARROW, "bfloat16", True, False),
)


@functools.cache
def assembled(tile, kind, transpose_a, transpose_b):
    return assemble(make_hopper_gemm(*tile, kind, transpose_a, transpose_b), SIGNATURE, HOPPER)


@pytest.mark.parametrize("tile, kind, transpose_a, transpose_b", SOME)
def test_the_instructions_are_what_they_claim(tile, kind, transpose_a, transpose_b):
    usage = assembled(tile, kind, transpose_a, transpose_b)
    groups, BN, _ = tile
    name = {"float16": "f16", "bfloat16": "bf16"}[kind]
    products = re.findall(r"wgmma\.mma_async\.sync\.aligned\.(\S+) .*, 1, 1, 1, (\d), (\d);", usage.ptx)
    turned = str(int(transpose_a)), str(int(not transpose_b))  # the ISA's "K-major" is 0, for both operands
    assert products == [(f"m64n{BN}k16.f32.{name}.{name}", *turned)] * (gemm_hopper.BK // 16)
    assert usage.ptx.count("wgmma.mma_async") == len(products)
    boxes = (groups if transpose_a else 1) + (1 if transpose_b else BN // 64)
    assert usage.ptx.count("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes") == boxes
    for instruction in (
        "mbarrier.init.shared::cta.b64",
        "mbarrier.arrive.shared::cta.b64",
        "mbarrier.arrive.expect_tx.shared::cta.b64",
        "mbarrier.try_wait.parity.shared::cta.b64",
        "fence.mbarrier_init.release.cluster",
        "fence.proxy.tensormap::generic.acquire.gpu",
        "wgmma.fence.sync.aligned",
        "wgmma.commit_group.sync.aligned",
        "wgmma.wait_group.sync.aligned 1",
        "wgmma.wait_group.sync.aligned 0",
    ):
        assert instruction in usage.ptx
    assert usage.spills == 0 and not usage.losses
    assert ".local" not in usage.ptx, "an array of a thread lies in memory"
    assert ".f64" not in usage.ptx


@pytest.mark.parametrize("case, together", ((SOME[0], 1), (SOME[2], 2)))
def test_so_many_blocks_fit_on_a_multiprocessor(case, together):
    """233,472 bytes of shared memory and 65,536 registers at 9.0, of which a block costs 1,024 and warps whole 256."""
    usage, tile = assembled(*case), case[0]
    assert together * (gemm_hopper.shared_bytes(*tile) + usage.shared + 1024) <= 233_472
    registers = -(-usage.registers * 32 // 256) * 256
    assert together * gemm_hopper.block_threads(*tile) // 32 * registers <= 65_536


def test_sums_that_are_read_before_they_are_finished_are_seen():
    multiply, finish = ptx_hopper.make_products(64, "bfloat16", False, False)

    def premature(y, a, b, n):
        sums = cuda.local.array(32, np.float32)
        for i in range(32):
            sums[i] = np.float32(0)
        ptx_hopper.open_products()
        for _ in range(n):
            multiply(sums, a, b)
            sums[3] += np.float32(1)
        ptx_hopper.commit_products()
        finish(sums)
        for i in range(32):
            y[cuda.threadIdx.x * 32 + i] = sums[i]

    assert assemble(premature, "void(float32[::1], uint64, uint64, int32)", HOPPER).losses


def test_a_map_is_published_to_the_copy_engine():
    ptx = assemble(tensor_map.write_map, tensor_map.SIGNATURE, HOPPER).ptx
    stores = [int(place or 0) for place in re.findall(r"st\.global\.u64\s+\[%\w+(?:\+(\d+))?\]", ptx)]
    assert sorted(stores) == list(range(0, 128, 8))
    assert ptx.index("fence.proxy.tensormap::generic.release.gpu") > ptx.rindex("st.global")


def test_the_driver_is_asked_for_the_map_of_a_matrix(monkeypatch):
    driver = pytest.importorskip("cuda.bindings.driver")
    asked = []

    def encode(*arguments):
        asked.extend(arguments)
        return driver.CUresult.CUDA_SUCCESS, driver.CUtensorMap()

    monkeypatch.setattr(driver, "cuTensorMapEncodeTiled", encode)
    monkeypatch.setattr(tensor_map, "address", lambda x: 0x7F0000001000)
    assert tensor_map.encode(np.empty(0, np.uint16), (5, 96, 136), 128) == [0] * tensor_map.WORDS
    kind, rank, place, *sizes, interleave, swizzle, promotion, fill = asked
    assert (kind, rank, place) == (driver.CUtensorMapDataType.CU_TENSOR_MAP_DATA_TYPE_UINT16, 3, 0x7F0000001000)
    assert [[int(n) for n in size] for size in sizes] == [[136, 96, 5], [272, 26112], [64, 128, 1], [1, 1, 1]]
    assert [int(n) for n in (interleave, swizzle, fill)] == [0, 3, 0]  # the swizzle of 128 bytes, zeros outside


@pytest.mark.parametrize("turned", (False, True))
def test_descriptors_lead_to_what_boxes_hold(turned):
    """Boxes by the CUDA driver's figures of swizzles, descriptors by the PTX ISA's canonical layouts."""
    W, BASE, start = 128, emulation_hopper.BASE, 2048
    tile = np.random.default_rng(0).integers(0, 1 << 16, (W, 64)).astype(np.uint16)
    memory = np.zeros(32768, np.uint16)
    for w in range(W):
        for k in range(64):
            box, row, column = (w // 64, k, w % 64) if turned else (0, w, k)
            chunk = column // 8 ^ row % 8
            memory[(start - BASE) // 2 + box * 4096 + row * 64 + chunk * 8 + column % 8] = tile[w, k]
    for part in range(4):
        descriptor = gemm_hopper.descriptor(not turned) | np.uint64(start // 16)
        descriptor += np.uint64(part * gemm_hopper.step_of(not turned))
        got = emulation_hopper.operand(memory, descriptor, W, turned)
        assert np.array_equal(got, tile[:, part * 16 : part * 16 + 16])


@pytest.mark.parametrize(
    "along_k, first, second", ((True, 16, 1024), (False, 8192, 1024)), ids=("along k", "along the other axis")
)
def test_descriptors_have_the_fields_of_the_ptx_isa(along_k, first, second):
    fields = int(gemm_hopper.descriptor(along_k))
    assert fields & 0x3FFF == 0
    assert (fields >> 16 & 0x3FFF) * 16 == first
    assert (fields >> 32 & 0x3FFF) * 16 == second
    assert fields >> 49 & 7 == 0 and fields >> 62 == 1
    assert fields == fields & (0x3FFF << 16 | 0x3FFF << 32 | 3 << 62)


def test_the_emulated_sums_lie_as_the_ptx_isa_says():
    """wgmma's accumulator: element by element by the ISA's formulas for D with N = 64."""
    sums = np.arange(64 * 64).reshape(64, 64)
    parts = emulation_hopper.fragments(sums)
    for thread in range(128):
        for i in range(32):
            row = thread // 32 * 16 + thread % 32 // 4 + 8 * (i // 2 % 2)
            assert parts[thread, i] == sums[row, i // 4 * 8 + thread % 4 * 2 + i % 2]
    assert np.array_equal(emulation_hopper.whole(parts), sums)


@pytest.mark.parametrize(
    "tile, sizes, batch, other",
    (
        (WIDE, (4096, 4096, 64), 1, {}),
        (NARROW, (1024, 1024, 8), 1, {}),
        (None, (1024, 896, 8), 1, {}),  # too few blocks
        (NARROW, (65536, 384, 64), 1, {}),  # a third of WIDE would be empty
        (WIDE, (65536, 392, 64), 1, {}),
        (None, (65536, 64, 64), 1, {}),  # half of NARROW would be empty
        (NARROW, (128, 128, 64), 64, {}),
        (NARROW, (128, 128, 64), 64, {"b": (64, 0, 0)}),  # one matrix for all
        (NARROW, (128, 128, 64), 64, {"b": (8, 8 * 128 * 64, 128 * 64)}),
        (None, (128, 128, 64), 64, {"b": (8, 0, 128 * 64)}),  # eight matrices, each for eight products
        (None, (4096, 4096, 0), 1, {}),
        (None, (4096, 4096, 64), 1, {"aligned": False}),
        (None, (4096, 4096, 64), 1, {"capability": (10, 0)}),
        (None, (4096, 4096, 64), 1, {"capability": (8, 9)}),
        (None, (4096, 4096, 64), 1, {"dtype": np.float32}),
    ),
)
def test_which_products_are_hoppers(tile, sizes, batch, other, monkeypatch):
    monkeypatch.setattr(state, "capability", lambda: other.get("capability", (9, 0)))
    M, N, K = sizes
    a = None, None, shape_of(M, K, (batch, 0, M * K))
    b = None, None, shape_of(N, K, other.get("b", (batch, 0, N * K)))
    y = np.empty(0, other.get("dtype", np.uint16))
    assert gemm_hopper.choose(a, b, y, sizes, batch, other.get("aligned", True)) == tile


def test_the_kernel_is_right_on_an_emulation_of_hopper():
    script = Path(__file__).with_name("simulated_hopper.py")
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "on an emulation of Hopper's instructions, no GPU" in done.stdout


def bits(x, kind):
    return np.float16(x).view(np.uint16) if kind == "float16" else emulation.to_bfloat16(x)


def why_no_hopper():
    return state.why_not() or (None if state.capability() == gemm_hopper.CAPABILITY else "another card")


@pytest.mark.skipif(why_no_hopper() is not None, reason=f"needs a card of compute capability 9.0: {why_no_hopper()}")
@pytest.mark.parametrize("tile", (WIDE, NARROW), ids=("wide", "narrow"))
@pytest.mark.parametrize("kind", ("float16", "bfloat16"))
@pytest.mark.parametrize("form", tuple(itertools.product((False, True), repeat=2)))
def test_the_kernel_is_right_on_a_card(tile, kind, form):
    """Sums of small integers are exact, and so is every bit of the result; what lies behind it stays as it is."""
    rng = np.random.default_rng(0)
    sizes = (8, 8, 8), (128, 256, 64), (136, 264, 72), (200, 520, 1000), (1000, 1032, 4104), (256, 512, 16384)
    for (M, N, K), batch in (*((size, 1) for size in sizes), ((200, 264, 136), 5)):
        a, b = (rng.integers(-2, 3, (batch, W, K)).astype(np.float32) for W in (M, N))
        bias = rng.integers(-2, 3, N).astype(np.float32)
        stored = [x.transpose(0, 2, 1) if turned else x for x, turned in ((a, form[0]), (b, not form[1]))]
        flat = [memory.to_device(bits(np.ascontiguousarray(x).reshape(-1), kind)) for x in (*stored, bias)]
        y = memory.to_device(np.full(batch * M * N + 64, 0x1234, np.uint16))
        shapes = shape_of(M, K, (batch, 0, M * K)), shape_of(N, K, (batch, 0, N * K))
        sides = [(turned, x, shape) for turned, x, shape in zip(form, flat, shapes)]
        gemm_hopper.multiply("a test", kind, tile, *sides, flat[2], ACTIVATIONS[1], y, (M, N, K), batch=batch)
        result, exact = memory.to_host(y), np.maximum(a @ b.transpose(0, 2, 1) + bias, 0)
        assert np.array_equal(result[: exact.size], bits(exact.reshape(-1), kind)), (M, N, K)
        assert (result[exact.size :] == 0x1234).all()
