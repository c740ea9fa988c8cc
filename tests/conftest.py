import contextlib
import signal

import numba
import pytest

# what a shell starts in the background ignores Ctrl-C, and so would every process that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def threads():
    """`with threads(n):` runs the kernels on n threads; skips where the machine has fewer."""

    @contextlib.contextmanager
    def limit(n):
        if n > numba.config.NUMBA_NUM_THREADS:
            pytest.skip(f"needs {n} threads")
        before = numba.get_num_threads()
        numba.set_num_threads(n)
        try:
            yield
        finally:
            numba.set_num_threads(before)

    return limit
