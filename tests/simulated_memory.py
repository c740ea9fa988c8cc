"""Memory on a device: what is handed out, held and given back, and how arrays are copied there and back.

Run by test_cuda_runtime.py, in Numba's simulator, with a stand-in for the driver, and on a card if there is one.
"""

import gc

import numpy as np
import pytest
from tilewright.kernels._cuda import buffers, memory, upload

from .device_arrays import floats, nothing_left, on_simulator, place, scale  # noqa: F401  a fixture that all use


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
