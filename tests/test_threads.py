"""`spread`: every task once, on any number of threads, from several Python threads at once."""

import ctypes
import os
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels._cpu.jit import inner, kernel
from tilewright.kernels._cpu.threads import SERIAL_BELOW, spread


@inner
def _count_task(t, counts, step):
    counts[t] += step


@kernel
def _count(counts, work, step):
    spread(_count_task, counts.size, work, (counts, step))


@inner
def _hungry_task(t, sizes):
    np.empty(sizes[t], np.float64)[:1] = 1


@kernel
def _hungry(sizes, work):
    spread(_hungry_task, sizes.size, work, (sizes,))


@pytest.mark.parametrize("work", (0, SERIAL_BELOW - 1, SERIAL_BELOW, 1 << 40))
@pytest.mark.parametrize("tasks", (0, 1, 2, 3, 7, 1000))
def test_every_task_runs_once(tasks, work):
    counts = np.zeros(tasks)
    _count(counts, work, 1.5)
    np.testing.assert_array_equal(counts, np.full(tasks, 1.5))


@pytest.mark.parametrize("work", (0, 1 << 40))
def test_a_task_without_memory_raises(work):
    with pytest.raises(MemoryError, match="found no memory"):
        _hungry(np.array([1, 1 << 60, 1]), work)
    _hungry(np.array([1, 1]), work)


def _products():
    """Calls that return lists of arrays, large enough for threads."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 300, 300), np.float32)
    return [
        lambda: [kernels.matmul_forward(a, b)],
        lambda: [kernels.matmul_forward(a, b, transpose_a=True)],
        lambda: kernels.matmul_backward(b, a, b),
    ]


def _convolutions():
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape, np.float32) for shape in ((4, 19, 21, 32), (3, 3, 32, 48), (48,)))
    first, of_first = rng.standard_normal((4, 28, 28, 3), np.float32), w[:, :, :3].copy()
    per_channel = w[:, :, :1, :32].copy()

    def both(x, w, b=None, **options):
        y = kernels.conv2d_forward(x, w, b, **options)
        return [
            y,
            *(gradient for gradient in kernels.conv2d_backward(y, x, w, b, y, **options) if gradient is not None),
        ]

    return [
        lambda: both(x, w, b, algorithm="direct", activation="relu"),
        lambda: both(x, w, b, algorithm="winograd", activation="tanh"),
        lambda: both(first, of_first, padding="same"),
        lambda: both(x, per_channel, groups=32, padding=1),
    ]


@pytest.mark.skipif(numba.config.THREADING_LAYER == "workqueue", reason="workqueue cannot be used by two threads")
@pytest.mark.parametrize("calls", (_products, _convolutions), ids=("products", "convolutions"))
def test_two_python_threads_at_once(calls):
    """They go through the calls from different places, so that each call meets itself and the others."""
    calls = calls()
    expected = [call() for call in calls]
    wrong, failed, together = [], [], threading.Barrier(2)

    def work(first):
        try:
            for turn in range(60 * len(calls)):
                n = (first + turn // (1 + first)) % len(calls)
                together.wait()
                if not all(map(np.array_equal, calls[n](), expected[n])):
                    wrong.append(n)
        except Exception as error:
            failed.append(error)
            together.abort()

    workers = [threading.Thread(target=work, args=(first,)) for first in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong and not failed


def test_three_threads_give_the_same_bits_as_one(tmp_path):
    """In processes of their own: a process cannot have more threads than it started with."""
    code = (
        "import sys, numpy as np, tilewright as tw; rng = np.random.default_rng(0); k = tw.kernels;"
        "x, w = rng.standard_normal((4, 17, 19, 8), 'f4'), rng.standard_normal((3, 3, 8, 40), 'f4');"
        "y = k.conv2d_forward(x, w, padding=1); dx, dw, _ = k.conv2d_backward(y, x, w, padding=1);"
        "a = rng.standard_normal((300, 500), 'f4'); p = k.matmul_forward(a, a, transpose_b=True);"
        "np.savez(sys.argv[1], y, dx, dw, p)"
    )
    saved = []
    for threads in ("1", "2", "3"):
        path = tmp_path / f"{threads}.npz"
        environment = {**os.environ, "NUMBA_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=environment)
        with np.load(path) as arrays:
            saved.append([arrays[name].tobytes() for name in arrays.files])
    assert saved[0] == saved[1] == saved[2]


def test_a_row_has_the_same_bits_in_a_batch_of_any_size():
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((300, 700), (700, 45), (45,)))
    whole = kernels.linear_forward(x, w, b, activation="relu")
    for rows in (1, 2, 7, 8, 9, 64, 65, 200):
        np.testing.assert_array_equal(kernels.linear_forward(x[:rows], w, b, activation="relu"), whole[:rows])


def test_nobody_elses_loops_are_nested():
    """Numba turns that on for the whole process, and PyTorch, which shares its OpenMP, then takes 25 times as long."""
    _count(np.zeros(2), 1 << 40, 1.0)
    if numba.threading_layer() != "omp":
        pytest.skip("no OpenMP")
    from numba.np.ufunc import omppool

    assert ctypes.CDLL(omppool.__file__).omp_get_max_active_levels() == 1
