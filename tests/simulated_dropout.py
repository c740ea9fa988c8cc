"""Run by test_cuda_dropout.py with Numba's CUDA simulator on: the bits of CUDA's masks against the CPU's."""

import numpy as np
from numba import cuda
from tilewright.kernels._cuda import simulator
from tilewright.kernels.dropout import cpu, reference
from tilewright.kernels.dropout import cuda as device

simulator.prepare()
done = 0


def check(got, want):
    global done
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.view(np.uint8), want.view(np.uint8))
    done += 1


@cuda.jit
def draw(groups, step, k0, k1, words):
    i = cuda.grid(1)
    words[i] = device._words(groups[i], step[0], k0, k1)


rng = np.random.default_rng(0)
for dtype in (np.float32, np.float64):
    for size in (1, 3, 4, 39, 64):
        for start in (0, 1):  # on a boundary of 16 bytes, and behind it
            x = rng.standard_normal(size).astype(dtype)
            x[:: size // 3 + 1] = np.nan
            there = cuda.to_device(np.concatenate((np.zeros(start, dtype), x)))[start:]
            for rate, seed, step in ((0.0, 0, 0), (0.3, 7, 1), (0.5, 2**64 - 1, 2**63 + 2**32 + 5), (0.999999, 1, 2)):
                options = {"rate": rate, "seed": seed, "step": step}
                want = cpu.dropout_forward(x, **options)
                check(device.dropout_forward(there, **options).copy_to_host(), want)
                out = cuda.to_device(np.zeros(size, dtype))
                assert device.dropout_backward(there, **options, out=out) is out
                check(out.copy_to_host(), want)

groups = np.array([0, 1, 2**32 - 1, 2**32, 2**61 - 1], np.uint64)  # positions that no array of a test reaches
for seed, step in ((0, 0), (0x0123456789ABCDEF, 0xFEDCBA9876543210), (2**64 - 1, 2**64 - 1)):
    low, high = reference.LOW, reference.HALF
    seed, step = np.uint64(seed), np.uint64(step)
    words = cuda.to_device(np.zeros((5, 4), np.uint32))
    key = np.uint32(seed & low), np.uint32(seed >> high)
    draw[1, 5](cuda.to_device(groups.view(np.int64)), cuda.to_device(np.array([step])), *key, words)
    counters = groups & low, groups >> high, step & low, step >> high
    want = reference.philox(counters, (seed & low, seed >> high))
    check(words.copy_to_host(), np.stack(want, -1).astype(np.uint32))
print(f"{done} masks in the simulator, no GPU")
