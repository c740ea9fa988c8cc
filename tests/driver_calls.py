"""Run by test_cuda_runtime.py with stand_in_driver.c as the driver: which of its calls are made, and in which order."""

import ctypes
import gc
import itertools
import os
import warnings

import numpy as np
import pytest
from numba import cuda
from numba.cuda import dispatcher
from tilewright.kernels._cuda import memory, starter, stream
from tilewright.kernels._cuda.graph import Graph
from tilewright.kernels._cuda.jit import kernel
from tilewright.kernels._cuda.numbers import number
from tilewright.kernels._cuda.upload import upload
from tilewright.kernels._varying import varying

driver = ctypes.CDLL(os.environ["STAND_IN_DRIVER"])
driver.stand_in_notes.restype = ctypes.c_char_p


def calls():
    """The driver's calls since this was last asked."""
    notes = driver.stand_in_notes().decode().splitlines()
    driver.stand_in_forget()
    return notes


@kernel
def _scale(x, y, factor):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        y[i] = x[i] * factor[0]


@kernel(dynamic_shared=100_000)
def _add(x, y):
    part = cuda.shared.array(0, np.float32)
    i = cuda.grid(1)
    part[i] = y[i]
    y[i] = part[i] + x[i]


def make_step():
    x, total = memory.to_device(np.ones(100, np.float32)), memory.to_device(np.zeros(100, np.float32))
    count = itertools.count(1)

    def step():
        n, y = varying(count.__next__), x
        for factor in (n, 2.0):
            z = memory.empty_like(y)
            stream.start(_scale, 1, 128, y, z, number(factor, np.float32))
            y = z.reshape(10, 10).reshape(-1)
        memory.copy(y, total)
        return y

    return step


@pytest.fixture(autouse=True)
def fresh():
    gc.collect()
    memory.clear()
    calls()


NUMBER = ["copy in later 4 default", "mark default"]
STEP = [*NUMBER, "launch default", *NUMBER, "launch default", "copy"]


def test_a_step_allocates_once_and_never_waits():
    step = make_step()
    for _ in range(8):  # one event for each of 16 pages for numbers
        step()
    first = calls()
    assert "load" in first and any(call.startswith("allocate ") for call in first)
    for _ in range(5):
        step()
    assert [call for call in calls() if call != "wait for mark"] == 5 * STEP


def test_a_recording_starts_nothing_and_a_replay_is_one_launch():
    step = make_step()
    step()
    calls()
    graph = Graph()
    graph.record(step)
    begun, *during, ended = calls()
    assert begun.startswith("stream 1") and ended == "captured"  # 1: does not wait for the default stream
    assert during.pop(0) == "capture 2"  # relaxed: memory can be had
    assert [call for call in during if not call.startswith("allocate")] == 2 * ["launch captured"] + ["copy captured"]
    assert len([call for call in during if call.startswith("allocate")]) <= 2  # for the numbers, which lie together
    replay = ["copy in later 1024 default", "mark default", "launch graph default"]
    for _ in range(2):
        graph.replay()
        assert calls() == ["event", *replay]
    for _ in range(3):
        graph.replay()
        assert calls() == ["wait for mark", *replay]  # of the replay before the last
    del graph
    gc.collect()
    assert sorted(calls()) == ["graph gone", "stream gone", "wait for mark", "wait for mark"]  # for numbers


def test_a_recording_that_fails_is_ended():
    graph = Graph()
    with pytest.raises(ZeroDivisionError):
        graph.record(lambda: 1 / 0)
    gc.collect()
    begun, *rest = calls()
    assert begun.startswith("stream 1") and rest == ["capture 2", "captured", "graph gone", "stream gone"]


def test_uploads_wait_for_the_copy_before_the_last():
    x, y = np.ones(10_000, np.float32), memory.empty(10_000, np.float32)
    calls()
    copy = ["copy in later 40000 default", "mark default"]
    upload(x, y)
    upload(x, y)
    assert calls() == ["allocate pinned 81920", "event", *copy, "event", *copy]
    upload(x, y)
    assert calls() == ["wait for mark", *copy]


def test_a_result_is_read_in_order_with_the_step():
    y = make_step()()
    calls()
    memory.to_host(y)
    assert calls() == ["copy out"]


