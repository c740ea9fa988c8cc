"""Numba's simulator made fit for whole programs: `prepare()`, where NUMBA_ENABLE_CUDASIM is set. It is no GPU."""

import sys
import threading
import time

from numba import config

from . import launch, reduce


def prepare():
    """Give kernels tiny blocks, so that small arrays take several and threads walk on, and warps time to meet."""
    if not config.ENABLE_CUDASIM:
        raise RuntimeError("prepare: this is no simulator; set NUMBA_ENABLE_CUDASIM=1 before Numba is imported")
    from numba.cuda.simulator import kernel
    from numba.cuda.simulator.cudadrv.devicearray import FakeShape

    FakeShape.__getitem__ = tuple.__getitem__  # the shape of a device's array is a tuple, indexed from the end too
    launch.THREADS, launch.BLOCKS_PER_MULTIPROCESSOR = 4, 2
    reduce.THREADS, reduce.PIECE, reduce.PIECE_THREADS = 32, 64, 32
    sys.setswitchinterval(1e-3)  # the lanes of a warp wait for one another
    kernel.BlockThread.is_alive = _is_alive


def _is_alive(thread):
    """What the simulator asks its threads all the time: in a block with whole warps it should let them work instead."""
    if thread.thread_id == 0 and thread._manager.block_state.size >= 32:
        time.sleep(1e-4)
    return threading.Thread.is_alive(thread)
