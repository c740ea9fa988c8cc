"""Run by test_cuda_tensor.py with Numba's CUDA simulator on: the tensor cores' kernel on NumPy's emulation of them.

The very kernel runs, thread by thread: its addresses, swizzles, fragments, stages and guards. The sums are exact, as
all numbers are small integers, so that the result must equal NumPy's to the last bit. Prints what it is: no GPU.
"""

import itertools
import sys

import numpy as np
from numba import cuda
from tilewright.kernels._cuda import emulation, gemm_tensor
from tilewright.kernels._cuda.gemm import ACTIVATIONS
from tilewright.kernels._cuda.gemm_tensor import block_threads, make_tensor_gemm
from tilewright.kernels.matmul import cuda as device
from tilewright.kernels.matmul import reference

sys.setswitchinterval(1e-4)  # the simulator's threads wait for one another all the time
TINY, WIDE = (32, 16, 16, 16, 16, 3), (64, 32, 32, 32, 32, 2)
rng = np.random.default_rng(0)
done = 0


def bits(x, kind):
    return np.float16(x).view(np.uint16) if kind == "float16" else emulation.to_bfloat16(x)


def values(bits, kind):
    return np.float32(bits.view(np.float16)) if kind == "float16" else (bits.astype(np.uint32) << 16).view(np.float32)


def integers(*shape):
    return rng.integers(-3, 4, shape).astype(np.float32)


def check(tile, kind, M, N, K, form=(False, False), bias=None, activation=None):
    """One product by the kernel of a tile; y lies between guards that must stay as they are."""
    global done
    a, b = integers(*((K, M) if form[0] else (M, K))), integers(*((N, K) if form[1] else (K, N)))
    aligned = not any(shape % 8 for shape in (a.shape[1], b.shape[1], N))
    y = np.full(M * N + 64, 0x1234, np.uint16)
    result = cuda.to_device(y)
    kernel = cuda.jit(make_tensor_gemm(*tile, kind, *form, aligned))
    arrays = [cuda.to_device(bits(x.reshape(-1), kind)) for x in (a, b, integers(N) if bias is None else bias)]
    blocks = -(-M // tile[0]) * -(-N // tile[1])
    arguments = *arrays, bias is not None, ACTIVATIONS.index(activation), result, M, N, K
    kernel[blocks, block_threads(*tile)](*arguments)
    y = result.copy_to_host()
    x, w = a.T if form[0] else a, b.T if form[1] else b
    want = bits(reference.linear_forward(x, w, bias, activation=activation).reshape(-1), kind)
    assert np.array_equal(values(y[: M * N], kind), values(want, kind)), (tile, kind, M, N, K, form, activation)
    assert (y[M * N :] == 0x1234).all()
    done += 1


for form in itertools.product((False, True), repeat=2):
    check(TINY, "bfloat16", 40, 24, 56, form)  # whole rows of 16 bytes; partial blocks on every side; many steps
    check(TINY, "float16", 33, 17, 19, form)  # one more than a block on every side, no row on 16 bytes
for form in ((True, False), (False, True)):  # eight chunks a row and four; warps of several pieces; two stages
    check(WIDE, "float16", 72, 40, 40, form)
check(TINY, "bfloat16", 1, 1, 1)
check(TINY, "bfloat16", 8, 8, 8)
check(TINY, "bfloat16", 5, 8, 0, bias=integers(8))
for kind, activation in itertools.product(("float16", "bfloat16"), ACTIVATIONS):
    check(TINY, kind, 9, 16, 8, bias=integers(16), activation=activation)
check(TINY, "float16", 9, 11, 8, bias=integers(11), activation="relu")
gemm_tensor.LARGE = gemm_tensor.SMALL = TINY
for transpose_a, transpose_b in ((False, False), (True, True)):
    a, b = np.float16(integers(9, 19)), np.float16(integers(19, 17))
    arrays = (np.ascontiguousarray(x.T if turned else x) for x, turned in ((a, transpose_a), (b, transpose_b)))
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    y = device.matmul_forward(*(cuda.to_device(x) for x in arrays), **options).copy_to_host()
    assert y.dtype == np.float16 and np.array_equal(y, a @ b)
    done += 1
x, w, b = (np.float16(integers(*shape)) for shape in ((8, 16), (16, 8), (8,)))
y = device.linear_forward(*(cuda.to_device(n) for n in (x, w, b)), activation="relu").copy_to_host()
assert np.array_equal(y, np.maximum(x @ w + b, 0))
done += 1
print(f"{done} products on an emulation of tensor cores, no GPU")
