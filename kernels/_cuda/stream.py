"""The one stream on which everything of a device happens in order. Every kernel is started here, so that a graph can
record a whole training step (graph.py).
"""

import functools

from numba import config, cuda

recording = None  # the graph that records now; it sets this


def current():
    """The stream that work goes to: 0, CUDA's default, which other libraries' work is ordered with, or a graph's."""
    return 0 if recording is None else recording.stream


def is_recording():
    """Whether what is started now is recorded and not executed: nothing may wait for a result."""
    return recording is not None


def start(kernel, blocks, threads, *arguments):
    """Start a kernel on a grid; nothing happens where there are no blocks."""
    if blocks:
        if recording is None:
            configured(kernel, blocks, threads, 0)(*arguments)
        else:
            recording.start(kernel, blocks, threads, arguments)


def wait():
    """Wait until everything that was started is done."""
    cuda.synchronize()


def refuse_recording(what):
    """Raise RuntimeError if a graph records, of which `what` cannot become a part."""
    if recording is not None:
        raise RuntimeError(
            f"{what} cannot be recorded: a recorded step runs without Python; do it before or after, "
            f"or pass a number that changes from step to step as kernels._varying.varying(read)"
        )


if config.ENABLE_CUDASIM:

    def configured(kernel, blocks, threads, stream):
        """The kernel with its grid; the simulator keeps that in the kernel itself."""
        return kernel[blocks, threads, stream, getattr(kernel, "dynamic_shared", 0)]

else:
    from .starter import Starter

    configured = functools.lru_cache(4096)(Starter)  # of all kernels together, with all their grids
