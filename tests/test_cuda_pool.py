"""Pooling on CUDA: what its kernels become. Their arithmetic is tested over the catalog, in test_cuda_simulator.py.

Nothing here has run on a GPU.
"""

import pytest

pytest.importorskip("numba_cuda", reason="needs the cuda extra")

from tilewright.kernels._cuda.assemble import assemble  # noqa: E402
from tilewright.kernels.pool.cuda import COMPILED  # noqa: E402

BY_NAME = {entry.name: entry for entry in COMPILED}


@pytest.mark.parametrize(
    "name, loads",
    (
        ("max_pool2d_forward-2x2-float32-wide", 4),  # of a whole window, whose loops are unrolled
        ("average_pool2d_forward-2x2-float32-wide", 4),
        ("max_pool2d_backward-float32-wide", None),
        ("average_pool2d_backward-float32-wide", None),
    ),
)
def test_wide_kernels_move_16_bytes_at_once_and_need_no_atomics(name, loads):
    entry = BY_NAME[name]
    ptx = assemble(entry.function, entry.signature, (9, 0, "a")).ptx
    assert "st.global.v4.f32" in ptx
    assert ptx.count("ld.global.v4.f32") == loads or (loads is None and "ld.global.v4.f32" in ptx)
    assert "ld.global.f32" not in ptx and "st.global.f32" not in ptx
    assert "atom." not in ptx and "red." not in ptx
