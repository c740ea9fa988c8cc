"""What a card can do at most, measured by kernels that do nothing else (kernels/_cuda/ceilings.py)."""

import functools

import numpy as np
from numba import config, cuda

from ..kernels._cuda import ceilings, elementwise, launch, memory
from ..kernels._cuda.events import elapsed

COPIED = 1 << 30  # bytes of one side
LASTING = 0.01  # seconds of a kernel that is timed
ROUNDS = 5
BLOCKS = (4, 8, 16)  # of a multiprocessor; the best counts


class Ceilings:
    """The ceilings of the current card: `copied` bytes a second, `rate(dtype)` floating-point operations a second."""

    def __init__(self):
        self.simulated = bool(config.ENABLE_CUDASIM)
        self._multiprocessors = elementwise.multiprocessors()
        self.tensor_cores = cuda.get_current_device().compute_capability >= (8, 0)
        self._rates = {}
        self._sums = {}
        self._slow = None
        self.copied, self.copied_by_driver = self._bandwidth(1 << 8 if self.simulated else COPIED // 4)

    def best(self):
        """Bytes a second of the faster copy, ours or the driver's."""
        return max(self.copied, self.copied_by_driver)

    def rate(self, dtype):
        """Operations a second from the ordinary cores; of float16 and bfloat16 by mma.sync where a card has it."""
        if dtype in self._tensor and not self.tensor_cores:
            dtype = "float32"
        if dtype not in self._rates:
            self._rates[dtype] = max(self._rate(dtype, blocks * self._multiprocessors) for blocks in BLOCKS)
        return self._rates[dtype]

    def occupy(self, seconds):
        """Keep the device busy for about so long."""
        if self.simulated:
            return
        if self._slow is None:
            self._slow = _fastest(lambda: self._multiply("float32", self._multiprocessors, 1000)) / 1000
        self._multiply("float32", self._multiprocessors, int(min(seconds, 0.1) / self._slow) + 1)

    def facts(self):
        """What was measured, for the results' file."""
        return {
            "copy_bytes_a_second": self.copied,
            "copy_by_driver_bytes_a_second": self.copied_by_driver,
            "operations_a_second": dict(self._rates),
        }

    def _bandwidth(self, count):
        """(ours, the driver's): bytes read and written a second."""
        host = np.resize(np.random.default_rng(0).standard_normal(1_000_003).astype(np.float32), count)
        x, y = memory.to_device(host), memory.empty(count, np.float32)
        driver = 8 * count / _fastest(lambda: memory.copy(x, y))
        ours = 0.0
        for blocks in (self._multiprocessors * each for each in BLOCKS):
            size = ceilings.copied(count, blocks)
            if size:
                y = memory.to_device(np.full(count, np.nan, np.float32))
                a, b = x[:size], y[:size]
                ours = max(ours, 8 * size / _fastest(lambda a=a, b=b, n=blocks: ceilings.copy(a, b, n)))
                if not np.array_equal(b.copy_to_host(), host[:size]):
                    raise RuntimeError("a copy on the device differs from what was copied")
        return ours, driver

    def _rate(self, dtype, blocks):
        turns = 1
        while True:
            seconds = _fastest(functools.partial(self._multiply, dtype, blocks, turns))
            if seconds > LASTING or self.simulated:
                break
            turns *= 4
        done = ceilings.tensored if dtype in self._tensor else ceilings.multiplied
        return done(blocks, turns) / seconds

    _tensor = ("float16", "bfloat16")

    def _multiply(self, dtype, blocks, turns):
        key = dtype, blocks
        if key not in self._sums:
            kind = np.float64 if dtype == "float64" else np.float32
            self._sums[key] = memory.empty(blocks * launch.THREADS, kind)
        if dtype in self._tensor:
            ceilings.tensor(dtype, self._sums[key], blocks, turns)
        else:
            ceilings.multiply(self._sums[key], blocks, turns)


def _fastest(call):
    """Seconds of the fastest of ROUNDS calls, after one that may compile."""
    call()
    return min(elapsed(call) for _ in range(ROUNDS))


def cache_size():
    """Bytes of the card's L2; the simulator has none."""
    return getattr(cuda.get_current_device(), "L2_CACHE_SIZE", 0)
