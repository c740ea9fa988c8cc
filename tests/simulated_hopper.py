"""Run by test_cuda_hopper.py with Numba's CUDA simulator on: Hopper's kernel on NumPy's emulation of its instructions.

The very kernel runs, thread by thread: its boxes, swizzles, descriptors, barriers and their phases, fragments and
guards. The sums are exact, as all numbers are small integers, so that the result must equal NumPy's to the last bit.
Kernels that leave something out must fail, so that the emulation is known to see it. Prints what it is: no GPU.
"""

import itertools
from contextlib import contextmanager

import numpy as np
from numba import cuda
from tilewright.kernels._cuda import emulation, gemm_hopper, ptx_hopper, state, tensor_map
from tilewright.kernels._cuda.gemm import ACTIVATIONS
from tilewright.kernels._cuda.graph import Graph
from tilewright.kernels._cuda.matrix import shape_of
from tilewright.kernels._cuda.turns import current
from tilewright.kernels.matmul import cuda as device
from tilewright.kernels.matmul import reference

TINY, TWICE, PAIR = (1, 64, 2), (1, 128, 3), (2, 64, 2)  # warpgroups, BN, STAGES
rng = np.random.default_rng(0)
done = 0


def bits(x, kind):
    return np.float16(x).view(np.uint16) if kind == "float16" else emulation.to_bfloat16(x)


def values(bits, kind):
    return np.float32(bits.view(np.float16)) if kind == "float16" else (bits.astype(np.uint32) << 16).view(np.float32)


def integers(*shape):
    return rng.integers(-3, 4, shape).astype(np.float32)


def place(flat, x, kind):
    """Write an array's bits to the beginning of a flat array on the device."""
    flat[: x.size].copy_to_device(bits(x.reshape(-1), kind))


def check(tile, kind, M, N, K, form=(False, False), biased=False, activation=None, many=(1, 1), graph=None):
    """Products by the kernel of a tile; y lies before guards that must stay as they are."""
    global done
    batch = max(many)
    a, b = (integers(count, rows, K) for count, rows in zip(many, (M, N)))
    bias = integers(N) if biased else None
    flat = [cuda.device_array(x.size, np.uint16) for x in (a, b)]
    stored = [np.ascontiguousarray(x.transpose(0, 2, 1)) for x in (a, b)]  # as (K, M) and (K, N)
    for x, own, turned, given in zip(flat, (a, b), (form[0], not form[1]), stored):
        place(x, given if turned else own, kind)
    row = None if bias is None else cuda.to_device(bits(bias, kind))
    y = cuda.to_device(np.full(batch * M * N + 64, 0x1234, np.uint16))
    shapes = [shape_of(W, K, (batch, 0, W * K if count > 1 else 0)) for W, count in zip((M, N), many)]
    sides = [(turned, x, shape) for turned, x, shape in zip(form, flat, shapes)]

    def step():
        gemm_hopper.multiply("a test", kind, tile, *sides, row, activation, y, (M, N, K), batch=batch)

    if graph is None:
        step()
    else:
        graph.record(step)
        assert (y.copy_to_host() == 0x1234).all()
        graph.replay()
    result = y.copy_to_host()
    want = reference.linear_forward(a.reshape(-1, K), b[0].T, bias, activation=activation)
    if many[1] > 1:
        want = np.matmul(a, b.transpose(0, 2, 1))
    want = bits(want.reshape(-1), kind)
    case = tile, kind, M, N, K, form, activation, many
    assert np.array_equal(values(result[: batch * M * N], kind), values(want, kind)), case
    assert (result[batch * M * N :] == 0x1234).all(), case
    done += 1


@contextmanager
def changed(module, name, function):
    """A kernel made and run in the meantime finds something else behind a name."""
    own = getattr(module, name)
    setattr(module, name, function)
    gemm_hopper.compiled.cache_clear()
    gemm_hopper.make_hopper_gemm.cache_clear()
    try:
        yield
    finally:
        setattr(module, name, own)
        gemm_hopper.compiled.cache_clear()
        gemm_hopper.make_hopper_gemm.cache_clear()


