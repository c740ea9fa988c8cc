"""Run by test_cuda_turns.py with Numba's CUDA simulator on: blocks whose threads take turns."""

import numpy as np
from numba import cuda, float64
from tilewright.kernels._cuda import emulation
from tilewright.kernels._cuda.jit import device, kernel

TURNS = 20


@device
def neighbour(shared, t, n):
    return shared[(t + 1) % n]


@kernel
def rotate(x, barrier):
    t, n = cuda.threadIdx.x, cuda.blockDim.x
    shared = cuda.shared.array(0, float64)
    shared[t] = x[t]
    if barrier:
        cuda.syncthreads()
    x[t] = neighbour(shared, t, n)


def rotated(barrier):
    x = cuda.to_device(np.arange(6.0))
    rotate[1, 6, 0, 6 * 8](x, barrier)
    return x.copy_to_host()


@kernel
def leave_early(x):
    t = cuda.threadIdx.x
    if t % 2:
        return
    cuda.syncthreads()
    x[t] = cuda.blockIdx.x


@kernel
def count(x):
    x[cuda.threadIdx.x] = cuda.syncthreads_count(cuda.threadIdx.x > 2)


def of_lane_0(operands):
    return [operands[0][0]] * emulation.WARP


@kernel
def meet(x, lanes):
    if cuda.threadIdx.x < lanes:
        x[cuda.threadIdx.x] = emulation._together(of_lane_0, cuda.threadIdx.x)


def failure(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return error
    raise AssertionError("no error")


for _ in range(TURNS):
    np.testing.assert_array_equal(rotated(True), [1, 2, 3, 4, 5, 0])
wrong = [not np.array_equal(rotated(False), [1, 2, 3, 4, 5, 0]) for _ in range(TURNS)]
assert all(wrong), "a missing barrier is not seen"

x = cuda.to_device(np.full(4, -1.0))
leave_early[2, 4](x)
np.testing.assert_array_equal(x.copy_to_host(), [1, -1, 1, -1])

x = cuda.to_device(np.zeros(5, np.int64))
count[1, 5](x)
np.testing.assert_array_equal(x.copy_to_host(), [2] * 5)

x = cuda.to_device(np.full(32, -1))
meet[1, 32](x, 32)
np.testing.assert_array_equal(x.copy_to_host(), [0] * 32)
error = failure(meet[1, 32], x, 31)
assert isinstance(error, RuntimeError) and "31 of a block's 31 threads wait for what never comes" in str(error), error

error = failure(leave_early[1, 4], None)
assert isinstance(error, TypeError) and "ctaid=[0, 0, 0]" in str(error), error
leave_early[2, 4](cuda.to_device(np.zeros(4)))  # the simulator still works after a kernel that failed
print("blocks of threads in turns, no GPU")
