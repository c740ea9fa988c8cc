"""After the first calls of a shape, products and convolutions take no memory that the process did not have.

The tasks of a kernel take scratch memory from the heap and free it, in every call: whether the heap has it already or
asks the system is told by the page faults, which are counted in a process of their own, by this file as a program.
"""

import contextlib
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from numba.core.runtime import _nrt_python as runtime
from numba.core.runtime import rtsys
from tilewright.kernels._cpu import memory
from tilewright.kernels.catalog import BY_NAME

WARM_UP, CALLS = 5, 20
KEPT = 1 << 15  # bytes: Python keeps tuples and numbers that are free for later; an array a call would be more

CASES = {
    "matmul": ("matmul", {"a": (500, 300), "b": (300, 700)}, {}),
    "matmul, both transposed": (
        "matmul",
        {"a": (300, 500), "b": (700, 300)},
        {"transpose_a": True, "transpose_b": True},
    ),
    "matmul, a batch": ("matmul", {"a": (4, 100, 300), "b": (4, 300, 200)}, {}),
    "matmul, one row": ("matmul", {"a": (1, 1000), "b": (1000, 3000)}, {}),
    "linear": ("linear", {"x": (256, 700), "w": (700, 300), "b": (300,)}, {"activation": "relu"}),
    "direct": (
        "conv2d",
        {"x": (4, 28, 28, 32), "w": (3, 3, 32, 48), "b": (48,)},
        {"algorithm": "direct", "padding": 1},
    ),
    "winograd": (
        "conv2d",
        {"x": (4, 28, 28, 64), "w": (3, 3, 64, 64)},
        {"algorithm": "winograd", "activation": "tanh"},
    ),
    "first layer": ("conv2d", {"x": (4, 56, 56, 3), "w": (7, 7, 3, 64)}, {"stride": 2, "padding": 3}),
    "depthwise": ("conv2d", {"x": (4, 28, 28, 64), "w": (3, 3, 1, 64)}, {"groups": 64, "padding": 1}),
    "groups": ("conv2d", {"x": (4, 28, 28, 64), "w": (3, 3, 16, 64)}, {"groups": 4, "stride": 2}),
    "dilation": ("conv2d", {"x": (4, 28, 28, 16), "w": (3, 3, 16, 64)}, {"dilation": 2, "stride": 2}),
}


def calls_of(case):
    """(forward with out=, backward) of a case, as functions without arguments."""
    name, shapes, options = CASES[case]
    op, rng = BY_NAME[name], np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    y = op.forward("public", arrays, options)[0]
    dy = rng.standard_normal(y.shape, np.float32)
    forward = op.forward_call("public", {**arrays, "out": np.empty_like(y)}, options)
    return forward, op.backward_call("public", dy, arrays, options, (y,))


def repeat(call, times):
    for _ in range(times):
        call()


def buffers():
    return {size: [id(buffer) for buffer in pool] for size, pool in memory._pools.items()}


def held_by_kernels():
    """How many arrays of compiled code have not been freed."""
    stats = rtsys.get_allocation_stats()
    return stats.mi_alloc - stats.mi_free


@contextlib.contextmanager
def counted():
    """Numba counts, tracemalloc traces what Python, NumPy and kernels take."""
    runtime.memsys_enable_stats()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        runtime.memsys_disable_stats()


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_kept(case):
    for call in calls_of(case):
        repeat(call, WARM_UP)
        before = buffers()
        with counted():
            kernels, traced = held_by_kernels(), tracemalloc.get_traced_memory()[0]
            repeat(call, CALLS)
            assert held_by_kernels() == kernels
            assert tracemalloc.get_traced_memory()[0] - traced <= KEPT
        assert buffers() == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count other things")
def test_the_system_is_not_asked_for_pages():
    printed = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True).stdout
    faults = dict(line.split(": ") for line in printed.splitlines())
    assert faults.keys() == {"training", *(f"{case} {way}" for case in CASES for way in ("forward", "backward"))}
    assert {case: count for case, count in faults.items() if int(count) > CALLS} == {}  # hundreds each, if it were


def main():
    import resource

    def count(name, call):
        repeat(call, WARM_UP)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        repeat(call, CALLS)
        print(f"{name}: {resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before}")

    # First: what malloc gives back to the system depends on what ran before.
    count("training", training_step())
    for case in CASES:
        for way, call in zip(("forward", "backward"), calls_of(case)):
            count(f"{case} {way}", call)


def training_step():
    """A step of the convolutional network of the digits program."""
    import tilewright as tw
    from tilewright.layers import Conv2D, Dense, Flatten, MaxPooling2D

    first = Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1))
    second = Conv2D(64, 3, activation="relu")
    hidden, last = Dense(64, activation="relu"), Dense(10, activation="softmax")
    model = tw.Sequential([first, MaxPooling2D(2), second, MaxPooling2D(2), Flatten(), hidden, last])
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 28, 28, 1)).astype(np.float32), rng.integers(0, 10, 32)
    return lambda: model.train_on_batch(x, y)


if __name__ == "__main__":
    main()
