import contextlib

import numba
import pytest


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
