"""Run by test_cuda_runtime.py, in Numba's simulator, with a stand-in for the driver, and on a card if there is one."""

import gc
import itertools
import time

import numpy as np
import pytest
from numba import config, cuda
from tilewright.kernels._cuda import buffers, memory, numbers, stream, upload
from tilewright.kernels._cuda.events import Timer, elapsed
from tilewright.kernels._cuda.graph import Graph
from tilewright.kernels._cuda.jit import kernel
from tilewright.kernels._cuda.numbers import number
from tilewright.kernels._varying import derived, varying

on_simulator = pytest.mark.skipif(not config.ENABLE_CUDASIM, reason="speaks of the simulator")


@kernel
def _scale(x, y, factor):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        y[i] = x[i] * factor[0]


@kernel
def _add(x, y):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        y[i] += x[i]


def scale(x, factor):
    y = memory.empty_like(x)
    stream.start(_scale, 2, 4, x, y, number(factor, x.dtype))
    return y


def place(x):
    """The address of an array's memory."""
    return x.ctypes.data if config.ENABLE_CUDASIM else x.__cuda_array_interface__["data"][0]


def floats(*values):
    return memory.to_device(np.array(values, np.float32))


@pytest.fixture(autouse=True)
def nothing_left():
    gc.collect()
    memory.clear()
    yield
    assert not stream.is_recording()


# Memory


def test_what_nobody_holds_is_handed_out_again():
    x = memory.empty((30, 50), np.float32)
    before, there = memory.statistics().allocations, place(x)
    del x
    y = memory.empty(1490, np.float32)  # of the same size class
    assert place(y) == there
    z = memory.empty(1490, np.float32)
    assert place(z) != there
    assert memory.statistics().allocations == before + 1


@pytest.mark.parametrize(
    "part",
    (
        lambda x: x[3:],
        lambda x: x.reshape(10, 10),
        lambda x: x.reshape(10, 10)[2:4],
        lambda x: x[5:][5:].view(np.uint32),
        lambda x: x.ravel(),
    ),
)
def test_a_view_holds_the_memory(part):
    x = memory.empty(100, np.float32)
    there = place(x)
    view = part(x)
    del x
    assert place(memory.empty(100, np.float32)) != there
    del view
    y, z = memory.empty(100, np.float32), memory.empty(100, np.float32)
    assert there in (place(y), place(z))


def test_a_step_takes_nothing_after_the_first():
    x = floats(*range(100))

    def step():
        y = x
        for _ in range(5):
            y = scale(y, 1.5)
        return memory.to_host(y), memory.empty((3, 3), np.float64), memory.empty((0, 3), np.float64)

    step()
    before = memory.statistics()
    for _ in range(3):
        step()
    assert memory.statistics() == before


@pytest.mark.parametrize("shape", ((), (1,), (2, 3), (0,), (3, 0), 5, np.int64(7), [2, 2]))
@pytest.mark.parametrize("dtype", (np.float32, np.float64, np.int64, np.uint8, np.float16, bool))
def test_arrays_have_their_shape_and_dtype(shape, dtype):
    x = memory.empty(shape, dtype)
    want = np.empty(shape, dtype)
    assert tuple(x.shape) == want.shape and x.dtype == want.dtype and x.size == want.size
    assert not x.size or tuple(x.strides) == want.strides
    given = np.arange(want.size).reshape(want.shape).astype(dtype)
    got = memory.to_host(memory.to_device(given))
    assert got.dtype == given.dtype and got.shape == given.shape
    np.testing.assert_array_equal(got, given)


def test_arrays_begin_on_boundaries():
    arrays = [memory.empty(n, np.uint8) for n in (1, 7, 513, 70_001)]
    assert all(place(x) % buffers.BOUNDARY == 0 for x in arrays)
    assert len(set(map(place, arrays))) == 4


def test_a_copy_of_any_array():
    x = np.arange(24.0).reshape(4, 6)
    for part in (x.T, x[::2, ::3], x[::-1]):
        np.testing.assert_array_equal(memory.to_host(memory.to_device(part)), part)


@on_simulator
def test_a_fresh_array_holds_nothing():
    x = memory.to_device(np.ones(10))
    del x
    assert np.isnan(memory.to_host(memory.empty(10, np.float64))).all()


def test_size_classes_hold_what_is_asked_and_little_more():
    for size in [*range(1, 3000), *(2**n + d for n in range(12, 40) for d in (-1, 0, 1, 12345))]:
        held = memory.size_class(size)
        assert size <= held <= max(size * 9 / 8, size + memory.SMALLEST)
        assert memory.size_class(held) == held