def test_dynamic_shared_memory_is_allowed_when_a_kernel_is_loaded():
    x = memory.to_device(np.ones(5, np.float32))
    y = memory.to_device(np.ones(5, np.float32))
    calls()
    for _ in range(2):
        stream.start(_add, 1, 5, x, y)
    assert calls() == ["load", "attribute 8 100000", "launch default", "launch default"]
    np.testing.assert_array_equal(memory.to_host(y), np.full(5, 3))


@kernel
def _every(x, y, z, a, b, c, d, e, f):
    pass


def plain(value):
    """What is passed of an argument, with its width."""
    return (type(value).__name__, value.value) if isinstance(value, ctypes._SimpleCData) else (type(value), value)


def test_arguments_are_passed_as_numba_passes_them(monkeypatch):
    passed = []
    for module in (starter, dispatcher):
        monkeypatch.setattr(module, "launch", lambda *launched: passed.append(launched))
    x, y = memory.empty((3, 4, 5), np.float64), memory.empty((), np.float32)
    arrays = (
        (x, y, memory.empty((0, 3), np.int64)),
        (x[1], x[:, 2, 1:3], x.reshape(12, 5)[::3, 1:]),
        (cuda.device_array((2, 7), np.float16, order="F"), memory.empty(2, bool), cuda.to_device(np.arange(5))[::2]),
    )
    numbers = (
        (1, -(2**40), 0.5, True, np.float32(0.25), np.float64(3)),
        (np.int32(-7), np.int64(-8), np.uint32(9), np.uint64(2**63), np.bool_(False), False),
    )
    for options in itertools.product(arrays, numbers):
        arguments = sum(options, ())
        stream.start(_every, 3, (8, 4), *arguments)
        stream.configured(_every, 3, (8, 4), 0)._numbas(*arguments)
        (s, config, function, *ours), (s_of_numba, config_of_numba, function_of_numba, *numbas) = passed
        passed.clear()
        assert list(map(plain, ours)) == list(map(plain, numbas))
        assert function is function_of_numba and s == s_of_numba
        for name in ("grid", "block", "shmem_size", "is_cooperative"):
            assert getattr(config, name) == getattr(config_of_numba, name)
    stream.start(_every, 3, 8, *arrays[0], (1, 2), *numbers[0][1:])  # of tuples Numba knows
    assert len(passed) == 1


def test_a_kernel_started_for_other_types_is_compiled_for_them(monkeypatch):
    launched = []
    monkeypatch.setattr(starter, "launch", lambda stream, config, loaded, *values: launched.append(loaded))
    for dtype in (np.float64, np.float32, np.float64):
        x = memory.empty(3, dtype)
        stream.start(_scale, 1, 3, x, x, x)
    assert launched[0] is launched[2] is not launched[1]
    for number_of_a_class in (1, np.int32(1), True):
        stream.start(_every, 1, 3, *(6 * [x]), 1, 2, number_of_a_class)
    assert len(set(map(id, launched))) == 2 + 3


def test_a_small_grid_is_no_reason_to_warn():
    x, y, n = (memory.to_device(np.ones(1, np.float32)) for _ in range(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.start(_scale, 3, 32, x, y, n)


def test_memory_of_another_manager_or_library_is_held_by_a_graph():
    x, y = (cuda.to_device(np.ones(3, np.float32)) for _ in range(2))

    class Foreign:
        __cuda_array_interface__ = x.__cuda_array_interface__

    foreign = cuda.as_cuda_array(Foreign())
    factor = number(2.0, np.float32)
    stream.start(_scale, 1, 3, x, y, factor)
    graph = Graph()
    graph.record(lambda: stream.start(_scale, 1, 3, foreign, y, factor))
    held = gc.get_referrers(foreign)
    assert any(isinstance(holder, dict) and id(foreign) in holder for holder in held)
    graph.replay()
    np.testing.assert_array_equal(memory.to_host(y), [2, 2, 2])


if __name__ == "__main__":  # which kernels does this process compile, which does it load?
    step = make_step()
    step()
    stream.start(_add, 1, 5, *(memory.to_device(np.ones(5, np.float32)) for _ in range(2)))
    from hashlib import sha256

    for made in (_scale, _add):
        (compiled,) = made.overloads.values()
        code = sha256(compiled._codelibrary.get_cubin().code).hexdigest()
        print(made.__name__, sum(made._cache_hits.values()), sum(made._cache_misses.values()), code)
