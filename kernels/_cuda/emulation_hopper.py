"""An emulation in NumPy of the instructions in ptx_hopper.py for Numba's simulator. It is no GPU.

It is stricter than a card, so that a kernel that is right by luck alone is wrong here:

- where a copy of a box goes nothing can be read from the moment it is ordered: its elements are NOTHING, until somebody
  has waited for its barrier;
- what a product reads is read again when it is waited for, and must still be there: else a stage was filled too early;
- sums are NaN while products are under way; only `finish` gives them back.

Shared memory begins at BASE, which is no multiple of what the swizzle needs. The PTX ISA's sections, and what follows
from them for 16 bits and the swizzle of 128 bytes:

"Matrix fragments … accumulator D": thread t of a warpgroup has, as elements 4 j + 2 h + e of its sums, those of row
    16 (t // 32) + 8 h + t % 32 // 4 and column 8 j + 2 (t % 4) + e.
"Strides", "Canonical layouts": element (w, k) of an operand lies, before the swizzle, with rows along k at
    start + w % 8 * 128 + w // 8 * stride + 2 k, with rows along w at
    start + w % 64 * 2 + w // 64 * lead + k % 8 * 128 + k // 8 * stride.
"Swizzling modes": bits 4 to 6 of an address change by its bits 7 to 9 (exclusive or), for copies and products alike.
"mbarrier": a phase ends when no arrivals are missing and no bytes; bytes may come before they are expected.
"""

import functools

import numpy as np

from .emulation import NOTHING, WARP, _from_bfloat16, _from_float16, _together
from .turns import current, wait

GROUP = 128  # threads of a warpgroup
BASE = 1040
BOX_COLUMNS = 64

_matrices = []  # of which there are maps: a map's first word is a place here


def _block():
    """What belongs to this thread's block."""
    return current()._manager.__dict__.setdefault(
        "_hopper", {"memory": None, "barriers": {}, "published": False, "maps": set()}
    )


def encode(x, shape, box_rows):
    """The words of a map, as this emulation understands them."""
    count, rows, columns = shape
    assert 0 < count * rows * columns <= x.size and columns % 8 == 0 and box_rows <= 256
    _matrices.append(x)
    return [len(_matrices) - 1, *shape, box_rows] + [0] * 11


def publish_map():
    pass


def acquire_map(tensor_map):
    _block()["maps"].add(tensor_map.ctypes.data)


def address(tile, i):
    _block()["memory"] = tile
    return BASE + 2 * i


def uniform(x):
    return _together(_first, x)


def _first(operands):
    return [operands[0][0]] * WARP


def elected():
    return _together(_one_of)


def _one_of(operands):
    return [lane == WARP - 1 for lane in range(WARP)]  # any, and the same always


class _Barrier:
    """An mbarrier, and the copies whose bytes it waits for."""

    def __init__(self, arrivals):
        self.arrivals = self.missing = arrivals
        self.bytes, self.phase, self.copies, self.waiting = 0, 0, [], 0

    def arrive(self, size):
        assert self.missing > 0, "more arrivals than a phase has"
        self.missing -= 1
        self.bytes += size
        self._end()

    def order(self, *copy):
        self.copies.append(copy)
        if self.waiting:
            self._deliver()

    def wait(self, phase):
        if self.phase % 2 == phase:
            self._deliver()
        self.waiting += 1
        wait(lambda: self.phase % 2 != phase)
        self.waiting -= 1

    def _deliver(self):
        for memory, places, values in self.copies:
            memory[places] = values
            self.bytes -= values.nbytes
        self.copies = []
        self._end()

    def _end(self):
        if self.missing == 0:
            assert self.bytes >= 0, "more bytes came than the barrier expects"
            if self.bytes == 0:
                self.missing, self.phase = self.arrivals, self.phase + 1


def _barrier(barriers, i):
    return _block()["barriers"][barriers.ctypes.data, i]


def start_barrier(barriers, i, arrivals):
    _block()["barriers"][barriers.ctypes.data, i] = _Barrier(arrivals)
    _block()["published"] = False


def publish_barriers():
    _block()["published"] = True


def arrive(barriers, i):
    _barrier(barriers, i).arrive(0)


def arrive_expecting(barriers, i, size):
    _barrier(barriers, i).arrive(size)


def is_past(barriers, i, phase):
    _barrier(barriers, i).wait(phase)
    return True


def _swizzled(addresses):
    return addresses ^ (addresses >> 7 & 7) << 4


def _elements(addresses):
    """Places in the block's shared memory of what lies at addresses that are to be swizzled."""
    return (_swizzled(addresses) - BASE) // 2


