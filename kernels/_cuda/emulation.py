"""An emulation in NumPy of the instructions in ptx.py, a warp at a time, for Numba's simulator. It is no GPU.

The simulator runs each thread of a block in turns. An instruction that a warp executes together waits here
until all 32 lanes have given their operands; one lane computes the results of all, from the layouts that the PTX ISA
draws: lane l holds, of an 8 x 8 matrix, columns 2 (l mod 4) and the next of row l // 4. Hopper's instructions are in
emulation_hopper.py.

A copy in the background is done at once, but only becomes readable when its thread waits for its group: until then the
tile holds NOTHING, so that a kernel that forgets to wait computes nonsense.
"""

import numpy as np

from .turns import current, wait

WARP = 32
NOTHING = 0x7FFF  # not a number, in bfloat16 and float16


class _Warp:
    """Where the lanes of a warp meet, or those of several."""

    def __init__(self, size):
        self.operands, self.results, self.missing = [None] * size, [None] * size, size

    def together(self, lane, instruction, operands):
        self.operands[lane] = instruction, operands
        self.missing -= 1
        if self.missing == 0:  # the last one computes for all; each of them comes back after it has its result
            self.missing = len(self.operands)
            self._execute()
        wait(lambda: self.results[lane] is not None)
        (result,), self.results[lane] = self.results[lane], None
        return result

    def _execute(self):
        assert len({name for name, _ in self.operands}) == 1, "the lanes of a warp execute different instructions"
        results = self.operands[0][0]([own for _, own in self.operands])
        self.results = [(result,) for result in results]


def _together(instruction, *operands, size=WARP):
    """This lane's result of an instruction that its whole warp executes, or its whole group of `size` threads."""
    thread = current()
    warps = thread._manager.__dict__.setdefault("_warps", {})  # of the thread's block
    number, lane = divmod(thread.thread_id, size)
    warp = warps.get((size, number)) or warps.setdefault((size, number), _Warp(size))
    return warp.together(lane, instruction, operands)


def _load(operands):
    matrices = np.empty((4, 8, 8), np.uint16)
    for lane, (tile, i) in enumerate(operands):
        assert i % 8 == 0, "a row does not begin at a multiple of 16 bytes"
        matrices[lane // 8, lane % 8] = tile[i : i + 8]
    return _words(matrices)


def _load_transposed(operands):
    matrices = np.empty((4, 8, 8), np.uint16)
    for lane, (tile, i) in enumerate(operands):
        assert i % 8 == 0, "a row does not begin at a multiple of 16 bytes"
        matrices[lane // 8, :, lane % 8] = tile[i : i + 8]
    return _words(matrices)


def _words(matrices):
    """Each lane's word of each matrix."""
    pairs = np.ascontiguousarray(matrices).view("<u4").reshape(len(matrices), WARP)
    return [tuple(pairs[:, lane]) for lane in range(WARP)]


def _matrix(words):
    """An 8 x 8 matrix of uint16 of its words, a lane each."""
    return np.array(words, "<u4").view(np.uint16).reshape(8, 8)


def _make_multiply(widen):
    def multiply(operands):
        a0, a1, a2, a3, b0, b1 = (widen(_matrix([own[n] for own in operands])) for n in range(6))
        a = np.block([[a0, a2], [a1, a3]])  # rows 0 to 7 and 8 to 15, columns 0 to 7 and 8 to 15
        b = np.block([b0, b1]).T  # its words run along k
        sums = np.array([own[6:] for own in operands], np.float32).reshape(8, 4, 2, 2)  # group, pair; half, element
        c = sums.transpose(2, 0, 1, 3).reshape(16, 8) + a @ b
        parts = c.reshape(2, 8, 4, 2).transpose(1, 2, 0, 3).reshape(WARP, 4)
        return [tuple(own) for own in parts]

    return multiply


def _from_bfloat16(bits):
    return (np.asarray(bits, np.uint32) << 16).view(np.float32)


def _from_float16(bits):
    return np.asarray(bits, np.uint16).view(np.float16).astype(np.float32)


_multiply_bfloat16, _multiply_float16 = _make_multiply(_from_bfloat16), _make_multiply(_from_float16)


def load_matrices(tile, i):
    return _together(_load, tile, i)


def load_matrices_transposed(tile, i):
    return _together(_load_transposed, tile, i)


def multiply_bfloat16(*words_and_sums):
    return _together(_multiply_bfloat16, *words_and_sums)


def multiply_float16(*words_and_sums):
    return _together(_multiply_float16, *words_and_sums)


def _groups():
    """This thread's groups of copies (tile, i, values); the last is open."""
    return current().__dict__.setdefault("_copies", [[]])


def copy_async(tile, i, x, j, filled):
    assert i % 8 == 0, "a copy does not begin at a multiple of 16 bytes"
    assert not filled or j % 8 == 0, "a copy does not begin at a multiple of 16 bytes"
    values = np.array([x[j + n] for n in range(8)], np.uint16) if filled else np.zeros(8, np.uint16)
    tile[i : i + 8] = NOTHING
    _groups()[-1].append((tile, i, values))


def commit_copies():
    _groups().append([])


def wait_for_copies(groups):
    mine = _groups()
    while len(mine) > groups + 1:
        for tile, i, values in mine.pop(0):
            tile[i : i + 8] = values


def pack_bfloat16(low, high):
    return np.uint32(to_bfloat16(low)) | np.uint32(to_bfloat16(high)) << np.uint32(16)


def pack_float16(low, high):
    return np.array([low, high], np.float32).astype(np.float16).view("<u4")[0]


def to_bfloat16(x):
    """The bits of the nearest bfloat16, ties to even; of arrays too."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + (bits >> 16 & 1).astype(np.uint32)) >> 16
    return np.where(np.isnan(x), NOTHING, rounded).astype(np.uint16)


def narrow_bfloat16(x):
    return np.uint16(to_bfloat16(x))


def narrow_float16(x):
    with np.errstate(over="ignore"):
        return np.float16(x).view(np.uint16)


def widen_bfloat16(bits):
    return np.float32(_from_bfloat16(bits))


def widen_float16(bits):
    return np.float32(_from_float16(bits))


def store_word(x, i, word):
    assert i % 2 == 0, "a word does not begin at a multiple of 4 bytes"
    x[i], x[i + 1] = np.uint16(int(word) & 0xFFFF), np.uint16(int(word) >> 16)


def tanh(x):
    return np.tanh(x)


def _exchange(operands):
    return [operands[lane ^ mask][0] for lane, (_, mask) in enumerate(operands)]


def shuffle_xor(x, mask):
    return _together(_exchange, x, mask)
