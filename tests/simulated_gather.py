"""Run by test_cuda_gather.py with Numba's CUDA simulator on: rows fetched, and sums kept, on the device."""

import numpy as np
from numba import cuda
from tilewright.kernels._cuda import simulator
from tilewright.kernels._cuda.accumulate import add_into, add_scaled, copy_rows
from tilewright.kernels._cuda.gather import take_rows

simulator.prepare()
rng = np.random.default_rng(0)
done = 0


def check(got, want):
    global done
    np.testing.assert_array_equal(got.copy_to_host().view(np.uint8), want.view(np.uint8))
    done += 1


def shifted(x):
    """x on the device, an element behind a boundary."""
    return cuda.to_device(np.concatenate((np.zeros(1, x.dtype), x.ravel())))[1:].reshape(x.shape)


for dtype in (np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_):
    for row in ((), (3,), (4,), (2, 8), (0,)):
        x = rng.integers(0, 256, (9, *row, np.dtype(dtype).itemsize), np.uint8)  # any bits: NaN among them
        x = (x % 2).astype(bool)[..., 0] if dtype is np.bool_ else x.view(dtype)[..., 0]
        order = rng.permutation(np.arange(18) % 9)
        for place in (cuda.to_device, shifted):
            out, want = np.ones((2, 5, *row), dtype)
            want[:] = x[order[7:12]]
            out = place(out)
            take_rows(place(x), cuda.to_device(order), 7, 5, out)
            check(out, want)
            into, want = np.ones((2, 9, *row), dtype)
            want[3:8] = x[:5]
            into = place(into)
            copy_rows(into, 3, place(x[:5].copy()))
            check(into, want)

many = cuda.to_device(np.zeros(7))  # more rows out than there are in x
take_rows(cuda.to_device(np.array([2.0, 5.0])), cuda.to_device(np.array([1, 0, 0, 1, 1, 0, 1])), 0, 7, many)
check(many, np.array([5.0, 2, 2, 5, 5, 2, 5]))

for dtype in (np.float32, np.float64):
    for count in (0, 1, 4, 37):
        for place in (cuda.to_device, shifted):
            total, x = rng.standard_normal((2, count)).astype(dtype)
            sums = place(total)
            add_into(sums, place(x))
            check(sums, total + x)
    total = cuda.to_device(np.array([1.5]))
    add_scaled(total, cuda.to_device(np.array(0.1, dtype)), 32)
    check(total, np.array([1.5 + float(dtype(0.1)) * 32]))

print(f"{done} results in the simulator, no GPU")
