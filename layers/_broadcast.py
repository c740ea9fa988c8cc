"""Where arithmetic on tensors' arrays works, what its constants are, and how gradients undo broadcasting.

NumPy computes what is small, in a fraction of the microseconds that the call of a kernel takes; sums, largest values
and transposed copies of LARGE arrays are the kernels', which are several times as fast there and add in float64. Sums
and products element by element are NumPy's at all sizes: they wait for memory either way.
"""

from ..kernels import reduce
from ..kernels._varying import refuse
from ._device import on_device
from ._door import as_array
from ._own import expect_real

LARGE = 1 << 16  # elements; docs/ladder/training.md
_FLOATS = "fd"  # float32 and float64, which kernels take


def on_host(op, x):
    """x, which NumPy computes with."""
    if on_device(x):
        raise NotImplementedError(
            f"{op}: tensors on a CUDA device have no arithmetic of their own yet; use layers and tw.kernels, or take "
            f"the array to the CPU with tensor.numpy()"
        )
    refuse("NumPy computes")
    return x


def large(x):
    """Whether kernels take an array, and are faster."""
    return x.size >= LARGE and x.dtype.char in _FLOATS and x.flags.c_contiguous


def constant(op, given, x):
    """What stands beside a tensor's array x, of x's dtype if that is a float; TypeError if it is no real number."""
    if given.__class__ in (float, int):
        return x.dtype.type(given) if x.dtype.kind == "f" else given
    if given is None or isinstance(given, (str, bytes, dict, set)):
        raise TypeError(f"{op}: the other operand is {given!r}, expected a tensor, an array or a number")
    return on_host(op, as_array(op, "the other operand", given, x.dtype if x.dtype.kind == "f" else None))


def back_to(gradient, x):
    """A gradient of x's shape, summed over the axes along which x was repeated, and of its dtype."""
    if gradient.shape != x.shape:
        gradient = unbroadcast(gradient, x.shape)
    if gradient.dtype == x.dtype:
        return gradient
    expect_real("backward", x.dtype)
    return gradient.astype(x.dtype)


def unbroadcast(gradient, shape):
    """Sum over the axes along which an operand of `shape` was repeated."""
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        axis for axis in range(extra, gradient.ndim) if shape[axis - extra] == 1 != gradient.shape[axis]
    )
    return total(gradient, axes).reshape(shape) if axes else gradient


def total(x, axis, keepdims=False):
    """Sum over an axis, several, or all."""
    if large(x):
        return reduce.sum_forward(x, axis=axis, keepdims=keepdims)
    return x.sum(axis=axis, keepdims=keepdims)


def keep_mask(y, *tensors):
    """The tensor y with the mask of those that it was made from, place by place; of several what all let through."""
    for x in tensors:
        mask = x.mask
        if mask is not None and x.value.ndim == y.value.ndim and mask.shape == y.value.shape[: mask.ndim]:
            y.mask = mask if y.mask is None else y.mask & mask
    return y


def expect_numbers(tensor):
    """A tensor has numbers; a symbol of a functional model, when it is asked this, says that it has none."""
    return tensor.requires_grad


def looked_at(op, tensor):
    """The array of a tensor that is looked at without a gradient."""
    expect_numbers(tensor)
    return on_host(op, tensor.value)
