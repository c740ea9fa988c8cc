"""Steps that are recorded and replayed, with numbers that vary, and the time that they take.

Run by test_cuda_runtime.py, in Numba's simulator, with a stand-in for the driver, and on a card if there is one.
"""

import itertools
import time

import numpy as np
import pytest
from tilewright.kernels._cuda import memory, numbers, upload
from tilewright.kernels._cuda.events import Timer, elapsed
from tilewright.kernels._cuda.graph import Graph
from tilewright.kernels._varying import derived, varying

from .device_arrays import add_into, floats, nothing_left, on_simulator, place, scale, scale_into  # noqa: F401


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
        add_into(total, z)
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
        scale_into(other, x, -1.0)
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
    graph.record(lambda: add_into(arrays[1], arrays[0]))
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
    add_into(x, x, blocks=0)
    graph = Graph()
    graph.record(lambda: add_into(x, x, blocks=0))
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


def test_the_time_between_events_is_measured():
    x = floats(*range(100))
    with Timer() as timer:
        scale(x, 2.0)
    assert timer.seconds > 0
    assert elapsed(lambda: scale(x, 2.0)) > 0


@on_simulator
def test_time_is_in_seconds():
    assert 0.02 <= elapsed(lambda: time.sleep(0.02)) < 1
