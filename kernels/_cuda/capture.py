"""How work is recorded and replayed: by the driver on a card, by hand in Numba's simulator.

The driver captures what is started on a stream that nothing ever runs on. That stream does not wait for CUDA's default
stream (NON_BLOCKING), and the capture is RELAXED, so that meanwhile memory can be allocated and kernels be loaded. The
graph is launched on the default stream, in order with everything else.

The driver's part has run with a stand-in for the driver (tests/stand_in_driver.c), not on a card.
"""

import sys

from numba import config

from . import buffers, stream

if config.ENABLE_CUDASIM:

    class Capture:
        """Keeps what is started, executes none of it, and does it all in every replay."""

        stream = 0

        def __init__(self, pool):
            self._pool = pool
            self._calls = []
            self._held = []

        def begin(self):
            """From here on work is recorded."""

        def end(self):
            """What was recorded can be replayed."""

        def start(self, kernel, blocks, threads, arguments):
            """Record a kernel."""
            arguments = [self._kept(x) for x in arguments]
            self._calls.append(lambda: stream.configured(kernel, blocks, threads, 0)(*arguments))

        def copy(self, x, out):
            """Record a copy."""
            x, out = self._kept(x), self._kept(out)
            self._calls.append(lambda: buffers.copy(x, out, 0))

        def hold(self, x):
            """Hold an array that is not the graph's own."""
            lease = buffers.lease_of(x)
            if lease is None or lease.pool is not self._pool:
                self._held.append(x)

        def replay(self):
            """Do everything that was recorded, in order."""
            for call in self._calls:
                call()

        def _kept(self, x):
            """x without its hold on memory of the graph's own pool, which has to be free for what is recorded next."""
            lease = buffers.lease_of(x)
            return buffers.alias(x) if lease is not None and lease.pool is self._pool else x

else:
    from numba import cuda
    from numba.cuda.cudadrv.driver import CudaAPIError, binding, driver

    class Capture:
        def __init__(self, pool):
            self._pool = pool
            self._held = {}  # {id: array}; memory from elsewhere that the graph reads or writes
            self._handle = driver.cuStreamCreate(binding.CUstream_flags.CU_STREAM_NON_BLOCKING)
            self._graph = self._executable = None
            self.stream = cuda.external_stream(int(self._handle))

        def begin(self):
            driver.cuStreamBeginCapture(self._handle, binding.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED)

        def end(self):
            try:
                self._graph = driver.cuStreamEndCapture(self._handle)
            except CudaAPIError as error:
                raise RuntimeError(
                    f"the step cannot be recorded ({error}): something in it waited for the device, or took another "
                    "stream than tilewright's"
                ) from error
            self._executable = driver.cuGraphInstantiate(self._graph, 0)

        def start(self, kernel, blocks, threads, arguments):
            for x in arguments:
                self.hold(x)
            stream.configured(kernel, blocks, threads, self.stream)(*arguments)

        def copy(self, x, out):
            self.hold(x)
            self.hold(out)
            buffers.copy(x, out, self.stream)

        def replay(self):
            driver.cuGraphLaunch(self._executable, 0)

        def hold(self, x):
            """Hold an array that is not the graph's own."""
            if getattr(x, "gpu_data", None) is not None or hasattr(x, "__cuda_array_interface__"):
                lease = buffers.lease_of(x)
                if lease is None or lease.pool is not self._pool:
                    self._held[id(x)] = x

        def __del__(self):
            if sys.is_finalizing():  # the driver may be gone
                return
            if self._executable is not None:
                driver.cuGraphExecDestroy(self._executable)  # the driver waits for a replay under way
            if self._graph is not None:
                driver.cuGraphDestroy(self._graph)
            driver.cuStreamDestroy(self._handle)