def copy_box(into, tensor_map, column, row, z, barriers, i):
    block = _block()
    assert into % 128 == 0, "a box does not begin at a multiple of 128 bytes"
    assert block["published"], "the copy engine does not know of the barrier"
    assert tensor_map.ctypes.data in block["maps"], "the map was not acquired"
    number, count, rows, columns, box_rows = map(int, tensor_map[:5])
    assert 0 <= z < count and row >= 0 and column >= 0
    matrices = _matrices[number].copy_to_host()[: count * rows * columns].reshape(count, rows, columns)
    inside = matrices[z, row : row + box_rows, column : column + BOX_COLUMNS]
    values = np.zeros((box_rows, BOX_COLUMNS), np.uint16)
    values[: inside.shape[0], : inside.shape[1]] = inside
    r, c = np.ogrid[:box_rows, :BOX_COLUMNS]
    places = _elements(into + r * BOX_COLUMNS * 2 + c * 2)
    block["memory"][places] = NOTHING
    _barrier(barriers, i).order(block["memory"], places, values)


class _Products:
    """The products of a thread: which it has under way, and its sums, which nobody may see before they are done."""

    def __init__(self):
        self.groups, self.latest, self.sums, self.opened = [], [], None, False


def _mine():
    return current().__dict__.setdefault("_products", _Products())


def open_products():
    _mine().opened = True


def commit_products():
    mine = _mine()
    mine.groups.append(mine.latest)
    mine.latest = []


def wait_for_products(groups):
    mine = _mine()
    ended = []
    while len(mine.groups) > groups:
        ended += mine.groups.pop(0)
    _together(_check, *ended)


def _check(operands):
    """The lanes of a warp wait together: none of them goes on while what they read is looked at."""
    assert len(set(operands)) == 1, "the lanes of a warp wait for different products"
    for check in operands[0]:
        check()
    return [None] * WARP


def operand(memory, descriptor, W, turned):
    """(W, 16) elements of an operand of `wgmma` as a descriptor says; turned: memory has rows along w, not k."""
    descriptor = int(descriptor)
    assert descriptor >> 62 == 1 and not descriptor >> 46 & 0xFFFF, "the swizzle of 128 bytes, from where it begins"
    begin, lead, stride = ((descriptor >> n & 0x3FFF) * 16 for n in (0, 16, 32))
    w, k = np.ogrid[:W, :16]
    if turned:
        addresses = begin + w % 64 * 2 + w // 64 * lead + k % 8 * 128 + k // 8 * stride
    else:
        addresses = begin + w % 8 * 128 + w // 8 * stride + 2 * k
    return memory[_elements(addresses)]


def fragments(sums):
    """Of the sums (64, BN) of a warpgroup, those of each thread: (128, BN / 2)."""
    parts = sums.reshape(4, 2, 8, -1, 4, 2)  # warp, half, group; piece, pair, element
    return parts.transpose(0, 2, 4, 3, 1, 5).reshape(GROUP, -1)


def whole(parts):
    """The sums (64, BN) of all threads' parts."""
    parts = np.asarray(parts).reshape(4, 8, 4, -1, 2, 2)  # warp, group, pair; piece, half, element
    return parts.transpose(0, 4, 1, 3, 2, 5).reshape(64, -1)


@functools.lru_cache
def make_products(BN, kind, turned_a, turned_b):
    widen = {"float16": _from_float16, "bfloat16": _from_bfloat16}[kind]

    def product(operands):
        sums, a, b, memory = zip(*operands)
        assert len(set(map(int, a))) == len(set(map(int, b))) == 1, "threads of a warpgroup name different operands"
        sides = (a[0], 64, turned_a), (b[0], BN, turned_b)
        left, right = (operand(memory[0], *side) for side in sides)

        def check():
            now = [operand(memory[0], *side) for side in sides]
            assert np.array_equal(now[0], left) and np.array_equal(now[1], right), "a stage was filled while it is read"

        with np.errstate(invalid="ignore"):
            result = fragments(whole(sums) + widen(left) @ widen(right).T)
        return [(own, check) for own in result]

    def multiply(sums, a, b):
        mine = _mine()
        assert mine.opened, "products begin without a fence"
        mine.sums = sums.copy() if mine.sums is None else mine.sums
        mine.sums, check = _together(product, mine.sums, a, b, _block()["memory"], size=GROUP)
        mine.latest.append(check)
        sums[:] = np.nan

    def finish(sums):
        mine = _mine()
        assert not mine.latest, "products were not committed"
        wait_for_products(0)
        if mine.sums is not None:
            sums[:] = mine.sums
        mine.sums, mine.opened = None, False

    return multiply, finish
