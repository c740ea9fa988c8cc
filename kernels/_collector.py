"""Python's garbage collector, kept still while Numba compiles.

The compiler makes millions of objects that live until it is done, and the collector looks at them all again and again:
a third of the time of compiling all CUDA kernels, a tenth of that of a CPU network's.
"""

import contextlib
import gc
import threading

_lock = threading.Lock()
_compiling = 0
_enabled = True  # before the first of those who are compiling began


@contextlib.contextmanager
def still():
    """No collections in the block or decorated function, nor in other threads' meanwhile; then as it was before."""
    global _compiling, _enabled
    with _lock:
        if not _compiling:
            _enabled = gc.isenabled()
            gc.disable()
        _compiling += 1
    try:
        yield
    finally:
        with _lock:
            _compiling -= 1
            if not _compiling and _enabled:
                gc.enable()