def test_clear_gives_free_memory_back():
    kept = memory.empty(5000, np.uint8)
    free = memory.empty(5000, np.uint8)
    del free
    before = memory.statistics()
    assert before.free > 5000
    memory.clear()
    after = memory.statistics()
    assert after.free == 0 and after.held == before.held - before.free and after.held >= kept.size


def test_memory_of_a_collected_cycle_can_be_used():
    cycle = [memory.empty(8000, np.uint8)]
    there = place(cycle[0])
    cycle.append(cycle)
    del cycle
    gc.collect()
    x = memory.to_device(np.arange(2000, dtype=np.float32))
    assert place(x) == there
    np.testing.assert_array_equal(memory.to_host(x), np.arange(2000))


class Full(MemoryError):
    """What a driver without memory raises."""


@pytest.fixture
def small_device(monkeypatch):
    """A device on which only so many bytes can be had at once."""
    allocate, given = buffers.allocate, memory.statistics().held

    def limited(size):
        if memory.statistics().held - given + size > 10_000:
            raise Full
        return allocate(size)

    monkeypatch.setattr(buffers, "allocate", limited)
    monkeypatch.setattr(buffers, "information", lambda: (3 << 20, 40 << 30))


def test_free_memory_goes_back_before_memory_is_out(small_device):
    x = memory.empty(8000, np.uint8)
    del x
    y = memory.empty(6000, np.uint8)  # of another size class
    assert y.size == 6000 and memory.statistics().free == 0


def test_a_cycle_of_objects_is_collected_before_memory_is_out(small_device):
    cycle = [memory.empty(8000, np.uint8)]
    cycle.append(cycle)
    del cycle
    memory.empty(6000, np.uint8)


def test_out_of_memory(small_device):
    held = memory.empty(8000, np.uint8)
    with pytest.raises(MemoryError) as error:
        memory.empty((1000, 1000), np.float64)
    total = memory._words(memory.statistics().held)
    assert str(error.value) == (
        f"the device has no 7.629 MiB left: 3 MiB of 40 GiB are free, tilewright's arrays and recorded steps hold "
        f"{total}; take a smaller batch, drop arrays and models that are no longer needed, or see with `nvidia-smi` "
        f"which other processes hold memory"
    )
    assert not isinstance(error.value, Full)
    del held
    memory.empty(8000, np.uint8)  # and it goes on


def test_another_error_of_the_driver_stays_what_it_is(monkeypatch):
    def broken(size):
        raise OSError("the bus fell off")

    monkeypatch.setattr(buffers, "allocate", broken)
    with pytest.raises(OSError, match="the bus fell off"):
        memory.empty(777_777, np.uint8)


def test_words():
    assert [memory._words(n) for n in (0, 1, 1023, 1024, 1536, 5 << 20, 3 << 40)] == [
        "0 bytes",
        "1 bytes",
        "1023 bytes",
        "1 KiB",
        "1.5 KiB",
        "5 MiB",
        "3072 GiB",
    ]


def test_copies_on_the_device():
    x, y = floats(1, 2, 3), floats(0, 0, 0)
    memory.copy(x, y)
    np.testing.assert_array_equal(memory.to_host(y), [1, 2, 3])
    memory.copy(memory.empty((0, 2), np.float32), memory.empty((0, 2), np.float32))
    with pytest.raises(ValueError, match=r"copy: out is float32 \(2,\), expected float32 \(3,\) as x is"):
        memory.copy(x, floats(1, 2))
    with pytest.raises(ValueError, match=r"copy: out is float64 \(3,\), expected float32 \(3,\) as x is"):
        memory.copy(x, memory.empty(3, np.float64))


# Uploads


def test_an_upload_takes_the_values_at_once():
    out = [memory.empty((2, 3), np.float32) for _ in range(5)]
    x = np.zeros((3, 2), np.float32).T
    for step, y in enumerate(out):
        x[...] = step
        upload.upload(x, y)
    for step, y in enumerate(out):
        np.testing.assert_array_equal(memory.to_host(y), np.full((2, 3), step))
    upload.upload(np.ones((0, 3)), memory.empty((0, 3), np.float64))


def test_an_upload_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"upload: x is float64 \(3,\), expected float32 \(3,\) as out is"):
        upload.upload(np.ones(3), floats(1, 2, 3))
    with pytest.raises(ValueError, match=r"upload: x is float32 \(2,\), expected float32 \(3,\) as out is"):
        upload.upload(np.ones(2, np.float32), floats(1, 2, 3))


