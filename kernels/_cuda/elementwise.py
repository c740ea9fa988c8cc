"""Functions of one element, made into CUDA kernels over whole arrays.

x, dy, y, dx (...), any shape, read as flat arrays

A thread owns a group of four neighbouring float32 elements, or one element where an array is not on a 16-byte boundary
or is float64, and walks on by the size of the grid. Every element is written by one thread and depends on nothing else:
no race, and the same bits with any grid.
"""

from numba import cuda

from . import launch
from .access import device, is_wide, load4, store4
from .usage import Compiled


class Elementwise:
    """Calls `wide` or `narrow`, kernels of `count` input arrays, an option and the result."""

    def __init__(self, name, count, narrow, wide):
        self._narrow, self._wide = cuda.jit(narrow), cuda.jit(wide)
        self.compiled = tuple(
            Compiled(kernel, f"void({count * f'{dtype}[::1], '}{dtype}, {dtype}[::1])", f"{name}-{dtype}-{way}")
            for kernel, dtype, way in (
                (narrow, "float32", "narrow"),
                (wide, "float32", "wide"),
                (narrow, "float64", "narrow"),
            )
        )

    def __call__(self, *arrays, option=0, out=None):
        x = arrays[0]
        y = cuda.device_array(x.shape, x.dtype) if out is None else out
        run(self._narrow, self._wide, (*arrays, y), lambda *flat: (*flat[:-1], x.dtype.type(option), flat[-1]))
        return y


def run(narrow, wide, arrays, arguments):
    """Launch one of two kernels over the elements of arrays of one shape; `arguments(*flat arrays)` are its own."""
    flat = [x if x.ndim == 1 else x.reshape(-1) for x in arrays]
    size = flat[0].size
    if size == 0:
        return
    kernel, groups = (wide, launch.ceil_div(size, 4)) if is_wide(*flat) else (narrow, size)
    kernel[launch.strided(groups, multiprocessors())](*arguments(*flat))


def multiprocessors():
    """Of the current card; the simulator has one."""
    return getattr(cuda.get_current_device(), "MULTIPROCESSOR_COUNT", 1)


def unary(name):
    """Makes f(x, option) an `Elementwise` of one array."""

    def make(f):
        f = device(f)

        def narrow(x, option, y):
            for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
                y[i] = f(x[i], option)

        def wide(x, option, y):
            groups = x.size // 4
            for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
                a, b, c, d = load4(x, 4 * group)
                store4(y, 4 * group, (f(a, option), f(b, option), f(c, option), f(d, option)))
            i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
            if i < x.size:
                y[i] = f(x[i], option)

        return Elementwise(name, 1, narrow, wide)

    return make


def binary(name):
    """Makes f(dy, x, option) an `Elementwise` of two arrays."""

    def make(f):
        f = device(f)

        def narrow(dy, x, option, dx):
            for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
                dx[i] = f(dy[i], x[i], option)

        def wide(dy, x, option, dx):
            groups = x.size // 4
            for group in range(cuda.grid(1), groups, cuda.gridsize(1)):
                da, db, dc, dd = load4(dy, 4 * group)
                a, b, c, d = load4(x, 4 * group)
                store4(dx, 4 * group, (f(da, a, option), f(db, b, option), f(dc, c, option), f(dd, d, option)))
            i = 4 * groups + cuda.grid(1)  # the last elements, less than a group
            if i < x.size:
                dx[i] = f(dy[i], x[i], option)

        return Elementwise(name, 2, narrow, wide)

    return make
