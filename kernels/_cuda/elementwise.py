"""Functions of one element, made into CUDA kernels over whole arrays.

x, dy, y, dx (...), any shape, read as flat arrays

A thread owns a group of four neighbouring float32 elements, or one element where an array is not on a 16-byte boundary
or is float64, and walks on by the size of the grid. Every element is written by one thread and depends on nothing else:
no race, and the same bits with any grid.
"""

from numba import cuda

from . import launch
from .access import is_wide, load4, store4
from .jit import device, kernel
from .memory import empty
from .stream import start
from .usage import Compiled


class Pair:
    """Two kernels of one thing: `narrow`, an element a turn, and `wide`, four float32 elements a turn.

    Both take arrays first, then numbers, as `signature` says with T for the dtype: "T[::1], T[::1], T".
    """

    def __init__(self, name, signature, narrow, wide):
        self._narrow, self._wide = kernel(narrow), kernel(wide)
        self.compiled = tuple(
            Compiled(function, f"void({signature.replace('T', dtype)})", f"{name}-{dtype}-{way}")
            for function, dtype, way in (
                (narrow, "float32", "narrow"),
                (wide, "float32", "wide"),
                (narrow, "float64", "narrow"),
            )
        )

    def launch(self, arrays, *numbers):
        """Over the elements of arrays of one shape; floats of `numbers` are made the arrays' dtype."""
        flat = [x if x.ndim == 1 else x.reshape(-1) for x in arrays]
        size, p = flat[0].size, flat[0].dtype.type
        if size == 0:
            return
        chosen, groups = (self._wide, launch.ceil_div(size, 4)) if is_wide(*flat) else (self._narrow, size)
        numbers = (x if x.__class__ is bool else p(x) for x in numbers)
        start(chosen, *launch.strided(groups, multiprocessors()), *flat, *numbers)


class Elementwise(Pair):
    """A pair that is called with its input arrays and returns its result."""

    def __call__(self, *arrays, option=0, out=None):
        y = empty(arrays[0].shape, arrays[0].dtype) if out is None else out
        self.launch((*arrays, y), option)
        return y


def multiprocessors():
    """Of the current card; the simulator has one."""
    return getattr(cuda.get_current_device(), "MULTIPROCESSOR_COUNT", 1)


def unary(name):
    """Makes f(x, option) an `Elementwise` of one array."""

    def make(f):
        f = device(f)

        def narrow(x, y, option):
            for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
                y[i] = f(x[i], option)

        def wide(x, y, option):
            groups = x.size // 4
            for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
                a, b, c, d = load4(x, 4 * group)
                store4(y, 4 * group, (f(a, option), f(b, option), f(c, option), f(d, option)))
            i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
            if i < x.size:
                y[i] = f(x[i], option)

        return Elementwise(name, "T[::1], T[::1], T", narrow, wide)

    return make


def binary(name):
    """Makes f(dy, x, option) an `Elementwise` of two arrays."""

    def make(f):
        f = device(f)

        def narrow(dy, x, dx, option):
            for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
                dx[i] = f(dy[i], x[i], option)

        def wide(dy, x, dx, option):
            groups = x.size // 4
            for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
                da, db, dc, dd = load4(dy, 4 * group)
                a, b, c, d = load4(x, 4 * group)
                store4(dx, 4 * group, (f(da, a, option), f(db, b, option), f(dc, c, option), f(dd, d, option)))
            i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
            if i < x.size:
                dx[i] = f(dy[i], x[i], option)

        return Elementwise(name, "T[::1], T[::1], T[::1], T", narrow, wide)

    return make
