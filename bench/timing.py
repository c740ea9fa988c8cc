"""Times that can be compared: contestants take turns in one process, and each is timed warm.

Every turn lasts TURN seconds, of which the first half is thrown away: it wakes this contestant's threads, and sees the
last one's go to sleep (OpenBLAS's spin for about 25 ms after a call and would take a core from whoever comes next).
"""

import statistics
import time

TURN = 0.2
BATCH = 2e-4  # seconds; shorter calls are timed several at once


def alternate(contestants, rounds=5, turn=TURN):
    """{name: median seconds a call} for {name: function without arguments}."""
    batches = {name: _batch(call) for name, call in contestants.items()}
    times = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, call in contestants.items():
            times[name].append(_turn(call, batches[name], turn))
    return {name: statistics.median(of) for name, of in times.items()}


def _batch(call):
    """How many calls last BATCH; the first call, which may compile, is not counted."""
    call()
    start = time.perf_counter()
    call()
    return max(1, int(BATCH / max(time.perf_counter() - start, 1e-7)))


def _turn(call, batch, turn):
    """Median seconds a call over the second half of a turn, of three batches at least."""
    times = []
    start = time.perf_counter()
    while True:
        before = time.perf_counter()
        for _ in range(batch):
            call()
        now = time.perf_counter()
        if now - start > turn / 2:
            times.append((now - before) / batch)
            if now - start > turn and len(times) >= 3:
                return statistics.median(times)
