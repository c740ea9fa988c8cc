"""Convolutions on a GPU, as far as can be proven without one: what kernels become, and small ones in the simulator.

Nothing here has run on a GPU.
"""

import itertools
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tilewright.kernels._compare import arrays_of, complaints, reference
from tilewright.kernels._row import Case, normal
from tilewright.kernels.conv.rows import OPS

pytest.importorskip("numba_cuda", reason="needs the cuda extra")

from tilewright.kernels._cuda import conv_views, division, gemm  # noqa: E402
from tilewright.kernels._cuda.assemble import assemble  # noqa: E402
from tilewright.kernels.conv.cuda import COMPILED  # noqa: E402

OP = OPS[0]
LARGEST = 8000  # multiplications of a case
PROCESSES = 2


def multiplications(case):
    arrays = case.make(np.float64)
    return OP.flops(arrays, case.options) // 2 if arrays["w"].size else 0


def wide(why, image, filters, **options):
    return Case(why, {"x": normal(*image), "w": normal(*filters, scale=0.3), "b": normal(filters[3])}, options)


# Whole vectors of channels, which the catalog's small cases lack, and what else has ways of its own on a GPU.
WIDE = [
    wide("rows of whole vectors", (2, 5, 6, 4), (3, 3, 4, 8), padding=(0, 1, 1, 2), activation="sigmoid"),
    wide("wide filters alone", (2, 5, 4, 3), (3, 2, 3, 12), stride=(1, 2), activation="relu"),
    wide("wide images alone", (1, 5, 4, 8), (2, 2, 8, 3)),
    wide(
        "strides share a divisor with dilations", (1, 13, 9, 4), (3, 2, 4, 4), stride=(4, 2), dilation=(2, 3), padding=2
    ),
    wide("pixels that no tap meets", (2, 9, 9, 4), (2, 1, 4, 4), stride=(4, 3), padding=(1, 0)),
    wide("filter larger than the image", (2, 2, 3, 4), (5, 4, 4, 4), padding=3, activation="tanh"),
    wide("wide groups", (2, 4, 5, 8), (3, 3, 4, 12), groups=2, stride=(2, 1), padding="same"),
    wide("narrow groups of wide rows", (1, 4, 4, 8), (3, 2, 2, 4), groups=4, padding=1),
    wide("wide depthwise", (2, 7, 9, 8), (3, 3, 1, 8), groups=8, padding=(1, 2, 0, 1), activation="sigmoid"),
    wide("wide depthwise, stride", (2, 7, 11, 4), (3, 2, 1, 4), groups=4, stride=(2, 3), dilation=(1, 2), padding=2),
    wide("three filters a channel, stride", (1, 5, 6, 4), (3, 3, 1, 12), groups=4, stride=2, padding=1),
    wide("one image of one pixel", (1, 1, 1, 4), (3, 3, 4, 4), padding=1),
]


def _cases():
    """Every small case of the catalog once in either dtype, once with what is not finite; the others in all ways."""
    for turn, case in enumerate(case for case in OP.cases if multiplications(case) <= LARGEST):
        for way, dtype in zip(("aligned", "nan and infinity"), ("float32", "float64")[:: -1 if turn % 2 else 1]):
            yield case, way, dtype
    for case in WIDE:
        for way, dtype in itertools.product(("aligned", "shifted"), ("float32", "float64")):
            yield case, way, dtype


CASES = [pytest.param(*one, id="-".join((one[0].why, *one[1:]))) for one in _cases()]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """What the simulator computed, {(case's why, way, dtype): results}."""
    folder, jobs = tmp_path_factory.mktemp("simulator"), {}
    for case, way, dtype in (parameter.values for parameter in CASES):
        arrays = arrays_of(OP, case, dtype, way)
        _, dy = reference(OP, case, arrays, dtype)
        jobs[case.why, way, dtype] = OP.name, arrays, dy, case.options, way == "shifted"
    running = []
    for n in range(PROCESSES):
        asked, answered = folder / f"asked {n}", folder / f"answered {n}"
        asked.write_bytes(pickle.dumps(dict(list(jobs.items())[n::PROCESSES])))
        command = [sys.executable, "-W", "ignore", Path(__file__).with_name("simulated_conv.py"), asked, answered]
        running.append((subprocess.Popen(command, env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}), answered))
    results = {}
    for process, answered in running:
        assert process.wait() == 0
        results |= pickle.loads(answered.read_bytes())
    return results


