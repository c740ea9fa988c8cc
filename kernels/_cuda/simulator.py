"""Numba's simulator made fit for whole programs: `prepare()`, where NUMBA_ENABLE_CUDASIM is set. It is no GPU."""

from numba import config

from . import launch, reduce


def prepare():
    """Give kernels tiny blocks, so that small arrays take several and threads walk on."""
    if not config.ENABLE_CUDASIM:
        raise RuntimeError("prepare: this is no simulator; set NUMBA_ENABLE_CUDASIM=1 before Numba is imported")
    launch.THREADS, launch.BLOCKS_PER_MULTIPROCESSOR = 4, 2
    reduce.THREADS, reduce.PIECE, reduce.PIECE_THREADS, reduce.COLUMN_ROWS = 32, 64, 32, 2
