"""Run by test_cuda_ceilings.py with Numba's CUDA simulator on: the ceilings' kernels compute what they count."""

import numpy as np
from tilewright.kernels._cuda import ceilings, emulation, launch, memory, simulator

simulator.prepare()
launch.THREADS = 32
BLOCKS, TURNS = 2, 3


def multiply(dtype):
    sums = memory.to_device(np.full(BLOCKS * launch.THREADS, np.nan, dtype))
    ceilings.multiply(sums, BLOCKS, TURNS)
    own = np.repeat(np.arange(ceilings.CHAINS, dtype=dtype)[:, None], len(sums), 1)
    one = np.tile(np.arange(1, launch.THREADS + 1, dtype=dtype), BLOCKS)
    for _ in range(TURNS * ceilings.UNROLLED):
        own = own * dtype(0.5) + one
    np.testing.assert_allclose(memory.to_host(sums), own.sum(0), rtol=1e-6)


def tensor(kind, widen):
    """A lane's operands are not 0, not all alike, and of the size of 1."""
    seen = []
    original = getattr(emulation, f"_multiply_{kind}")

    def recorded(operands):
        seen.append(operands)
        return original(operands)

    setattr(emulation, f"_multiply_{kind}", recorded)
    sums = memory.to_device(np.full(BLOCKS * launch.THREADS, np.nan, np.float32))
    ceilings.tensor(kind, sums, BLOCKS, TURNS)
    assert len(seen) == BLOCKS * TURNS * ceilings.PIECES
    assert ceilings.tensored(BLOCKS, TURNS) == 2 * 16 * 8 * 16 * len(seen)
    words = np.array([lane[:6] for lane in seen[0]], np.uint32)
    numbers = widen(words.view(np.uint16))
    assert (abs(numbers) >= 0.5).all() and (abs(numbers) < 1).all() and 0.2 < (numbers < 0).mean() < 0.8
    assert len(np.unique(abs(numbers))) > 32
    assert np.isfinite(memory.to_host(sums)).all() and memory.to_host(sums).any()


def copy():
    for blocks in (1, 3):
        count = ceilings.copied(2000, blocks)
        assert 0 < count <= 2000 and count % (16 * launch.THREADS * blocks) == 0
        x = np.arange(count, dtype=np.float32)
        y = memory.to_device(np.full(count, np.nan, np.float32))
        ceilings.copy(memory.to_device(x), y, blocks)
        np.testing.assert_array_equal(memory.to_host(y), x)
    assert ceilings.copied(100, 1) == 0


multiply(np.float32)
multiply(np.float64)
assert ceilings.multiplied(BLOCKS, TURNS) == 2 * 8 * 16 * TURNS * BLOCKS * launch.THREADS
tensor("float16", emulation._from_float16)
tensor("bfloat16", emulation._from_bfloat16)
copy()
print("the ceilings' kernels in the simulator, no GPU")