@pytest.mark.parametrize("case, way, dtype", CASES)
def test_the_simulator_computes_what_the_reference_does(case, way, dtype, simulated):
    arrays = arrays_of(OP, case, dtype, way)
    want, dy = reference(OP, case, arrays, dtype)
    exact, _ = reference(OP, case, arrays, "float64", dy)
    got = dict(zip(want, simulated[case.why, way, dtype], strict=True))
    assert not list(complaints(OP, case, dtype, got, want, exact))


# the kernels that large layers take, and the others' ways in turn: (name, 16-byte loads, 16-byte stores)
SOME = [
    ("conv-forward-float32-large-aligned", True, True),
    ("conv-dx-float32-large-aligned", True, True),
    ("conv-dw-float32-large-aligned_y", True, True),
    ("conv-dx-float64-small-any", False, False),
    ("depthwise-float32-wide", True, True),
    ("depthwise-dw-float32-wide", True, True),
]


@pytest.mark.parametrize("name, loads, stores", SOME)
def test_a_convolution_keeps_its_sums_in_registers_and_moves_whole_vectors(name, loads, stores):
    entry = next(entry for entry in COMPILED if entry.name == name)
    ptx = assemble(entry.function, entry.signature, entry.capabilities[-1], entry.max_registers).ptx
    assert ".local" not in ptx, "an array of a thread lies in memory"
    vector = r"v4\.[fb]32" if "float32" in name else r"v2\.[fb]64"  # its type's name depends on the architecture
    assert bool(re.search(rf"ld\.global\.(nc\.)?{vector}", ptx)) == loads
    assert bool(re.search(rf"st\.global\.{vector}", ptx)) == stores


@pytest.mark.parametrize(
    "M, N, K, large",
    (
        (50176, 128, 576, True),
        (50176, 64, 576, False),  # half of the large tile would be empty
        (21632, 32, 9, False),
        (128, 128, 100, False),  # one block
        (1152, 128, 12544, True),  # few tiles of long sums
        (1152, 128, 256, False),
        (0, 128, 64, False),
    ),
)
def test_the_large_tile_is_taken_where_it_is_full_and_not_alone(M, N, K, large):
    dtype = np.dtype(np.float32)
    assert gemm.choose(M, N, K, dtype) == (gemm.LARGE if large else gemm.SMALL)[dtype]


def test_gradients_meet_what_the_outputs_met():
    """Every element of dx sums exactly over the outputs and taps by which it was read."""
    rng, done = np.random.default_rng(0), 0
    while done < 300:
        (H, W), (R, S) = rng.integers(1, 9, 2).tolist(), rng.integers(1, 5, 2).tolist()
        stride, dilation = tuple(rng.integers(1, 7, 2).tolist()), tuple(rng.integers(1, 7, 2).tolist())
        padding = tuple(rng.integers(0, 5, 4).tolist())
        if H + sum(padding[:2]) <= (R - 1) * dilation[0] or W + sum(padding[2:]) <= (S - 1) * dilation[1]:
            continue
        view, *where = conv_views.forward_view((1, H, W, 1), (R, S, 1, 1), stride, padding, dilation)
        forward = _meetings(view, *where)
        backward = [met for place in conv_views.backward_views(view, 1) for met in _meetings(*place)]
        assert sorted((x, tap, y) for y, tap, x in backward) == sorted((x, tap, y) for x, tap, y in forward)
        done += 1


def _meetings(view, taps, grid):
    """[(element read, tap, element written)] of one image with one channel."""
    met = []
    for p, q, r, s in itertools.product(*map(range, (view.P, view.Q, view.R, view.S))):
        h = p * view.step_h + r * view.dilation_h + view.base_h
        w = q * view.step_w + s * view.dilation_w + view.base_w
        if 0 <= h < view.H and 0 <= w < view.W:
            tap = taps.first + r * taps.down + s * taps.right
            met.append((h * view.W + w, tap, grid.start + p * grid.row + q * grid.column))
    return met


def test_division_by_a_product_is_exact():
    rng, last = np.random.default_rng(0), 2**31 - 1
    divide = getattr(division.divide, "py_func", division.divide)
    for d in (*range(1, 40), 2**30 - 1, 2**30, 2**30 + 1, last - 1, last, *rng.integers(1, last, 200).tolist()):
        _, factor, shift = division.divisor(d)
        multiple = rng.integers(0, last // d + 1) * d
        for n in (0, d - 1, d, multiple - 1, multiple, last - 1, last, *rng.integers(0, last, 20)):
            if 0 <= n <= last:
                assert divide(np.int32(n), np.int32(factor), np.int32(shift)) == n // d