def test_a_page_is_written_again_only_when_its_copy_is_done(monkeypatch):
    said = []

    class Event:
        def __init__(self):
            self.name = f"page {sum(entry.endswith('made') for entry in said)}"
            said.append(f"{self.name} made")

        def record(self, stream):
            said.append(f"{self.name} sent")

        def synchronize(self):
            said.append(f"{self.name} waited for")

    monkeypatch.setattr(buffers, "event", Event)
    monkeypatch.setattr(buffers, "send", lambda page, out, sent: sent.record(0))
    pages, out = upload.Pages(100, 2), memory.empty(50, np.uint8)
    for _ in range(4):
        pages.page()
        pages.send(out)
    assert said == [
        *("page 0 made", "page 0 sent", "page 1 made", "page 1 sent"),
        *("page 0 waited for", "page 0 sent", "page 1 waited for", "page 1 sent"),
    ]


# Graphs


def training(log):
    """(a step with numbers that vary, the sums that it changes in place)."""
    x, total = floats(1, 2, 3, 4, 5), floats(0, 0, 0, 0, 0)
    count = itertools.count(1)

    def read():
        log.append(next(count))
        return log[-1]

    def step():
        n = varying(read)
        y = scale(x, n)
        z = scale(scale(y, derived(lambda n, ten: n * ten, n, 10)), 0.25)
        stream.start(_add, 1, 4, z, total)
        return scale(z, n)

    return step, total


def test_replays_do_what_calls_do():
    called, recorded = [], []
    step, total = training(called)
    want = [(memory.to_host(step()), memory.to_host(total)) for _ in range(6)]
    step, total = training(recorded)
    got = [(memory.to_host(step()), memory.to_host(total)) for _ in range(2)]
    graph = Graph()
    y = graph.record(step)
    np.testing.assert_array_equal(memory.to_host(total), got[-1][1])  # nothing was computed
    for _ in range(4):
        assert graph.replay() is y
        got.append((memory.to_host(y), memory.to_host(total)))
    np.testing.assert_array_equal(got, want)
    assert called == recorded == [1, 2, 3, 4, 5, 6]  # a number that several kernels take is read once a replay


def test_numbers_are_asked_in_the_order_of_recording():
    asked = []

    def noted(name):
        return varying(lambda: asked.append(name) or 1.0)

    x = floats(1, 2)
    graph = Graph()
    graph.record(lambda: [scale(x, noted(name)) for name in "abc"])
    graph.replay()
    assert asked == ["a", "b", "c"]
    graph.replay()
    graph.replay()
    assert asked == 3 * ["a", "b", "c"]


def test_a_number_of_two_dtypes_is_one_number():
    x, y = floats(1, 2), memory.to_device(np.array([1.0, 2.0]))
    count = itertools.count(1)

    def step():
        n = varying(lambda: next(count))
        return scale(x, n), scale(y, n)

    graph = Graph()
    a, b = graph.record(step)
    for n in (1, 2, 3):
        graph.replay()
        np.testing.assert_array_equal(memory.to_host(a), [n, 2 * n])
        np.testing.assert_array_equal(memory.to_host(b), [n, 2 * n])


def test_more_numbers_than_one_array_holds():
    count, many = itertools.count(), 2 * numbers.SLOTS + 3
    x = floats(1)
    graph = Graph()
    ys = graph.record(lambda: [scale(x, varying(count.__next__)) for _ in range(many)])
    for replay in range(3):
        graph.replay()
        got = np.concatenate([memory.to_host(y) for y in ys])
        np.testing.assert_array_equal(got, replay * many + np.arange(many))


def test_constants_are_sent_once(monkeypatch):
    sent, send = [], upload.Pages.send
    monkeypatch.setattr(upload.Pages, "send", lambda pages, out: sent.append(out) or send(pages, out))
    x = floats(1, 2)
    graph = Graph()
    y, z = graph.record(lambda: (scale(x, 3.0), scale(x, -0.0)))
    assert sent == []
    graph.replay()
    assert len(sent) == 1
    graph.replay()
    assert len(sent) == 1
    np.testing.assert_array_equal(memory.to_host(y), [3, 6])
    np.testing.assert_array_equal(np.signbit(memory.to_host(z)), [True, True])


def test_copies_are_recorded():
    x, held = floats(1, 2), floats(0, 0)
    graph = Graph()
    graph.record(lambda: memory.copy(scale(x, 2.0), held))
    np.testing.assert_array_equal(memory.to_host(held), [0, 0])
    graph.replay()
    np.testing.assert_array_equal(memory.to_host(held), [2, 4])


def test_a_batch_is_uploaded_before_a_replay():
    x = floats(0, 0)
    graph = Graph()
    y = graph.record(lambda: scale(x, 2.0))
    for batch in ([1, 2], [3, 4], [5, 6]):
        upload.upload(np.array(batch, np.float32), x)
        np.testing.assert_array_equal(memory.to_host(graph.replay() or y), np.multiply(batch, 2))


