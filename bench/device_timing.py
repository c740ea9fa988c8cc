"""Times on a device: calls in batches between two events, contestants in turns, every call on the next of its inputs.

Before a batch the device is given something else to do, so that Python has started the batch's calls by the time that
the device comes to them: what is timed is the device's work, not the gaps between calls. How long Python takes for a
call is kept beside it.
"""

import itertools
import statistics
import time
from collections import namedtuple

BATCH = 0.02  # seconds of a batch on the device
MOST_CALLS = 100  # of a batch: the driver queues about a thousand kernels before it lets Python wait
MOST_SETS = 64  # of inputs
MOST_BYTES = 1 << 33  # of all sets

# seconds of a call on the device and in Python
Times = namedtuple("Times", "device host")
# calls without arguments, each on other inputs; and what times a function, as events.elapsed does
Contestant = namedtuple("Contestant", "calls elapsed")


def sets(size, cache):
    """How many sets of inputs of `size` bytes are together larger than twice the cache; two at least."""
    wanted = max(2, 2 * cache // max(size, 1) + 1)
    return max(1, min(wanted, MOST_SETS, MOST_BYTES // max(size, 1)))


def alternate(contestants, occupy, rounds=5):
    """{name: Times} for {name: Contestant}, medians over the rounds; occupy(seconds) keeps the device busy."""
    calls = {name: itertools.cycle(one.calls) for name, one in contestants.items()}
    counts = {name: _count(calls[name], one.elapsed) for name, one in contestants.items()}
    times = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, one in contestants.items():
            count, ahead = counts[name]
            occupy(ahead)
            times[name].append(_batch(calls[name], count, one.elapsed))
    return {name: Times(*map(statistics.median, zip(*of))) for name, of in times.items()}


def _count(calls, elapsed):
    """(how many calls last BATCH, how long Python takes for them); the first call may compile and is not counted."""
    elapsed(next(calls))
    trial = _batch(calls, 2, elapsed)
    count = max(1, min(MOST_CALLS, int(BATCH / max(trial.device, 1e-9))))
    return count, 1.5 * count * trial.host


def _batch(calls, count, elapsed):
    chosen, host = [next(calls) for _ in range(count)], []

    def run():
        start = time.perf_counter()
        for call in chosen:
            call()
        host.append(time.perf_counter() - start)

    return Times(elapsed(run) / count, host[0] / count)