def refuse(module, name, function, complaint, K=320):
    """A kernel that finds something else behind a name must fail."""
    with changed(module, name, function):
        try:
            check(TWICE, "bfloat16", 64, 128, K)
        except AssertionError as error:
            assert complaint in str(error), error
            return
    raise AssertionError(f"the emulation does not see that {name} is wrong")


def nothing(*arguments):
    pass


for form in itertools.product((False, True), repeat=2):  # one more than a block on every side; stages go round twice
    check(TWICE, "bfloat16", 72, 136, 392, form)
check(PAIR, "float16", 120, 72, 136, (True, True), True, "relu")  # two warpgroups, the second one's rows partial
check(PAIR, "bfloat16", 128, 64, 64, (False, False))  # exactly a tile and a step
check(TINY, "bfloat16", 8, 8, 8)
check(TINY, "float16", 1, 8, 16, (False, True))
for kind, activation in itertools.product(("float16", "bfloat16"), ACTIVATIONS):
    check(TINY, kind, 9, 16, 8, biased=True, activation=activation)
check(TINY, "float16", 40, 24, 72, many=(3, 1))
check(TINY, "bfloat16", 40, 24, 72, (True, True), many=(2, 2))

known = len(tensor_map._known)
graph = Graph()
check(TINY, "bfloat16", 40, 72, 200, graph=graph)  # its maps are the graph's alone
assert len(tensor_map._known) == known and len(tensor_map._recorded[graph]) == 2
x = cuda.device_array(64 * 64, np.uint16)
first = tensor_map.tensor_map(x, (1, 64, 64), 64)
assert tensor_map.tensor_map(x, (1, 64, 64), 64) is first is not tensor_map.tensor_map(x, (1, 32, 128), 64)
tensor_map.MOST = len(tensor_map._known)
tensor_map.tensor_map(x, (1, 16, 256), 64)
assert len(tensor_map._known) == tensor_map.MOST

state.capability = lambda: (9, 0)
gemm_hopper.WIDE, gemm_hopper.MULTIPROCESSORS = TINY, 1
multiply, reached = gemm_hopper.multiply, []
gemm_hopper.multiply = lambda *arguments, **options: (reached.append(arguments), multiply(*arguments, **options))
a, b = np.float16(integers(2, 40, 24)), np.float16(integers(16, 40))
y = device.matmul_forward(*map(cuda.to_device, (a, b)), transpose_a=True, transpose_b=True).copy_to_host()
assert y.dtype == np.float16 and np.array_equal(y, a.transpose(0, 2, 1) @ b.T)
x, w, b = (np.float16(integers(*shape)) for shape in ((8, 16), (16, 8), (8,)))
y = device.linear_forward(*map(cuda.to_device, (x, w, b)), activation="relu").copy_to_host()
assert np.array_equal(y, np.maximum(x @ w + b, 0)) and len(reached) == 2
device.matmul_forward(*map(cuda.to_device, (np.ascontiguousarray(x[:, :12]), w[:12])))  # rows of 24 bytes
assert len(reached) == 2
done += 2

expecting, is_past = ptx_hopper.arrive_expecting, ptx_hopper.is_past


def impatient(barriers, i, phase):
    """Only the thread that copies waits."""
    return current().thread_id < 128 or is_past(barriers, i, phase)


for name, function, complaint in (
    ("wait_for_products", nothing, "a stage was filled while it is read"),
    ("arrive_expecting", lambda barriers, i, size: expecting(barriers, i, size - 128), "more bytes came"),
    ("open_products", nothing, "without a fence"),
    ("acquire_map", nothing, "not acquired"),
    ("publish_barriers", nothing, "does not know of the barrier"),
):
    refuse(ptx_hopper, name, function, complaint)
refuse(ptx_hopper, "is_past", impatient, "", K=128)  # nonsense comes out, or is still being written
own = gemm_hopper.descriptor
refuse(gemm_hopper, "descriptor", lambda along_k: own(along_k) + np.uint64(1 << 32), "")  # 8 rows, and 16 bytes
refuse(gemm_hopper, "descriptor", lambda along_k: own(along_k) + np.uint64(1 << 16), "")  # a box, and 16 bytes
refuse(gemm_hopper, "step_of", lambda along_k: 4, "bfloat16")
print(f"{done} products on an emulation of Hopper's instructions, no GPU")
