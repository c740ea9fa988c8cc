"""Run by test_cuda_tensor.py with Numba's CUDA simulator on: the tensor cores' kernel on NumPy's emulation of them.

The very kernel runs, thread by thread: its addresses, swizzles, fragments, stages and guards. The sums are exact, as
all numbers are small integers, so that the result must equal NumPy's to the last bit. Prints what it is: no GPU.
"""

import itertools

import numpy as np
from numba import cuda
from tilewright.kernels._cuda import columns, emulation, gemm, gemm_tensor, state
from tilewright.kernels._cuda.gemm import ACTIVATIONS
from tilewright.kernels._cuda.gemm_tensor import block_threads, make_tensor_gemm
from tilewright.kernels._cuda.matrix import shape_of
from tilewright.kernels.matmul import cuda as device
from tilewright.kernels.matmul import reference

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
    operands = arrays[0], shape_of(M, K), arrays[1], shape_of(N, K), arrays[2]
    finish = bias is not None, ACTIVATIONS.index(activation), result, cuda.to_device(np.zeros(1, np.float32)), False
    kernel[blocks, block_threads(*tile)](*operands, *finish, M, N, K, max(K, 1), 1)
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
columns.LANES = 2


def float16(*shape):
    return np.float16(integers(*shape))


def same(got, want):
    """Results of a face, which are exact, as numbers of 16 bits."""
    global done
    for g, w in zip(*(x if isinstance(x, tuple) else (x,) for x in (got, want)), strict=True):
        assert g.dtype == w.dtype == np.float16 and np.array_equal(g.copy_to_host(), w), (g.copy_to_host(), w)
        done += 1


def calls(left, right, **options):
    """matmul's functions on matrices whose leading axes are given, against the reference."""
    arrays = float16(*left), float16(*right)
    want = reference.matmul_forward(*(x.astype(np.float32) for x in arrays), **options).astype(np.float16)
    there = [cuda.to_device(x) for x in arrays]
    same(device.matmul_forward(*there, **options), want)
    dy = float16(*want.shape)
    wanted = reference.matmul_backward(*(x.astype(np.float32) for x in (dy, *arrays)), **options)
    got = device.matmul_backward(cuda.to_device(dy), *there, **options)
    same(got, tuple(x.astype(np.float16) for x in wanted))


def linear(M, N, K, activation):
    """linear's functions; its results are within what 16 bits hold, because all are small integers."""
    x, w, b, dy = float16(M, K), float16(K, N), float16(N), float16(M, N)
    wide = [n.astype(np.float32) for n in (x, w, b)]
    y = reference.linear_forward(*wide, activation=activation)
    there = [cuda.to_device(n) for n in (x, w, b)]
    same(device.linear_forward(*there, activation=activation), y.astype(np.float16))
    want = reference.linear_backward(dy.astype(np.float32), *wide, y, activation=activation)
    saved = cuda.to_device(y.astype(np.float16))
    got = device.linear_backward(cuda.to_device(dy), *there, saved, activation=activation)
    same(got, tuple(n.astype(np.float16) for n in want))


for state.capability in (lambda: (9, 0), lambda: (7, 5)):  # on tensor cores, and below 8.0 by way of float32
    calls((9, 19), (19, 17))
    calls((2, 19, 9), (17, 19), transpose_a=True, transpose_b=True)
    linear(8, 16, 16, "relu")
state.capability = lambda: (9, 0)
calls((2, 1, 8, 8), (3, 8, 16))
calls((3, 5), (2, 5, 0))
calls((2, 3, 0), (2, 0, 5))
gemm.RANGE = 16  # cut along K
calls((8, 40), (40, 8))
calls((3, 4), (2, 4, 40))  # its sums over the batch stay float32
linear(35, 8, 40, "relu")
print(f"{done} products on an emulation of tensor cores, no GPU")
