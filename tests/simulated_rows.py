"""Run by test_cuda_reduce.py with Numba's CUDA simulator on: rows that the catalog's simulated cases do not reach.

Sizes of blocks are small here, so that short arrays need every way: several warps a row, rows too long for registers,
means in two stages. Prints what it is: no GPU.
"""

import numpy as np
import simulated  # noqa: F401  its small blocks
from numba import cuda
from tilewright import kernels
from tilewright.kernels._cuda import emulation, reduce, stream
from tilewright.kernels.loss import cuda as loss_cuda
from tilewright.kernels.loss import reference as loss
from tilewright.kernels.norm import cuda as norm_cuda
from tilewright.kernels.norm import reference as norm
from tilewright.kernels.softmax import cuda as softmax_cuda
from tilewright.kernels.softmax import reference as softmax

reduce.MANY = norm_cuda.OF_GRADIENT["f"] = 4
reduce.MOST = 64  # a row of 129 needs two warps, one of 257 is too long for their registers
softmax_cuda.PARTS = 4
norm_cuda.GROUPS, norm_cuda.GROUPS_OF_LONG = 3, 2  # of rows: several rows a group
LENGTHS = (1, 32, 33, 64, 65, 128, 129, 131, 256, 257, 260, 515)
rng = np.random.default_rng(0)
done = 0


def close(got, want, exact, what, more=2):
    """got is as near to the exact result as NumPy's is, to a factor of 2."""
    global done
    got = got.copy_to_host()
    assert got.shape == np.shape(want) and got.dtype == want.dtype, what
    scale = np.abs(exact).max(initial=0) or 1.0
    mine, theirs = (np.abs(x.astype(np.float64) - exact).max(initial=0) / scale for x in (got, want))
    assert mine <= more * theirs + 2 * np.finfo(want.dtype).eps, (what, mine, theirs)
    done += 1


def check_softmax(dtype, shape, axis=-1, scale=3.0):
    x, dy = (rng.standard_normal(shape) * scale).astype(dtype), rng.standard_normal(shape).astype(dtype)
    y = softmax_cuda.softmax_forward(cuda.to_device(x), axis=axis)
    exact = softmax.softmax_forward(x.astype(np.longdouble), axis=axis).astype(np.float64)
    want = softmax.softmax_forward(x, axis=axis)
    close(y, want, exact, ("softmax", dtype, shape))
    dx = softmax_cuda.softmax_backward(cuda.to_device(dy), cuda.to_device(want), axis=axis)
    exact = softmax.softmax_backward(dy.astype(np.longdouble), want.astype(np.longdouble), axis=axis).astype(np.float64)
    close(dx, softmax.softmax_backward(dy, want, axis=axis), exact, ("its gradient", dtype, shape))


def check_special_rows():
    """A running maximum meets NaN, infinity and rows of -inf alone as one over the whole row does."""
    x = rng.standard_normal((7, 300)).astype(np.float32)
    x[1, 7], x[2, 290], x[3, :], x[4, :200], x[5, 3] = np.nan, np.inf, -np.inf, -np.inf, -np.inf
    with np.errstate(all="ignore"):
        want = softmax.softmax_forward(x)
    for got in (
        softmax_cuda.softmax_forward(cuda.to_device(x)).copy_to_host(),
        softmax_cuda.softmax_forward(cuda.to_device(x.T.copy()), axis=0).copy_to_host().T,
    ):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7)


def check_losses(N, target, from_logits):
    """Rows of several warps, and a gradient whose dloss is an array on the device."""
    y = rng.standard_normal((3, N)) if from_logits else rng.uniform(0.05, 1, (3, N))
    y = y.astype(np.float32)
    t = rng.integers(0, N, 3).astype(target) if target != "shares" else rng.uniform(0, 1, (3, N)).astype(np.float32)
    op = "categorical_crossentropy" if target == "shares" else "sparse_categorical_crossentropy"
    there = [cuda.to_device(x) for x in (y, t)]
    exact = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in (y, t)]
    forward, backward = f"{op}_forward", f"{op}_backward"
    options = {"from_logits": from_logits}
    got = getattr(loss_cuda, forward)(*there, **options)
    want, far = getattr(loss, forward)(y, t, **options), getattr(loss, forward)(*exact, **options)
    close(got, want, far, (op, N, target, options))
    want, far = (
        getattr(loss, backward)(np.float32(0.3), y, t, **options),
        getattr(loss, backward)(0.3, *exact, **options),
    )
    for dloss in (0.3, cuda.to_device(np.array(0.3, np.float32))):
        got = getattr(kernels, backward)(dloss, *there, **options)
        close(got, want, far, (op, N, target, options, "gradient"), more=4)


