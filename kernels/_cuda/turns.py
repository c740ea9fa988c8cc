"""The threads of Numba's simulator taking turns, each a greenlet. It is no GPU.

Numba runs each thread of a block as a thread of the system, which asks all the others all the time whether they have
come to a barrier. Here one runs until it has to wait, then another; who is next changes from turn to turn, by the same
seed always, so that a kernel without a barrier that it needs is wrong, and wrong again when somebody looks for why.
"""

import functools
import random
import types

import numpy as np
from numba.cuda.simulator import kernel, kernelapi
from numba.cuda.simulator.cudadrv import devicearray

try:
    from greenlet import greenlet
except ImportError:
    raise ImportError("CUDA kernels in Numba's simulator need greenlet; pip install 'tilewright[cuda]'") from None

_order = random.Random(0)
_running = None  # the simulator's thread whose turn it is


def current():
    """The simulator's thread that asks: `thread_id` in its block, `_manager` of the block, and what kernels ask for."""
    return _running


def wait(ready):
    """Let other threads of the block have their turns until ready() is true."""
    if ready():
        return
    thread = _running
    thread.ready = ready
    thread.turns.parent.switch()


def _at_barrier():
    """Whether a thread at the block's barrier can go on: not before all have come."""
    return False


def _run(block, place, *arguments):
    """Run a block of `kernel.BlockManager`."""
    points = np.ndindex(*block._block_dim)
    body = functools.partial(block._f, *arguments)
    threads = [kernel.BlockThread(body, block, place, point, block._debug) for point in points]
    for thread in threads:
        thread.ready, thread.turns = None, greenlet(thread.run)
    try:
        while threads:
            threads = _turn(threads)
    finally:
        for thread in threads:  # where one failed
            thread.turns.throw()


def _turn(threads):
    """A turn for each thread that is ready; those that are not done after it."""
    global _running
    ready = [thread for thread in threads if thread.ready is None or thread.ready()]
    if not ready:
        waiting = sum(thread.ready is not _at_barrier for thread in threads)
        if waiting:
            raise RuntimeError(f"{waiting} of a block's {len(threads)} threads wait for what never comes")
        ready = threads
    _order.shuffle(ready)
    for _running in ready:
        _running.ready = None
        _running.turns.switch()
        if _running.exception:
            error, trace = _running.exception
            raise error.with_traceback(trace)
    return [thread for thread in threads if not thread.turns.dead]


def install():
    """Let Numba's simulator run threads so, and index shapes of device arrays from the end too, as tuples are."""
    kernel.BlockManager.run = _run
    kernel.BlockThread.syncthreads = lambda thread: wait(_at_barrier)
    devicearray.FakeShape.__getitem__ = tuple.__getitem__
    kernelapi.threading = types.SimpleNamespace(**{**vars(kernelapi.threading), "current_thread": current})
