"""Memory whose neighbours are forbidden: arrays that start or end at a page without access, and what kernels take.

`install(side)`, before any kernel is loaded, replaces the pool of `kernels/_cpu/memory.py` and the allocator of Numba's
code by `take`: from then on a step over that side of an array, or into one that is gone, is a segmentation fault. The
rest of an array's pages holds CANARY, and `look_around` says whether somebody wrote there. Fresh memory is NaN.

    python guarded.py start|end EXAMPLES    draws.py and the catalog's products and convolutions, on Linux
"""

import ctypes
import mmap
import sys
import threading
import weakref

import numpy as np

PAGE = mmap.PAGESIZE
CANARY, FRESH = b"\xa5", b"\xff"
NO_ACCESS = 0

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_lock = threading.Lock()
_side = "end"
_held = {}  # address: (mapping, first byte and end byte in it)
_broken = []  # sizes of arrays that are gone and beside which somebody wrote


def install(side):
    """Guard the "start" or the "end" of every array from now on."""
    global _side
    _side = side
    from tilewright.kernels._cpu import memory  # before other modules take these functions from it

    memory.empty = memory.aligned = empty
    memory.empty_like = lambda x: empty(x.shape, x.dtype)
    _replace_numbas_allocator()


def take(size):
    """The address of `size` bytes between two guards."""
    room = max(-(-size // PAGE), 1) * PAGE
    area = mmap.mmap(-1, room + 2 * PAGE)
    address = ctypes.addressof(ctypes.c_byte.from_buffer(area))
    first = PAGE if _side == "start" else PAGE + room - size
    area[PAGE : PAGE + room] = CANARY * room
    area[first : first + size] = FRESH * size
    for guard in (address, address + PAGE + room):
        if _libc.mprotect(guard, PAGE, NO_ACCESS):
            raise OSError(ctypes.get_errno(), "mprotect")
    with _lock:
        _held[address + first] = area, first, first + size
    return address + first


def give_back(address):
    with _lock:
        area, first, end = _held.pop(address)
        if not _is_whole(area, first, end):
            _broken.append(end - first)


def look_around():
    """AssertionError if somebody has written beside an array, be it still there or not."""
    with _lock:
        sizes = _broken + [end - first for area, first, end in _held.values() if not _is_whole(area, first, end)]
    assert not sizes, f"written beside arrays of these sizes in bytes: {sizes}"


def _is_whole(area, first, end):
    beside = area[PAGE:first] + area[end : len(area) - PAGE]
    return beside == CANARY * len(beside)


def empty(shape, dtype, apart=0):
    """An array of NaN, with so many elements between its rows that are not there behind the last one."""
    shape = shape if isinstance(shape, tuple) else (shape,)
    if 0 in shape:
        apart = 0
    wide = (*shape[:-1], shape[-1] + apart)
    size = (np.prod(wide, dtype=int) - apart) * np.dtype(dtype).itemsize
    address = take(int(size))
    memory = (ctypes.c_byte * size).from_address(address)
    weakref.finalize(memory, give_back, address)
    steps = np.cumprod([np.dtype(dtype).itemsize, *wide[:0:-1]])[::-1]
    return np.ndarray(shape, dtype, memory, 0, steps)


def copied(x, apart=0):
    """x with guards around it."""
    copy = empty(x.shape, x.dtype, apart)
    copy[...] = x
    return copy


def _replace_numbas_allocator():
    """Numba's code calls it by names, for which LLVM is told another address before any kernel is loaded."""
    import llvmlite.binding as llvm
    from numba.core.registry import cpu_target
    from numba.core.runtime import _nrt_python as runtime

    cpu_target.target_context.refresh()  # here Numba names its own
    # Numba's functions for other libraries; the third takes memory and how to end it, and makes what its code expects.
    functions = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p))(runtime.c_helpers["get_api"])()
    ending = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(give_back)
    manage = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, type(ending))(functions[2])
    allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint)(
        lambda size, _: manage(take(size), ending)
    )
    for name in ("NRT_MemInfo_alloc_aligned", "NRT_MemInfo_alloc_safe_aligned"):
        llvm.add_symbol(name, ctypes.cast(allocate, ctypes.c_void_p).value)
    _alive.extend((ending, manage, allocate))


_alive = []


def main(side, examples):
    """The catalog's cases, whose blocks and threads are many, and draws, whose shapes are."""
    install(side)
    from draws import convolutions, linear_maps, numbers, products, seeded
    from hypothesis import given
    from hypothesis.strategies import sampled_from
    from tilewright.kernels._cpu import memory
    from tilewright.kernels.catalog import OPS

    ops = {op.name: op for op in OPS if op.folder == "matmul" or op.folder.startswith("conv")}
    for op in ops.values():
        for case in op.cases:
            run(op, case.make(np.float64), case.options)

    def run_draws(name, draw, distances=(0,)):
        @seeded(examples)
        @given(draw, sampled_from(distances))
        def run_one(drawn, apart):
            shapes, options, _ = drawn
            run(ops[name], numbers(shapes, 0), options, apart)

        run_one()

    run_draws("matmul", products(), (0, 3))
    run_draws("linear", linear_maps())
    run_draws("conv2d", convolutions())
    assert not memory._pools  # everything was ours
    print("nothing found")


def run(op, arrays, options, apart=0):
    """Forward and backward; the call is printed first, so that the last line before a fault is its cause."""
    for dtype in (np.float32, np.float64):
        print(op.name, dtype.__name__, {name: x.shape for name, x in arrays.items()}, options, apart, flush=True)
        values = {name: copied(x.astype(dtype), apart) for name, x in arrays.items()}
        y = op.forward("public", values, options)[0]
        given = empty(y.shape, dtype)
        op.forward("public", {**values, "out": given}, options)
        np.testing.assert_array_equal(given, y)
        dy = copied(np.random.default_rng(1).standard_normal(y.shape).astype(dtype))
        gradients = op.backward("public", dy, values, options, (given,))
        assert not any(np.isnan(x).any() for x in (y, *gradients) if x is not None)  # nothing was left unwritten
        look_around()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