def check_labels():
    """The first misfit is found in any block; while a graph records nobody looks, because that waits for the device."""
    for dtype in (np.int32, np.int64):
        for places in ((), (0,), (63,), (64, 65), (199, 130), (199,)):
            t = rng.integers(0, 5, 200).astype(dtype)
            t[list(places)] = rng.choice([-1, 5, 2**31 - 1], len(places))
            assert loss_cuda.first_misfit(cuda.to_device(t), 5) == min(places, default=-1)
    t = cuda.to_device(np.array([0, 7]))
    try:
        kernels.sparse_categorical_crossentropy_forward(cuda.to_device(np.ones((2, 3))), t)
    except ValueError as error:
        assert "t holds 7 at position 1, expected labels from 0 to 2 because y is (2, 3)" in str(error)
    else:
        raise AssertionError("a label out of range was not seen")
    stream.recording = object()
    assert loss_cuda.first_misfit(t, 3) == -1
    stream.recording = None


def check_layer_norm(dtype, M, N, gamma=True, beta=True):
    x, dy = (rng.standard_normal((M, N)).astype(dtype) for _ in range(2))
    gamma = rng.uniform(0.5, 2, N).astype(dtype) if gamma else None
    beta = rng.standard_normal(N).astype(dtype) if beta else None
    given = x, gamma, beta
    there, far = ([convert(a) if a is not None else None for a in given] for convert in (cuda.to_device, np.longdouble))
    got, want, exact = (f(*a) for f, a in zip(_NORMS, (there, given, far)))
    for g, w, e in zip(got, want, exact, strict=True):
        close(g, w, e.astype(np.float64), ("layer norm", dtype, M, N))
    saved = [dict(zip(("mean", "rstd"), (convert(a) for a in want[1:]))) for convert in (cuda.to_device, np.longdouble)]
    got = norm_cuda.layer_norm_backward(cuda.to_device(dy), *there, **saved[0])
    want = norm.layer_norm_backward(dy, *given, mean=want[1], rstd=want[2])
    exact = norm.layer_norm_backward(np.longdouble(dy), *far, **saved[1])
    for g, w, e in zip(got, want, exact, strict=True):
        assert (g is None) == (w is None)
        if g is not None:
            close(g, w, e.astype(np.float64), ("its gradient", dtype, M, N), more=3)


_NORMS = norm_cuda.layer_norm_forward, norm.layer_norm_forward, norm.layer_norm_forward


def check_means():
    for size in (0, 1, 63, 64, 65, 130, 1000):
        x = rng.standard_normal(size).astype(np.float32)
        exact = x.astype(np.float64).mean() if size else np.float64(0)
        want = np.float32(x.mean() if size else 0)
        close(reduce.mean(cuda.to_device(x)), want, exact, ("mean", size), more=4)


def check_column_sums():
    for G, N in ((1, 1), (3, 33), (70, 40)):
        parts = rng.standard_normal((G, 2, N))
        sums = [cuda.to_device(np.empty(N)) for _ in range(2)]
        reduce.add_columns(cuda.to_device(parts.reshape(-1)), G, N, *sums)
        for k in range(2):
            exact = parts[:, k].astype(np.longdouble).sum(0).astype(np.float64)
            close(sums[k], parts[:, k].sum(0), exact, ("columns", G, N))


def check_that_lanes_must_agree():
    """The emulation refuses a warp whose lanes do not all execute the same instruction."""

    @cuda.jit
    def apart(y):
        if cuda.threadIdx.x < 16:
            y[0] = emulation.shuffle_xor(1.0, 1)
        else:
            y[0] = emulation.widen_together(1.0)

    emulation.widen_together = lambda x: emulation._together(lambda operands: operands, x)
    try:
        apart[1, 32](cuda.to_device(np.zeros(1)))
    except AssertionError as error:
        assert "different instructions" in str(error)
    else:
        raise AssertionError("lanes that part were not seen")


for number, N in enumerate(LENGTHS):
    check_softmax((np.float32, np.float64)[number % 2], (3, N))
    check_softmax(np.float32, (2, N), scale=30.0)
for shape, axis in (((9, 40), 0), ((2, 33, 3), 1), ((3, 5, 7), 1)):
    check_softmax(np.float32, shape, axis)
for number, N in enumerate((33, 65, 131)):
    for target in ("shares", (np.int32, np.int64)[number % 2]):
        check_losses(N, target, from_logits=True)
        check_losses(N, target, from_logits=False)
for number, N in enumerate(LENGTHS):
    check_layer_norm((np.float64, np.float32)[number % 2], 3, N, gamma=number % 3, beta=number % 4)
    check_layer_norm(np.float32, 7 if N < 100 else 2, N)
check_layer_norm(np.float32, 50, 12)  # several thread rows a block, several rows each
check_special_rows()
check_labels()
check_means()
check_column_sums()
check_that_lanes_must_agree()
print(f"{done} results of rows and columns in the simulator, on an emulation of shuffles, no GPU")