def test_memory_is_used_again_within_a_recording_and_by_nobody_else():
    x = memory.to_device(np.ones(1000, np.float32))
    places = []

    def step():
        y = x
        for _ in range(6):
            y = scale(y, 2.0)
            places.append(place(y))
        return y

    step()
    places.clear()
    graph = Graph()
    y = graph.record(step)
    assert len(set(places)) == 2
    others = [memory.empty(1000, np.float32) for _ in range(20)]
    assert not set(places) & set(map(place, others))
    for other in others:
        stream.start(_scale, 1, 4, x, other, number(-1.0, np.float32))
    graph.replay()
    np.testing.assert_array_equal(memory.to_host(y), np.full(1000, 64))
    del others, other
    memory.clear()
    before = memory.statistics()
    del graph, step
    assert memory.statistics().free > before.free  # what the graph used in between; its result is held
    again = [memory.empty(1000, np.float32) for _ in range(2)]
    assert place(y) not in map(place, again) and set(places) & set(map(place, again))
    there = place(y)
    del y
    assert place(memory.empty(1000, np.float32)) == there


def test_a_graph_holds_what_it_reads_and_writes():
    arrays = [floats(1, 2, 3), floats(0, 0, 0)]
    graph = Graph()
    graph.record(lambda: stream.start(_add, 1, 4, *arrays))
    taken = set(map(place, arrays))
    kept = arrays[1][:]
    arrays.clear()
    others = [floats(9, 9, 9) for _ in range(10)]
    assert not taken & set(map(place, others))
    graph.replay()
    graph.replay()
    np.testing.assert_array_equal(memory.to_host(kept), [2, 4, 6])


def test_an_empty_grid_starts_nothing():
    x = floats(1)
    stream.start(_add, 0, 4, x, x)
    graph = Graph()
    graph.record(lambda: stream.start(_add, 0, 4, x, x))
    graph.replay()
    np.testing.assert_array_equal(memory.to_host(x), [1])


def test_a_graph_of_nothing_can_be_replayed():
    graph = Graph()
    assert graph.record(lambda: None) is None
    assert graph.replay() is None


@pytest.mark.parametrize(
    "what, call",
    (
        ("a copy of an array to the device", lambda x: memory.to_device(np.ones(1))),
        ("a copy of an array to the device", lambda x: upload.upload(np.ones(1, np.float32), x)),
        ("a copy of an array to the host", lambda x: memory.to_host(x)),
        ("another graph", lambda x: Graph().record(lambda: None)),
        ("a timer", lambda x: elapsed(lambda: None)),
    ),
)
def test_what_cannot_be_recorded_says_so(what, call):
    x = floats(1)
    with pytest.raises(RuntimeError) as error:
        Graph().record(lambda: call(x))
    assert str(error.value) == (
        f"{what} cannot be recorded: a recorded step runs without Python; do it before or after, "
        f"or pass a number that changes from step to step as kernels._varying.varying(read)"
    )
    np.testing.assert_array_equal(memory.to_host(scale(x, 2.0)), [2])  # and it goes on


def test_a_replay_cannot_be_recorded():
    inner = Graph()
    inner.record(lambda: None)
    with pytest.raises(RuntimeError, match="a replay cannot be recorded"):
        Graph().record(inner.replay)


def test_a_graph_records_once_and_before_it_replays():
    graph = Graph()
    with pytest.raises(RuntimeError, match=r"replay: nothing is recorded; call record\(function\) first"):
        graph.replay()
    graph.record(lambda: None)
    with pytest.raises(RuntimeError, match="this graph has recorded a step"):
        graph.record(lambda: None)


def test_a_recording_that_fails_leaves_nothing_behind():
    x, graph = floats(1, 2), Graph()

    def step():
        scale(x, 2.0)
        raise KeyError("batch")

    with pytest.raises(KeyError, match="batch"):
        graph.record(step)
    with pytest.raises(RuntimeError, match="nothing is recorded"):
        graph.replay()
    graph = Graph()
    y = graph.record(lambda: scale(x, 3.0))
    graph.replay()
    np.testing.assert_array_equal(memory.to_host(y), [3, 6])


# Timers


def test_the_time_between_events_is_measured():
    x = floats(*range(100))
    with Timer() as timer:
        scale(x, 2.0)
    assert timer.seconds > 0
    assert elapsed(lambda: scale(x, 2.0)) > 0


@on_simulator
def test_time_is_in_seconds():
    assert 0.02 <= elapsed(lambda: time.sleep(0.02)) < 1
